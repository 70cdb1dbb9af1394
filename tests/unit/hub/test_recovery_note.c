/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/recovery_note.h"

#include "../check.h"

#include <string.h>

struct notes {
    struct arena *arena;
    struct buf buf;
    struct error err;
};

static int setup(void **state)
{
    static struct notes notes;
    notes = (struct notes){ .arena = arena_new() };
    buf_init(&notes.buf, RECOVERY_NOTE_BYTES_MAX);
    *state = &notes;
    return 0;
}

static int teardown(void **state)
{
    struct notes *notes = *state;
    buf_release(&notes->buf);
    arena_free(notes->arena);
    return 0;
}

static void test_note_account_read__gives_back_what_was_written(void **state)
{
    struct notes *notes = *state;
    struct note_account from = {
        .kind = 1,
        .email = STR("alice@example.org"),
        .full_name = STR("Alice \"Al\" Liddell\\"),
        .is_admin = true,
        .untagged_days = 30,
        .created_ms = 1234567890123,
    };
    struct note_account to;
    note_account_write(&notes->buf, &from);
    assert_true(note_account_read(notes->arena, buf_str(&notes->buf), &to, &notes->err));
    check_str(to.email, "alice@example.org");
    check_str(to.full_name, "Alice \"Al\" Liddell\\");
    assert_int_equal(to.kind, 1);
    assert_true(to.is_admin && !to.is_active && !to.default_private);
    assert_int_equal(to.untagged_days, 30);
    assert_int_equal(to.created_ms, 1234567890123);

    buf_clear(&notes->buf);
    from = (struct note_account){ .kind = 2, .full_name = STR(""), .untagged_days = DB_NULL_INT };
    note_account_write(&notes->buf, &from);
    assert_true(note_account_read(notes->arena, buf_str(&notes->buf), &to, &notes->err));
    assert_false(str_is_set(to.email));
    assert_true(to.untagged_days == DB_NULL_INT);
}

/* A repository of two manifests and one tag. */
static struct str sample(struct notes *notes)
{
    struct note_repository head = {
        .is_private = true,
        .description = STR("one\"line"),
        .full_description = STR("# Many\nlines\nend 1 2 3 4\n"),
        .created_ms = 7,
    };
    struct note_counts counts = { .updated_ms = 10, .pulls = 11, .pushes = 12, .stars = 13 };
    struct digest a = digest_of(DIGEST_SHA256, STR("a")), b = digest_of(DIGEST_SHA512, STR("b"));
    note_repository_write(&notes->buf, &head);
    note_manifest_write(&notes->buf, &a, 8, STR("application/a+json; v=1"));
    note_manifest_write(&notes->buf, &b, 9, STR("application/b"));
    note_tag_write(&notes->buf, STR("1.0"), &a, 8);
    note_end_write(&notes->buf, &counts);
    return buf_str(&notes->buf);
}

static void test_note_line_read__gives_back_what_was_written(void **state)
{
    struct notes *notes = *state;
    struct note_repository head;
    struct str rest;
    struct note_line line;
    struct digest a = digest_of(DIGEST_SHA256, STR("a")), b = digest_of(DIGEST_SHA512, STR("b"));
    assert_true(note_repository_read(notes->arena, sample(notes), &head, &rest, &notes->err));
    assert_true(head.is_private && !head.is_automated);
    check_str(head.description, "one\"line");
    check_str(head.full_description, "# Many\nlines\nend 1 2 3 4\n");
    assert_int_equal(head.created_ms, 7);

    assert_true(note_line_read(&rest, &line, &notes->err));
    assert_int_equal(line.kind, NOTE_MANIFEST);
    assert_true(digest_equal(&line.digest, &a));
    check_str(line.text, "application/a+json; v=1");
    assert_true(note_line_read(&rest, &line, &notes->err));
    assert_true(digest_equal(&line.digest, &b));
    assert_int_equal(line.pushed_ms, 9);
    assert_true(note_line_read(&rest, &line, &notes->err));
    assert_int_equal(line.kind, NOTE_TAG);
    check_str(line.text, "1.0");
    assert_true(note_line_read(&rest, &line, &notes->err));
    assert_int_equal(line.kind, NOTE_END);
    assert_int_equal(line.counts.updated_ms, 10);
    assert_int_equal(line.counts.stars, 13);
    assert_false(note_line_read(&rest, &line, &notes->err));
    check_error(&notes->err, ERROR_INVALID, "cut off");
}

static void test_note_line_read__finds_any_cut(void **state)
{
    struct notes *notes = *state;
    struct str whole = sample(notes);
    for (size_t size = 0; size < whole.len; size++) {
        struct note_repository head;
        struct str rest, note = arena_copy(notes->arena, str_slice(whole, 0, size));
        struct note_line line = { 0 };
        struct error err = { 0 };
        bool is_good = note_repository_read(notes->arena, note, &head, &rest, &err);
        while (is_good && line.kind != NOTE_END)
            is_good = note_line_read(&rest, &line, &err);
        assert_false(is_good);
        assert_int_equal(err.kind, ERROR_INVALID);
    }
}

static void test_note_repository_read__guesses_no_visibility(void **state)
{
    struct notes *notes = *state;
    struct note_repository head;
    struct str rest;
    assert_false(note_repository_read(notes->arena, STR("{\"version\":1,\"created_ms\":1}\n"),
                                      &head, &rest, &notes->err));
    check_error(&notes->err, ERROR_INVALID, "not whole");
    assert_false(note_repository_read(notes->arena,
                                      STR("{\"version\":2,\"private\":true,\"created_ms\":1}\n"),
                                      &head, &rest, &notes->err));
    check_error(&notes->err, ERROR_INVALID, "version 2");
}

static void test_note_without_counts__leaves_out_the_last_line_only(void **state)
{
    struct notes *notes = *state;
    struct str whole = sample(notes), body = note_without_counts(whole);
    assert_true(str_starts(whole, body));
    check_str(str_after(whole, body.len), "\nend 10 11 12 13\n");
    assert_int_equal(note_without_counts(STR("")).len, 0);
}

#define NOTE_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        NOTE_TEST(test_note_account_read__gives_back_what_was_written),
        NOTE_TEST(test_note_line_read__gives_back_what_was_written),
        NOTE_TEST(test_note_line_read__finds_any_cut),
        NOTE_TEST(test_note_repository_read__guesses_no_visibility),
        NOTE_TEST(test_note_without_counts__leaves_out_the_last_line_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
