/* SPDX-License-Identifier: Apache-2.0 */
/* The cache by itself, with writing transactions of its own database. */
#include "base/random.h"
#include "content.h"
#include "hub/cache.h"

#include <pthread.h>
#include <stdatomic.h>

static bool find(struct hub_fixture *fixture, enum cache_kind kind, const char *key,
                 struct str *value, struct cache_moment *moment)
{
    return cache_find(fixture->hub->cache, kind, str_from(key), fixture->arena, value, moment);
}

/* Looks, finds nothing, and keeps this value. */
static void keep(struct hub_fixture *fixture, enum cache_kind kind, const char *key,
                 const char *text)
{
    struct str value;
    struct cache_moment moment;
    assert_false(find(fixture, kind, key, &value, &moment));
    cache_keep(fixture->hub->cache, kind, str_from(key), str_from(text), &moment);
}

static bool has(struct hub_fixture *fixture, enum cache_kind kind, const char *key)
{
    struct str value;
    struct cache_moment moment;
    return find(fixture, kind, key, &value, &moment);
}

static bool change_nothing(struct db_tx *tx, void *context, struct error *err)
{
    (void)tx;
    (void)context;
    (void)err;
    return true;
}

static bool refuse_change(struct db_tx *tx, void *context, struct error *err)
{
    (void)tx;
    (void)context;
    return error_set(err, ERROR_CONFLICT, "not today");
}

static void test_cache_find__gives_a_copy_of_what_was_kept(void **state)
{
    struct hub_fixture *fixture = *state;
    struct str first, second;
    struct cache_moment moment;
    keep(fixture, CACHE_MANIFEST, "key", "value");
    assert_true(find(fixture, CACHE_MANIFEST, "key", &first, &moment));
    assert_true(find(fixture, CACHE_MANIFEST, "key", &second, &moment));
    check_str(first, "value");
    assert_ptr_not_equal(first.ptr, second.ptr);
    assert_int_equal((uintptr_t)first.ptr % _Alignof(max_align_t), 0);
}

static void test_cache_find__tells_keys_and_kinds_apart(void **state)
{
    struct hub_fixture *fixture = *state;
    keep(fixture, CACHE_MANIFEST, "key", "value");
    assert_false(has(fixture, CACHE_STANDING, "key"));
    assert_false(has(fixture, CACHE_TOKEN, "key"));
    assert_false(has(fixture, CACHE_MANIFEST, "ke"));
    assert_false(has(fixture, CACHE_MANIFEST, "key1"));
    assert_false(has(fixture, CACHE_MANIFEST, ""));
    assert_true(has(fixture, CACHE_MANIFEST, "key"));
}

static void test_cache_find__ends_with_any_write_of_this_process(void **state)
{
    struct hub_fixture *fixture = *state;
    keep(fixture, CACHE_MANIFEST, "key", "value");
    CHECK(db_write(fixture->hub->db, fixture->arena, change_nothing, NULL, &fixture->err));
    assert_false(has(fixture, CACHE_MANIFEST, "key"));
    keep(fixture, CACHE_STANDING, "key", "value");
    /* What became of a failed commit is not known. */
    CHECK_FAILS(db_write(fixture->hub->db, fixture->arena, refuse_change, NULL, &fixture->err),
                ERROR_CONFLICT, "not today");
    assert_false(has(fixture, CACHE_STANDING, "key"));
}

static void test_cache_find__leaves_tokens_alone_when_something_is_written(void **state)
{
    struct hub_fixture *fixture = *state;
    keep(fixture, CACHE_TOKEN, "key", "value");
    CHECK(db_write(fixture->hub->db, fixture->arena, change_nothing, NULL, &fixture->err));
    assert_true(has(fixture, CACHE_TOKEN, "key"));
}

static void test_cache_find__ends_after_half_a_second(void **state)
{
    struct hub_fixture *fixture = *state;
    keep(fixture, CACHE_TOKEN, "token", "value");
    keep(fixture, CACHE_MANIFEST, "key", "value");
    hub_fixture_later(fixture, CACHE_LIFE_MS);
    assert_false(has(fixture, CACHE_TOKEN, "token"));
    assert_false(has(fixture, CACHE_MANIFEST, "key"));
}

static void test_cache_forget__voids_everything_and_what_is_being_loaded(void **state)
{
    struct hub_fixture *fixture = *state;
    struct str value;
    struct cache_moment moment;
    keep(fixture, CACHE_TOKEN, "kept", "value");
    assert_false(find(fixture, CACHE_MANIFEST, "loading", &value, &moment));
    cache_forget(fixture->hub->cache);
    cache_keep(fixture->hub->cache, CACHE_MANIFEST, STR("loading"), STR("old"), &moment);
    assert_false(has(fixture, CACHE_TOKEN, "kept"));
    assert_false(has(fixture, CACHE_MANIFEST, "loading"));
}

