/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#define APP "alice/app"
#define UPLOADS "/v2/" APP "/blobs/uploads/"

/* The Location of a new session. */
static const char *started(struct fixture *fixture, const char *as)
{
    struct loopback_response *from = ask(fixture, as, "POST", UPLOADS);
    check_status(from, 202);
    return arena_c(fixture->arena, loopback_header(from, "Location"));
}

static struct loopback_response *patch(struct fixture *fixture, const char *location,
                                       const char *range, const char *bytes)
{
    const char *headers = range ? text(fixture, "Content-Range: %s\r\n", range) : "";
    return ask_with(fixture, "alice", "PATCH", location, headers, str_from(bytes));
}

static struct loopback_response *finish(struct fixture *fixture, const char *location,
                                        const char *whole, const char *headers, const char *bytes)
{
    const char *digest = digest_text(fixture, str_from(whole));
    return ask_with(fixture, "alice", "PUT", text(fixture, "%s?digest=%s", location, digest),
                    headers, str_from(bytes));
}

static void check_stored(struct fixture *fixture, const char *whole)
{
    const char *digest = digest_text(fixture, str_from(whole));
    struct loopback_response *from =
        ask(fixture, "alice", "GET", text(fixture, "/v2/" APP "/blobs/%s", digest));
    check_status(from, 200);
    check_str(from->body, whole);
}

static void test_upload_start__opens_a_session(void **state)
{
    struct fixture *fixture = *state;
    struct loopback_response *from = ask(fixture, "alice", "POST", UPLOADS);
    check_status(from, 202);
    struct str id = loopback_header(from, "Docker-Upload-UUID");
    assert_int_equal(id.len, 32);
    check_header(from, "Location", text(fixture, UPLOADS "%.*s", STR_ARG(id)));
    check_header(from, "Range", "0-0");
    assert_true(str_is_set(loopback_header(from, "OCI-Chunk-Min-Length")));
    check_header(from, "Docker-Distribution-Api-Version", "registry/2.0");
}

static void test_upload_start__keeps_the_clients_spelling(void **state)
{
    struct fixture *fixture = *state;
    struct loopback_response *from = ask(fixture, "captain", "POST", "/v2/centos/blobs/uploads/");
    check_status(from, 202);
    assert_true(str_starts(loopback_header(from, "Location"), STR("/v2/centos/blobs/uploads/")));
}

static void test_upload_start__takes_a_whole_blob(void **state)
{
    struct fixture *fixture = *state;
    const char *digest = digest_text(fixture, STR("whole"));
    struct loopback_response *from = ask_with(
        fixture, "alice", "POST", text(fixture, UPLOADS "?digest=%s", digest), "", STR("whole"));
    check_status(from, 201);
    check_header(from, "Location", text(fixture, "/v2/" APP "/blobs/%s", digest));
    check_header(from, "Docker-Content-Digest", digest);
    check_stored(fixture, "whole");
    check_refused(fixture,
                  ask_with(fixture, "alice", "POST", text(fixture, UPLOADS "?digest=%s", digest),
                           "", STR("other")),
                  400, "DIGEST_INVALID");
}

static void test_upload_start__digest_without_body_opens_a_session(void **state)
{
    struct fixture *fixture = *state;
    const char *empty = digest_text(fixture, STR("")), *some = digest_text(fixture, STR("some"));
    check_status(ask(fixture, "alice", "POST", text(fixture, UPLOADS "?digest=%s", empty)), 201);
    check_stored(fixture, "");
    check_status(ask(fixture, "alice", "POST", text(fixture, UPLOADS "?digest=%s", some)), 202);
}

static void test_upload_start__refuses_strange_digests(void **state)
{
    struct fixture *fixture = *state;
    const char *queries[] = { "?digest=sha256:abc", "?digest=md5:abc", "?mount=abc",
                              "?digest-algorithm=md5" };
    for (size_t i = 0; i < ARRAY_COUNT(queries); i++)
        check_refused(fixture,
                      ask_with(fixture, "alice", "POST", text(fixture, UPLOADS "%s", queries[i]),
                               "", STR("x")),
                      400, "DIGEST_INVALID");
    check_refused(fixture, ask(fixture, "alice", "POST", UPLOADS "?digest=%zz"), 400,
                  "BLOB_UPLOAD_INVALID");
}

static void test_upload_start__mounts_what_one_may_read(void **state)
{
    struct fixture *fixture = *state;
    const char *digest = push_blob(fixture, "bobby", "bobby/base", STR("shared"));
    struct loopback_response *from =
        ask(fixture, "alice", "POST", text(fixture, UPLOADS "?mount=%s&from=bobby/base", digest));
    check_status(from, 201);
    check_header(from, "Location", text(fixture, "/v2/" APP "/blobs/%s", digest));
    check_header(from, "Docker-Content-Digest", digest);
    check_stored(fixture, "shared");
}

