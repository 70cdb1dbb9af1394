/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "base/clock.h"

#define APP "alice/app"
#define CONTENT "0123456789"

static const char *blob_path(struct fixture *fixture, const char *digest)
{
    return text(fixture, "/v2/" APP "/blobs/%s", digest);
}

static const char *pushed(struct fixture *fixture)
{
    return blob_path(fixture, push_blob(fixture, "alice", APP, STR(CONTENT)));
}

static void test_blob_get__serves_bytes_and_headers(void **state)
{
    struct fixture *fixture = *state;
    const char *digest = push_blob(fixture, "alice", APP, STR(CONTENT));
    struct loopback_response *from = ask(fixture, "alice", "GET", blob_path(fixture, digest));
    check_status(from, 200);
    check_str(from->body, CONTENT);
    check_header(from, "Content-Type", "application/octet-stream");
    check_header(from, "Docker-Content-Digest", digest);
    check_header(from, "ETag", text(fixture, "\"%s\"", digest));
    check_header(from, "Accept-Ranges", "bytes");
    check_header(from, "Cache-Control", "public, max-age=31536000, immutable");
    check_header(from, "Docker-Distribution-Api-Version", "registry/2.0");
    make_private(fixture, "alice", "app");
    from = ask(fixture, "alice", "GET", blob_path(fixture, digest));
    check_header(from, "Cache-Control", "private, no-store");
}

static void test_blob_get__serves_parts(void **state)
{
    struct fixture *fixture = *state;
    const struct {
        const char *range, *content_range, *body;
    } cases[] = {
        { "bytes=2-4", "bytes 2-4/10", "234" },
        { "bytes=7-", "bytes 7-9/10", "789" },
        { "bytes=-3", "bytes 7-9/10", "789" },
        { "bytes=0-99", "bytes 0-9/10", CONTENT },
    };
    const char *path = pushed(fixture);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct loopback_response *from =
            ask_with(fixture, "alice", "GET", path, text(fixture, "Range: %s\r\n", cases[i].range),
                     STR_NONE);
        check_status(from, 206);
        check_str(from->body, cases[i].body);
        check_header(from, "Content-Range", cases[i].content_range);
    }
}

static void test_blob_get__range_outside_is_416(void **state)
{
    struct fixture *fixture = *state;
    struct loopback_response *from =
        ask_with(fixture, "alice", "GET", pushed(fixture), "Range: bytes=10-\r\n", STR_NONE);
    check_refused(fixture, from, 416, "SIZE_INVALID");
    check_header(from, "Content-Range", "bytes */10");
    check_header(from, "Cache-Control", "no-store");
    assert_false(str_is_set(loopback_header(from, "ETag")));
}

static void test_blob_get__if_range_of_another_blob_gives_all(void **state)
{
    struct fixture *fixture = *state;
    const char *digest = digest_text(fixture, STR(CONTENT)), *path = pushed(fixture);
    struct loopback_response *from =
        ask_with(fixture, "alice", "GET", path,
                 "Range: bytes=2-4\r\nIf-Range: \"sha256:other\"\r\n", STR_NONE);
    check_status(from, 200);
    from = ask_with(fixture, "alice", "GET", path,
                    text(fixture, "Range: bytes=2-4\r\nIf-Range: \"%s\"\r\n", digest), STR_NONE);
    check_status(from, 206);
}

static void test_blob_get__answers_304_to_who_has_it(void **state)
{
    struct fixture *fixture = *state;
    const char *digest = digest_text(fixture, STR(CONTENT));
    struct loopback_response *from =
        ask_with(fixture, "alice", "GET", pushed(fixture),
                 text(fixture, "If-None-Match: \"%s\"\r\n", digest), STR_NONE);
    check_status(from, 304);
    assert_int_equal(from->body.len, 0);
}

static void test_blob_get__head_sends_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct loopback_response *from =
        ask_with(fixture, "alice", "HEAD", pushed(fixture), "Range: bytes=2-4\r\n", STR_NONE);
    check_status(from, 200);
    check_header(from, "Docker-Content-Digest", digest_text(fixture, STR(CONTENT)));
    assert_true(from->is_cut); /* its source has a length, and is not to be read */
}

