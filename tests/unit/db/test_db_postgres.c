/* SPDX-License-Identifier: Apache-2.0 */
/* The pool, and what a reader sees. */
#include "db/postgres_internal.h"

#include "base/clock.h"
#include "scratch.h"

#include <pthread.h>

enum { CONNECTIONS = 4 }; /* as scratch.h opens it */

static bool add_thing(struct db_tx *tx, void *context, struct error *err)
{
    return sql_thing_add_nullable(tx, 1, str_from(context), STR_NONE, NULL, err);
}

static void *write_in_thread(void *context)
{
    struct scratch *s = context;
    char label[] = "from a thread";
    struct arena *arena AUTO(arena_free) = arena_new();
    struct error err = { 0 };
    assert_true(db_write(s->db, arena, add_thing, label, &err));
    return NULL;
}

static void test_read__sees_one_moment(void **state)
{
    struct scratch *s = *state;
    struct thing_count_row row;
    struct db_tx *tx = db_read(s->db, s->arena, &s->err);
    assert_true(sql_thing_count(tx, &row, &s->err));
    assert_int_equal(row.things, 0);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, write_in_thread, s), 0);
    (void)pthread_join(thread, NULL);
    assert_true(sql_thing_count(tx, &row, &s->err));
    assert_int_equal(row.things, 0);
    db_tx_end(tx);
    assert_int_equal(thing_count(s), 1);
}

struct user {
    pthread_t thread;
    struct db *db;
    pthread_barrier_t *barrier;
    bool writes;
};

static bool stay(struct db_tx *tx, void *context, struct error *err)
{
    const struct user *user = context;
    struct thing_count_row row;
    bool ok = sql_thing_count(tx, &row, err);
    (void)pthread_barrier_wait(user->barrier);
    (void)pthread_barrier_wait(user->barrier);
    return ok;
}

static void *use_connection(void *context)
{
    struct user *user = context;
    struct arena *arena AUTO(arena_free) = arena_new();
    struct error err = { 0 };
    if (user->writes) {
        assert_true(db_write(user->db, arena, stay, user, &err));
        return NULL;
    }
    struct db_tx *tx AUTO(db_tx_end) = db_read(user->db, arena, &err);
    assert_true(stay(tx, user, &err));
    return NULL;
}

/* Holds `count` connections while `meanwhile` runs. */
static void with_users(struct db *db, int count, bool writes,
                       void (*meanwhile)(struct db *db, struct scratch *s), struct scratch *s)
{
    struct user users[CONNECTIONS];
    pthread_barrier_t barrier;
    assert_int_equal(pthread_barrier_init(&barrier, NULL, (unsigned)count + 1), 0);
    for (int i = 0; i < count; i++) {
        users[i] = (struct user){ .db = db, .barrier = &barrier, .writes = writes };
        assert_int_equal(pthread_create(&users[i].thread, NULL, use_connection, &users[i]), 0);
    }
    (void)pthread_barrier_wait(&barrier);
    meanwhile(db, s);
    (void)pthread_barrier_wait(&barrier);
    for (int i = 0; i < count; i++)
        (void)pthread_join(users[i].thread, NULL);
    (void)pthread_barrier_destroy(&barrier);
}

static void check_all_are_busy(struct db *db, struct scratch *s)
{
    int64_t began_ms = clock_monotonic_ms();
    assert_null(db_read(db, s->arena, &s->err));
    check_error(&s->err, ERROR_UNAVAILABLE, "all connections to the database are busy");
    int64_t lasted_ms = clock_monotonic_ms() - began_ms;
    assert_true(lasted_ms >= 150 && lasted_ms < 3000);
}

static void test_read__waits_for_a_connection_no_longer_than_told(void **state)
{
    struct scratch *s = *state;
    struct db *db AUTO(db_close) = scratch_open(s, 200);
    with_users(db, CONNECTIONS, false, check_all_are_busy, s);
    struct db_tx *tx AUTO(db_tx_end) = db_read(db, s->arena, &s->err);
    assert_non_null(tx);
}

