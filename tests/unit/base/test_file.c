/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include "../check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Stands in for the C library's: takes a few bytes at a time while a test wants it so. */
static size_t piece_bytes_max = SIZE_MAX;

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset)
{
    return syscall(SYS_pwrite64, fd, bytes, count < piece_bytes_max ? count : piece_bytes_max,
                   offset);
}

ssize_t pread(int fd, void *bytes, size_t count, off_t offset)
{
    return syscall(SYS_pread64, fd, bytes, count < piece_bytes_max ? count : piece_bytes_max,
                   offset);
}

struct file_test {
    struct arena *arena;
    char folder[64];
};

static int set_up(void **state)
{
    struct file_test *test = calloc(1, sizeof(*test));
    if (!test)
        return -1;
    test->arena = arena_new();
    (void)snprintf(test->folder, sizeof(test->folder), "/tmp/berth-test-file-XXXXXX");
    *state = test;
    return mkdtemp(test->folder) ? 0 : -1;
}

static void remove_tree(struct arena *arena, const char *path)
{
    DIR *folder = opendir(path);
    if (!folder) {
        (void)unlink(path);
        return;
    }
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            remove_tree(arena, arena_format(arena, "%s/%s", path, entry->d_name).ptr);
    }
    closedir(folder);
    (void)rmdir(path);
}

static int tear_down(void **state)
{
    struct file_test *test = *state;
    file_fail_nth_for_test(0, 0);
    remove_tree(test->arena, test->folder);
    arena_free(test->arena);
    free(test);
    return 0;
}

static const char *path_of(const struct file_test *test, const char *name)
{
    return arena_format(test->arena, "%s/%s", test->folder, name).ptr;
}

