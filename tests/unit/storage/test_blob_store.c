/* SPDX-License-Identifier: Apache-2.0 */
/* What every kind of store promises, run on each. */
#include "storage/blob_store.h"

#include "stores.h"

#include "base/clock.h"

static void test_finish__makes_an_upload_a_blob(void **state)
{
    struct stores *s = *state;
    struct str content = STR("some bytes, more than seven");
    struct blob_place place = place_of('a', content);
    assert_true(append_at(s, &place, 0, content));
    assert_false(str_is_set(blob_content(s, &place)));
    check_str(upload_content(s, &place), content.ptr);

    assert_true(blob_finish(s->store, &place, content.len, &s->err));
    check_str(blob_content(s, &place), content.ptr);
    assert_false(str_is_set(upload_content(s, &place)));
}

static void test_finish__keeps_each_upload_of_a_digest_apart(void **state)
{
    struct stores *s = *state;
    struct str content = STR("twice");
    struct blob_place first = place_of('1', content), second = place_of('2', content);
    assert_true(store_blob(s, &first, content));
    assert_true(store_blob(s, &second, content));
    assert_true(blob_remove(s->store, &first, &s->err));
    assert_false(str_is_set(blob_content(s, &first)));
    check_str(blob_content(s, &second), "twice");
}

static void test_finish__can_be_called_again(void **state)
{
    struct stores *s = *state;
    struct blob_place place = place_of('b', STR("x"));
    assert_true(store_blob(s, &place, STR("x")));
    assert_true(blob_finish(s->store, &place, 1, &s->err));
    check_str(blob_content(s, &place), "x");
    assert_false(blob_finish(s->store, &place, 2, &s->err));
    check_error(&s->err, ERROR_INVALID, "size of the upload is 1 bytes and should be 2");
}

static void test_finish__refuses_another_size(void **state)
{
    struct stores *s = *state;
    struct blob_place place = place_of('c', STR("abc"));
    assert_true(append_at(s, &place, 0, STR("abc")));
    assert_false(blob_finish(s->store, &place, 4, &s->err));
    check_error(&s->err, ERROR_INVALID, "size");
    assert_false(blob_finish(s->store, &place, 2, &s->err));
    check_error(&s->err, ERROR_INVALID, "size");
    assert_false(str_is_set(blob_content(s, &place)));
    check_str(upload_content(s, &place), "abc");
}

static void test_finish__of_nothing_is_not_found(void **state)
{
    struct stores *s = *state;
    struct blob_place place = place_of('d', STR(""));
    assert_false(blob_finish(s->store, &place, 0, &s->err));
    check_error(&s->err, ERROR_NOT_FOUND, "does not have the upload");
    assert_true(store_blob(s, &place, STR("")));
    struct str content = blob_content(s, &place);
    assert_true(str_is_set(content) && content.len == 0);
}

static void test_append__cuts_what_lies_beyond_the_offset(void **state)
{
    struct stores *s = *state;
    struct blob_place place = place_of('e', STR(""));
    assert_true(append_at(s, &place, 0, STR("0123456789")));
    assert_true(append_at(s, &place, 4, STR("x")));
    check_str(upload_content(s, &place), "0123x");
    assert_true(append_at(s, &place, 5, STR("y")));
    check_str(upload_content(s, &place), "0123xy");
    assert_true(append_at(s, &place, 0, STR("")));
    check_str(upload_content(s, &place), "");
}

static void test_append__refuses_a_gap(void **state)
{
    struct stores *s = *state;
    struct blob_place place = place_of('f', STR(""));
    assert_false(append_at(s, &place, 3, STR("x")));
    check_error(&s->err, ERROR_NOT_FOUND, "does not have the upload");
    assert_true(append_at(s, &place, 0, STR("ab")));
    assert_false(append_at(s, &place, 3, STR("x")));
    check_error(&s->err, ERROR_RANGE, "has 2 bytes and cannot go on at 3");
    check_str(upload_content(s, &place), "ab");
}

