/* SPDX-License-Identifier: Apache-2.0 */
/* What only the folder has: names, modes, foreign files, and a disk that fails. */
#include "storage/storage_internal.h"

#include "stores.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

static const char digest_abc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

static const char *below(struct stores *s, const char *name)
{
    return arena_format(s->arena, "%s/blobs/%s", s->folder, name).ptr;
}

static void put_foreign_file(struct stores *s, const char *name)
{
    int fd FILE_AUTO = open(below(s, name), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
}

static void test_layout__is_digest_and_upload_id_under_two_characters(void **state)
{
    struct stores *s = *state;
    struct blob_place place = place_of('a', STR("abc"));
    struct stat status;
    assert_true(append_at(s, &place, 0, STR("abc")));
    assert_int_equal(stat(below(s, "uploads/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), &status), 0);
    assert_int_equal(status.st_mode & 07, 0);
    assert_true(blob_finish(s->store, &place, 3, &s->err));
    assert_int_equal(stat(below(s, "uploads/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), &status), -1);
    struct str name = arena_format(s->arena, "sha256/ba/%s.%s", digest_abc, place.upload_id);
    assert_int_equal(stat(below(s, name.ptr), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0440);
}

static void test_list__leaves_foreign_files_out(void **state)
{
    struct stores *s = *state;
    struct blob_place place = place_of('b', STR("abc"));
    assert_true(store_blob(s, &place, STR("abc")));
    assert_int_equal(mkdir(below(s, "sha256/00"), 0700), 0);
    assert_int_equal(mkdir(below(s, "sha256/xx"), 0700), 0);
    assert_int_equal(mkdir(below(s, "uploads/cccccccccccccccccccccccccccccccc"), 0700), 0);
    put_foreign_file(s, "uploads/note.txt");
    put_foreign_file(s, "sha256/ba/.hidden");
    put_foreign_file(s, "sha256/note.txt");
    /* In the wrong folder, without upload id, with another word behind it. */
    struct str in_00 = arena_format(s->arena, "sha256/00/%s.%s", digest_abc, place.upload_id);
    put_foreign_file(s, in_00.ptr);
    put_foreign_file(s, arena_format(s->arena, "sha256/ba/%s", digest_abc).ptr);
    put_foreign_file(s, arena_format(s->arena, "sha256/ba/%s.tmp", digest_abc).ptr);
    assert_int_equal(count_entries(s, 16), 1);
}

static void test_finish__makes_a_removed_folder_anew(void **state)
{
    struct stores *s = *state;
    struct blob_place place = place_of('c', STR("abc"));
    assert_true(store_blob(s, &place, STR("abc")));
    assert_true(blob_remove(s->store, &place, &s->err));
    assert_int_equal(rmdir(below(s, "sha256/ba")), 0);
    assert_true(append_at(s, &place, 0, STR("abc")));
    assert_false(blob_finish(s->store, &place, 3, &s->err));
    error_clear(&s->err);
    assert_true(blob_finish(s->store, &place, 3, &s->err));
    check_str(blob_content(s, &place), "abc");
}

/* Every guarded call of an upload fails once; whatever stands under the blob's name then is whole,
 * and the same steps, taken again, succeed. */
static void test_upload__survives_the_failure_of_any_call(void **state)
{
    struct stores *s = *state;
    struct str content = STR("what a client sends");
    static const int reasons[] = { EIO, ENOSPC };
    for (size_t i = 0; i < ARRAY_COUNT(reasons); i++) {
        bool is_done = false;
        unsigned nth = 1;
        for (; !is_done; nth++) {
            /* A fan-out folder of its own for each round, so that making it fails as well. */
            struct str bytes = arena_format(s->arena, "%s %zu %u", content.ptr, i, nth);
            struct blob_place place = place_of((char)('a' + (int)i), bytes);
            file_fail_nth_for_test(nth, reasons[i]);
            is_done = store_blob(s, &place, bytes);
            file_fail_nth_for_test(0, 0);
            if (!is_done) {
                check_error(&s->err, reasons[i] == EIO ? ERROR_INTERNAL : ERROR_NO_SPACE, "");
                struct str seen = blob_content(s, &place);
                assert_true(!str_is_set(seen) || str_equal(seen, bytes));
                if (!str_is_set(seen))
                    assert_true(append_at(s, &place, 0, bytes));
                assert_true(blob_finish(s->store, &place, bytes.len, &s->err));
            }
            assert_true(str_equal(blob_content(s, &place), bytes));
        }
        assert_true(nth > 10);
    }
    assert_true(blob_store_check(s->store, &s->err));
}

/* A second sync would succeed although the kernel has dropped the bytes. */
static void test_sync__gives_up_an_upload_that_cannot_be_synced(void **state)
{
    struct stores *s = *state;
    struct blob_place place = place_of('f', STR("abc"));
    struct blob_writer *writer = NULL;
    assert_true(blob_append(s->store, id_of(&place), 0, &writer, &s->err));
    assert_true(blob_write(writer, STR("abc"), &s->err));
    file_fail_nth_for_test(1, EIO);
    assert_false(blob_sync(writer, &s->err));
    file_fail_nth_for_test(0, 0);
    check_error(&s->err, ERROR_INTERNAL, "sync");
    blob_writer_close(writer);
    assert_false(str_is_set(upload_content(s, &place)));

    assert_true(append_at(s, &place, 0, STR("abc")));
    file_fail_nth_for_test(2, EIO); /* the first is opening it */
    assert_false(blob_finish(s->store, &place, 3, &s->err));
    file_fail_nth_for_test(0, 0);
    check_error(&s->err, ERROR_INTERNAL, "sync");
    assert_false(blob_finish(s->store, &place, 3, &s->err));
    check_error(&s->err, ERROR_NOT_FOUND, "does not have the upload");
}

/* Megabytes that the disk says to have left, and in all; 0: the truth.  The linker puts this in
 * front of the real one, under the name that it has for large files. */
static fsblkcnt_t megabytes_left, megabytes_in_all;

int __real_fstatvfs64(int fd, struct statvfs *out);
int __wrap_fstatvfs64(int fd, struct statvfs *out);
int __wrap_fstatvfs64(int fd, struct statvfs *out)
{
    int result = __real_fstatvfs64(fd, out);
    if (megabytes_in_all > 0) {
        out->f_frsize = 1024 * 1024;
        out->f_blocks = megabytes_in_all;
        out->f_bavail = megabytes_left;
    }
    return result;
}

static bool can_append(struct stores *s, fsblkcnt_t left, fsblkcnt_t in_all)
{
    struct blob_place place = place_of('a', STR("abc"));
    megabytes_left = left;
    megabytes_in_all = in_all;
    bool ok = append_at(s, &place, 0, STR("abc"));
    megabytes_in_all = 0;
    if (!ok)
        check_error(&s->err, ERROR_NO_SPACE, "kept for the database");
    return ok;
}

static void test_write__leaves_room_for_the_database(void **state)
{
    struct stores *s = *state;
    assert_true(can_append(s, 64, 100000));
    assert_false(can_append(s, 63, 100000));
    assert_false(can_append(s, 0, 100000));
    assert_true(can_append(s, 10, 160)); /* a small disk: a sixteenth */
    assert_false(can_append(s, 9, 160));
}

/* Or a disk that one large upload has filled would stay full: the database could write no more,
 * not even that the upload is cancelled. */
static void test_write__gives_back_what_does_not_fit(void **state)
{
    struct stores *s = *state;
    struct blob_place place = place_of('f', STR("abcdef"));
    struct blob_writer *writer = NULL;
    assert_true(blob_append(s->store, id_of(&place), 0, &writer, &s->err));
    assert_true(blob_write(writer, STR("abc"), &s->err));
    assert_true(blob_sync(writer, &s->err));
    assert_true(blob_write(writer, STR("de"), &s->err));
    file_fail_nth_for_test(1, ENOSPC);
    assert_false(blob_write(writer, STR("f"), &s->err));
    file_fail_nth_for_test(0, 0);
    check_error(&s->err, ERROR_NO_SPACE, "");
    check_str(upload_content(s, &place), "abc");
    /* Nobody may take what is gone for kept, or write behind the gap. */
    assert_false(blob_sync(writer, &s->err));
    check_error(&s->err, ERROR_NO_SPACE, "was cut");
    assert_false(blob_write(writer, STR("f"), &s->err));
    check_error(&s->err, ERROR_NO_SPACE, "was cut");
    blob_writer_close(writer);
    assert_true(append_at(s, &place, 3, STR("def")));
    check_str(upload_content(s, &place), "abcdef");
}

static void test_read__tells_a_failing_disk(void **state)
{
    struct stores *s = *state;
    struct blob_place place = place_of('d', STR("abc"));
    struct blob_reader *reader AUTO(blob_reader_close) = NULL;
    char bytes[4];
    assert_true(store_blob(s, &place, STR("abc")));
    assert_true(blob_open(s->store, &place, &reader, &s->err));
    file_fail_nth_for_test(1, EIO);
    assert_int_equal(blob_read(reader, 0, bytes, sizeof(bytes), &s->err), -1);
    file_fail_nth_for_test(0, 0);
    check_error(&s->err, ERROR_INTERNAL, "read");
}

static void test_check__misses_a_removed_folder(void **state)
{
    struct stores *s = *state;
    assert_int_equal(rmdir(below(s, "uploads")), 0);
    assert_false(blob_store_check(s->store, &s->err));
    check_error(&s->err, ERROR_INTERNAL, "cannot be written to");
}

static void test_open__finds_what_another_process_has_stored(void **state)
{
    struct stores *s = *state;
    struct blob_place place = place_of('e', STR("abc"));
    assert_true(store_blob(s, &place, STR("abc")));
    blob_store_free(TAKE(s->store));
    struct str setting = arena_format(s->arena, "file:%s/blobs", s->folder);
    assert_true(blob_store_open(setting, &s->store, &s->err));
    check_str(blob_content(s, &place), "abc");
    assert_int_equal(count_entries(s, 1), 1);
}

#define ON_FILE(test) cmocka_unit_test_setup_teardown(test, setup_file, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_FILE(test_layout__is_digest_and_upload_id_under_two_characters),
        ON_FILE(test_list__leaves_foreign_files_out),
        ON_FILE(test_finish__makes_a_removed_folder_anew),
        ON_FILE(test_upload__survives_the_failure_of_any_call),
        ON_FILE(test_sync__gives_up_an_upload_that_cannot_be_synced),
        ON_FILE(test_write__leaves_room_for_the_database),
        ON_FILE(test_write__gives_back_what_does_not_fit),
        ON_FILE(test_read__tells_a_failing_disk),
        ON_FILE(test_check__misses_a_removed_folder),
        ON_FILE(test_open__finds_what_another_process_has_stored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