static void test_upload_start__what_cannot_be_mounted_is_uploaded(void **state)
{
    struct fixture *fixture = *state;
    const char *digest = push_blob(fixture, "bobby", "bobby/secret", STR("secret"));
    const char *other = digest_text(fixture, STR("nowhere"));
    const char *public = push_blob(fixture, "bobby", "bobby/base", STR("public"));
    make_private(fixture, "bobby", "secret");
    const char *queries[] = {
        text(fixture, "?mount=%s&from=bobby/secret", digest),
        text(fixture, "?mount=%s&from=bobby/nothing", digest),
        text(fixture, "?mount=%s&from=NO+NAME", digest),
        text(fixture, "?mount=%s&from=bobby/nothing", public),
        text(fixture, "?mount=%s", digest),
        text(fixture, "?mount=%s", other),
    };
    for (size_t i = 0; i < ARRAY_COUNT(queries); i++) {
        struct loopback_response *from =
            ask(fixture, "alice", "POST", text(fixture, UPLOADS "%s", queries[i]));
        check_status(from, 202);
        assert_true(str_is_set(loopback_header(from, "Location")));
    }
}

static void test_upload_start__mounts_without_from_within_the_token(void **state)
{
    struct fixture *fixture = *state;
    const char *public = push_blob(fixture, "bobby", "bobby/base", STR("public"));
    const char *own = push_blob(fixture, "alice", "alice/secret", STR("own secret"));
    make_private(fixture, "alice", "secret");
    const char *scope = "repository:" APP ":pull,push";
    const char *token = bearer(fixture, "alice", scope);
    const char *wanted = text(fixture, UPLOADS "?mount=%s", own);
    check_status(ask(fixture, token, "POST", text(fixture, UPLOADS "?mount=%s", public)), 201);
    const char *second = push_blob(fixture, "bobby", "bobby/base", STR("second"));
    check_status(
        ask(fixture, token, "POST", text(fixture, UPLOADS "?mount=%s&from=bobby/base", second)),
        201);
    /* The token is not for alice/secret, she herself is. */
    check_status(ask(fixture, token, "POST", wanted), 202);
    check_status(ask(fixture, token, "POST", text(fixture, "%s&from=alice/secret", wanted)), 202);
    token = bearer(fixture, "alice", text(fixture, "%s repository:alice/secret:pull", scope));
    check_status(ask(fixture, token, "POST", text(fixture, "%s&from=alice/secret", wanted)), 201);
    push_blob(fixture, "alice", "alice/third", STR("x"));
    check_status(ask(fixture, "alice", "POST",
                     text(fixture, "/v2/alice/third/blobs/uploads/?mount=%s", own)),
                 201);
}

static void test_upload_append__takes_a_stream(void **state)
{
    struct fixture *fixture = *state;
    const char *location = started(fixture, "alice");
    struct loopback_response *from = patch(fixture, location, NULL, "hello ");
    check_status(from, 202);
    check_header(from, "Range", "0-5");
    check_header(from, "Location", location);
    struct str id = loopback_header(from, "Docker-Upload-UUID");
    assert_true(holds(str_from(location), arena_c(fixture->arena, id)));
    check_status(finish(fixture, location, "hello world", "", "world"), 201);
    check_stored(fixture, "hello world");
}

static void test_upload_append__takes_chunks_in_order(void **state)
{
    struct fixture *fixture = *state;
    const char *location = started(fixture, "alice");
    check_status(patch(fixture, location, "0-3", "0123"), 202);
    struct loopback_response *from = patch(fixture, location, "bytes 4-6/*", "456");
    check_status(from, 202);
    check_header(from, "Range", "0-6");
    check_status(finish(fixture, location, "0123456789", "Content-Range: 7-9\r\n", "789"), 201);
    check_stored(fixture, "0123456789");
}

static void check_resumable(struct fixture *fixture, const struct loopback_response *from,
                            const char *location, const char *range)
{
    check_refused(fixture, from, 416, "BLOB_UPLOAD_INVALID");
    check_header(from, "Location", location);
    check_header(from, "Range", range);
    assert_int_equal(loopback_header(from, "Docker-Upload-UUID").len, 32);
}

