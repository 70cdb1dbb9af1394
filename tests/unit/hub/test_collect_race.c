/* SPDX-License-Identifier: Apache-2.0 */
/* Pushes against a collector that never rests.  The pushers use the same few layers again and
 * again; a clock that jumps beyond all leases, whenever no push is under way, lets the collector
 * end the very blobs that the next pushes look for.  What a push was promised must hold until its
 * manifest is there, and what a manifest refers to must be readable for as long as it is there.
 *
 * BERTH_TEST_SOAK_ROUNDS makes it longer than the default. */
#include "collect_fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

enum { PUSHER_COUNT = 4, LAYER_COUNT = 6, KEPT_COUNT = 3, ROUND_COUNT = 60 };

static const char *const layers[LAYER_COUNT] = { "layer a", "layer b", "layer c",
                                                 "layer d", "layer e", "layer f" };

struct race {
    struct hub *hub;
    int64_t repositories[2];
    int rounds;
    pthread_rwlock_t calm; /* held by pushes for reading, by a jump of the clock for writing */
    atomic_bool is_over;
    atomic_int failures;
    atomic_llong shift_ms, collected, found_count, mounted_count, uploaded_count;
};

struct pushed {
    int64_t repository_id;
    struct digest manifest;
    const char *layer;
};

struct pusher {
    struct race *race;
    unsigned number;
    uint64_t random;
    struct pushed kept[KEPT_COUNT];
    size_t kept_count;
};

static unsigned pick(uint64_t *random, unsigned below)
{
    *random = *random * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(*random >> 33) % below;
}

static bool failed(struct race *race, const char *what, const struct error *err)
{
    if (atomic_fetch_add(&race->failures, 1) < 5)
        print_error("%s: %s: %s\n", what, error_kind_name(err->kind), err->message);
    atomic_store(&race->is_over, true);
    return false;
}

/* Waiting has deadlines, which a jump of the clock ends: no failure outside of pushes. */
static bool is_late(const struct error *err)
{
    return err->kind == ERROR_UNAVAILABLE;
}

/* --- reading ------------------------------------------------------------------------------- */

/* Exactly these bytes; *found is false if the repository does not have the blob. */
static bool read_blob(struct race *race, struct arena *arena, int64_t repository_id,
                      const char *text, bool *found)
{
    struct error err = { 0 };
    struct blob blob;
    struct blob_reader *reader AUTO(blob_reader_close) = NULL;
    struct digest digest = content_digest(text);
    char bytes[128];
    *found = blob_find(race->hub, arena, repository_id, &digest, false, &blob, &err) &&
             blob_open_found(race->hub, arena, repository_id, &blob, &reader, &err);
    if (!*found)
        return err.kind == ERROR_NOT_FOUND || is_late(&err) || failed(race, "reading a blob", &err);
    int64_t size = blob_read(reader, 0, bytes, sizeof(bytes), &err);
    if (size == (int64_t)strlen(text) && memcmp(bytes, text, (size_t)size) == 0)
        return true;
    return failed(race, "other bytes", &err);
}

static bool check_pushed(struct race *race, struct arena *arena, const struct pushed *pushed)
{
    struct error err = { 0 };
    struct reference reference = { .digest = pushed->manifest };
    struct manifest_document document;
    bool has_config, has_layer;
    if (!manifest_get(race->hub, arena, pushed->repository_id, &reference, true, &document, &err))
        return failed(race, "an acknowledged manifest", &err);
    if (!read_blob(race, arena, pushed->repository_id, CONTENT_CONFIG, &has_config) ||
        !read_blob(race, arena, pushed->repository_id, pushed->layer, &has_layer))
        return false;
    if (has_config && has_layer)
        return true;
    error_set(&err, ERROR_NOT_FOUND, "a blob of an acknowledged manifest is gone");
    return failed(race, "reading back", &err);
}

static void *run_reader(void *argument)
{
    struct race *race = argument;
    uint64_t random = 99;
    bool found;
    while (!atomic_load(&race->is_over)) {
        struct arena *arena AUTO(arena_free) = arena_new();
        (void)read_blob(race, arena, race->repositories[pick(&random, 2)],
                        layers[pick(&random, LAYER_COUNT)], &found);
    }
    return NULL;
}

/* --- pushing ------------------------------------------------------------------------------- */

