/* SPDX-License-Identifier: Apache-2.0 */
/* base/file.h - whole reads and writes, durable renames, and the place where
 * tests make them fail.
 *
 * Every write, fsync, rename and open of the storage goes through here, so that
 * tests/fault can fail the n-th of them (file_fail_nth_for_test).  Guarded are open,
 * read, write, truncate, sync, rename, remove and the making of a folder.  The
 * countdown is state of the whole process and of tests only.  Messages name paths of
 * the server: who answers a client from here says it in his own words.  Any thread. */
#pragma once
#include "base/arena.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* An owned file descriptor that closes at the end of its scope: int fd FILE_AUTO = -1; */
void file_close(int fd); /* accepts -1 */
static inline void file_close_auto(const int *fd)
{
    file_close(*fd);
}
#define FILE_AUTO __attribute__((cleanup(file_close_auto)))

/* -1 and *err on failure; ERROR_NOT_FOUND if it does not exist, ERROR_CONFLICT if it does in
 * spite of O_EXCL.  O_CLOEXEC is added. */
int file_open(const char *path, int flags, mode_t mode, struct error *err);
int file_open_at(int folder_fd, const char *name, int flags, mode_t mode, struct error *err);
NODISCARD bool file_write_at(int fd, const void *bytes, size_t count, uint64_t offset,
                             struct error *err);
/* Reads up to `count` bytes; *got is less only at the end of the file. */
NODISCARD bool file_read_at(int fd, void *bytes, size_t count, uint64_t offset, size_t *got,
                            struct error *err);
NODISCARD bool file_truncate(int fd, uint64_t size, struct error *err);
NODISCARD bool file_size(int fd, uint64_t *size, struct error *err);
NODISCARD bool file_sync(int fd, struct error *err); /* data and size, fdatasync */
NODISCARD bool file_sync_folder(const char *path, struct error *err);
NODISCARD bool file_rename(const char *from, const char *to, struct error *err);
NODISCARD bool file_remove(const char *path, struct error *err); /* absent is fine */
/* Also those above it; each new one is synced into its parent. */
NODISCARD bool file_make_folders(const char *path, mode_t mode, struct error *err);

/* Reads a small file (settings, keys) of at most `limit` bytes. */
NODISCARD bool file_read_all(struct arena *arena, const char *path, size_t limit, struct str *out,
                             struct error *err);
/* Writes a small file under a temporary name, syncs, renames, syncs the folder. */
NODISCARD bool file_write_all(const char *path, struct str bytes, mode_t mode, struct error *err);

/* Fails the n-th guarded call from now with `errno_value`; 0 switches it off. */
void file_fail_nth_for_test(unsigned nth, int errno_value);
/* How many guarded calls there were since the last file_fail_nth_for_test(). */
unsigned file_calls_for_test(void);