static void test_upload_append__out_of_order_tells_where_to_go_on(void **state)
{
    struct fixture *fixture = *state;
    const char *location = started(fixture, "alice");
    check_status(patch(fixture, location, "0-3", "0123"), 202);
    check_resumable(fixture, patch(fixture, location, "6-7", "67"), location, "0-3");
    check_resumable(fixture, patch(fixture, location, "0-3", "0123"), location, "0-3");
    check_resumable(fixture, finish(fixture, location, "01234567", "Content-Range: 5-6\r\n", "56"),
                    location, "0-3");
    /* And it does go on. */
    check_status(finish(fixture, location, "012345", "Content-Range: 4-5\r\n", "45"), 201);
}

static void test_upload_append__refuses_ranges_that_do_not_fit_the_body(void **state)
{
    struct fixture *fixture = *state;
    const char *location = started(fixture, "alice");
    check_refused(fixture, patch(fixture, location, "0-9", "0123"), 400, "SIZE_INVALID");
    check_refused(fixture, patch(fixture, location, "from here", "0123"), 400,
                  "BLOB_UPLOAD_INVALID");
    const char *chunked = "Transfer-Encoding: chunked\r\nContent-Range: 0-9\r\n";
    struct str whole = arena_format(fixture->arena,
                                    "PATCH %s HTTP/1.1\r\nHost: hub.test\r\n%s"
                                    "Authorization: Basic YWxpY2U6YWxpY2UtcGFzc3dvcmQ=\r\n\r\n"
                                    "4\r\n0123\r\n0\r\n\r\n",
                                    location, chunked);
    check_refused(fixture, ask_raw(fixture, whole), 400, "SIZE_INVALID");
    struct loopback_response *from = ask(fixture, "alice", "GET", location);
    check_status(from, 204);
    check_header(from, "Range", "0-3"); /* what has arrived stays */
    whole = arena_format(fixture->arena,
                         "PATCH %s HTTP/1.1\r\nHost: hub.test\r\nTransfer-Encoding: chunked\r\n"
                         "Content-Range: 4-5\r\n"
                         "Authorization: Basic YWxpY2U6YWxpY2UtcGFzc3dvcmQ=\r\n\r\n"
                         "4\r\n4567\r\n0\r\n\r\n",
                         location);
    check_refused(fixture, ask_raw(fixture, whole), 400, "SIZE_INVALID");
}

static void test_upload_append__keeps_what_arrived_before_a_break(void **state)
{
    struct fixture *fixture = *state;
    const char *location = started(fixture, "alice");
    struct loopback_response *from =
        ask_raw(fixture, arena_format(fixture->arena,
                                      "PATCH %s HTTP/1.1\r\nHost: hub.test\r\n"
                                      "Authorization: Basic YWxpY2U6YWxpY2UtcGFzc3dvcmQ=\r\n"
                                      "Content-Length: 100\r\n\r\nhalf",
                                      location));
    check_refused(fixture, from, 400, "BLOB_UPLOAD_INVALID");
    check_header(ask(fixture, "alice", "GET", location), "Range", "0-3");
}

static void test_upload_get__tells_where_it_stands(void **state)
{
    struct fixture *fixture = *state;
    const char *location = started(fixture, "alice");
    struct loopback_response *from = ask(fixture, "alice", "GET", location);
    check_status(from, 204);
    check_header(from, "Range", "0-0");
    check_status(patch(fixture, location, NULL, "12345"), 202);
    from = ask(fixture, "alice", "GET", location);
    check_header(from, "Range", "0-4");
    check_header(from, "Location", location);
    assert_int_equal(loopback_header(from, "Docker-Upload-UUID").len, 32);
    assert_int_equal(from->body.len, 0);
}

static void test_upload_finish__needs_the_right_digest(void **state)
{
    struct fixture *fixture = *state;
    const char *location = started(fixture, "alice");
    check_refused(fixture, ask_with(fixture, "alice", "PUT", location, "", STR("x")), 400,
                  "DIGEST_INVALID");
    check_refused(
        fixture,
        ask_with(fixture, "alice", "PUT", text(fixture, "%s?digest=abc", location), "", STR("x")),
        400, "DIGEST_INVALID");
    check_refused(fixture, finish(fixture, location, "other", "", "x"), 400, "DIGEST_INVALID");
    check_refused(fixture, finish(fixture, location, "x", "", "x"), 404, "BLOB_UPLOAD_UNKNOWN");
}

