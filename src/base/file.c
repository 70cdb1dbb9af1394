/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include "base/random.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of tests only (file.h). */
static atomic_uint calls, calls_to_failure;
static atomic_int failure_errno;

void file_fail_nth_for_test(unsigned nth, int errno_value)
{
    atomic_store(&calls_to_failure, 0);
    atomic_store(&failure_errno, errno_value);
    atomic_store(&calls, 0);
    atomic_store(&calls_to_failure, nth);
}

unsigned file_calls_for_test(void)
{
    return atomic_load(&calls);
}

/* False, with errno set, when a test wants the call that follows to fail. */
static bool may_call(void)
{
    atomic_fetch_add(&calls, 1);
    unsigned left = atomic_load(&calls_to_failure);
    while (left > 0) {
        if (!atomic_compare_exchange_weak(&calls_to_failure, &left, left - 1))
            continue;
        if (left > 1)
            return true;
        errno = atomic_load(&failure_errno);
        return false;
    }
    return true;
}

void file_close(int fd)
{
    /* Not repeated on EINTR: Linux has closed the descriptor by then. */
    if (fd >= 0)
        (void)close(fd);
}

int file_open(const char *path, int flags, mode_t mode, struct error *err)
{
    return file_open_at(AT_FDCWD, path, flags, mode, err);
}

int file_open_at(int folder_fd, const char *name, int flags, mode_t mode, struct error *err)
{
    int fd;
    do {
        fd = may_call() ? openat(folder_fd, name, flags | O_CLOEXEC, mode) : -1;
    } while (fd < 0 && errno == EINTR);
    if (fd >= 0)
        return fd;
    int reason = errno;
    if (reason == ENOENT)
        (void)error_set(err, ERROR_NOT_FOUND, "the file %s does not exist", name);
    else if (reason == EEXIST)
        (void)error_set(err, ERROR_CONFLICT, "the file %s exists already", name);
    else
        (void)error_set_errno(err, reason, "could not open %s", name);
    return -1;
}

bool file_write_at(int fd, const void *bytes, size_t count, uint64_t offset, struct error *err)
{
    if (count > INT64_MAX || offset > INT64_MAX - count)
        return error_set_errno(err, EFBIG, "could not write to a file");
    const char *from = bytes;
    while (count > 0) {
        ssize_t written = may_call() ? pwrite(fd, from, count, (off_t)offset) : -1;
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return error_set_errno(err, errno, "could not write to a file");
        if (written == 0) /* never of a regular file; a loop that makes no way would not end */
            return error_set_errno(err, EIO, "could not write to a file");
        from += written;
        offset += (uint64_t)written;
        count -= (size_t)written;
    }
    return true;
}

bool file_read_at(int fd, void *bytes, size_t count, uint64_t offset, size_t *got,
                  struct error *err)
{
    if (count > INT64_MAX || offset > INT64_MAX - count)
        return error_set_errno(err, EFBIG, "could not read from a file");
    size_t have = 0;
    while (have < count) {
        ssize_t part =
            may_call() ? pread(fd, (char *)bytes + have, count - have, (off_t)(offset + have)) : -1;
        if (part < 0 && errno == EINTR)
            continue;
        if (part < 0)
            return error_set_errno(err, errno, "could not read from a file");
        if (part == 0)
            break;
        have += (size_t)part;
    }
    *got = have;
    return true;
}

bool file_truncate(int fd, uint64_t size, struct error *err)
{
    if (size > INT64_MAX)
        return error_set_errno(err, EFBIG, "could not set the size of a file");
    int result;
    do {
        result = may_call() ? ftruncate(fd, (off_t)size) : -1;
    } while (result < 0 && errno == EINTR);
    return result == 0 || error_set_errno(err, errno, "could not set the size of a file");
}

bool file_size(int fd, uint64_t *size, struct error *err)
{
    struct stat status;
    if (fstat(fd, &status) < 0)
        return error_set_errno(err, errno, "could not ask for the size of a file");
    *size = (uint64_t)status.st_size;
    return true;
}

bool file_sync(int fd, struct error *err)
{
    /* A failed sync is not tried again: the kernel may have dropped the pages and
     * would call the second one a success. */
    if (may_call() && fdatasync(fd) == 0)
        return true;
    return error_set_errno(err, errno, "could not sync a file");
}

bool file_sync_folder(const char *path, struct error *err)
{
    int fd FILE_AUTO = file_open(path, O_RDONLY | O_DIRECTORY, 0, err);
    if (fd < 0)
        return false;
    if (may_call() && fsync(fd) == 0)
        return true;
    return error_set_errno(err, errno, "could not sync the folder %s", path);
}