static void test_append__refuses_what_is_no_upload_id(void **state)
{
    struct stores *s = *state;
    static const char *const ids[] = {
        "",
        "../../../../etc/passwd0123456789",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/",
        "gaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };
    for (size_t i = 0; i < ARRAY_COUNT(ids); i++) {
        struct blob_writer *writer = NULL;
        struct blob_reader *reader = NULL;
        assert_false(blob_append(s->store, str_from(ids[i]), 0, &writer, &s->err));
        check_error(&s->err, ERROR_INVALID, "not the id of an upload");
        assert_false(blob_upload_open(s->store, str_from(ids[i]), &reader, &s->err));
        check_error(&s->err, ERROR_INVALID, "not the id of an upload");
        assert_false(blob_upload_remove(s->store, str_from(ids[i]), &s->err));
        check_error(&s->err, ERROR_INVALID, "not the id of an upload");
    }
    struct blob_place place = place_of('/', STR(""));
    assert_false(blob_remove(s->store, &place, &s->err));
    check_error(&s->err, ERROR_INVALID, "not the id of an upload");
    assert_int_equal(count_entries(s, 1), 0);
}

static void test_remove__leaves_an_open_reader_its_bytes(void **state)
{
    struct stores *s = *state;
    struct blob_place place = place_of('0', STR("still here"));
    struct blob_reader *reader = NULL;
    assert_true(store_blob(s, &place, STR("still here")));
    assert_true(blob_open(s->store, &place, &reader, &s->err));
    assert_true(blob_remove(s->store, &place, &s->err));
    assert_true(blob_remove(s->store, &place, &s->err));
    assert_false(str_is_set(blob_content(s, &place)));
    check_str(read_all(s, reader), "still here");
}

static void test_upload_remove__takes_the_upload_away(void **state)
{
    struct stores *s = *state;
    struct blob_place place = place_of('3', STR("x"));
    assert_true(append_at(s, &place, 0, STR("x")));
    assert_true(blob_upload_remove(s->store, id_of(&place), &s->err));
    assert_true(blob_upload_remove(s->store, id_of(&place), &s->err));
    assert_false(str_is_set(upload_content(s, &place)));
}

static void test_read__ends_at_the_end(void **state)
{
    struct stores *s = *state;
    struct blob_place place = place_of('4', STR("0123456789"));
    struct blob_reader *reader AUTO(blob_reader_close) = NULL;
    char bytes[16];
    assert_true(store_blob(s, &place, STR("0123456789")));
    assert_true(blob_open(s->store, &place, &reader, &s->err));
    assert_int_equal(blob_read(reader, 8, bytes, sizeof(bytes), &s->err), 2);
    assert_memory_equal(bytes, "89", 2);
    assert_int_equal(blob_read(reader, 10, bytes, sizeof(bytes), &s->err), 0);
    assert_int_equal(blob_read(reader, 1000, bytes, sizeof(bytes), &s->err), 0);
    assert_int_equal(reader->read(reader, 3, bytes, 1, &s->err), 1);
    assert_int_equal(bytes[0], '3');
}

/* Twelve blobs, some of sha512, and three uploads. */
static void fill(struct stores *s)
{
    for (int i = 0; i < 12; i++) {
        struct str content = arena_format(s->arena, "content %d", i);
        struct blob_place place = place_of("0123456789abcdef"[i], content);
        if (i % 4 == 3)
            place.digest = digest_of(DIGEST_SHA512, content);
        assert_true(store_blob(s, &place, content));
    }
    for (int i = 12; i < 15; i++) {
        struct blob_place place = place_of("0123456789abcdef"[i], STR(""));
        assert_true(append_at(s, &place, 0, STR("upload")));
    }
}

static void test_list__gives_everything_once_in_the_same_order_at_any_page_size(void **state)
{
    struct stores *s = *state;
    fill(s);
    struct blob_entry all[16], page[16];
    size_t all_count = 0;
    struct str next = STR("set");
    assert_true(blob_list(s->store, s->arena, STR_NONE, all, 16, &all_count, &next, &s->err));
    assert_int_equal(all_count, 15);
    assert_false(str_is_set(next));

    for (size_t size = 1; size <= 15; size++) {
        struct str cursor = STR_NONE;
        size_t at = 0, count = 0;
        do {
            assert_true(
                blob_list(s->store, s->arena, cursor, page, size, &count, &cursor, &s->err));
            assert_true(count > 0 && count <= size);
            for (size_t i = 0; i < count; i++, at++) {
                assert_string_equal(page[i].place.upload_id, all[at].place.upload_id);
                assert_true(digest_equal(&page[i].place.digest, &all[at].place.digest));
            }
        } while (str_is_set(cursor));
        assert_int_equal(at, 15);
    }
}

static void test_list__tells_what_each_entry_is(void **state)
{
    struct stores *s = *state;
    int64_t before_ms = clock_now_ms();
    fill(s);
    struct blob_entry entries[16];
    size_t count = 0, uploads = 0;
    struct str next;
    assert_true(blob_list(s->store, s->arena, STR_NONE, entries, 16, &count, &next, &s->err));
    for (size_t i = 0; i < count; i++) {
        assert_true(entries[i].modified_ms >= before_ms - 1000);
        assert_true(entries[i].modified_ms <= clock_now_ms() + 1000);
        assert_true(entries[i].is_upload == !digest_is_set(&entries[i].place.digest));
        uploads += entries[i].is_upload;
        if (entries[i].is_upload)
            assert_int_equal(entries[i].size, 6);
        else
            assert_int_equal(blob_content(s, &entries[i].place).len, entries[i].size);
    }
    assert_int_equal(uploads, 3);
}

static void test_list__refuses_a_cursor_that_is_not_its_own(void **state)
{
    struct stores *s = *state;
    static const char *const cursors[] = {
        "",
        ".",
        "/",
        "uploads/",
        "uploads/..",
        "sha256/zz/x",
        "sha256:00.x",
        "../sha256/00/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "sha256/00/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };
    for (size_t i = 0; i < ARRAY_COUNT(cursors); i++) {
        struct blob_entry entry;
        size_t count;
        struct str next;
        assert_false(
            blob_list(s->store, s->arena, str_from(cursors[i]), &entry, 1, &count, &next, &s->err));
        check_error(&s->err, ERROR_INVALID, "not from a listing");
    }
}

/* --- notes ---------------------------------------------------------------------------------- */

static void put_note(struct stores *s, const char *name, const char *text)
{
    if (!note_put(s->store, str_from(name), str_from(text), &s->err))
        fail_msg("note_put %s: %s", name, s->err.message);
}

static void test_note_put__replaces_the_whole_note(void **state)
{
    struct stores *s = *state;
    struct str text;
    put_note(s, "repository/alice/app", "a long first text");
    put_note(s, "repository/alice/app", "short");
    assert_true(note_get(s->store, s->arena, STR("repository/alice/app"), 5, &text, &s->err));
    check_str(text, "short");
    put_note(s, "account/alice", "");
    assert_true(note_get(s->store, s->arena, STR("account/alice"), 5, &text, &s->err));
    assert_true(str_is_set(text) && text.len == 0);
    assert_int_equal(count_entries(s, 16), 0); /* no blobs and no uploads */
}

static void test_note_get__tells_what_is_wrong(void **state)
{
    struct stores *s = *state;
    struct str text;
    put_note(s, "account/alice", "123456");
    assert_false(note_get(s->store, s->arena, STR("account/alice"), 5, &text, &s->err));
    check_error(&s->err, ERROR_TOO_LARGE, "more than 5 bytes");
    assert_false(note_get(s->store, s->arena, STR("account/bob"), 5, &text, &s->err));
    check_error(&s->err, ERROR_NOT_FOUND, "account/bob");
    assert_true(note_remove(s->store, STR("account/alice"), &s->err));
    assert_true(note_remove(s->store, STR("account/alice"), &s->err)); /* and once more */
    assert_false(note_get(s->store, s->arena, STR("account/alice"), 9, &text, &s->err));
    check_error(&s->err, ERROR_NOT_FOUND, "account/alice");
}

static void test_note_put__takes_only_names_that_stay_inside(void **state)
{
    struct stores *s = *state;
    static const char *const wrong[] = {
        "", "alone", "a/../b", "a/.b", "/a/b", "a//b", "a/b/", "a/b/c/d/e", "a/B", "a/b c", "a/b:c",
    };
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        assert_false(note_put(s->store, str_from(wrong[i]), STR("x"), &s->err));
        check_error(&s->err, ERROR_INVALID, "no name of a note");
    }
}

