/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, the pool of readers, and what a reader sees. */
#include "db/sqlite_internal.h"

#include "scratch.h"

#include "base/clock.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { READERS = 4 }; /* as scratch.h opens it */

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

struct reader {
    pthread_t thread;
    struct scratch *scratch;
    struct db *db;
    unsigned hold_ms;
    bool ok;
    struct error err;
};

static void *read_in_thread(void *context)
{
    struct reader *reader = context;
    struct arena *arena AUTO(arena_free) = arena_new();
    struct db_tx *tx AUTO(db_tx_end) = db_read(reader->db, arena, &reader->err);
    struct thing_count_row row;
    reader->ok = tx && sql_thing_count(tx, &row, &reader->err);
    if (tx)
        (void)usleep(reader->hold_ms * 1000);
    return NULL;
}

/* READERS threads hold a connection for a while; what happens to one more? */
static void read_beside_others(struct scratch *s, struct db *db, struct reader *last)
{
    struct reader readers[READERS];
    for (int i = 0; i < READERS; i++) {
        readers[i] = (struct reader){ .scratch = s, .db = db, .hold_ms = 300 };
        assert_int_equal(pthread_create(&readers[i].thread, NULL, read_in_thread, &readers[i]), 0);
    }
    (void)usleep(100000);
    *last = (struct reader){ .scratch = s, .db = db };
    (void)read_in_thread(last);
    for (int i = 0; i < READERS; i++) {
        (void)pthread_join(readers[i].thread, NULL);
        assert_true(readers[i].ok);
    }
}

static void test_read__waits_for_a_connection(void **state)
{
    struct scratch *s = *state;
    struct reader last;
    int64_t before_ms = clock_monotonic_ms();
    read_beside_others(s, s->db, &last);
    assert_true(last.ok);
    assert_true(clock_monotonic_ms() - before_ms >= 290);
}

static void test_read__gives_up_when_all_connections_stay_busy(void **state)
{
    struct scratch *s = *state;
    struct db *impatient AUTO(db_close) = scratch_open(s, 50);
    struct reader last;
    read_beside_others(s, impatient, &last);
    assert_false(last.ok);
    assert_int_equal(last.err.retry_after_s, 1);
    check_error(&last.err, ERROR_UNAVAILABLE, "all connections to the database are busy");
}

static void test_read__cannot_write(void **state)
{
    struct scratch *s = *state;
    struct db_tx *tx AUTO(db_tx_end) = db_read(s->db, s->arena, &s->err);
    assert_false(db_tx_is_writing(tx));
    assert_false(tx->db->ops->script(tx, "DELETE FROM thing", &s->err));
    check_error(&s->err, ERROR_INTERNAL, "readonly");
}

static void write_in_read(struct scratch *s)
{
    struct db_tx *tx = db_read(s->db, s->arena, &s->err);
    bool ok = sql_part_add(tx, 1, &s->err);
    _exit(ok ? 2 : 3);
}

static void read_twice(struct scratch *s)
{
    const struct db_tx *first = db_read(s->db, s->arena, &s->err);
    const struct db_tx *second = db_read(s->db, s->arena, &s->err);
    _exit(first && second ? 2 : 3);
}

/* Bugs of the caller end the process, in a child here. */
static void check_aborts(struct scratch *s, void (*misuse)(struct scratch *))
{
    pid_t child = fork();
    if (child == 0) {
        (void)close(STDERR_FILENO);
        (void)signal(SIGABRT, SIG_DFL);
        misuse(s);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void test_start__asserts_a_writing_transaction_for_what_writes(void **state)
{
    check_aborts(*state, write_in_read);
}

static void test_read__asserts_one_transaction_of_a_thread(void **state)
{
    check_aborts(*state, read_twice);
}

static void test_open__makes_files_that_only_their_owner_reads(void **state)
{
    struct scratch *s = *state;
    static const char *const endings[] = { "", "-wal", "-shm" };
    for (size_t i = 0; i < ARRAY_COUNT(endings); i++) {
        struct stat status;
        assert_int_equal(stat(arena_format(s->arena, "%s%s", s->path, endings[i]).ptr, &status), 0);
        assert_int_equal(status.st_mode & 0777, 0600);
    }
}

static int64_t pragma(const struct sqlite_connection *connection, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_prepare_v2(connection->handle, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    return value;
}

static void test_connect__sets_what_durability_and_safety_need(void **state)
{
    struct scratch *s = *state;
    struct db_tx *tx AUTO(db_tx_end) = db_read(s->db, s->arena, &s->err);
    const struct sqlite_connection *both[] = { tx->connection,
                                               ((struct db_sqlite *)s->db)->writer };
    for (size_t i = 0; i < ARRAY_COUNT(both); i++) {
        assert_int_equal(pragma(both[i], "PRAGMA synchronous"), 2);
        assert_int_equal(pragma(both[i], "PRAGMA foreign_keys"), 1);
        assert_int_equal(pragma(both[i], "PRAGMA trusted_schema"), 0);
        assert_int_equal(pragma(both[i], "SELECT journal_mode = 'wal' FROM pragma_journal_mode"),
                         1);
    }
}

static void test_open__finds_what_was_written(void **state)
{
    struct scratch *s = *state;
    char label[] = "kept";
    assert_true(db_write(s->db, s->arena, add_thing, label, &s->err));
    db_close(s->db);
    s->db = scratch_open(s, 1000);
    assert_int_equal(thing_count(s), 1);
}

static void test_open__refuses_another_kind_of_file(void **state)
{
    struct scratch *s = *state;
    struct str path = arena_format(s->arena, "%s/other", s->folder);
    int fd = open(path.ptr, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    struct str text =
        STR("This is a text that is long enough to be no header of a database at all, "
            "and a little longer than that, since the header has 100 bytes.");
    assert_int_equal(write(fd, text.ptr, text.len), text.len);
    (void)close(fd);
    struct db *db = NULL;
    struct db_options options = { .url = arena_format(s->arena, "sqlite:%s", path.ptr) };
    assert_false(db_open(&options, &db, &s->err));
    check_error(&s->err, ERROR_INVALID, " is not a database of SQLite");
    (void)unlink(path.ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_read__sees_one_moment),
        SCRATCH_TEST(test_read__waits_for_a_connection),
        SCRATCH_TEST(test_read__gives_up_when_all_connections_stay_busy),
        SCRATCH_TEST(test_read__cannot_write),
        SCRATCH_TEST(test_start__asserts_a_writing_transaction_for_what_writes),
        SCRATCH_TEST(test_read__asserts_one_transaction_of_a_thread),
        SCRATCH_TEST(test_open__makes_files_that_only_their_owner_reads),
        SCRATCH_TEST(test_connect__sets_what_durability_and_safety_need),
        SCRATCH_TEST(test_open__finds_what_was_written),
        SCRATCH_TEST(test_open__refuses_another_kind_of_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
