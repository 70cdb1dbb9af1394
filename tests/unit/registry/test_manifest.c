/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "base/limits.h"
#include "hub/pull_counter.h"
#include "hub/repository.h"

#define APP "alice/app"

static void test_manifest_get__serves_what_was_stored(void **state)
{
    struct fixture *fixture = *state;
    struct str body = make_image(fixture, "alice", APP, "layer");
    const char *digest = push_manifest(fixture, "alice", APP, "v1", TYPE_IMAGE, body);
    assert_string_equal(digest, digest_text(fixture, body));

    struct loopback_response *from = ask(fixture, "alice", "GET", "/v2/" APP "/manifests/v1");
    check_status(from, 200);
    assert_true(str_equal(from->body, body));
    check_header(from, "Content-Type", TYPE_IMAGE);
    check_header(from, "Docker-Content-Digest", digest);
    check_header(from, "ETag", text(fixture, "\"%s\"", digest));
    check_header(from, "Docker-Distribution-Api-Version", "registry/2.0");
    check_header(from, "Cache-Control", "no-cache");
    check_header(from, "Vary", "Accept, Authorization");

    from = ask(fixture, "alice", "GET", text(fixture, "/v2/" APP "/manifests/%s", digest));
    check_status(from, 200);
    assert_true(str_equal(from->body, body));
    check_header(from, "Cache-Control", "public, max-age=31536000, immutable");
}

static void test_manifest_get__private_is_never_cached(void **state)
{
    struct fixture *fixture = *state;
    const char *digest = push_image(fixture, "alice", APP, "v1", "layer");
    make_private(fixture, "alice", "app");
    const char *targets[] = { "/v2/" APP "/manifests/v1",
                              text(fixture, "/v2/" APP "/manifests/%s", digest) };
    for (size_t i = 0; i < ARRAY_COUNT(targets); i++)
        check_header(ask(fixture, "alice", "GET", targets[i]), "Cache-Control",
                     "private, no-store");
}

static void test_manifest_get__head_has_the_length_and_no_body(void **state)
{
    struct fixture *fixture = *state;
    const char *digest = push_image(fixture, "alice", APP, "v1", "layer");
    struct loopback_response *from = ask(fixture, "alice", "HEAD", "/v2/" APP "/manifests/v1");
    check_status(from, 200);
    check_header(from, "Docker-Content-Digest", digest);
    check_header(from, "Content-Type", TYPE_IMAGE);
    assert_int_equal(from->body.len, 0); /* a source that is not to be read */
    assert_true(from->is_cut);
}

static void test_manifest_get__answers_304_to_who_has_it(void **state)
{
    struct fixture *fixture = *state;
    const char *digest = push_image(fixture, "alice", APP, "v1", "layer");
    const char *match = text(fixture, "If-None-Match: \"%s\"\r\n", digest);
    struct loopback_response *from =
        ask_with(fixture, "alice", "GET", "/v2/" APP "/manifests/v1", match, STR_NONE);
    check_status(from, 304);
    assert_int_equal(from->body.len, 0);
    check_header(from, "ETag", text(fixture, "\"%s\"", digest));
    from = ask_with(fixture, "alice", "GET", "/v2/" APP "/manifests/v1",
                    "If-None-Match: \"sha256:0\"\r\n", STR_NONE);
    check_status(from, 200);
}

static void test_manifest_get__unknown_is_404(void **state)
{
    struct fixture *fixture = *state;
    push_image(fixture, "alice", APP, "v1", "layer");
    check_refused(fixture, ask(fixture, "alice", "GET", "/v2/" APP "/manifests/v2"), 404,
                  "MANIFEST_UNKNOWN");
    check_refused(fixture, ask(fixture, "alice", "HEAD", "/v2/" APP "/manifests/v2"), 404,
                  "MANIFEST_UNKNOWN");
    const char *digest = digest_text(fixture, STR("something else"));
    check_refused(fixture,
                  ask(fixture, "alice", "GET", text(fixture, "/v2/" APP "/manifests/%s", digest)),
                  404, "MANIFEST_UNKNOWN");
    /* What is no tag cannot be there either. */
    check_refused(fixture, ask(fixture, "alice", "GET", "/v2/" APP "/manifests/.INVALID"), 404,
                  "MANIFEST_UNKNOWN");
    check_refused(fixture, ask(fixture, "alice", "GET", "/v2/" APP "/manifests/sha256:abc"), 400,
                  "DIGEST_INVALID");
    check_refused(fixture, ask(fixture, "alice", "GET", "/v2/alice/nothing/manifests/v1"), 404,
                  "NAME_UNKNOWN");
    check_refused(fixture, ask(fixture, "alice", "GET", "/v2/a/b/c/manifests/v1"), 400,
                  "NAME_INVALID");
}

