/* SPDX-License-Identifier: Apache-2.0 */
#include "db/migrate.h"

#include "scratch.h"

#include <pthread.h>

#define FILE_OF(file_name, text)                                                                   \
    {                                                                                              \
        .name = (file_name), .bytes = (const unsigned char *)(text), .size = sizeof(text) - 1      \
    }
#define FIRST                                                                                      \
    FILE_OF("0001_first.sql", "-- Two.\nCREATE TABLE a (x INTEGER);\nCREATE TABLE b (x "           \
                              "INTEGER);\n")
#define SECOND FILE_OF("0002_second.sql", "INSERT INTO a VALUES (1); INSERT INTO a VALUES (2);\n")
#define THIRD FILE_OF("0003_third.sql", "CREATE TABLE c (x INTEGER);\n")
#define END                                                                                        \
    {                                                                                              \
        .name = NULL                                                                               \
    }

static const struct embedded_file three[] = { FIRST, SECOND, THIRD, END };
static const struct embedded_file two[] = { FIRST, SECOND, END };
static const struct embedded_file one[] = { FIRST, END };

static int64_t count_of(struct scratch *s, const char *sql)
{
    static const struct db_field count = { "count", DB_INT, false };
    struct db_statement statement = {
        .name = sql, .sqlite = sql, .postgres = sql, .out = &count, .out_count = 1
    };
    /* A connection of its own: prepared statements are kept by their address, which lies here. */
    struct db *db AUTO(db_close) = scratch_open(s, 1000);
    struct db_tx *tx AUTO(db_tx_end) = db_read(db, s->arena, &s->err);
    struct db_run run;
    bool has_row = false;
    int64_t value = -1;
    if (db_start(tx, &statement, &run, &s->err) && db_step(&run, &has_row, &s->err))
        value = db_column_int(&run);
    db_finish(&run);
    error_clear(&s->err);
    return value;
}

static void check_status(struct scratch *s, const struct embedded_file *files, int applied,
                         int newest)
{
    struct migrate_status status;
    assert_true(migrate_status_files(s->db, files, &status, &s->err));
    assert_int_equal(status.applied, applied);
    assert_int_equal(status.newest, newest);
}

static void migrate(struct scratch *s, const struct embedded_file *files, int applied)
{
    struct migrate_status status;
    assert_true(migrate_run_files(s->db, files, &status, &s->err));
    assert_int_equal(status.applied, applied);
    assert_int_equal(status.newest, applied);
}

static void test_run__applies_each_once_in_order(void **state)
{
    struct scratch *s = *state;
    check_status(s, three, 0, 3);
    migrate(s, one, 1);
    check_status(s, three, 1, 3);
    migrate(s, three, 3);
    migrate(s, three, 3);
    check_status(s, three, 3, 3);
    assert_int_equal(count_of(s, "SELECT count(*) FROM a"), 2);
    assert_int_equal(count_of(s, "SELECT count(*) FROM c"), 0);
    assert_int_equal(count_of(s, "SELECT count(*) FROM migration WHERE applied_ms > 1700000000000"),
                     3);
}

static void test_run__refuses_a_newer_database(void **state)
{
    struct scratch *s = *state;
    struct migrate_status status;
    migrate(s, three, 3);
    assert_false(migrate_run_files(s->db, two, &status, &s->err));
    check_error(&s->err, ERROR_UNSUPPORTED, "it was migrated to 0003_third.sql");
    assert_false(migrate_status_files(s->db, one, &status, &s->err));
    check_error(&s->err, ERROR_UNSUPPORTED, "newer than this program");
}

static void test_run__refuses_a_changed_file(void **state)
{
    struct scratch *s = *state;
    static const struct embedded_file changed[] = {
        FIRST, FILE_OF("0002_second.sql", "INSERT INTO a VALUES (1);\n"), THIRD, END
    };
    struct migrate_status status;
    migrate(s, two, 2);
    assert_false(migrate_run_files(s->db, changed, &status, &s->err));
    check_error(&s->err, ERROR_INTERNAL, "0002_second.sql was applied");
    assert_int_equal(count_of(s, "SELECT count(*) FROM c"), -1);
}

static void test_run__leaves_nothing_of_a_migration_that_fails(void **state)
{
    struct scratch *s = *state;
    static const struct embedded_file broken[] = {
        FIRST,
        FILE_OF("0002_broken.sql", "CREATE TABLE d (x INTEGER); INSERT INTO absent VALUES (1);"),
        END
    };
    struct migrate_status status;
    assert_false(migrate_run_files(s->db, broken, &status, &s->err));
    check_error(&s->err, ERROR_INTERNAL,
                test_database_is_postgres()
                    ? "migration 0002_broken.sql: database: relation \"absent\" does not exist"
                    : "migration 0002_broken.sql: database: no such table: absent");
    assert_int_equal(count_of(s, "SELECT count(*) FROM d"), -1);
    check_status(s, two, 1, 2);
    migrate(s, two, 2);
}

static void test_run__refuses_a_migration_that_commits(void **state)
{
    struct scratch *s = *state;
    static const struct embedded_file commits[] = { FILE_OF("0001_commits.sql", "COMMIT;"), END };
    static const struct embedded_file begins[] = { FILE_OF("0001_begins.sql", "BEGIN;"), END };
    struct migrate_status status;
    assert_false(migrate_run_files(s->db, commits, &status, &s->err));
    error_clear(&s->err);
    check_status(s, one, 0, 1);
    if (test_database_is_postgres())
        return; /* takes a second BEGIN for the first */
    assert_false(migrate_run_files(s->db, begins, &status, &s->err));
    check_error(&s->err, ERROR_INTERNAL, "within a transaction");
    check_status(s, one, 0, 1);
}