/* The heart of it: what was read before a change must not be found after it, even if it is kept
 * only then. */
static void test_cache_keep__of_a_load_that_a_write_has_overtaken_is_never_found(void **state)
{
    struct hub_fixture *fixture = *state;
    struct str value;
    struct cache_moment moment;
    assert_false(find(fixture, CACHE_MANIFEST, "key", &value, &moment));
    CHECK(db_write(fixture->hub->db, fixture->arena, change_nothing, NULL, &fixture->err));
    cache_keep(fixture->hub->cache, CACHE_MANIFEST, STR("key"), STR("old"), &moment);
    assert_false(has(fixture, CACHE_MANIFEST, "key"));
}

static void test_cache_keep__does_not_replace_a_later_look(void **state)
{
    struct hub_fixture *fixture = *state;
    struct str value;
    struct cache_moment slow;
    assert_false(find(fixture, CACHE_MANIFEST, "key", &value, &slow));
    CHECK(db_write(fixture->hub->db, fixture->arena, change_nothing, NULL, &fixture->err));
    keep(fixture, CACHE_MANIFEST, "key", "new");
    cache_keep(fixture->hub->cache, CACHE_MANIFEST, STR("key"), STR("old"), &slow);
    assert_true(find(fixture, CACHE_MANIFEST, "key", &value, &slow));
    check_str(value, "new");
}

static void test_cache_keep__takes_nothing_too_long(void **state)
{
    struct hub_fixture *fixture = *state;
    struct cache *cache = fixture->hub->cache;
    struct cache_moment moment;
    struct str value;
    char *long_text = arena_alloc(fixture->arena, CACHE_VALUE_MAX + 1);
    struct str fits = { long_text, CACHE_VALUE_MAX }, too_long = { long_text, CACHE_VALUE_MAX + 1 };
    struct str long_key = { long_text, CACHE_KEY_MAX + 1 };
    assert_false(find(fixture, CACHE_MANIFEST, "fits", &value, &moment));
    cache_keep(cache, CACHE_MANIFEST, STR("fits"), fits, &moment);
    cache_keep(cache, CACHE_MANIFEST, STR("long"), too_long, &moment);
    cache_keep(cache, CACHE_MANIFEST, long_key, STR("value"), &moment);
    assert_true(has(fixture, CACHE_MANIFEST, "fits"));
    assert_false(has(fixture, CACHE_MANIFEST, "long"));
    assert_int_equal(cache_figures(cache).entries, 1);
}

static void test_cache_keep__stays_within_its_bytes_and_places(void **state)
{
    struct hub_fixture *fixture = *state;
    struct cache *cache = fixture->hub->cache;
    char *bytes = arena_alloc(fixture->arena, CACHE_VALUE_MAX);
    struct cache_moment moment;
    struct str ignored;
    assert_false(find(fixture, CACHE_MANIFEST, "moment", &ignored, &moment));
    for (int i = 0; i < 1000; i++) { /* four times what has room */
        struct str key = arena_format(fixture->arena, "large-%d", i);
        cache_keep(cache, CACHE_MANIFEST, key, (struct str){ bytes, CACHE_VALUE_MAX }, &moment);
        assert_in_range(cache_figures(cache).bytes, 1, CACHE_BYTES_MAX);
    }
    assert_in_range(cache_figures(cache).entries, 100, 300);
    for (int i = 0; i < 40000; i++) {
        struct str key = arena_format(fixture->arena, "small-%d", i);
        cache_keep(cache, CACHE_MANIFEST, key, STR("x"), &moment);
    }
    assert_in_range(cache_figures(cache).bytes, 1, CACHE_BYTES_MAX);
    assert_in_range(cache_figures(cache).entries, 4000, 16384);
}

/* A second of random writes and reads of a few keys against a plain array: what is found is what
 * was written last, or was so less than CACHE_LIFE_MS ago if another process wrote it. */
