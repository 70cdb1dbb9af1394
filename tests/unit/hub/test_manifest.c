/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/manifest.h"

#include "content.h"

static bool get(struct hub_fixture *fixture, int64_t repository_id, const char *reference,
                struct manifest_document *out)
{
    struct reference parsed;
    CHECK(reference_parse(str_from(reference), &parsed, &fixture->err));
    return manifest_get(fixture->hub, fixture->arena, repository_id, &parsed, true, out,
                        &fixture->err);
}

static bool delete_reference(struct hub_fixture *fixture, int64_t repository_id,
                             const char *reference)
{
    struct reference parsed;
    CHECK(reference_parse(str_from(reference), &parsed, &fixture->err));
    return manifest_delete(fixture->hub, fixture->arena, repository_id, ALICE, &parsed,
                           &fixture->err);
}

static const char *text_of(struct hub_fixture *fixture, const struct digest *digest)
{
    char text[DIGEST_TEXT_MAX];
    return arena_c(fixture->arena, digest_format(digest, text));
}

/* An index of these manifests (each with the size `size`), or any other document around a digest.
 */
static struct str index_of(struct hub_fixture *fixture, const struct digest *child, size_t size)
{
    return arena_format(fixture->arena,
                        "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+"
                        "json\",\"manifests\":[{\"mediaType\":\"application/vnd.oci.image.manifest."
                        "v1+json\",\"digest\":\"%s\",\"size\":%zu}]}",
                        text_of(fixture, child), size);
}

/* --- putting and getting -------------------------------------------------------------------- */

static void test_manifest_put__is_served_byte_for_byte(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    struct digest digest = content_push(fixture, app, "layer", "1.0 latest");
    struct str body = content_image(fixture->arena, "layer", "");
    struct manifest_document document;
    const char *references[] = { "1.0", "latest", text_of(fixture, &digest) };
    for (size_t i = 0; i < ARRAY_COUNT(references); i++) {
        CHECK(get(fixture, app, references[i], &document));
        assert_true(str_equal(document.body, body));
        assert_true(digest_equal(&document.digest, &digest));
        assert_int_equal(document.size, body.len);
        check_str(document.media_type, "application/vnd.oci.image.manifest.v1+json");
    }
    struct reference tag = { .tag = STR("1.0") };
    CHECK(manifest_get(fixture->hub, fixture->arena, app, &tag, false, &document, &fixture->err));
    assert_false(str_is_set(document.body));
    int64_t other = content_repository(fixture, "bob/other");
    CHECK_FAILS(get(fixture, other, text_of(fixture, &digest), &document), ERROR_NOT_FOUND,
                text_of(fixture, &digest));
    CHECK_FAILS(get(fixture, app, "2.0", &document), ERROR_NOT_FOUND, "manifest 2.0");
}

static void test_manifest_put__needs_all_blobs(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    int64_t other = content_repository(fixture, "bob/other");
    struct str body = content_image(fixture->arena, "layer", "");
    struct digest digest, config = content_digest(CONTENT_CONFIG), layer = content_digest("layer");
    content_blob(fixture, other, CONTENT_CONFIG); /* of another repository: does not count */
    assert_false(content_put(fixture, app, body, "1.0", &digest));
    assert_int_equal(fixture->err.about, ABOUT_MANIFEST_BLOB);
    check_error(&fixture->err, ERROR_NOT_FOUND, text_of(fixture, &config));
    content_blob(fixture, app, CONTENT_CONFIG);
    CHECK_FAILS(content_put(fixture, app, body, "1.0", &digest), ERROR_NOT_FOUND,
                text_of(fixture, &layer));
    content_blob(fixture, app, "layer");
    CHECK(content_put(fixture, app, body, "1.0", &digest));
}

static void test_manifest_put__refuses_a_size_that_is_not_the_blobs(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    struct digest digest, config = content_digest(CONTENT_CONFIG);
    content_blob(fixture, app, CONTENT_CONFIG);
    struct str body = arena_format(
        fixture->arena,
        "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
        "\"config\":{\"mediaType\":\"a/b\",\"digest\":\"%s\",\"size\":3},\"layers\":[]}",
        text_of(fixture, &config));
    assert_false(content_put(fixture, app, body, "1.0", &digest));
    assert_int_equal(fixture->err.about, ABOUT_MANIFEST);
    check_error(&fixture->err, ERROR_INVALID, "the manifest says 3");
}