static int count_entries(const char *path)
{
    int count = 0;
    DIR *folder = opendir(path);
    assert_non_null(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count - 2; /* . and .. */
}

static void test_file_write_at__and_read_at(void **state)
{
    struct error err = { 0 };
    int fd FILE_AUTO = file_open(path_of(*state, "a"), O_RDWR | O_CREAT, 0600, &err);
    assert_true(fd >= 0);
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    assert_true(file_write_at(fd, "world", 5, 6, &err));
    assert_true(file_write_at(fd, "hello ", 6, 0, &err));
    char bytes[32];
    size_t got = 0;
    assert_true(file_read_at(fd, bytes, sizeof(bytes), 0, &got, &err));
    check_str((struct str){ bytes, got }, "hello world");
    assert_true(file_read_at(fd, bytes, 2, 4, &got, &err));
    check_str((struct str){ bytes, got }, "o ");
    assert_true(file_read_at(fd, bytes, 2, 400, &got, &err));
    assert_int_equal(got, 0);
    uint64_t size = 0;
    assert_true(file_truncate(fd, 5, &err) && file_sync(fd, &err) && file_size(fd, &size, &err));
    assert_int_equal(size, 5);
    assert_false(file_write_at(fd, "x", 1, UINT64_MAX, &err));
    check_error(&err, ERROR_INTERNAL, "could not write");
}

static void test_file_write_at__puts_short_writes_together(void **state)
{
    struct error err = { 0 };
    char bytes[32];
    size_t got = 0;
    int fd FILE_AUTO = file_open(path_of(*state, "a"), O_RDWR | O_CREAT, 0600, &err);
    piece_bytes_max = 3;
    bool written = file_write_at(fd, "0123456789", 10, 1, &err);
    bool read_back = file_read_at(fd, bytes, sizeof(bytes), 1, &got, &err);
    piece_bytes_max = SIZE_MAX;
    assert_true(written && read_back);
    struct str seen = { bytes, got };
    check_str(seen, "0123456789");
}

/* The limit on file sizes makes the kernel write less than asked, then refuse. */
static void test_file_write_at__tells_a_file_too_large(void **state)
{
    struct error err = { 0 };
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    const struct rlimit small = { .rlim_cur = 5, .rlim_max = before.rlim_max };
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    int fd FILE_AUTO = file_open(path_of(*state, "a"), O_RDWR | O_CREAT, 0600, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    bool written = file_write_at(fd, "0123456789", 10, 0, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, handler);
    assert_false(written);
    check_error(&err, ERROR_INTERNAL, "File too large");
    uint64_t size = 0;
    assert_true(file_size(fd, &size, &err));
    assert_int_equal(size, 5);
}

static void test_file_open__tells_absent_and_present(void **state)
{
    struct error err = { 0 };
    assert_int_equal(file_open(path_of(*state, "none"), O_RDONLY, 0, &err), -1);
    check_error(&err, ERROR_NOT_FOUND, "does not exist");
    int folder FILE_AUTO = file_open(path_of(*state, "."), O_RDONLY | O_DIRECTORY, 0, &err);
    int fd FILE_AUTO = file_open_at(folder, "a", O_WRONLY | O_CREAT | O_EXCL, 0600, &err);
    assert_true(fd >= 0);
    assert_int_equal(file_open_at(folder, "a", O_WRONLY | O_CREAT | O_EXCL, 0600, &err), -1);
    check_error(&err, ERROR_CONFLICT, "exists already");
    assert_int_equal(file_open(path_of(*state, "a/b"), O_RDONLY, 0, &err), -1);
    check_error(&err, ERROR_INTERNAL, "Not a directory");
}

static void test_file_write_all__then_read_all(void **state)
{
    const struct file_test *test = *state;
    struct error err = { 0 };
    struct str out;
    const char *path = path_of(test, "key");
    assert_true(file_write_all(path, STR("one"), 0600, &err));
    assert_true(file_write_all(path, STR("two\0"), 0600, &err));
    assert_true(file_read_all(test->arena, path, 4, &out, &err));
    assert_true(str_equal(out, STR("two\0")));
    assert_int_equal(count_entries(test->folder), 1); /* no temporary file stays */
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_false(file_read_all(test->arena, path, 3, &out, &err));
    check_error(&err, ERROR_TOO_LARGE, "more than 3 bytes");
    assert_false(file_read_all(test->arena, path_of(test, "none"), 3, &out, &err));
    check_error(&err, ERROR_NOT_FOUND, "none");
    assert_true(file_write_all(path, STR(""), 0600, &err));
    assert_true(file_read_all(test->arena, path, 0, &out, &err));
    assert_int_equal(out.len, 0);
}

static void test_file_rename__and_remove(void **state)
{
    struct error err = { 0 };
    const char *a = path_of(*state, "a"), *b = path_of(*state, "b");
    assert_false(file_rename(a, b, &err));
    check_error(&err, ERROR_NOT_FOUND, "to be renamed");
    assert_true(file_write_all(a, STR("x"), 0600, &err));
    assert_true(file_rename(a, b, &err));
    assert_int_equal(access(b, F_OK), 0);
    assert_true(file_remove(b, &err));
    assert_int_equal(access(b, F_OK), -1);
    assert_true(file_remove(b, &err));
    assert_false(file_remove(path_of(*state, "."), &err));
    check_error(&err, ERROR_INTERNAL, "could not remove");
}

static void test_file_make_folders__makes_those_above(void **state)
{
    struct error err = { 0 };
    const char *paths[] = { "x/y/z", "x/y/z", "x//y/w/", "x" };
    struct stat status;
    for (size_t i = 0; i < ARRAY_COUNT(paths); i++) {
        assert_true(file_make_folders(path_of(*state, paths[i]), 0700, &err));
        assert_int_equal(stat(path_of(*state, paths[i]), &status), 0);
        assert_true(S_ISDIR(status.st_mode));
    }
    assert_true(file_sync_folder(path_of(*state, "x"), &err));
    assert_true(file_write_all(path_of(*state, "file"), STR("x"), 0600, &err));
    assert_false(file_make_folders(path_of(*state, "file"), 0700, &err));
    check_error(&err, ERROR_INTERNAL, "File exists");
    assert_false(file_make_folders(path_of(*state, "file/x"), 0700, &err));
    check_error(&err, ERROR_INTERNAL, "could not make the folder");
}

/* Whichever call fails: the old content or the new one is there, whole, and
 * nothing else is left behind. */
static void test_file_fail_nth_for_test__leaves_whole_files(void **state)
{
    const struct file_test *test = *state;
    struct error err = { 0 };
    struct str out;
    const char *path = path_of(test, "key");
    assert_true(file_write_all(path, STR("old"), 0600, &err));
    file_fail_nth_for_test(0, 0);
    assert_true(file_write_all(path, STR("old"), 0600, &err));
    unsigned calls = file_calls_for_test();
    assert_int_equal(calls, 6); /* open, write, sync, rename, open and sync of the folder */
    for (unsigned n = 1; n <= calls; n++) {
        file_fail_nth_for_test(n, ENOSPC);
        assert_false(file_write_all(path, STR("new"), 0600, &err));
        check_error(&err, ERROR_NO_SPACE, "No space left");
        file_fail_nth_for_test(0, 0);
        assert_int_equal(count_entries(test->folder), 1);
        assert_true(file_read_all(test->arena, path, 100, &out, &err));
        check_str(out, n <= 4 ? "old" : "new");
    }
    file_fail_nth_for_test(calls + 1, ENOSPC);
    assert_true(file_write_all(path, STR("new"), 0600, &err));
}

static void test_file_write_at__repeats_after_a_signal(void **state)
{
    const struct file_test *test = *state;
    struct error err = { 0 };
    struct str out;
    for (unsigned n = 1; n <= 2; n++) { /* open and write */
        file_fail_nth_for_test(n, EINTR);
        assert_true(file_write_all(path_of(test, "a"), STR("whole"), 0600, &err));
    }
    file_fail_nth_for_test(2, EINTR);
    assert_true(file_read_all(test->arena, path_of(test, "a"), 100, &out, &err));
    check_str(out, "whole");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_file_write_at__and_read_at, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_file_write_at__puts_short_writes_together, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_file_write_at__tells_a_file_too_large, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_file_open__tells_absent_and_present, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_file_write_all__then_read_all, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_file_rename__and_remove, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_file_make_folders__makes_those_above, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_file_fail_nth_for_test__leaves_whole_files, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_file_write_at__repeats_after_a_signal, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