static void test_upload_finish__refuses_ranges_that_do_not_fit_the_body(void **state)
{
    struct fixture *fixture = *state;
    const char *location = started(fixture, "alice");
    const char *ranges[] = { "0-4", "0-1" };
    for (size_t i = 0; i < ARRAY_COUNT(ranges); i++) {
        struct str whole = arena_format(
            fixture->arena,
            "PUT %s?digest=%s HTTP/1.1\r\nHost: hub.test\r\nTransfer-Encoding: chunked\r\n"
            "Authorization: Basic YWxpY2U6YWxpY2UtcGFzc3dvcmQ=\r\nContent-Range: %s\r\n\r\n"
            "3\r\nabc\r\n0\r\n\r\n",
            location, digest_text(fixture, STR("abc")), ranges[i]);
        check_refused(fixture, ask_raw(fixture, whole), 400, "SIZE_INVALID");
        check_status(ask(fixture, "alice", "GET", location), 204);
        check_status(ask(fixture, "alice", "DELETE", location), 204);
        location = started(fixture, "alice");
    }
}

static void test_upload_finish__takes_sha512(void **state)
{
    struct fixture *fixture = *state;
    char line[DIGEST_TEXT_MAX];
    struct digest digest = digest_of(DIGEST_SHA512, STR("long"));
    const char *digest_512 = arena_c(fixture->arena, digest_format(&digest, line));
    struct loopback_response *from =
        ask(fixture, "alice", "POST", UPLOADS "?digest-algorithm=sha512");
    check_status(from, 202);
    const char *location = arena_c(fixture->arena, loopback_header(from, "Location"));
    from = ask_with(fixture, "alice", "PUT", text(fixture, "%s?digest=%s", location, digest_512),
                    "", STR("long"));
    check_status(from, 201);
    check_header(from, "Docker-Content-Digest", digest_512);
}

static void test_upload__belongs_to_one_account_and_repository(void **state)
{
    struct fixture *fixture = *state;
    const char *location = started(fixture, "alice");
    push_blob(fixture, "alice", "alice/other", STR("x"));
    const char *elsewhere =
        text(fixture, "/v2/alice/other/blobs/uploads/%s", location + strlen(UPLOADS));
    check_refused(fixture, ask(fixture, "captain", "GET", location), 404, "BLOB_UPLOAD_UNKNOWN");
    check_refused(fixture, ask(fixture, "alice", "GET", elsewhere), 404, "BLOB_UPLOAD_UNKNOWN");
    check_refused(fixture, ask(fixture, "captain", "DELETE", location), 404, "BLOB_UPLOAD_UNKNOWN");
    check_refused(fixture, ask(fixture, "bobby", "GET", location), 403, "DENIED");
    check_refused(fixture, ask(fixture, "alice", "GET", UPLOADS "not-an-id"), 404,
                  "BLOB_UPLOAD_UNKNOWN");
}

static void test_upload_cancel__ends_the_session(void **state)
{
    struct fixture *fixture = *state;
    const char *location = started(fixture, "alice");
    check_status(ask(fixture, "alice", "DELETE", location), 204);
    check_refused(fixture, ask(fixture, "alice", "GET", location), 404, "BLOB_UPLOAD_UNKNOWN");
    check_refused(fixture, ask(fixture, "alice", "DELETE", location), 404, "BLOB_UPLOAD_UNKNOWN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REGISTRY_TEST(test_upload_start__opens_a_session),
        REGISTRY_TEST(test_upload_start__keeps_the_clients_spelling),
        REGISTRY_TEST(test_upload_start__takes_a_whole_blob),
        REGISTRY_TEST(test_upload_start__digest_without_body_opens_a_session),
        REGISTRY_TEST(test_upload_start__refuses_strange_digests),
        REGISTRY_TEST(test_upload_start__mounts_what_one_may_read),
        REGISTRY_TEST(test_upload_start__what_cannot_be_mounted_is_uploaded),
        REGISTRY_TEST(test_upload_start__mounts_without_from_within_the_token),
        REGISTRY_TEST(test_upload_append__takes_a_stream),
        REGISTRY_TEST(test_upload_append__takes_chunks_in_order),
        REGISTRY_TEST(test_upload_append__out_of_order_tells_where_to_go_on),
        REGISTRY_TEST(test_upload_append__refuses_ranges_that_do_not_fit_the_body),
        REGISTRY_TEST(test_upload_append__keeps_what_arrived_before_a_break),
        REGISTRY_TEST(test_upload_get__tells_where_it_stands),
        REGISTRY_TEST(test_upload_finish__needs_the_right_digest),
        REGISTRY_TEST(test_upload_finish__refuses_ranges_that_do_not_fit_the_body),
        REGISTRY_TEST(test_upload_finish__takes_sha512),
        REGISTRY_TEST(test_upload__belongs_to_one_account_and_repository),
        REGISTRY_TEST(test_upload_cancel__ends_the_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