/* An index whose children are pushed; its digest. */
static const char *push_index(struct fixture *fixture, const char *tag, const char *architecture,
                              const char **child)
{
    struct str image = make_image(fixture, "alice", APP, "layer");
    const char *digest = digest_text(fixture, image);
    push_manifest(fixture, "alice", APP, digest, TYPE_IMAGE, image);
    struct str index = arena_format(
        fixture->arena,
        "{\"schemaVersion\":2,\"mediaType\":\"" TYPE_INDEX
        "\",\"manifests\":[{\"mediaType\":\"" TYPE_IMAGE
        "\",\"digest\":\"%s\",\"size\":%zu,\"platform\":{\"os\":\"linux\",\"architecture\":\"%s\"}"
        "}]}",
        digest, image.len, architecture);
    *child = digest;
    return push_manifest(fixture, "alice", APP, tag, TYPE_INDEX, index);
}

static const char *digest_for(struct fixture *fixture, const char *method, const char *reference,
                              const char *accept)
{
    struct loopback_response *from =
        ask_with(fixture, "alice", method, text(fixture, "/v2/" APP "/manifests/%s", reference),
                 accept, STR_NONE);
    check_status(from, 200);
    return arena_c(fixture->arena, loopback_header(from, "Docker-Content-Digest"));
}

static void test_manifest_get__gives_old_clients_an_image_of_the_index(void **state)
{
    struct fixture *fixture = *state;
    const char *child, *index = push_index(fixture, "multi", "amd64", &child);
    const char *old = "Accept: application/vnd.docker.distribution.manifest.v2+json\r\n"
                      "Accept: " TYPE_IMAGE "\r\n";
    assert_string_equal(digest_for(fixture, "GET", "multi", old), child);
    assert_string_equal(digest_for(fixture, "HEAD", "multi", old), child);
    /* Everybody else gets what is stored. */
    assert_string_equal(digest_for(fixture, "GET", "multi", ""), index);
    assert_string_equal(digest_for(fixture, "GET", "multi", "Accept: */*\r\n"), index);
    assert_string_equal(
        digest_for(fixture, "GET", "multi", "Accept: " TYPE_IMAGE ", " TYPE_INDEX "\r\n"), index);
    assert_string_equal(digest_for(fixture, "GET", "multi", "Accept: text/html\r\n"), index);
    assert_string_equal(digest_for(fixture, "GET", index, old), index);
}

static void test_manifest_get__serves_an_index_without_amd64_as_it_is(void **state)
{
    struct fixture *fixture = *state;
    const char *child, *index = push_index(fixture, "arm", "arm64", &child);
    assert_string_equal(digest_for(fixture, "GET", "arm", "Accept: " TYPE_IMAGE "\r\n"), index);
}

static int64_t pull_count(struct fixture *fixture)
{
    struct error err = { 0 };
    struct repository found;
    assert_true(pull_counter_flush(fixture->hub, fixture->arena, &err));
    struct db_tx *tx AUTO(db_tx_end) = db_read(fixture->hub->db, fixture->arena, &err);
    struct repository_name name = { STR("alice"), STR("app") };
    assert_true(tx && repository_find(tx, name, &found, &err));
    return found.pull_count;
}

static void test_manifest_get__counts_pulls_but_not_looks(void **state)
{
    struct fixture *fixture = *state;
    const char *digest = push_image(fixture, "alice", APP, "v1", "layer");
    const char *match = text(fixture, "If-None-Match: \"%s\"\r\n", digest);
    check_status(ask(fixture, "bobby", "HEAD", "/v2/" APP "/manifests/v1"), 200);
    check_status(ask_with(fixture, "bobby", "GET", "/v2/" APP "/manifests/v1", match, STR_NONE),
                 304);
    assert_int_equal(pull_count(fixture), 0);
    check_status(ask(fixture, "bobby", "GET", "/v2/" APP "/manifests/v1"), 200);
    assert_int_equal(pull_count(fixture), 1);
}

