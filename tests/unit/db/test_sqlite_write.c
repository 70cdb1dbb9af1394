/* SPDX-License-Identifier: Apache-2.0 */
/* Group commit: who shares one, who is told what, and what is stored in the end. */
#include "db/sqlite_internal.h"

#include "scratch.h"

#include <pthread.h>
#include <sys/wait.h>

enum { MEMBERS = 8, PAUSE_US = 100000 };

/* One writer of a batch: adds a thing with its number, then does what it is told. */
struct member {
    pthread_t thread;
    struct scratch *scratch;
    int number;
    db_body *more; /* after the insert; NULL: nothing */
    bool is_slow;  /* holds the others up until all wait */
    bool ok;
    struct error err;
};

static struct scratch *scratch_of(void **state)
{
    return *state;
}

static bool member_body(struct db_tx *tx, void *context, struct error *err)
{
    struct member *member = context;
    if (member->is_slow)
        (void)usleep(2 * PAUSE_US);
    char label[32];
    (void)snprintf(label, sizeof(label), "member %d", member->number);
    return sql_thing_add_nullable(tx, member->number, str_from(label), STR_NONE, NULL, err) &&
           (!member->more || member->more(tx, member, err));
}

static void *member_run(void *context)
{
    struct member *member = context;
    struct arena *arena AUTO(arena_free) = arena_new();
    member->ok = db_write(member->scratch->db, arena, member_body, member, &member->err);
    return NULL;
}

/* Runs MEMBERS writers, of which the first is slow, so that all others wait for it and share its
 * commit. `more` is for the members whose bit is set in `chosen`. */
static void run_batch(struct scratch *s, struct member *members, db_body *more, unsigned chosen)
{
    for (int i = 0; i < MEMBERS; i++) {
        members[i] = (struct member){ .scratch = s, .number = i, .is_slow = i == 0 };
        if (chosen & (1u << i))
            members[i].more = more;
        assert_int_equal(pthread_create(&members[i].thread, NULL, member_run, &members[i]), 0);
        if (i == 0)
            (void)usleep(PAUSE_US / 2);
        else
            (void)usleep(PAUSE_US / 50);
    }
    for (int i = 0; i < MEMBERS; i++)
        (void)pthread_join(members[i].thread, NULL);
}

static bool is_stored(struct scratch *s, int number)
{
    struct arena *arena AUTO(arena_free) = arena_new();
    struct db_tx *tx AUTO(db_tx_end) = db_read(s->db, arena, &s->err);
    struct thing_find_row row;
    bool found = false;
    assert_true(
        sql_thing_find(tx, arena_format(arena, "member %d", number), &row, &found, &s->err));
    return found;
}

/* What was acknowledged is stored, and nothing else. */
static void check_stored(struct scratch *s, const struct member *members)
{
    for (int i = 0; i < MEMBERS; i++)
        assert_int_equal(is_stored(s, i), members[i].ok);
}

static uint64_t commits(struct scratch *s)
{
    return atomic_load(&s->db->commit_count);
}

static void test_write__shares_one_commit(void **state)
{
    struct scratch *s = *state;
    struct member members[MEMBERS];
    uint64_t before = commits(s);
    run_batch(s, members, NULL, 0);
    for (int i = 0; i < MEMBERS; i++)
        assert_true(members[i].ok);
    check_stored(s, members);
    assert_int_equal(commits(s) - before, 1);
}

static bool refuse(struct db_tx *tx, void *context, struct error *err)
{
    (void)tx;
    const struct member *member = context;
    return error_set(err, ERROR_DENIED, "member %d is refused", member->number);
}

static void test_write__a_failing_body_touches_no_other(void **state)
{
    struct scratch *s = *state;
    struct member members[MEMBERS];
    uint64_t before = commits(s);
    run_batch(s, members, refuse, 0xaa); /* also the last, who commits for all */
    for (int i = 0; i < MEMBERS; i++) {
        assert_int_equal(members[i].ok, i % 2 == 0);
        if (!members[i].ok)
            check_error(&members[i].err, ERROR_DENIED, "is refused");
    }
    check_stored(s, members);
    assert_int_equal(commits(s) - before, 1);
}

