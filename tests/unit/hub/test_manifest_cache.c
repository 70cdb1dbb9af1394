/* SPDX-License-Identifier: Apache-2.0 */
/* What is remembered of manifests ends when it is no longer so: at once when this process changes
 * it, within a second when another one does. */
#include "content.h"
#include "hub/manifest_cache.h"

/* Beside the hub and behind the back of its cache, which hub_fixture_sql() is not. */
static void behind(struct hub_fixture *fixture, const char *sql)
{
    (void)test_database_run(fixture->database, sql);
}

static uint64_t hits(struct hub_fixture *fixture)
{
    return cache_figures(fixture->hub->cache).hits;
}

static const struct reference latest = { .tag = { "latest", 6 } };

static struct manifest_document get(struct hub_fixture *fixture, int64_t id,
                                    const struct reference *reference, bool with_body)
{
    struct manifest_document document;
    if (!manifest_get(fixture->hub, fixture->arena, id, reference, with_body, &document,
                      &fixture->err))
        fail_msg("manifest_get: %s", fixture->err.message);
    return document;
}

static void test_manifest_get__remembers_tags_digests_and_heads_apart(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t id = content_repository(fixture, "alice/app");
    struct reference by_digest = { .digest = content_push(fixture, id, "layer", "latest") };
    struct str image = content_image(fixture->arena, "layer", "");
    for (int i = 0; i < 2; i++) {
        uint64_t before = hits(fixture);
        struct manifest_document head = get(fixture, id, &latest, false);
        assert_false(str_is_set(head.body));
        assert_int_equal(head.size, image.len);
        assert_true(str_equal(get(fixture, id, &latest, true).body, image));
        struct manifest_document document = get(fixture, id, &by_digest, true);
        assert_true(str_equal(document.body, image));
        assert_true(digest_equal(&document.digest, &by_digest.digest));
        check_str(document.media_type, "application/vnd.oci.image.manifest.v1+json");
        assert_int_equal(hits(fixture) - before, 3 * i);
    }
}

static void test_manifest_get__sees_a_tag_moved_by_a_push_at_once(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t id = content_repository(fixture, "alice/app");
    for (int i = 0; i < 5; i++) {
        const char *layer = arena_format(fixture->arena, "layer %d", i).ptr;
        struct digest digest = content_push(fixture, id, layer, "latest");
        for (int j = 0; j < 2; j++) {
            struct manifest_document document = get(fixture, id, &latest, true);
            assert_true(digest_equal(&document.digest, &digest));
        }
    }
}

static void test_manifest_get__sees_a_tag_moved_elsewhere(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t id = content_repository(fixture, "alice/app");
    struct digest old = content_push(fixture, id, "old", "latest");
    struct digest new = content_push(fixture, id, "new", "next");
    struct manifest_document document = get(fixture, id, &latest, true);
    assert_true(digest_equal(&document.digest, &old));
    behind(fixture, "UPDATE tag SET manifest_id = (SELECT manifest_id FROM tag WHERE name = "
                    "'next') WHERE name = 'latest'");
    hub_fixture_later(fixture, CACHE_LIFE_MS);
    document = get(fixture, id, &latest, true);
    assert_true(digest_equal(&document.digest, &new));
}

static void test_manifest_get__sees_a_deletion_at_once(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t id = content_repository(fixture, "alice/app");
    struct manifest_document document;
    struct reference by_digest = { .digest = content_push(fixture, id, "layer", "latest other") };
    struct reference other = { .tag = STR("other") };
    (void)get(fixture, id, &latest, true);
    (void)get(fixture, id, &by_digest, true);
    CHECK(manifest_delete(fixture->hub, fixture->arena, id, ALICE, &latest, &fixture->err));
    CHECK_FAILS(
        manifest_get(fixture->hub, fixture->arena, id, &latest, true, &document, &fixture->err),
        ERROR_NOT_FOUND, "latest");
    (void)get(fixture, id, &other, true);
    (void)get(fixture, id, &by_digest, true);
    CHECK(manifest_delete(fixture->hub, fixture->arena, id, ALICE, &by_digest, &fixture->err));
    CHECK_FAILS(
        manifest_get(fixture->hub, fixture->arena, id, &by_digest, true, &document, &fixture->err),
        ERROR_NOT_FOUND, "sha256:");
    CHECK_FAILS(
        manifest_get(fixture->hub, fixture->arena, id, &other, true, &document, &fixture->err),
        ERROR_NOT_FOUND, "other");
}

static void test_manifest_get__does_not_mix_up_repositories(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t first = content_repository(fixture, "alice/first");
    int64_t second = content_repository(fixture, "alice/second");
    struct digest of_first = content_push(fixture, first, "one", "latest");
    struct digest of_second = content_push(fixture, second, "two", "latest");
    for (int i = 0; i < 2; i++) {
        struct manifest_document one = get(fixture, first, &latest, true);
        struct manifest_document two = get(fixture, second, &latest, true);
        assert_true(digest_equal(&one.digest, &of_first));
        assert_true(digest_equal(&two.digest, &of_second));
    }
}

static void test_manifest_cache_keep__leaves_large_documents_out(void **state)
{
    struct hub_fixture *fixture = *state;
    struct cache *cache = fixture->hub->cache;
    char *text = arena_alloc(fixture->arena, MANIFEST_CACHED_BYTES_MAX + 1);
    struct manifest_document fits = { .body = { text, MANIFEST_CACHED_BYTES_MAX } }, found;
    struct manifest_document too_large = { .body = { text, MANIFEST_CACHED_BYTES_MAX + 1 } };
    struct cache_moment moment;
    assert_false(manifest_cache_find(cache, fixture->arena, 1, &latest, true, &found, &moment));
    manifest_cache_keep(cache, fixture->arena, 1, &latest, &too_large, &moment);
    assert_false(manifest_cache_find(cache, fixture->arena, 1, &latest, true, &found, &moment));
    manifest_cache_keep(cache, fixture->arena, 1, &latest, &fits, &moment);
    assert_true(manifest_cache_find(cache, fixture->arena, 1, &latest, true, &found, &moment));
    assert_int_equal(found.body.len, MANIFEST_CACHED_BYTES_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONTENT_TEST(test_manifest_get__remembers_tags_digests_and_heads_apart),
        CONTENT_TEST(test_manifest_get__sees_a_tag_moved_by_a_push_at_once),
        CONTENT_TEST(test_manifest_get__sees_a_tag_moved_elsewhere),
        CONTENT_TEST(test_manifest_get__sees_a_deletion_at_once),
        CONTENT_TEST(test_manifest_get__does_not_mix_up_repositories),
        CONTENT_TEST(test_manifest_cache_keep__leaves_large_documents_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