static void test_manifest_get__counts_an_index_and_its_image_once(void **state)
{
    struct fixture *fixture = *state;
    const char *child, *index = push_index(fixture, "multi", "amd64", &child);
    const char *alone = push_image(fixture, "alice", APP, "v1", "layer alone");
    check_status(ask(fixture, "bobby", "GET", "/v2/" APP "/manifests/multi"), 200);
    const char *path = text(fixture, "/v2/" APP "/manifests/%s", child);
    check_status(ask(fixture, "bobby", "GET", path), 200);
    check_status(ask(fixture, "bobby", "GET", path), 200); /* out of the cache */
    assert_int_equal(pull_count(fixture), 1);
    check_status(ask(fixture, "bobby", "GET", text(fixture, "/v2/" APP "/manifests/%s", index)),
                 200);
    check_status(ask(fixture, "bobby", "GET", text(fixture, "/v2/" APP "/manifests/%s", alone)),
                 200);
    assert_int_equal(pull_count(fixture), 3);
}

static void test_manifest_put__makes_repository_and_says_where(void **state)
{
    struct fixture *fixture = *state;
    struct str body = make_image(fixture, "alice", APP, "layer");
    struct loopback_response *from = ask_with(fixture, "alice", "PUT", "/v2/" APP "/manifests/v1",
                                              "Content-Type: " TYPE_IMAGE "\r\n", body);
    const char *digest = digest_text(fixture, body);
    check_status(from, 201);
    check_header(from, "Docker-Content-Digest", digest);
    check_header(from, "Location", text(fixture, "/v2/" APP "/manifests/%s", digest));
    assert_false(str_is_set(loopback_header(from, "OCI-Subject")));
    assert_false(str_is_set(loopback_header(from, "OCI-Tag")));
}

static void test_manifest_put__by_digest_takes_tags_along(void **state)
{
    struct fixture *fixture = *state;
    struct str body = make_image(fixture, "alice", APP, "layer");
    const char *digest = digest_text(fixture, body);
    struct loopback_response *from =
        ask_with(fixture, "alice", "PUT",
                 text(fixture, "/v2/" APP "/manifests/%s?tag=1.2.3&tag=1.2&tag=latest", digest),
                 "Content-Type: " TYPE_IMAGE "\r\n", body);
    check_status(from, 201);
    size_t confirmed = 0;
    for (size_t i = 0; i < from->header_count; i++)
        confirmed += str_equal(from->headers[i].name, STR("OCI-Tag"));
    assert_int_equal(confirmed, 3);
    check_header(from, "OCI-Tag", "1.2.3");
    check_status(ask(fixture, "alice", "GET", "/v2/" APP "/manifests/1.2"), 200);
    check_status(ask(fixture, "alice", "GET", "/v2/" APP "/manifests/latest"), 200);
}

static void test_manifest_put__bounds_the_tags_of_one_push(void **state)
{
    struct fixture *fixture = *state;
    struct str body = make_image(fixture, "alice", APP, "layer");
    struct buf target AUTO(buf_release);
    buf_init(&target, 4096);
    buf_format(&target, "/v2/" APP "/manifests/%s?tag=t0", digest_text(fixture, body));
    for (int i = 1; i < 16; i++)
        buf_format(&target, "&tag=t%d", i);
    const char *most = arena_c(fixture->arena, buf_str(&target));
    check_status(ask_with(fixture, "alice", "PUT", most, "", body), 201);
    check_refused(fixture,
                  ask_with(fixture, "alice", "PUT", text(fixture, "%s&tag=t16", most), "", body),
                  414, "TAG_INVALID");
}