static void test_note_list__gives_each_name_once_at_any_page_size(void **state)
{
    struct stores *s = *state;
    static const char *const sorted[] = {
        "repository/a/x",
        "repository/a/x.y",
        "repository/a-b/c",
        "repository/b/a",
    };
    put_note(s, "account/alice", "");
    put_note(s, "repository-2/a/b", "");
    for (size_t i = ARRAY_COUNT(sorted); i-- > 0;)
        put_note(s, sorted[i], "text");
    for (size_t page = 1; page <= 5; page++) {
        struct str names[5];
        struct note_query query = { .folder = STR("repository"), .max = page };
        size_t total = 0, count = page;
        while (count == page) {
            assert_true(note_list(s->store, s->arena, &query, names, &count, &s->err));
            for (size_t i = 0; i < count; i++) {
                assert_true(total < ARRAY_COUNT(sorted));
                check_str(names[i], sorted[total++]);
            }
            if (count > 0)
                query.after = names[count - 1];
        }
        assert_int_equal(total, ARRAY_COUNT(sorted));
    }
}

static void test_check__finds_a_new_store_usable(void **state)
{
    struct stores *s = *state;
    assert_true(blob_store_check(s->store, &s->err));
}

static void test_open__refuses_what_it_cannot_use(void **state)
{
    (void)state;
    static const struct {
        const char *setting;
        enum error_kind kind;
        const char *part;
    } cases[] = {
        { "s3://bucket?key=secret", ERROR_UNSUPPORTED, "s3:// is not supported by this version" },
        { "file:", ERROR_INVALID, "needs a folder" },
        { "/srv/blobs", ERROR_INVALID, "must read file:DIR" },
        { "memory:x", ERROR_INVALID, "must read file:DIR" },
        { "file:/proc/no/such", ERROR_INTERNAL, "/proc/no" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct blob_store *store = NULL;
        struct error err = { 0 };
        assert_false(blob_store_open(str_from(cases[i].setting), &store, &err));
        assert_null(store);
        assert_null(strstr(err.message, "secret"));
        check_error(&err, cases[i].kind, cases[i].part);
    }
}

#define ON_BOTH(test)                                                                              \
    { #test " (file)", test, setup_file, teardown, NULL },                                         \
    {                                                                                              \
#test " (memory)", test, setup_memory, teardown, NULL                                      \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(test_finish__makes_an_upload_a_blob),
        ON_BOTH(test_finish__keeps_each_upload_of_a_digest_apart),
        ON_BOTH(test_finish__can_be_called_again),
        ON_BOTH(test_finish__refuses_another_size),
        ON_BOTH(test_finish__of_nothing_is_not_found),
        ON_BOTH(test_append__cuts_what_lies_beyond_the_offset),
        ON_BOTH(test_append__refuses_a_gap),
        ON_BOTH(test_append__refuses_what_is_no_upload_id),
        ON_BOTH(test_remove__leaves_an_open_reader_its_bytes),
        ON_BOTH(test_upload_remove__takes_the_upload_away),
        ON_BOTH(test_read__ends_at_the_end),
        ON_BOTH(test_list__gives_everything_once_in_the_same_order_at_any_page_size),
        ON_BOTH(test_list__tells_what_each_entry_is),
        ON_BOTH(test_list__refuses_a_cursor_that_is_not_its_own),
        ON_BOTH(test_note_put__replaces_the_whole_note),
        ON_BOTH(test_note_get__tells_what_is_wrong),
        ON_BOTH(test_note_put__takes_only_names_that_stay_inside),
        ON_BOTH(test_note_list__gives_each_name_once_at_any_page_size),
        ON_BOTH(test_check__finds_a_new_store_usable),
        cmocka_unit_test(test_open__refuses_what_it_cannot_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
