/* SPDX-License-Identifier: Apache-2.0 */
/* Conflicts, and commits whose answer got lost. */
#include "db/postgres_internal.h"

#include "base/clock.h"
#include "proxy.h"

enum { WRITERS = 8, ROUNDS = 10 };

static int64_t number(struct scratch *s, const char *sql)
{
    return test_database_run(s->url, sql);
}

static struct db *open_url(const char *url, unsigned wait_ms)
{
    struct db_options options = { .url = str_from(url), .reader_count = 4, .wait_ms = wait_ms };
    struct db *db = NULL;
    struct error err = { 0 };
    if (!db_open(&options, &db, &err))
        fail_msg("%s", err.message);
    return db;
}

/* ---- conflicts ---- */

struct counter {
    pthread_t thread;
    struct scratch *scratch;
    unsigned runs, failures;
};

static bool read_and_add(struct db_tx *tx, void *context, struct error *err)
{
    struct counter *counter = context;
    counter->runs++;
    struct thing_get_row row;
    int64_t changed = 0;
    if (!sql_thing_get(tx, 1, &row, err))
        return false;
    return sql_thing_move(tx, row.number + 1, row.number, &changed, err);
}

static void *count_up(void *context)
{
    struct counter *counter = context;
    for (int i = 0; i < ROUNDS; i++) {
        struct arena *arena AUTO(arena_free) = arena_new();
        struct error err = { 0 };
        counter->failures += !db_write(counter->scratch->db, arena, read_and_add, counter, &err);
    }
    return NULL;
}

static void test_write__loses_no_update_of_many_at_once(void **state)
{
    struct scratch *s = *state;
    (void)number(s, "INSERT INTO thing (id, number) VALUES (1, 0)");
    struct counter counters[WRITERS];
    for (int i = 0; i < WRITERS; i++) {
        counters[i] = (struct counter){ .scratch = s };
        assert_int_equal(pthread_create(&counters[i].thread, NULL, count_up, &counters[i]), 0);
    }
    unsigned runs = 0;
    for (int i = 0; i < WRITERS; i++) {
        (void)pthread_join(counters[i].thread, NULL);
        assert_int_equal(counters[i].failures, 0);
        runs += counters[i].runs;
    }
    assert_int_equal(number(s, "SELECT number FROM thing WHERE id = 1"), WRITERS * ROUNDS);
    assert_true(runs > WRITERS * ROUNDS); /* otherwise nothing has met */
}

struct skew {
    pthread_t thread;
    struct scratch *scratch;
    pthread_barrier_t *barrier;
    int64_t own;
    bool has_met, ok;
};

/* Adds one part if there is none: with snapshots alone, both would. */
static bool add_if_none(struct db_tx *tx, void *context, struct error *err)
{
    struct skew *skew = context;
    struct thing_count_row row;
    if (!sql_thing_count(tx, &row, err))
        return false;
    if (!skew->has_met)
        (void)pthread_barrier_wait(skew->barrier);
    skew->has_met = true;
    if (row.things > 0)
        return error_set(err, ERROR_CONFLICT, "there is one");
    char label[] = { 'a', (char)('0' + skew->own), '\0' };
    return sql_thing_add_nullable(tx, skew->own, str_from(label), STR_NONE, NULL, err);
}

static void *run_skew(void *context)
{
    struct skew *skew = context;
    struct arena *arena AUTO(arena_free) = arena_new();
    struct error err = { 0 };
    skew->ok = db_write(skew->scratch->db, arena, add_if_none, skew, &err);
    assert_true(skew->ok || err.kind == ERROR_CONFLICT);
    return NULL;
}

static void test_write__is_as_if_one_ran_after_the_other(void **state)
{
    struct scratch *s = *state;
    pthread_barrier_t barrier;
    assert_int_equal(pthread_barrier_init(&barrier, NULL, 2), 0);
    struct skew both[2];
    for (int i = 0; i < 2; i++) {
        both[i] = (struct skew){ .scratch = s, .barrier = &barrier, .own = i };
        assert_int_equal(pthread_create(&both[i].thread, NULL, run_skew, &both[i]), 0);
    }
    for (int i = 0; i < 2; i++)
        (void)pthread_join(both[i].thread, NULL);
    assert_int_equal(both[0].ok + both[1].ok, 1);
    assert_int_equal(thing_count(s), 1);
    (void)pthread_barrier_destroy(&barrier);
}