static void test_manifest_put__lets_foreign_layers_be_elsewhere(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    struct digest digest, config = content_blob(fixture, app, CONTENT_CONFIG);
    struct str body = arena_format(
        fixture->arena,
        "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
        "\"config\":{\"mediaType\":\"a/b\",\"digest\":\"%s\",\"size\":%zu},\"layers\":[%.*s]}",
        text_of(fixture, &config), strlen(CONTENT_CONFIG),
        STR_ARG(content_descriptor(fixture->arena,
                                   "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
                                   "elsewhere")));
    CHECK(content_put(fixture, app, body, "1.0", &digest));
}

static void test_manifest_put__by_digest_must_match(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    content_blob(fixture, app, CONTENT_CONFIG);
    content_blob(fixture, app, "layer");
    struct str body = content_image(fixture->arena, "layer", "");
    struct digest wrong = content_digest("other"), long_one = digest_of(DIGEST_SHA512, body);
    struct manifest_put put = { .repository_id = app, .body = body, .expected = &wrong };
    struct manifest_put_result result;
    assert_false(manifest_put(fixture->hub, fixture->arena, &put, &result, &fixture->err));
    assert_int_equal(fixture->err.about, ABOUT_DIGEST);
    check_error(&fixture->err, ERROR_INVALID, text_of(fixture, &wrong));

    put.expected = &long_one;
    CHECK(manifest_put(fixture->hub, fixture->arena, &put, &result, &fixture->err));
    assert_true(digest_equal(&result.digest, &long_one));
    assert_int_equal(hub_fixture_sql(fixture, "SELECT push_count FROM repository"), 0);
}

static void test_manifest_put__refuses_bad_tags_and_documents(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    struct digest digest;
    struct str body = content_image(fixture->arena, "layer", "");
    assert_false(content_put(fixture, app, body, "ok -no", &digest));
    assert_int_equal(fixture->err.about, ABOUT_TAG);
    check_error(&fixture->err, ERROR_INVALID, "'-no'");
    assert_false(content_put(fixture, app, STR("{}"), "1.0", &digest));
    assert_int_equal(fixture->err.about, ABOUT_MANIFEST);
    error_clear(&fixture->err);
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM manifest"), 0);
}

static void test_manifest_put__writes_down_what_it_is(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    content_push(fixture, app, "layer", "1.0");
    assert_int_equal(hub_fixture_sql(fixture,
                                     "SELECT count(*) FROM manifest WHERE os = 'linux' AND "
                                     "architecture = 'arm' AND variant = 'v7'"),
                     1);
    assert_int_equal(hub_fixture_sql(fixture, "SELECT content_size FROM manifest"),
                     strlen(CONTENT_CONFIG) + strlen("layer"));
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM manifest_reference "
                                              "WHERE position = role - 1"),
                     2);
    assert_int_equal(hub_fixture_sql(fixture, "SELECT pushed_by FROM tag"), ALICE);
    assert_int_equal(hub_fixture_sql(fixture, "SELECT push_count FROM repository"), 1);
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM job "
                                              "WHERE subject NOT LIKE 'account/%'"),
                     1);
}

static void test_manifest_put__of_an_index_needs_no_children(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    struct digest child = content_digest("absent"), digest;
    struct str body = index_of(fixture, &child, 6);
    CHECK(content_put(fixture, app, body, "1.0", &digest));
    assert_int_equal(hub_fixture_sql(fixture, "SELECT role FROM manifest_reference"), 3);
}

/* --- tags ---------------------------------------------------------------------------------- */

static void test_manifest_put__remembers_what_a_tag_pointed_to(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    struct digest first = content_push(fixture, app, "layer 1", "latest 1");
    content_push(fixture, app, "layer 1", "latest");
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM tag_history"), 0);
    struct digest second = content_push(fixture, app, "layer 2", "latest 2");
    struct manifest_document document;
    CHECK(get(fixture, app, "latest", &document));
    assert_true(digest_equal(&document.digest, &second));
    CHECK(get(fixture, app, "1", &document));
    assert_true(digest_equal(&document.digest, &first));
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM tag_history"), 1);
    assert_int_equal(
        hub_fixture_sql(fixture, arena_format(fixture->arena,
                                              "SELECT count(*) FROM tag_history WHERE name = "
                                              "'latest' AND digest = '%s' AND replaced_ms >= "
                                              "pushed_ms AND pushed_by = %d",
                                              text_of(fixture, &first), ALICE)
                                     .ptr),
        1);
    assert_int_equal(hub_fixture_sql(fixture, "SELECT push_count FROM repository"), 3);
}