/* As clients do: is it there, can it be mounted, else upload it. */
static bool ensure_blob(struct pusher *pusher, struct arena *arena, int64_t repository_id,
                        const char *text)
{
    struct race *race = pusher->race;
    struct error err = { 0 };
    struct digest digest = content_digest(text);
    struct blob blob;
    bool mounted = false;
    if (pick(&pusher->random, 4) > 0) {
        if (blob_find(race->hub, arena, repository_id, &digest, true, &blob, &err)) {
            atomic_fetch_add(&race->found_count, 1);
            return true;
        }
        if (err.kind != ERROR_NOT_FOUND)
            return failed(race, "HEAD of a blob", &err);
        error_clear(&err);
    }
    if (pick(&pusher->random, 2) > 0) {
        int64_t from = race->repositories[repository_id == race->repositories[0]];
        if (!blob_mount(race->hub, arena, repository_id, from, NULL, &digest, &mounted, &err))
            return failed(race, "mounting", &err);
        atomic_fetch_add(&race->mounted_count, mounted);
    }
    if (mounted)
        return true;
    atomic_fetch_add(&race->uploaded_count, 1);
    return upload_whole(race->hub, arena, repository_id, ALICE, SOURCE(.text = str_from(text)),
                        &digest, &err) ||
           failed(race, "uploading", &err);
}

static bool push(struct pusher *pusher, struct arena *arena, int round, struct pushed *out)
{
    struct race *race = pusher->race;
    struct error err = { 0 };
    *out = (struct pushed){ .repository_id = race->repositories[pick(&pusher->random, 2)],
                            .layer = layers[pick(&pusher->random, LAYER_COUNT)] };
    if (!ensure_blob(pusher, arena, out->repository_id, out->layer) ||
        !ensure_blob(pusher, arena, out->repository_id, CONTENT_CONFIG))
        return false;
    struct str more =
        arena_format(arena, ",\"annotations\":{\"push\":\"%u-%d\"}", pusher->number, round);
    struct str tag = arena_format(arena, "tag-%u", pusher->number);
    struct manifest_put put = {
        .repository_id = out->repository_id,
        .account_id = ALICE,
        .body = content_image(arena, out->layer, more.ptr),
        .tags = &tag,
        .tag_count = pick(&pusher->random, 2),
    };
    struct manifest_put_result result;
    if (!manifest_put(race->hub, arena, &put, &result, &err))
        return failed(race, "a manifest whose blobs were promised", &err);
    out->manifest = result.digest;
    return true;
}

/* One that was kept goes, and its place is free. */
static bool drop_one(struct pusher *pusher, struct arena *arena)
{
    struct race *race = pusher->race;
    struct error err = { 0 };
    size_t index = pick(&pusher->random, (unsigned)pusher->kept_count);
    struct pushed pushed = pusher->kept[index];
    struct reference reference = { .digest = pushed.manifest };
    pusher->kept[index] = pusher->kept[--pusher->kept_count];
    return check_pushed(race, arena, &pushed) &&
           (manifest_delete(race->hub, arena, pushed.repository_id, ALICE, &reference, &err) ||
            failed(race, "deleting", &err));
}

/* One that was kept before is read back, far behind its leases, and goes. */
static bool run_round(struct pusher *pusher, int round)
{
    struct race *race = pusher->race;
    struct arena *arena AUTO(arena_free) = arena_new();
    struct pushed pushed;
    if (!push(pusher, arena, round, &pushed) || !check_pushed(race, arena, &pushed))
        return false;
    pusher->kept[pusher->kept_count++] = pushed;
    return pusher->kept_count < KEPT_COUNT || drop_one(pusher, arena);
}

static void *run_pusher(void *argument)
{
    struct pusher *pusher = argument;
    struct race *race = pusher->race;
    for (int round = 0; round < race->rounds && !atomic_load(&race->is_over); round++) {
        pthread_rwlock_rdlock(&race->calm);
        bool ok = run_round(pusher, round);
        pthread_rwlock_unlock(&race->calm);
        if (!ok)
            break;
    }
    return NULL;
}

/* --- collecting ---------------------------------------------------------------------------- */

static void *run_collector(void *argument)
{
    struct race *race = argument;
    while (!atomic_load(&race->is_over)) {
        struct arena *arena AUTO(arena_free) = arena_new();
        struct error err = { 0 };
        struct collect_result result = { 0 };
        bool ran;
        if ((!collect_step(race->hub, arena, &result, &err) ||
             !collect_run_job(race->hub, arena, &ran, &err)) &&
            !is_late(&err))
            failed(race, "collecting", &err);
        atomic_fetch_add(&race->collected, result.blobs);
    }
    return NULL;
}