static void test_manifest_put__names_the_digest_of_a_push_by_tag(void **state)
{
    struct fixture *fixture = *state;
    struct str body = make_image(fixture, "alice", APP, "layer");
    struct loopback_response *from = ask_with(
        fixture, "alice", "PUT", "/v2/" APP "/manifests/v1?digest-algorithm=sha512", "", body);
    check_status(from, 201);
    assert_true(str_starts(loopback_header(from, "Docker-Content-Digest"), STR("sha512:")));
    const char *other = digest_text(fixture, STR("other"));
    check_refused(fixture,
                  ask_with(fixture, "alice", "PUT",
                           text(fixture, "/v2/" APP "/manifests/v1?digest=%s", other), "", body),
                  400, "DIGEST_INVALID");
    check_refused(fixture,
                  ask_with(fixture, "alice", "PUT", "/v2/" APP "/manifests/v1?digest-algorithm=md5",
                           "", body),
                  400, "DIGEST_INVALID");
}

static void test_manifest_put__confirms_the_subject(void **state)
{
    struct fixture *fixture = *state;
    const char *config = push_blob(fixture, "alice", APP, STR("{}"));
    const char *subject = digest_text(fixture, STR("not here yet"));
    struct str body = arena_format(
        fixture->arena,
        "{\"schemaVersion\":2,\"mediaType\":\"" TYPE_IMAGE
        "\",\"artifactType\":\"text/x-note\",\"config\":{\"mediaType\":"
        "\"application/vnd.oci.empty.v1+json\",\"digest\":\"%s\",\"size\":2},\"layers\":[],"
        "\"subject\":{\"mediaType\":\"" TYPE_IMAGE "\",\"digest\":\"%s\",\"size\":12}}",
        config, subject);
    struct loopback_response *from =
        ask_with(fixture, "alice", "PUT",
                 text(fixture, "/v2/" APP "/manifests/%s", digest_text(fixture, body)),
                 "Content-Type: " TYPE_IMAGE "\r\n", body);
    check_status(from, 201);
    check_header(from, "OCI-Subject", subject);
}

static void test_manifest_put__refuses_what_is_wrong(void **state)
{
    struct fixture *fixture = *state;
    struct str body = make_image(fixture, "alice", APP, "layer");
    const char *type = "Content-Type: " TYPE_IMAGE "\r\n";
    const char *other = digest_text(fixture, STR("other"));
    check_refused(fixture,
                  ask_with(fixture, "alice", "PUT", "/v2/" APP "/manifests/v1", type, STR("{")),
                  400, "MANIFEST_INVALID");
    check_refused(fixture,
                  ask_with(fixture, "alice", "PUT", "/v2/" APP "/manifests/v1",
                           "Content-Type: " TYPE_INDEX "\r\n", body),
                  400, "MANIFEST_INVALID");
    check_refused(fixture,
                  ask_with(fixture, "alice", "PUT",
                           text(fixture, "/v2/" APP "/manifests/%s", other), type, body),
                  400, "DIGEST_INVALID");
    check_refused(fixture,
                  ask_with(fixture, "alice", "PUT", "/v2/" APP "/manifests/-v", type, body), 400,
                  "TAG_INVALID");
    struct str elsewhere = make_image(fixture, "alice", "alice/elsewhere", "only there");
    check_refused(fixture,
                  ask_with(fixture, "alice", "PUT", "/v2/" APP "/manifests/v1", type, elsewhere),
                  404, "MANIFEST_BLOB_UNKNOWN");
}

static void test_manifest_put__nonsense_makes_no_repository(void **state)
{
    struct fixture *fixture = *state;
    check_refused(fixture,
                  ask_with(fixture, "alice", "PUT", "/v2/alice/fresh/manifests/v1", "", STR("{}")),
                  400, "MANIFEST_INVALID");
    check_refused(fixture, ask(fixture, "alice", "GET", "/v2/alice/fresh/tags/list"), 404,
                  "NAME_UNKNOWN");
}

static void test_manifest_put__refuses_what_is_too_large(void **state)
{
    struct fixture *fixture = *state;
    size_t size = MANIFEST_BYTES_MAX + 1;
    char *bytes = arena_alloc(fixture->arena, size);
    memset(bytes, ' ', size);
    struct str large = { bytes, size };
    check_refused(fixture, ask_with(fixture, "alice", "PUT", "/v2/" APP "/manifests/v1", "", large),
                  413, "MANIFEST_INVALID");
}

static void test_manifest_put__a_body_that_breaks_off_is_the_clients_fault(void **state)
{
    struct fixture *fixture = *state;
    struct loopback_response *from = ask_with(fixture, "alice", "PUT", "/v2/" APP "/manifests/v1",
                                              "Content-Length: 10\r\n", STR_NONE);
    check_refused(fixture, from, 400, "MANIFEST_INVALID");
}