static void test_write__commits_nothing_if_all_fail(void **state)
{
    struct scratch *s = *state;
    struct member members[MEMBERS];
    uint64_t before = commits(s);
    run_batch(s, members, refuse, 0xff);
    for (int i = 0; i < MEMBERS; i++)
        check_error(&members[i].err, ERROR_DENIED, "is refused");
    check_stored(s, members);
    assert_int_equal(commits(s) - before, 0);
}

static bool break_reference(struct db_tx *tx, void *context, struct error *err)
{
    (void)context;
    return sql_late_part_add(tx, 4711, err);
}

static void test_write__a_deferred_reference_fails_its_author_only(void **state)
{
    struct scratch *s = *state;
    struct member members[MEMBERS];
    run_batch(s, members, break_reference, 0x24);
    check_error(&members[2].err, ERROR_CONFLICT, "refers to something that is not stored");
    check_error(&members[5].err, ERROR_CONFLICT, "refers to something that is not stored");
    for (int i = 0; i < MEMBERS; i++)
        assert_int_equal(members[i].ok, i != 2 && i != 5);
    check_stored(s, members);
}

static void test_write__a_failed_commit_fails_everybody(void **state)
{
    struct scratch *s = *state;
    struct member members[MEMBERS];
    db_fail_nth_for_test(MEMBERS + 1); /* each runs one statement; then comes the commit */
    run_batch(s, members, NULL, 0);
    for (int i = 0; i < MEMBERS; i++) {
        assert_false(members[i].ok);
        check_error(&members[i].err, ERROR_UNAVAILABLE, "a test made the database fail");
    }
    check_stored(s, members);
    run_batch(s, members, NULL, 0);
    assert_true(members[MEMBERS - 1].ok);
    check_stored(s, members);
}

/* More than the database may grow; SQLite then rolls back the transaction of all. */
static bool fill_disk(struct db_tx *tx, void *context, struct error *err)
{
    (void)context;
    size_t size = 1 << 20;
    struct str big = { arena_alloc(db_tx_arena(tx), size), size };
    struct error ignored = { 0 };
    if (sql_thing_add_nullable(tx, 0, STR("big"), big, NULL, err))
        return true;
    /* It cannot be caught: what follows must not be committed by itself. */
    assert_false(sql_thing_add_nullable(tx, 0, STR("escaped"), STR_NONE, NULL, &ignored));
    check_error(&ignored, ERROR_UNAVAILABLE, "rolled the transaction back");
    return false;
}

static void limit_pages(struct scratch *s, int pages)
{
    char sql[64];
    (void)snprintf(sql, sizeof(sql), "PRAGMA max_page_count=%d", pages);
    struct db_sqlite *sqlite = (struct db_sqlite *)s->db;
    assert_true(sqlite_exec(sqlite->writer, sql, &s->err));
}

static void test_write__a_full_disk_fails_the_batch_so_far(void **state)
{
    struct scratch *s = *state;
    struct member members[MEMBERS];
    limit_pages(s, 20);
    run_batch(s, members, fill_disk, 0x08);
    for (int i = 0; i < MEMBERS; i++) {
        assert_int_equal(members[i].ok, i > 3);
        if (!members[i].ok)
            check_error(&members[i].err, ERROR_NO_SPACE, "full");
    }
    check_stored(s, members);
    assert_int_equal(thing_count(s), MEMBERS - 4);
}

static bool ignore_failure(struct db_tx *tx, void *context, struct error *err)
{
    struct error ignored = { 0 };
    return fill_disk(tx, context, &ignored) || err->kind == ERROR_NONE;
}

static void test_write__a_lost_transaction_is_no_success(void **state)
{
    struct scratch *s = *state;
    limit_pages(s, 20);
    assert_false(db_write(s->db, s->arena, ignore_failure, NULL, &s->err));
    check_error(&s->err, ERROR_UNAVAILABLE, "rolled the transaction back");
    assert_int_equal(thing_count(s), 0);
}

static bool add_same_label(struct db_tx *tx, void *context, struct error *err)
{
    (void)context;
    return sql_thing_add_nullable(tx, 1, STR("same"), STR_NONE, NULL, err);
}

static bool add_lost_part(struct db_tx *tx, void *context, struct error *err)
{
    (void)context;
    return sql_part_add(tx, 4711, err);
}