static void test_manifest_delete__by_tag_leaves_the_content(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    struct digest digest = content_push(fixture, app, "layer", "1.0 latest");
    struct manifest_document document;
    CHECK(delete_reference(fixture, app, "1.0"));
    CHECK_FAILS(get(fixture, app, "1.0", &document), ERROR_NOT_FOUND, "1.0");
    CHECK(get(fixture, app, "latest", &document));
    CHECK(delete_reference(fixture, app, "latest"));
    CHECK(get(fixture, app, text_of(fixture, &digest), &document));
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM tag_history"), 2);
    CHECK_FAILS(delete_reference(fixture, app, "latest"), ERROR_NOT_FOUND, "latest");
}

static void test_manifest_delete__by_digest_takes_the_tags_with_it(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    struct digest digest = content_push(fixture, app, "layer 1", "1.0 latest");
    content_push(fixture, app, "layer 2", "2.0");
    struct manifest_document document;
    CHECK(delete_reference(fixture, app, text_of(fixture, &digest)));
    CHECK_FAILS(get(fixture, app, "1.0", &document), ERROR_NOT_FOUND, "1.0");
    CHECK_FAILS(get(fixture, app, text_of(fixture, &digest), &document), ERROR_NOT_FOUND, "sha256");
    CHECK(get(fixture, app, "2.0", &document));
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM tag_history"), 2);
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM manifest_body"), 1);
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM manifest_reference"), 2);
    CHECK_FAILS(delete_reference(fixture, app, text_of(fixture, &digest)), ERROR_NOT_FOUND,
                "sha256");
}

static void test_manifest_delete__refuses_a_part_of_an_index(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    int64_t other = content_repository(fixture, "bob/other");
    struct digest child = content_push(fixture, app, "layer", ""), index;
    content_push(fixture, other, "layer", "");
    size_t size = content_image(fixture->arena, "layer", "").len;
    CHECK(content_put(fixture, app, index_of(fixture, &child, size), "1.0", &index));
    CHECK_FAILS(delete_reference(fixture, app, text_of(fixture, &child)), ERROR_DENIED,
                text_of(fixture, &index));
    CHECK(delete_reference(fixture, other, text_of(fixture, &child)));
    CHECK(delete_reference(fixture, app, text_of(fixture, &index)));
    CHECK(delete_reference(fixture, app, text_of(fixture, &child)));
}

static void check_tags(struct hub_fixture *fixture, int64_t repository_id, const char *after,
                       int limit, const char *expected)
{
    struct str *names, text = STR("");
    size_t count;
    CHECK(tag_list(fixture->hub, fixture->arena, repository_id, str_from(after), limit, &names,
                   &count, &fixture->err));
    for (size_t i = 0; i < count; i++)
        text = arena_format(fixture->arena, "%.*s%s%.*s", STR_ARG(text), i ? " " : "",
                            STR_ARG(names[i]));
    check_str(text, expected);
}

static void test_tag_list__pages_by_bytes(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    content_push(fixture, app, "layer", "a b A a-b a.b a1 _z");
    content_push(fixture, content_repository(fixture, "bob/other"), "layer", "zz");
    check_tags(fixture, app, NULL, 100, "A _z a a-b a.b a1 b");
    check_tags(fixture, app, "a", 2, "a-b a.b");
    check_tags(fixture, app, "a.b", 2, "a1 b");
    check_tags(fixture, app, "aa", 2, "b");
    check_tags(fixture, app, "b", 2, "");
    check_tags(fixture, app, NULL, 0, "");
}

/* --- referrers ----------------------------------------------------------------------------- */

static struct digest push_referrer(struct hub_fixture *fixture, int64_t repository_id,
                                   const char *subject, const char *artifact_type)
{
    struct str more = arena_format(
        fixture->arena, ",\"artifactType\":\"%s\",\"annotations\":{\"k\":\"v\"},\"subject\":%.*s",
        artifact_type,
        STR_ARG(content_descriptor(fixture->arena, "application/vnd.oci.image.manifest.v1+json",
                                   subject)));
    struct str body = content_image(fixture->arena, "signature", more.ptr);
    struct manifest_put put = { .repository_id = repository_id, .body = body };
    struct manifest_put_result result;
    content_blob(fixture, repository_id, CONTENT_CONFIG);
    content_blob(fixture, repository_id, "signature");
    CHECK(manifest_put(fixture->hub, fixture->arena, &put, &result, &fixture->err));
    struct digest expected = content_digest(subject);
    assert_true(result.has_subject);
    assert_true(digest_equal(&result.subject, &expected));
    return result.digest;
}

