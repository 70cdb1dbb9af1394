/* SPDX-License-Identifier: Apache-2.0 */
/* The setting, and what a new connection insists on. */
#include "db/postgres_internal.h"

#include "base/clock.h"
#include "scratch.h"

#include <libpq-fe.h>

static void test_url_check__takes_what_libpq_takes(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "postgres://h/db",
        "postgresql://user:p%40ss%2Fw%3Ard@db.example.org:5433/berth?sslmode=require",
        "postgres://berth@/berth?host=/run/postgresql",
        "postgres://u:p@one:5432,two:5433/berth",
        "postgres://[::1]/berth",
        "postgres:///berth?user=u",
    };
    for (size_t i = 0; i < ARRAY_COUNT(urls); i++) {
        struct error err = { 0 };
        if (!postgres_url_check(urls[i], &err))
            fail_msg("%s: %s", urls[i], err.message);
    }
}

static void test_url_check__repeats_no_password(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "postgres://u:geheim%@h/db",   "postgres://u:geh/eim@h/db", "postgres://u:geh@eim@h/db",
        "postgres://u:geh:eim@h:x/db", "postgres://u:ge#h/eim@h",   "postgres://u:geheim@h/db?a=b",
    };
    for (size_t i = 0; i < ARRAY_COUNT(urls); i++) {
        struct error err = { 0 };
        assert_false(postgres_url_check(urls[i], &err));
        assert_null(strstr(err.message, "geh"));
        assert_null(strstr(err.message, "eim"));
        check_error(&err, ERROR_INVALID, "%40 for @");
    }
}

static bool opens(const char *url, unsigned wait_ms, struct error *err)
{
    struct db_options options = { .url = str_from(url), .reader_count = 2, .wait_ms = wait_ms };
    struct db *db AUTO(db_close) = NULL;
    return db_open(&options, &db, err);
}

/* The URL of the scratch database with another user or database in it. */
static const char *changed(struct scratch *s, const char *from, const char *to)
{
    size_t at = str_find_text(s->url, str_from(from));
    assert_true(at < s->url.len);
    return arena_format(s->arena, "%.*s%s%.*s", (int)at, s->url.ptr, to,
                        STR_ARG(str_after(s->url, at + strlen(from))))
        .ptr;
}

static void test_connect__gives_up_at_once_what_cannot_pass(void **state)
{
    struct scratch *s = *state;
    int64_t began_ms = clock_monotonic_ms();
    assert_false(opens(changed(s, "/berth_test", "/no_such"), 20000, &s->err));
    check_error(&s->err, ERROR_INVALID, "does not exist");
    assert_false(opens(changed(s, "//berth@", "//nobody_at_all@"), 20000, &s->err));
    check_error(&s->err, ERROR_INVALID, "nobody_at_all");
    assert_true(clock_monotonic_ms() - began_ms < 5000);
}

static void test_connect__waits_for_a_server_as_long_as_told(void **state)
{
    struct scratch *s = *state;
    const char *url = arena_format(s->arena, "postgres://u:geheim@/db?host=%s", s->folder).ptr;
    int64_t began_ms = clock_monotonic_ms();
    assert_false(opens(url, 400, &s->err));
    int64_t lasted_ms = clock_monotonic_ms() - began_ms;
    assert_null(strstr(s->err.message, "geheim"));
    check_error(&s->err, ERROR_UNAVAILABLE, "could not connect to the database");
    assert_true(lasted_ms >= 350 && lasted_ms < 3000);
}

static void test_connect__refuses_another_encoding(void **state)
{
    struct scratch *s = *state;
    char sql[160];
    (void)snprintf(sql, sizeof(sql), "berth_latin_%d", (int)getpid());
    const char *name = arena_c(s->arena, str_from(sql));
    struct str server = str_from(getenv("BERTH_TEST_DATABASE"));
    (void)snprintf(sql, sizeof(sql),
                   "CREATE DATABASE %s TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'", name);
    (void)test_database_run(server, sql);
    struct str rest = str_after(s->url, str_find(s->url, '?'));
    size_t head = str_find_text(s->url, STR("/berth_test"));
    const char *url =
        arena_format(s->arena, "%.*s/%s%.*s", (int)head, s->url.ptr, name, STR_ARG(rest)).ptr;
    bool ok = opens(url, 2000, &s->err);
    (void)snprintf(sql, sizeof(sql), "DROP DATABASE %s WITH (FORCE)", name);
    (void)test_database_run(server, sql);
    assert_false(ok);
    check_error(&s->err, ERROR_INVALID, "encoded as LATIN1; create one with ENCODING 'UTF8'");
}

static const char *shown(struct scratch *s, const char *setting)
{
    struct db_tx *tx = db_read(s->db, s->arena, &s->err);
    assert_non_null(tx);
    struct postgres_connection *connection = tx->connection;
    char sql[64];
    (void)snprintf(sql, sizeof(sql), "SHOW %s", setting);
    struct postgres_answer answer;
    assert_true(postgres_queue(connection, sql));
    assert_true(postgres_answers(connection, "SHOW", &answer, &s->err));
    const char *value = arena_c(s->arena, str_from(PQgetvalue(answer.last, 0, 0)));
    PQclear(answer.last);
    db_tx_end(tx);
    return value;
}

static void test_connect__commits_to_the_disk_whatever_the_server_likes(void **state)
{
    struct scratch *s = *state;
    char sql[160];
    (void)snprintf(sql, sizeof(sql),
                   "DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || "
                   "' SET synchronous_commit = %s'; END $$",
                   "off");
    (void)test_database_run(s->url, sql);
    db_close(s->db);
    s->db = scratch_open(s, 5000);
    assert_string_equal(shown(s, "synchronous_commit"), "on");
    assert_string_equal(shown(s, "client_encoding"), "UTF8");
    assert_string_equal(shown(s, "lock_timeout"), "5s");
    assert_string_equal(shown(s, "statement_timeout"), "30s");
    (void)test_database_run(s->url,
                            "DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || "
                            "' RESET synchronous_commit'; END $$");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_url_check__takes_what_libpq_takes),
        cmocka_unit_test(test_url_check__repeats_no_password),
        SCRATCH_TEST(test_connect__gives_up_at_once_what_cannot_pass),
        SCRATCH_TEST(test_connect__waits_for_a_server_as_long_as_told),
        SCRATCH_TEST(test_connect__refuses_another_encoding),
        SCRATCH_TEST(test_connect__commits_to_the_disk_whatever_the_server_likes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