static void *run_clock(void *argument)
{
    struct race *race = argument;
    const struct timespec pause = { .tv_nsec = 5000000 };
    while (!atomic_load(&race->is_over)) {
        nanosleep(&pause, NULL);
        pthread_rwlock_wrlock(&race->calm);
        clock_shift_for_test(2 * HOUR_MS);
        atomic_fetch_add(&race->shift_ms, 2 * HOUR_MS);
        pthread_rwlock_unlock(&race->calm);
    }
    return NULL;
}

static void race_init(struct race *race, struct hub_fixture *fixture)
{
    const char *rounds = getenv("BERTH_TEST_SOAK_ROUNDS");
    uint64_t number = ROUND_COUNT;
    if (rounds && !str_to_u64(str_from(rounds), 1000000, &number))
        fail_msg("BERTH_TEST_SOAK_ROUNDS is no number");
    *race = (struct race){
        .hub = fixture->hub,
        .repositories = { content_repository(fixture, "alice/app"),
                          content_repository(fixture, "bob/other") },
        .rounds = (int)number,
    };
    pthread_rwlockattr_t attributes;
    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&race->calm, &attributes);
    pthread_rwlockattr_destroy(&attributes);
}

/* Every pusher to its end, the others until then. */
static void race_run(struct race *race, struct pusher *pushers)
{
    void *(*const others[])(void *) = { run_collector, run_reader, run_clock };
    pthread_t threads[PUSHER_COUNT], other_threads[ARRAY_COUNT(others)];
    for (size_t i = 0; i < ARRAY_COUNT(others); i++)
        assert_int_equal(pthread_create(&other_threads[i], NULL, others[i], race), 0);
    for (unsigned i = 0; i < PUSHER_COUNT; i++) {
        pushers[i] = (struct pusher){ .race = race, .number = i, .random = 7 * i + 1 };
        assert_int_equal(pthread_create(&threads[i], NULL, run_pusher, &pushers[i]), 0);
    }
    for (size_t i = 0; i < PUSHER_COUNT; i++)
        pthread_join(threads[i], NULL);
    atomic_store(&race->is_over, true);
    for (size_t i = 0; i < ARRAY_COUNT(others); i++)
        pthread_join(other_threads[i], NULL);
    pthread_rwlock_destroy(&race->calm);
}

/* Blobs as files, as the server has them. */
static int race_setup(void **state)
{
    int result = content_setup(state);
    struct hub_fixture *fixture = *state;
    struct hub_options options = hub_fixture_options(fixture);
    options.storage = arena_format(fixture->arena, "file:%s/blobs", fixture->folder);
    hub_close(fixture->hub);
    fixture->hub = NULL;
    CHECK(hub_open(&options, &fixture->hub, &fixture->err));
    return result;
}

static void test_collect_step__never_takes_what_a_push_counts_on(void **state)
{
    struct hub_fixture *fixture = *state;
    struct race race;
    struct pusher pushers[PUSHER_COUNT];
    race_init(&race, fixture);
    race_run(&race, pushers);
    fixture->shift_ms += atomic_load(&race.shift_ms);
    print_message("%lld collected, %lld found, %lld mounted, %lld uploaded\n",
                  atomic_load(&race.collected), atomic_load(&race.found_count),
                  atomic_load(&race.mounted_count), atomic_load(&race.uploaded_count));
    assert_int_equal(atomic_load(&race.failures), 0);
    assert_true(atomic_load(&race.collected) > race.rounds / 10); /* it was a race */

    collect_later(fixture);
    collect_check_nothing_is_forgotten(fixture);
    for (size_t i = 0; i < PUSHER_COUNT; i++) {
        for (size_t kept = 0; kept < pushers[i].kept_count; kept++) {
            const struct pushed *pushed = &pushers[i].kept[kept];
            assert_true(check_pushed(&race, fixture->arena, pushed));
            CHECK(collect_delete(fixture, pushed->repository_id, &pushed->manifest));
        }
    }
    collect_later(fixture);
    collect_check_files(fixture, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_collect_step__never_takes_what_a_push_counts_on,
                                        race_setup, hub_fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