static void check_readers_go_on(struct db *db, struct scratch *s)
{
    char label[] = "too many";
    assert_false(db_write(db, s->arena, add_thing, label, &s->err));
    check_error(&s->err, ERROR_UNAVAILABLE, "too many others are writing");
    struct db_tx *tx AUTO(db_tx_end) = db_read(db, s->arena, &s->err);
    struct thing_count_row row;
    assert_true(sql_thing_count(tx, &row, &s->err));
}

static void test_write__leaves_connections_to_readers(void **state)
{
    struct scratch *s = *state;
    struct db *db AUTO(db_close) = scratch_open(s, 200);
    with_users(db, CONNECTIONS / 2, true, check_readers_go_on, s);
}

static void end_all_connections(struct scratch *s)
{
    (void)test_database_run(s->url, "SELECT count(pg_terminate_backend(pid, 5000)) FROM "
                                    "pg_stat_activity WHERE datname = current_database() "
                                    "AND pid <> pg_backend_pid()");
}

static void test_read__does_not_notice_that_all_connections_were_lost(void **state)
{
    struct scratch *s = *state;
    assert_int_equal(thing_count(s), 0);
    end_all_connections(s);
    assert_int_equal(thing_count(s), 0);
    /* Also if it happens when the connection is taken already. */
    struct db_tx *tx AUTO(db_tx_end) = db_read(s->db, s->arena, &s->err);
    end_all_connections(s);
    struct thing_count_row row;
    assert_true(sql_thing_count(tx, &row, &s->err));
    assert_int_equal(row.things, 0);
}

static void test_read__fails_when_its_moment_is_lost(void **state)
{
    struct scratch *s = *state;
    struct thing_count_row row;
    struct db_tx *tx = db_read(s->db, s->arena, &s->err);
    assert_true(sql_thing_count(tx, &row, &s->err));
    end_all_connections(s);
    assert_false(sql_thing_count(tx, &row, &s->err));
    check_error(&s->err, ERROR_UNAVAILABLE, "");
    assert_false(sql_thing_count(tx, &row, &s->err));
    check_error(&s->err, ERROR_UNAVAILABLE, "");
    db_tx_end(tx);
    assert_int_equal(thing_count(s), 0);
}

static void test_end__leaves_nothing_open(void **state)
{
    struct scratch *s = *state;
    for (int i = 0; i < 20; i++)
        assert_int_equal(thing_count(s), 0);
    struct timespec pause = { .tv_nsec = 50000000 };
    (void)nanosleep(&pause, NULL);
    assert_int_equal(test_database_run(s->url,
                                       "SELECT count(*) FROM pg_stat_activity WHERE datname = "
                                       "current_database() AND state LIKE 'idle in%'"),
                     0);
    assert_int_equal(test_database_run(s->url,
                                       "SELECT count(*) FROM pg_stat_activity WHERE datname = "
                                       "current_database() AND pid <> pg_backend_pid() "
                                       "AND backend_type = 'client backend'"),
                     1);
}

static void test_open__makes_the_table_of_tokens_once(void **state)
{
    struct scratch *s = *state;
    (void)test_database_run(s->url, "DROP TABLE commit_token");
    for (int i = 0; i < 2; i++)
        db_close(scratch_open(s, 1000));
    assert_int_equal(test_database_run(s->url, "SELECT count(*) FROM commit_token"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_read__sees_one_moment),
        SCRATCH_TEST(test_read__waits_for_a_connection_no_longer_than_told),
        SCRATCH_TEST(test_write__leaves_connections_to_readers),
        SCRATCH_TEST(test_read__does_not_notice_that_all_connections_were_lost),
        SCRATCH_TEST(test_read__fails_when_its_moment_is_lost),
        SCRATCH_TEST(test_end__leaves_nothing_open),
        SCRATCH_TEST(test_open__makes_the_table_of_tokens_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