/* ---- failures ---- */

struct adding {
    const char *label;
    struct scratch *scratch; /* if it is needed */
    unsigned runs;
    bool swallows; /* goes on as if the statement had not failed */
};

static bool add_label(struct db_tx *tx, void *context, struct error *err)
{
    struct adding *adding = context;
    adding->runs++;
    if (!adding->swallows)
        return sql_thing_add_nullable(tx, 1, str_from(adding->label), STR_NONE, NULL, err);
    struct error swallowed = { 0 };
    assert_false(
        sql_thing_add_nullable(tx, 1, str_from(adding->label), STR_NONE, NULL, &swallowed));
    return true;
}

static void test_write__tries_a_violation_again_a_few_times(void **state)
{
    struct scratch *s = *state;
    struct adding first = { .label = "one" }, again = { .label = "one" };
    assert_true(db_write(s->db, s->arena, add_label, &first, &s->err));
    assert_int_equal(first.runs, 1);
    assert_false(db_write(s->db, s->arena, add_label, &again, &s->err));
    check_error(&s->err, ERROR_CONFLICT, "this does not fit what is stored: duplicate key");
    assert_int_equal(again.runs, 3);
}

static void test_write__does_not_believe_a_body_that_swallows_a_failure(void **state)
{
    struct scratch *s = *state;
    struct adding first = { .label = "one" }, again = { .label = "one", .swallows = true };
    assert_true(db_write(s->db, s->arena, add_label, &first, &s->err));
    assert_false(db_write(s->db, s->arena, add_label, &again, &s->err));
    check_error(&s->err, ERROR_CONFLICT, "duplicate key");
}

static bool add_late_part(struct db_tx *tx, void *context, struct error *err)
{
    (void)context;
    return sql_late_part_add(tx, 77, err);
}

static void test_write__tells_what_shows_only_at_the_commit(void **state)
{
    struct scratch *s = *state;
    assert_false(db_write(s->db, s->arena, add_late_part, NULL, &s->err));
    check_error(&s->err, ERROR_CONFLICT, "violates foreign key");
    assert_int_equal(number(s, "SELECT count(*) FROM late_part"), 0);
}

static bool do_nothing(struct db_tx *tx, void *context, struct error *err)
{
    (void)context;
    (void)err;
    return db_tx_is_writing(tx);
}

static void test_write__of_nothing_asks_nobody(void **state)
{
    struct scratch *s = *state;
    uint64_t before = atomic_load(&s->db->commit_count);
    assert_true(db_write(s->db, s->arena, do_nothing, NULL, &s->err));
    assert_int_equal(atomic_load(&s->db->commit_count), before);
    assert_int_equal(number(s, "SELECT count(*) FROM commit_token"), 0);
}

static bool hold(struct db_tx *tx, void *context, struct error *err)
{
    struct adding adding = { .label = "held" };
    bool ok = add_label(tx, &adding, err);
    (void)pthread_barrier_wait(context);
    (void)pthread_barrier_wait(context);
    return ok;
}

struct holder {
    struct db *db;
    pthread_barrier_t barrier;
};

static void *hold_in_thread(void *context)
{
    struct holder *holder = context;
    struct arena *arena AUTO(arena_free) = arena_new();
    struct error err = { 0 };
    assert_true(db_write(holder->db, arena, hold, &holder->barrier, &err));
    return NULL;
}

static void test_write__waits_for_a_lock_no_longer_than_told(void **state)
{
    struct scratch *s = *state;
    struct holder holder = { .db = s->db };
    assert_int_equal(pthread_barrier_init(&holder.barrier, NULL, 2), 0);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, hold_in_thread, &holder), 0);
    (void)pthread_barrier_wait(&holder.barrier);
    struct db *db AUTO(db_close) = scratch_open(s, 300);
    struct adding same = { .label = "held" };
    int64_t began_ms = clock_monotonic_ms();
    assert_false(db_write(db, s->arena, add_label, &same, &s->err));
    check_error(&s->err, ERROR_UNAVAILABLE, "lock timeout");
    assert_true(clock_monotonic_ms() - began_ms < 3000);
    (void)pthread_barrier_wait(&holder.barrier);
    (void)pthread_join(thread, NULL);
    (void)pthread_barrier_destroy(&holder.barrier);
}

/* ---- lost connections ---- */