bool file_rename(const char *from, const char *to, struct error *err)
{
    if (may_call() && rename(from, to) == 0)
        return true;
    int reason = errno;
    if (reason == ENOENT)
        return error_set(err, ERROR_NOT_FOUND, "the file %s, to be renamed, does not exist", from);
    return error_set_errno(err, reason, "could not rename %s to %s", from, to);
}

bool file_remove(const char *path, struct error *err)
{
    if (may_call() && unlink(path) == 0)
        return true;
    if (errno == ENOENT)
        return true;
    return error_set_errno(err, errno, "could not remove %s", path);
}

/* The folder that holds `path`, NUL-terminated in the caller's memory. */
static bool parent_of(const char *path, char parent[static PATH_MAX], struct error *err)
{
    struct str text = str_from(path);
    while (text.len > 1 && str_ends(text, STR("/")))
        text.len--;
    size_t slash = str_find_last(text, '/');
    struct str folder = slash == text.len ? STR(".") : str_slice(text, 0, slash > 0 ? slash : 1);
    if (folder.len >= PATH_MAX)
        return error_set_errno(err, ENAMETOOLONG, "could not use the path");
    memcpy(parent, folder.ptr, folder.len);
    parent[folder.len] = '\0';
    return true;
}

static bool make_folder(const char *path, mode_t mode, struct error *err)
{
    if (may_call() && mkdir(path, mode) == 0) {
        /* A folder that is not in its parent after a power failure takes its files with it. */
        char parent[PATH_MAX];
        return parent_of(path, parent, err) && file_sync_folder(parent, err);
    }
    int reason = errno;
    struct stat status;
    if (reason == EEXIST && stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        return true;
    return error_set_errno(err, reason, "could not make the folder %s", path);
}

bool file_make_folders(const char *path, mode_t mode, struct error *err)
{
    char part[PATH_MAX];
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof(part))
        return error_set_errno(err, length == 0 ? ENOENT : ENAMETOOLONG, "could not make a folder");
    struct stat status;
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        return true;
    memcpy(part, path, length + 1);
    for (size_t i = 1; i < length; i++) {
        if (part[i] != '/' || part[i - 1] == '/')
            continue;
        part[i] = '\0';
        bool exists = stat(part, &status) == 0 && S_ISDIR(status.st_mode);
        if (!exists && !make_folder(part, mode, err))
            return false;
        part[i] = '/';
    }
    return make_folder(part, mode, err);
}

bool file_read_all(struct arena *arena, const char *path, size_t limit, struct str *out,
                   struct error *err)
{
    int fd FILE_AUTO = file_open(path, O_RDONLY, 0, err);
    if (fd < 0)
        return false;
    uint64_t size;
    if (!file_size(fd, &size, err))
        return false;
    if (size > limit)
        return error_set(err, ERROR_TOO_LARGE, "the file %s has more than %zu bytes", path, limit);
    /* One byte more than it should have, to see if it grew meanwhile. */
    char *bytes = arena_alloc(arena, (size_t)size + 1);
    size_t got;
    if (!file_read_at(fd, bytes, (size_t)size + 1, 0, &got, err))
        return false;
    if (got > size)
        return error_set(err, ERROR_UNAVAILABLE, "the file %s grew while it was read", path);
    bytes[got] = '\0';
    *out = (struct str){ bytes, got };
    return true;
}

static bool write_and_sync(const char *path, struct str bytes, mode_t mode, struct error *err)
{
    int fd FILE_AUTO = file_open(path, O_WRONLY | O_CREAT | O_EXCL, mode, err);
    return fd >= 0 && file_write_at(fd, bytes.ptr, bytes.len, 0, err) && file_sync(fd, err);
}

bool file_write_all(const char *path, struct str bytes, mode_t mode, struct error *err)
{
    char parent[PATH_MAX], temporary[PATH_MAX], id[RANDOM_ID_TEXT];
    if (!parent_of(path, parent, err))
        return false;
    random_id(id);
    int length = snprintf(temporary, sizeof(temporary), "%s.%s.tmp", path, id);
    if (length < 0 || (size_t)length >= sizeof(temporary))
        return error_set_errno(err, ENAMETOOLONG, "could not write %s", path);
    if (!write_and_sync(temporary, bytes, mode, err) || !file_rename(temporary, path, err)) {
        (void)unlink(temporary); /* may never have been made */
        return false;
    }
    return file_sync_folder(parent, err);
}