static void test_cache_find__agrees_with_a_model(void **state)
{
    enum { KEYS = 7, STEPS = 20000 };
    struct hub_fixture *fixture = *state;
    struct cache *cache = fixture->hub->cache;
    unsigned now[KEYS] = { 0 }, before[KEYS] = { 0 };
    int64_t changed_ms[KEYS] = { 0 };
    struct arena *arena AUTO(arena_free) = arena_new();
    uint64_t hits = 0;
    for (unsigned step = 1; step <= STEPS; step++) {
        uint64_t dice = random_u64();
        unsigned at = (unsigned)(dice >> 8) % KEYS;
        char key[2] = { (char)('a' + at), 0 };
        struct cache_moment moment;
        struct str value;
        switch (dice % 16) {
        case 0: /* we write */
            now[at] = before[at] = step;
            CHECK(db_write(fixture->hub->db, arena, change_nothing, NULL, &fixture->err));
            break;
        case 1: /* somebody else writes, once in a while */
            if (clock_monotonic_ms() - changed_ms[at] < CACHE_LIFE_MS)
                break;
            before[at] = now[at];
            now[at] = step;
            changed_ms[at] = clock_monotonic_ms();
            break;
        case 2:
            hub_fixture_later(fixture, (int64_t)(dice >> 32) % 200);
            break;
        default:
            if (cache_find(cache, CACHE_MANIFEST, str_from(key), arena, &value, &moment)) {
                unsigned found;
                assert_int_equal(value.len, sizeof(found));
                memcpy(&found, value.ptr, sizeof(found));
                bool may_be_old = clock_monotonic_ms() - changed_ms[at] <= CACHE_LIFE_MS;
                assert_true(found == now[at] || (may_be_old && found == before[at]));
                hits++;
            } else {
                struct str content = { (const char *)&now[at], sizeof(now[at]) };
                cache_keep(cache, CACHE_MANIFEST, str_from(key), content, &moment);
            }
        }
        arena_reset(arena);
    }
    assert_in_range(hits, STEPS / 10, STEPS);
}

/* --- threads: readers never see less than what a writer has told them ------------------------- */

struct race {
    struct hub *hub;
    int64_t repository_id;
    struct digest digests[2];
    atomic_uint turn; /* how many pushes have been acknowledged */
    atomic_bool is_over;
    atomic_uint wrong, read_count;
};

static void *read_on(void *argument)
{
    struct race *race = argument;
    struct arena *arena AUTO(arena_free) = arena_new();
    struct reference latest = { .tag = STR("latest") };
    while (!atomic_load(&race->is_over)) {
        struct manifest_document document;
        struct error err = { 0 };
        unsigned before = atomic_load(&race->turn);
        bool ok =
            manifest_get(race->hub, arena, race->repository_id, &latest, true, &document, &err);
        unsigned after = atomic_load(&race->turn);
        /* Only if nothing was pushed meanwhile, or was about to be acknowledged, is there one right
         * answer: `turn` is odd while a push is under way. */
        if (!ok || (before == after && before % 2 == 0 &&
                    !digest_equal(&document.digest, &race->digests[before / 2 % 2])))
            atomic_fetch_add(&race->wrong, 1);
        atomic_fetch_add(&race->read_count, 1);
        arena_reset(arena);
    }
    return NULL;
}

static void test_manifest_get__never_gives_what_a_push_has_replaced(void **state)
{
    enum { READERS = 3, PUSHES = 150 };
    struct hub_fixture *fixture = *state;
    int64_t id = content_repository(fixture, "alice/app");
    struct race race = { .hub = fixture->hub, .repository_id = id };
    struct str images[2];
    for (int i = 0; i < 2; i++) {
        const char *layer = i == 0 ? "even" : "odd";
        content_push(fixture, id, layer, "latest");
        images[i] = content_image(fixture->arena, layer, "");
        race.digests[i] = digest_of(DIGEST_SHA256, images[i]);
    }
    CHECK(content_put(fixture, id, images[0], "latest", &race.digests[0]));
    pthread_t readers[READERS];
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_on, &race), 0);
    for (unsigned i = 1; i <= PUSHES; i++) {
        struct digest ignored;
        atomic_fetch_add(&race.turn, 1);
        CHECK(content_put(fixture, id, images[i % 2], "latest", &ignored));
        atomic_fetch_add(&race.turn, 1);
        unsigned enough = atomic_load(&race.read_count) + READERS * 2;
        while (atomic_load(&race.read_count) < enough)
            sched_yield();
    }
    atomic_store(&race.is_over, true);
    for (int i = 0; i < READERS; i++)
        (void)pthread_join(readers[i], NULL);
    assert_int_equal(atomic_load(&race.wrong), 0);
    assert_true(cache_figures(fixture->hub->cache).hits > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(test_cache_find__gives_a_copy_of_what_was_kept),
        HUB_TEST(test_cache_find__tells_keys_and_kinds_apart),
        HUB_TEST(test_cache_find__ends_with_any_write_of_this_process),
        HUB_TEST(test_cache_find__leaves_tokens_alone_when_something_is_written),
        HUB_TEST(test_cache_find__ends_after_half_a_second),
        HUB_TEST(test_cache_forget__voids_everything_and_what_is_being_loaded),
        HUB_TEST(test_cache_keep__of_a_load_that_a_write_has_overtaken_is_never_found),
        HUB_TEST(test_cache_keep__does_not_replace_a_later_look),
        HUB_TEST(test_cache_keep__takes_nothing_too_long),
        HUB_TEST(test_cache_keep__stays_within_its_bytes_and_places),
        HUB_TEST(test_cache_find__agrees_with_a_model),
        CONTENT_TEST(test_manifest_get__never_gives_what_a_push_has_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