static void check_commit_is_made_once(struct scratch *s, enum proxy_cut cut, unsigned runs)
{
    struct proxy proxy;
    proxy_start(&proxy, s);
    struct db *db = open_url(proxy.url, 5000);
    struct adding adding = { .label = "once" };
    atomic_store(&proxy.cut, cut);
    bool ok = db_write(db, s->arena, add_label, &adding, &s->err);
    db_close(db);
    proxy_stop(&proxy);
    assert_true(ok);
    assert_int_equal(atomic_load(&proxy.cut), CUT_NOTHING);
    assert_int_equal(adding.runs, runs);
    assert_int_equal(thing_count(s), 1);
}

static void test_write__finds_a_commit_whose_answer_was_lost(void **state)
{
    check_commit_is_made_once(*state, CUT_AFTER_COMMIT, 1);
}

static void test_write__repeats_a_commit_that_never_arrived(void **state)
{
    check_commit_is_made_once(*state, CUT_BEFORE_COMMIT, 2);
}

static void test_write__says_when_nobody_can_know(void **state)
{
    struct scratch *s = *state;
    struct proxy proxy;
    proxy_start(&proxy, s);
    struct db *db = open_url(proxy.url, 400);
    struct adding adding = { .label = "who knows" };
    atomic_store(&proxy.stays_away, true);
    atomic_store(&proxy.cut, CUT_AFTER_COMMIT);
    int64_t began_ms = clock_monotonic_ms();
    bool ok = db_write(db, s->arena, add_label, &adding, &s->err);
    int64_t lasted_ms = clock_monotonic_ms() - began_ms;
    db_close(db);
    proxy_stop(&proxy);
    assert_false(ok);
    check_error(&s->err, ERROR_UNAVAILABLE, "lost during a commit");
    assert_int_equal(adding.runs, 1);
    assert_true(lasted_ms < 3000);
}

static bool lose_connection(struct db_tx *tx, void *context, struct error *err)
{
    struct adding *adding = context;
    struct postgres_connection *connection = tx->connection;
    struct thing_count_row row;
    if (!sql_thing_count(tx, &row, err))
        return false;
    if (adding->runs++ == 0) {
        char sql[96];
        (void)snprintf(sql, sizeof(sql), "SELECT pg_terminate_backend(%d, 5000)",
                       PQbackendPID(connection->handle));
        assert_int_equal(number(adding->scratch, sql), 1);
    }
    return sql_thing_add_nullable(tx, 1, STR("survivor"), STR_NONE, NULL, err);
}

static void test_write__runs_again_when_the_connection_breaks_before_the_commit(void **state)
{
    struct scratch *s = *state;
    struct adding adding = { .scratch = s };
    assert_true(db_write(s->db, s->arena, lose_connection, &adding, &s->err));
    assert_int_equal(adding.runs, 2);
    assert_int_equal(thing_count(s), 1);
}

static void test_write__sweeps_old_tokens(void **state)
{
    struct scratch *s = *state;
    struct adding first = { .label = "one" };
    (void)number(s, "INSERT INTO commit_token (token, made_at) VALUES "
                    "('00000000-0000-0000-0000-000000000002', now() - INTERVAL '2 hours')");
    struct db_postgres *postgres = (struct db_postgres *)s->db;
    atomic_store(&postgres->sweep_at_ms, 0);
    assert_true(db_write(s->db, s->arena, add_label, &first, &s->err));
    assert_int_equal(number(s, "SELECT count(*) FROM commit_token"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_write__loses_no_update_of_many_at_once),
        SCRATCH_TEST(test_write__is_as_if_one_ran_after_the_other),
        SCRATCH_TEST(test_write__tries_a_violation_again_a_few_times),
        SCRATCH_TEST(test_write__does_not_believe_a_body_that_swallows_a_failure),
        SCRATCH_TEST(test_write__tells_what_shows_only_at_the_commit),
        SCRATCH_TEST(test_write__of_nothing_asks_nobody),
        SCRATCH_TEST(test_write__waits_for_a_lock_no_longer_than_told),
        SCRATCH_TEST(test_write__finds_a_commit_whose_answer_was_lost),
        SCRATCH_TEST(test_write__repeats_a_commit_that_never_arrived),
        SCRATCH_TEST(test_write__says_when_nobody_can_know),
        SCRATCH_TEST(test_write__runs_again_when_the_connection_breaks_before_the_commit),
        SCRATCH_TEST(test_write__sweeps_old_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