static void test_blob_get__unknown_is_404(void **state)
{
    struct fixture *fixture = *state;
    push_blob(fixture, "alice", APP, STR(CONTENT));
    push_blob(fixture, "alice", "alice/other", STR("only there"));
    const char *other = digest_text(fixture, STR("only there"));
    check_refused(fixture, ask(fixture, "alice", "GET", blob_path(fixture, other)), 404,
                  "BLOB_UNKNOWN");
    check_refused(fixture, ask(fixture, "alice", "HEAD", blob_path(fixture, other)), 404,
                  "BLOB_UNKNOWN");
    check_refused(fixture, ask(fixture, "alice", "GET", "/v2/" APP "/blobs/sha256:abc"), 400,
                  "DIGEST_INVALID");
}

/* containerd logs in when it is first told to; it must not be at the PUT of the manifest. */
static void test_blob_get__head_of_nobody_asks_to_log_in(void **state)
{
    struct fixture *fixture = *state;
    const char *path = pushed(fixture);
    push_image(fixture, "alice", APP, "v1", "layer");
    check_status(ask(fixture, NULL, "GET", path), 200);
    check_refused(fixture, ask(fixture, NULL, "HEAD", path), 401, "UNAUTHORIZED");
    check_refused(fixture, ask(fixture, NULL, "HEAD", "/v2/" APP "/manifests/v1"), 401,
                  "UNAUTHORIZED");
    const char *anonymous = bearer(fixture, NULL, "repository:" APP ":pull");
    check_status(ask(fixture, anonymous, "HEAD", path), 200);
}

/* Lets the lease run out, looks as somebody, and tells how long the lease is then. */
static int64_t lease_after_look(struct fixture *fixture, const char *as, const char *path)
{
    fixture_sql(fixture, "UPDATE claim SET lease_until_ms = 1");
    check_status(ask(fixture, as, "HEAD", path), 200);
    return fixture_sql(fixture, "SELECT max(lease_until_ms) FROM claim");
}

static void test_blob_get__look_of_who_may_push_renews_the_lease(void **state)
{
    struct fixture *fixture = *state;
    const char *path = pushed(fixture), *scope = "repository:" APP;
    const char *may = bearer(fixture, "alice", text(fixture, "%s:pull,push", scope));
    const char *may_not = bearer(fixture, "alice", text(fixture, "%s:pull", scope));
    assert_int_equal(lease_after_look(fixture, "bobby", path), 1);
    assert_int_equal(lease_after_look(fixture, may_not, path), 1);
    assert_true(lease_after_look(fixture, "alice", path) > clock_now_ms());
    assert_true(lease_after_look(fixture, may, path) > clock_now_ms());
}

static void test_blob_delete__gives_up_what_nothing_needs(void **state)
{
    struct fixture *fixture = *state;
    const char *path = pushed(fixture);
    check_status(ask(fixture, "alice", "DELETE", path), 202);
    check_refused(fixture, ask(fixture, "alice", "GET", path), 404, "BLOB_UNKNOWN");
    check_refused(fixture, ask(fixture, "alice", "DELETE", path), 404, "BLOB_UNKNOWN");
    push_image(fixture, "alice", APP, "v1", "needed");
    const char *needed = blob_path(fixture, digest_text(fixture, STR("needed")));
    struct loopback_response *from = ask(fixture, "alice", "DELETE", needed);
    check_refused(fixture, from, 405, "UNSUPPORTED");
    check_header(from, "Allow", "GET, HEAD");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REGISTRY_TEST(test_blob_get__serves_bytes_and_headers),
        REGISTRY_TEST_FILES(test_blob_get__serves_bytes_and_headers),
        REGISTRY_TEST(test_blob_get__serves_parts),
        REGISTRY_TEST_FILES(test_blob_get__serves_parts),
        REGISTRY_TEST(test_blob_get__range_outside_is_416),
        REGISTRY_TEST(test_blob_get__if_range_of_another_blob_gives_all),
        REGISTRY_TEST(test_blob_get__answers_304_to_who_has_it),
        REGISTRY_TEST(test_blob_get__head_sends_nothing),
        REGISTRY_TEST(test_blob_get__unknown_is_404),
        REGISTRY_TEST(test_blob_get__head_of_nobody_asks_to_log_in),
        REGISTRY_TEST(test_blob_get__look_of_who_may_push_renews_the_lease),
        REGISTRY_TEST(test_blob_delete__gives_up_what_nothing_needs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