static size_t list_referrers(struct hub_fixture *fixture, int64_t repository_id,
                             const char *subject, const char *type, struct str after, int limit,
                             struct referrer **out)
{
    struct digest digest = content_digest(subject);
    size_t count = 0;
    const struct referrer_query query = { .repository_id = repository_id,
                                          .subject = &digest,
                                          .artifact_type = str_from(type),
                                          .after = after,
                                          .limit = limit };
    CHECK(referrer_list(fixture->hub, fixture->arena, &query, out, &count, &fixture->err));
    return count;
}

static void test_referrer_list__pages_and_filters(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    struct referrer *list, *rest;
    assert_int_equal(list_referrers(fixture, app, "image", NULL, STR_NONE, 10, &list), 0);
    push_referrer(fixture, app, "image", "a/signature");
    push_referrer(fixture, app, "image", "a/sbom");
    push_referrer(fixture, app, "other image", "a/sbom");
    push_referrer(fixture, content_repository(fixture, "bob/other"), "image", "a/other");

    assert_int_equal(list_referrers(fixture, app, "image", NULL, STR_NONE, 10, &list), 2);
    check_str(list[0].annotations, "{\"k\":\"v\"}");
    check_str(list[0].media_type, "application/vnd.oci.image.manifest.v1+json");
    assert_true(list[0].size > 100);
    struct str first = str_from(text_of(fixture, &list[0].digest));
    assert_int_equal(list_referrers(fixture, app, "image", NULL, first, 10, &rest), 1);
    assert_true(digest_equal(&rest[0].digest, &list[1].digest));
    assert_int_equal(list_referrers(fixture, app, "image", NULL, STR_NONE, 1, &rest), 1);
    assert_int_equal(list_referrers(fixture, app, "image", "a/sbom", STR_NONE, 10, &rest), 1);
    check_str(rest[0].artifact_type, "a/sbom");
    assert_int_equal(list_referrers(fixture, app, "image", "a/none", STR_NONE, 10, &rest), 0);
}

/* --- faults -------------------------------------------------------------------------------- */

static void test_manifest_put__a_failure_leaves_nothing(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    content_blob(fixture, app, CONTENT_CONFIG);
    content_blob(fixture, app, "layer");
    struct str body = content_image(fixture->arena, "layer", "");
    for (unsigned n = 1; n <= 40; n++) {
        struct digest digest;
        db_fail_nth_for_test(n);
        bool done = content_put(fixture, app, body, "1.0 latest", &digest);
        db_fail_nth_for_test(0);
        int64_t rows = hub_fixture_sql(
            fixture,
            "SELECT (SELECT count(*) FROM manifest) + (SELECT count(*) FROM tag) + (SELECT "
            "push_count FROM repository)");
        if (done) {
            assert_true(n > 10);
            assert_int_equal(rows, 4);
            return;
        }
        check_error(&fixture->err, ERROR_UNAVAILABLE, "");
        assert_int_equal(rows, 0);
    }
    fail_msg("forty failures were not enough");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONTENT_TEST(test_manifest_put__is_served_byte_for_byte),
        CONTENT_TEST(test_manifest_put__needs_all_blobs),
        CONTENT_TEST(test_manifest_put__refuses_a_size_that_is_not_the_blobs),
        CONTENT_TEST(test_manifest_put__lets_foreign_layers_be_elsewhere),
        CONTENT_TEST(test_manifest_put__by_digest_must_match),
        CONTENT_TEST(test_manifest_put__refuses_bad_tags_and_documents),
        CONTENT_TEST(test_manifest_put__writes_down_what_it_is),
        CONTENT_TEST(test_manifest_put__of_an_index_needs_no_children),
        CONTENT_TEST(test_manifest_put__remembers_what_a_tag_pointed_to),
        CONTENT_TEST(test_manifest_delete__by_tag_leaves_the_content),
        CONTENT_TEST(test_manifest_delete__by_digest_takes_the_tags_with_it),
        CONTENT_TEST(test_manifest_delete__refuses_a_part_of_an_index),
        CONTENT_TEST(test_tag_list__pages_by_bytes),
        CONTENT_TEST(test_referrer_list__pages_and_filters),
        CONTENT_TEST(test_manifest_put__a_failure_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