static void test_manifest_delete__removes_tag_or_manifest(void **state)
{
    struct fixture *fixture = *state;
    const char *digest = push_image(fixture, "alice", APP, "v1", "layer");
    push_image(fixture, "alice", APP, "v2", "layer");
    const char *by_digest = text(fixture, "/v2/" APP "/manifests/%s", digest);
    check_status(ask(fixture, "alice", "DELETE", "/v2/" APP "/manifests/v1"), 202);
    check_refused(fixture, ask(fixture, "alice", "GET", "/v2/" APP "/manifests/v1"), 404,
                  "MANIFEST_UNKNOWN");
    check_status(ask(fixture, "alice", "GET", by_digest), 200);

    struct loopback_response *from = ask(fixture, "alice", "DELETE", by_digest);
    check_status(from, 202);
    check_header(from, "Docker-Distribution-Api-Version", "registry/2.0");
    check_refused(fixture, ask(fixture, "alice", "GET", by_digest), 404, "MANIFEST_UNKNOWN");
    check_refused(fixture, ask(fixture, "alice", "GET", "/v2/" APP "/manifests/v2"), 404,
                  "MANIFEST_UNKNOWN");
    check_refused(fixture, ask(fixture, "alice", "DELETE", by_digest), 404, "MANIFEST_UNKNOWN");
}

static void test_manifest_delete__spares_what_an_index_needs(void **state)
{
    struct fixture *fixture = *state;
    const char *child;
    push_index(fixture, "multi", "amd64", &child);
    check_refused(fixture,
                  ask(fixture, "alice", "DELETE", text(fixture, "/v2/" APP "/manifests/%s", child)),
                  405, "UNSUPPORTED");
}

static void test_manifest__official_images_have_two_spellings(void **state)
{
    struct fixture *fixture = *state;
    push_image(fixture, "captain", "centos", "7", "layer");
    check_status(ask(fixture, "bobby", "GET", "/v2/library/centos/manifests/7"), 200);
    const char *one = bearer(fixture, "bobby", "repository:centos:pull");
    check_status(ask(fixture, one, "GET", "/v2/library/centos/manifests/7"), 200);
    const char *two = bearer(fixture, "bobby", "repository:library/centos:pull");
    check_status(ask(fixture, two, "GET", "/v2/centos/manifests/7"), 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REGISTRY_TEST(test_manifest_get__serves_what_was_stored),
        REGISTRY_TEST(test_manifest_get__private_is_never_cached),
        REGISTRY_TEST(test_manifest_get__head_has_the_length_and_no_body),
        REGISTRY_TEST(test_manifest_get__answers_304_to_who_has_it),
        REGISTRY_TEST(test_manifest_get__unknown_is_404),
        REGISTRY_TEST(test_manifest_get__gives_old_clients_an_image_of_the_index),
        REGISTRY_TEST(test_manifest_get__serves_an_index_without_amd64_as_it_is),
        REGISTRY_TEST(test_manifest_get__counts_pulls_but_not_looks),
        REGISTRY_TEST(test_manifest_get__counts_an_index_and_its_image_once),
        REGISTRY_TEST(test_manifest_put__makes_repository_and_says_where),
        REGISTRY_TEST(test_manifest_put__by_digest_takes_tags_along),
        REGISTRY_TEST(test_manifest_put__bounds_the_tags_of_one_push),
        REGISTRY_TEST(test_manifest_put__names_the_digest_of_a_push_by_tag),
        REGISTRY_TEST(test_manifest_put__confirms_the_subject),
        REGISTRY_TEST(test_manifest_put__refuses_what_is_wrong),
        REGISTRY_TEST(test_manifest_put__nonsense_makes_no_repository),
        REGISTRY_TEST(test_manifest_put__refuses_what_is_too_large),
        REGISTRY_TEST(test_manifest_put__a_body_that_breaks_off_is_the_clients_fault),
        REGISTRY_TEST(test_manifest_delete__removes_tag_or_manifest),
        REGISTRY_TEST(test_manifest_delete__spares_what_an_index_needs),
        REGISTRY_TEST(test_manifest__official_images_have_two_spellings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
