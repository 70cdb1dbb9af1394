/* SPDX-License-Identifier: Apache-2.0 */
/* What PostgreSQL's failures become. */
#include "db/postgres_internal.h"

#include "base/clock.h"
#include "scratch.h"

#include <time.h>

static struct postgres_connection *connection_of(struct db_tx *tx)
{
    assert_non_null(tx);
    return tx->connection;
}

static void test_failure__has_a_kind_and_a_consequence(void **state)
{
    struct scratch *s = *state;
    static const struct {
        const char *code;
        enum error_kind kind;
        enum postgres_trouble trouble;
    } cases[] = {
        { "40001", ERROR_UNAVAILABLE, POSTGRES_CONFLICT },
        { "40P01", ERROR_UNAVAILABLE, POSTGRES_CONFLICT },
        { "23505", ERROR_CONFLICT, POSTGRES_VIOLATION },
        { "23503", ERROR_CONFLICT, POSTGRES_VIOLATION },
        { "53100", ERROR_NO_SPACE, POSTGRES_FAILED },
        { "53200", ERROR_UNAVAILABLE, POSTGRES_FAILED },
        { "55P03", ERROR_UNAVAILABLE, POSTGRES_FAILED },
        { "57014", ERROR_UNAVAILABLE, POSTGRES_FAILED },
        { "57P01", ERROR_UNAVAILABLE, POSTGRES_LOST },
        { "57P03", ERROR_UNAVAILABLE, POSTGRES_LOST },
        { "08006", ERROR_UNAVAILABLE, POSTGRES_LOST },
        { "25006", ERROR_UNAVAILABLE, POSTGRES_LOST },
        { "22021", ERROR_INVALID, POSTGRES_FAILED },
        { "42P01", ERROR_INTERNAL, POSTGRES_FAILED },
        { "XX000", ERROR_INTERNAL, POSTGRES_FAILED },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct db_tx *tx AUTO(db_tx_end) = db_read(s->db, s->arena, &s->err);
        struct postgres_connection *connection = connection_of(tx);
        char sql[128];
        (void)snprintf(sql, sizeof(sql),
                       "DO $$ BEGIN RAISE EXCEPTION 'for a test' USING ERRCODE = '%s'; END $$",
                       cases[i].code);
        assert_false(postgres_script_run(connection, sql, 5000, &s->err));
        assert_int_equal(connection->trouble, cases[i].trouble);
        assert_int_equal(connection->failure.kind, cases[i].kind);
        check_error(&s->err, cases[i].kind,
                    cases[i].kind == ERROR_INVALID ? "UTF-8" : "for a test");
    }
}

static void test_answers__come_in_order_and_stop_at_a_failure(void **state)
{
    struct scratch *s = *state;
    struct db_tx *tx AUTO(db_tx_end) = db_read(s->db, s->arena, &s->err);
    struct postgres_connection *connection = connection_of(tx);
    struct postgres_answer answer;
    assert_true(postgres_queue(connection, "SELECT 1"));
    assert_true(postgres_queue(connection, "SELECT 2 WHERE false"));
    assert_true(postgres_answers(connection, "two", &answer, &s->err));
    assert_int_equal(answer.good_count, 2);
    assert_int_equal(PQntuples(answer.last), 0);
    PQclear(answer.last);

    assert_true(postgres_queue(connection, "SELECT 1"));
    assert_true(postgres_queue(connection, "SELECT 1 / 0"));
    assert_true(postgres_queue(connection, "SELECT 3"));
    assert_false(postgres_answers(connection, "three", &answer, &s->err));
    check_error(&s->err, ERROR_INTERNAL, "three: division by zero (PostgreSQL 22012)");
    assert_int_equal(answer.good_count, 1);
    PQclear(answer.last);

    /* The connection is none the worse for it. */
    postgres_forget(connection);
    assert_true(postgres_queue(connection, "SELECT 4"));
    assert_true(postgres_answers(connection, "four", &answer, &s->err));
    PQclear(answer.last);
}

static void test_answers__do_not_wait_for_ever(void **state)
{
    struct scratch *s = *state;
    struct db_tx *tx AUTO(db_tx_end) = db_read(s->db, s->arena, &s->err);
    struct postgres_connection *connection = connection_of(tx);
    struct postgres_answer answer;
    connection->answer_ms = 200;
    int64_t began_ms = clock_monotonic_ms();
    assert_true(postgres_queue(connection, "SELECT pg_sleep(3)"));
    assert_false(postgres_answers(connection, "sleep", &answer, &s->err));
    check_error(&s->err, ERROR_UNAVAILABLE, "does not answer");
    assert_int_equal(connection->trouble, POSTGRES_LOST);
    assert_true(clock_monotonic_ms() - began_ms < 2000);
    PQclear(answer.last);
}

static void test_script__runs_several_statements_and_all_or_none(void **state)
{
    struct scratch *s = *state;
    struct db_tx *tx AUTO(db_tx_end) = db_read(s->db, s->arena, &s->err);
    struct postgres_connection *connection = connection_of(tx);
    assert_true(postgres_script_run(connection,
                                    "INSERT INTO thing (number) VALUES (1);"
                                    "INSERT INTO thing (number) VALUES (2)",
                                    5000, &s->err));
    assert_false(postgres_script_run(connection,
                                     "INSERT INTO thing (number) VALUES (3); SELECT 1 / 0;"
                                     "INSERT INTO thing (number) VALUES (4)",
                                     5000, &s->err));
    check_error(&s->err, ERROR_INTERNAL, "division by zero");
    assert_int_equal(test_database_run(s->url, "SELECT count(*) FROM thing"), 2);
}

static void test_usable__is_only_who_still_listens(void **state)
{
    struct scratch *s = *state;
    struct db_tx *tx = db_read(s->db, s->arena, &s->err);
    struct postgres_connection *connection = connection_of(tx);
    struct thing_count_row row;
    assert_true(sql_thing_count(tx, &row, &s->err));
    char sql[64];
    (void)snprintf(sql, sizeof(sql), "SELECT pg_terminate_backend(%d, 5000)",
                   PQbackendPID(connection->handle));
    db_tx_end(tx);
    int64_t deadline_ms = clock_monotonic_ms() + 5000;
    assert_true(postgres_is_usable(connection, deadline_ms));
    assert_int_equal(test_database_run(s->url, sql), 1);
    assert_false(postgres_is_usable(connection, deadline_ms));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_failure__has_a_kind_and_a_consequence),
        SCRATCH_TEST(test_answers__come_in_order_and_stop_at_a_failure),
        SCRATCH_TEST(test_answers__do_not_wait_for_ever),
        SCRATCH_TEST(test_script__runs_several_statements_and_all_or_none),
        SCRATCH_TEST(test_usable__is_only_who_still_listens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