static void test_write__tells_conflicts(void **state)
{
    struct scratch *s = *state;
    assert_true(db_write(s->db, s->arena, add_same_label, NULL, &s->err));
    assert_false(db_write(s->db, s->arena, add_same_label, NULL, &s->err));
    check_error(&s->err, ERROR_CONFLICT, "thing.label");
    assert_false(db_write(s->db, s->arena, add_lost_part, NULL, &s->err));
    check_error(&s->err, ERROR_CONFLICT, "FOREIGN KEY");
    assert_int_equal(thing_count(s), 1);
}

/* Another process that holds the write lock for a while. */
static pid_t lock_in_child(struct scratch *s, unsigned hold_ms)
{
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        sqlite3 *handle = NULL;
        bool ok = sqlite3_open(s->path, &handle) == SQLITE_OK &&
                  sqlite3_exec(handle, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK;
        ok = write(ready[1], "x", 1) == 1 && ok;
        (void)usleep(hold_ms * 1000);
        ok = sqlite3_exec(handle, "COMMIT", NULL, NULL, NULL) == SQLITE_OK && ok;
        _exit(ok ? 0 : 1);
    }
    char byte;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    (void)close(ready[0]);
    (void)close(ready[1]);
    return child;
}

static void wait_for_child(pid_t child)
{
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void test_write__waits_for_another_process(void **state)
{
    struct scratch *s = *state;
    pid_t child = lock_in_child(s, 300);
    assert_true(db_write(s->db, s->arena, add_same_label, NULL, &s->err));
    wait_for_child(child);
}

static void test_write__gives_up_on_another_process(void **state)
{
    struct scratch *s = *state;
    struct db *impatient AUTO(db_close) = scratch_open(s, 100);
    pid_t child = lock_in_child(s, 600);
    assert_false(db_write(impatient, s->arena, add_same_label, NULL, &s->err));
    assert_int_equal(s->err.retry_after_s, 1);
    check_error(&s->err, ERROR_UNAVAILABLE, "locked");
    wait_for_child(child);
    assert_true(db_write(impatient, s->arena, add_same_label, NULL, &s->err));
}

static void test_write__gives_up_on_a_long_queue(void **state)
{
    struct scratch *s = *state;
    struct scratch impatient = *s;
    struct db *db AUTO(db_close) = scratch_open(s, 50);
    impatient.db = db;
    struct member members[MEMBERS];
    run_batch(&impatient, members, NULL, 0);
    assert_true(members[0].ok);
    for (int i = 1; i < MEMBERS; i++) {
        assert_int_equal(members[i].err.retry_after_s, 1);
        check_error(&members[i].err, ERROR_UNAVAILABLE, "too many others");
    }
    check_stored(s, members);
}

static void *add_many(void *context)
{
    struct member *member = context;
    for (int i = 0; i < 25; i++) {
        struct member one = { .scratch = member->scratch, .number = member->number * 100 + i };
        (void)member_run(&one);
        assert_true(one.ok);
    }
    return NULL;
}

static void test_write__under_load_needs_fewer_commits_than_writers(void **state)
{
    struct scratch *s = scratch_of(state);
    struct member members[MEMBERS];
    uint64_t before = commits(s);
    for (int i = 0; i < MEMBERS; i++) {
        members[i] = (struct member){ .scratch = s, .number = i };
        assert_int_equal(pthread_create(&members[i].thread, NULL, add_many, &members[i]), 0);
    }
    for (int i = 0; i < MEMBERS; i++)
        (void)pthread_join(members[i].thread, NULL);
    assert_int_equal(thing_count(s), MEMBERS * 25);
    assert_true(commits(s) - before < MEMBERS * 25);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_write__shares_one_commit),
        SCRATCH_TEST(test_write__a_failing_body_touches_no_other),
        SCRATCH_TEST(test_write__commits_nothing_if_all_fail),
        SCRATCH_TEST(test_write__a_deferred_reference_fails_its_author_only),
        SCRATCH_TEST(test_write__a_failed_commit_fails_everybody),
        SCRATCH_TEST(test_write__a_full_disk_fails_the_batch_so_far),
        SCRATCH_TEST(test_write__a_lost_transaction_is_no_success),
        SCRATCH_TEST(test_write__tells_conflicts),
        SCRATCH_TEST(test_write__waits_for_another_process),
        SCRATCH_TEST(test_write__gives_up_on_another_process),
        SCRATCH_TEST(test_write__gives_up_on_a_long_queue),
        SCRATCH_TEST(test_write__under_load_needs_fewer_commits_than_writers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