static void test_run__refuses_names_out_of_order(void **state)
{
    struct scratch *s = *state;
    static const char *const names[] = { "0002_first.sql", "1_first.sql", "first.sql",
                                         "0001first.sql", "00a1_first.sql" };
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        const struct embedded_file wrong[] = { FILE_OF(names[i], "CREATE TABLE a (x INTEGER);"),
                                               END };
        struct migrate_status status;
        assert_false(migrate_run_files(s->db, wrong, &status, &s->err));
        check_error(&s->err, ERROR_INTERNAL, "migration 1 of the program is called");
    }
}

struct node {
    pthread_t thread;
    struct db *db;
    bool ok;
};

static void *migrate_in_thread(void *context)
{
    struct node *node = context;
    struct migrate_status status;
    struct error err = { 0 };
    node->ok = migrate_run_files(node->db, three, &status, &err) && status.applied == 3;
    return NULL;
}

/* Connections of their own, so as two processes have them. */
static void test_run__at_the_same_time_applies_each_once(void **state)
{
    struct scratch *s = *state;
    struct node nodes[4];
    for (size_t i = 0; i < ARRAY_COUNT(nodes); i++)
        nodes[i].db = scratch_open(s, 10000);
    for (size_t i = 0; i < ARRAY_COUNT(nodes); i++)
        assert_int_equal(pthread_create(&nodes[i].thread, NULL, migrate_in_thread, &nodes[i]), 0);
    for (size_t i = 0; i < ARRAY_COUNT(nodes); i++) {
        (void)pthread_join(nodes[i].thread, NULL);
        assert_true(nodes[i].ok);
        db_close(nodes[i].db);
    }
    assert_int_equal(count_of(s, "SELECT count(*) FROM a"), 2);
}

static void test_run__goes_on_where_a_failure_stopped_it(void **state)
{
    struct scratch *s = *state;
    struct migrate_status status;
    bool is_done = false;
    unsigned nth = 1;
    for (; !is_done; nth++) {
        db_fail_nth_for_test(nth);
        is_done = migrate_run_files(s->db, three, &status, &s->err);
        db_fail_nth_for_test(0);
        if (!is_done)
            check_error(&s->err, ERROR_UNAVAILABLE, "a test made");
    }
    assert_true(nth > 4);
    assert_int_equal(status.applied, 3);
    assert_int_equal(count_of(s, "SELECT count(*) FROM a"), 2);
}

static void test_run__applies_those_of_the_program(void **state)
{
    struct scratch *s = *state;
    /* The sample's tables are in the way of none of them. */
    struct migrate_status status;
    assert_true(migrate_run(s->db, &status, &s->err));
    assert_true(status.applied >= 1);
    assert_int_equal(status.applied, status.newest);
    struct migrate_status again;
    assert_true(migrate_status(s->db, &again, &s->err));
    assert_int_equal(again.applied, status.applied);
    if (!test_database_is_postgres()) /* PostgreSQL cannot even get there */
        assert_int_equal(count_of(s, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
}

/* Every "table.column" of SQLite and of PostgreSQL, but for the table that only the engine of the
 * latter has. */
static const char sqlite_columns[] =
    "SELECT group_concat(name, ' ') FROM (SELECT t.name || '.' || c.name AS name"
    " FROM sqlite_schema t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'"
    " AND t.name NOT LIKE 'sqlite_%' AND t.name NOT IN ('thing', 'part', 'late_part') ORDER BY 1)";
static const char postgres_columns[] =
    "SELECT string_agg(name, ' ' ORDER BY name COLLATE \"C\") FROM (SELECT table_name || '.' ||"
    " column_name AS name FROM information_schema.columns WHERE table_schema = 'public'"
    " AND table_name NOT IN ('thing', 'part', 'late_part', 'commit_token')) AS columns";

static void test_run__makes_the_same_tables_on_both_engines(void **state)
{
    struct scratch *s = *state;
    struct migrate_status status;
    assert_true(migrate_run(s->db, &status, &s->err));
    if (!test_database_is_postgres())
        return; /* compared in the run beside PostgreSQL */
    struct str sqlite = arena_format(s->arena, "sqlite:%s", s->path);
    struct db_options options = { .url = sqlite };
    struct db *db = NULL;
    assert_true(db_open(&options, &db, &s->err));
    assert_true(migrate_run(db, &status, &s->err));
    db_close(db);
    struct str expected = test_database_text(s->arena, sqlite, sqlite_columns);
    assert_true(expected.len > 1000);
    check_str(test_database_text(s->arena, s->url, postgres_columns), expected.ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_run__applies_each_once_in_order),
        SCRATCH_TEST(test_run__refuses_a_newer_database),
        SCRATCH_TEST(test_run__refuses_a_changed_file),
        SCRATCH_TEST(test_run__leaves_nothing_of_a_migration_that_fails),
        SCRATCH_TEST(test_run__refuses_a_migration_that_commits),
        SCRATCH_TEST(test_run__refuses_names_out_of_order),
        SCRATCH_TEST(test_run__at_the_same_time_applies_each_once),
        SCRATCH_TEST(test_run__goes_on_where_a_failure_stopped_it),
        SCRATCH_TEST(test_run__applies_those_of_the_program),
        SCRATCH_TEST(test_run__makes_the_same_tables_on_both_engines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
