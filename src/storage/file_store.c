/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs as files of one folder:
 *
 *     DIR/uploads/<upload id>                 growing
 *     DIR/sha256/ab/<hexadecimal>.<upload id>    finished; ab are its first two characters
 *     DIR/sha512/ab/<hexadecimal>.<upload id>
 *     DIR/recovery/<name>                     notes: file_notes.c
 *
 * A finished upload moves by rename() within one file system, so a blob's name never stands for
 * less than all of it. */
#include "base/file.h"
#include "storage/storage_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
    FOLDER_MODE = 0750,
    UPLOAD_MODE = 0640,
    BLOB_MODE = 0440,
    NAME_CHARS_MAX = 512, /* below the store's folder: "recovery" and a note's name are longest */
    FAN_OUT = 256,
    FLUSH_BYTES = 8 * 1024 * 1024,
    KEPT_BYTES_MAX = 64 * 1024 * 1024, /* more than the database's write-ahead log comes to */
    KEPT_DIVISOR = 16,                 /* of a small disk less: a sixteenth */
};

struct file_store {
    struct blob_store store;
    char *folder;
    /* Fan-out folders whose entry in their parent is durable, by algorithm and first byte. */
    atomic_bool is_durable[DIGEST_SHA512 + 1][FAN_OUT];
};

struct file_writer {
    struct blob_writer writer;
    int fd;
    uint64_t offset;       /* of the next write */
    uint64_t flushed;      /* up to where the disk has been told to write */
    uint64_t synced;       /* up to where it has written */
    bool is_cut;           /* the disk was full, and what was not synced is gone */
    bool must_sync_folder; /* the upload may be new */
    char upload_id[UPLOAD_ID_CHARS];
};

/* The descriptor, which its scope closes no more. */
static int take(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}

static struct file_store *of(struct blob_store *store)
{
    return (struct file_store *)store;
}

/* DIR/part; file_store_open() has made sure that it fits. */
static const char *folder_path(const struct file_store *files, const char *part,
                               char path[static PATH_MAX])
{
    int length = snprintf(path, PATH_MAX, "%s/%s", files->folder, part);
    assert(length > 0 && (size_t)length < PATH_MAX);
    return path;
}

static const char *upload_path(const struct file_store *files, struct str id,
                               char path[static PATH_MAX])
{
    int length = snprintf(path, PATH_MAX, "%s/uploads/%.*s", files->folder, STR_ARG(id));
    assert(length > 0 && (size_t)length < PATH_MAX);
    return path;
}

/* DIR/sha256/ab */
static const char *fan_path(const struct file_store *files, const struct digest *digest,
                            char path[static PATH_MAX])
{
    char text[DIGEST_TEXT_MAX];
    struct str hex = digest_hex(digest, text);
    int length = snprintf(path, PATH_MAX, "%s/%.*s/%.2s", files->folder,
                          STR_ARG(digest_algorithm_name(digest->algorithm)), hex.ptr);
    assert(length > 0 && (size_t)length < PATH_MAX);
    return path;
}

static const char *blob_path(const struct file_store *files, const struct blob_place *place,
                             char path[static PATH_MAX])
{
    char text[DIGEST_TEXT_MAX];
    struct str hex = digest_hex(&place->digest, text);
    char fan[PATH_MAX];
    int length = snprintf(path, PATH_MAX, "%s/%.*s.%s", fan_path(files, &place->digest, fan),
                          STR_ARG(hex), place->upload_id);
    assert(length > 0 && (size_t)length < PATH_MAX);
    return path;
}

/* The failure of opening an upload or blob; paths are nothing for clients. */
static bool tell_missing(struct str upload_id, struct error *err)
{
    if (err->kind != ERROR_NOT_FOUND)
        return false;
    error_clear(err);
    return str_is_set(upload_id) ? upload_is_missing(upload_id, err) : blob_is_missing(err);
}

static bool file_append(struct blob_store *store, struct str upload_id, uint64_t offset,
                        struct blob_writer **out, struct error *err)
{
    char path[PATH_MAX];
    int flags = O_RDWR | (offset == 0 ? O_CREAT : 0);
    int fd FILE_AUTO = file_open(upload_path(of(store), upload_id, path), flags, UPLOAD_MODE, err);
    if (fd < 0)
        return tell_missing(upload_id, err);
    uint64_t size;
    if (!file_size(fd, &size, err))
        return false;
    if (size < offset)
        return upload_is_shorter(size, offset, err);
    if (size > offset && !file_truncate(fd, offset, err))
        return false;

    struct file_writer *writer = malloc(sizeof(*writer));
    if (!writer)
        abort();
    *writer = (struct file_writer){ .writer = { store },
                                    .fd = take(&fd),
                                    .offset = offset,
                                    .flushed = offset,
                                    .synced = offset,
                                    .must_sync_folder = offset == 0 };
    memcpy(writer->upload_id, upload_id.ptr, UPLOAD_ID_CHARS);
    *out = &writer->writer;
    return true;
}

/* Syncs an upload's bytes, or gives the upload up: after a failure the kernel may have dropped them
 * and would call the next sync a success (base/file.h). */
static bool sync_or_remove(const struct file_store *files, struct str upload_id, int fd,
                           struct error *err)
{
    if (file_sync(fd, err))
        return true;
    char path[PATH_MAX];
    struct error ignored = { 0 };
    bool is_gone = file_remove(upload_path(files, upload_id, path), &ignored);
    (void)is_gone; /* the sync's failure is what the caller must know */
    return false;
}

/* Starts writing what has come in, so that the disk works while more is received, and the sync at
 * the end finds little to do.  A hint: what it cannot do, the sync does, and tells. */
static void flush_ahead(struct file_writer *writer)
{
    uint64_t size = writer->offset - writer->flushed;
    if (size < FLUSH_BYTES)
        return;
    (void)sync_file_range(writer->fd, (off_t)writer->flushed, (off_t)size, SYNC_FILE_RANGE_WRITE);
    writer->flushed = writer->offset;
}

/* Uploads leave this much of the disk alone: what stands between a full disk and the database,
 * without which nobody could cancel, delete or collect anything. */
static bool leaves_room(const struct statvfs *disk)
{
    uint64_t size = (uint64_t)disk->f_blocks * disk->f_frsize, kept = size / KEPT_DIVISOR;
    if (kept > KEPT_BYTES_MAX)
        kept = KEPT_BYTES_MAX;
    return (uint64_t)disk->f_bavail * disk->f_frsize >= kept;
}

static bool has_room(int fd, struct error *err)
{
    struct statvfs disk;
    if (fstatvfs(fd, &disk) < 0)
        return error_set_errno(err, errno, "could not ask for the room on the disk");
    return leaves_room(&disk) ||
           error_set_errno(err, ENOSPC, "the rest of the disk is kept for the database");
}

static bool was_cut(struct error *err)
{
    return error_set_errno(err, ENOSPC, "the upload was cut to what was synced before");
}

/* Half an upload must not keep a disk full on which nothing else could be written any more, not
 * even that the upload is cancelled. */
static void give_back(struct file_writer *writer)
{
    struct error ignored = { 0 };
    writer->is_cut = true;
    if (!file_truncate(writer->fd, writer->synced, &ignored))
        error_clear(&ignored); /* swept later */
}

static bool file_write(struct blob_writer *base, struct str bytes, struct error *err)
{
    struct file_writer *writer = (struct file_writer *)base;
    if (writer->is_cut)
        return was_cut(err);
    if (!has_room(writer->fd, err) ||
        !file_write_at(writer->fd, bytes.ptr, bytes.len, writer->offset, err)) {
        if (err->kind == ERROR_NO_SPACE)
            give_back(writer);
        return false;
    }
    writer->offset += bytes.len;
    flush_ahead(writer);
    return true;
}

static bool file_writer_sync(struct blob_writer *base, struct error *err)
{
    struct file_writer *writer = (struct file_writer *)base;
    struct str upload_id = { writer->upload_id, UPLOAD_ID_CHARS };
    if (writer->is_cut)
        return was_cut(err);
    if (!sync_or_remove(of(base->store), upload_id, writer->fd, err))
        return false;
    char path[PATH_MAX];
    if (writer->must_sync_folder &&
        !file_sync_folder(folder_path(of(base->store), "uploads", path), err))
        return false;
    writer->must_sync_folder = false;
    writer->synced = writer->offset;
    return true;
}

static void file_writer_close(struct blob_writer *base)
{
    struct file_writer *writer = (struct file_writer *)base;
    file_close(writer->fd);
    free(writer);
}

/* Makes the fan-out folder if need be, and sees to it that it is still there after a power loss.
 * Who finds it made by another thread cannot know whether that thread has synced it yet. */
static bool fan_out(struct file_store *files, const struct digest *digest, struct error *err)
{
    atomic_bool *is_durable = &files->is_durable[digest->algorithm][digest->bytes[0]];
    if (atomic_load(is_durable))
        return true;
    char path[PATH_MAX];
    const char *algorithm = digest_algorithm_name(digest->algorithm).ptr;
    if (!file_make_folders(fan_path(files, digest, path), FOLDER_MODE, err) ||
        !file_sync_folder(folder_path(files, algorithm, path), err))
        return false;
    atomic_store(is_durable, true);
    return true;
}

/* Makes the move of an upload durable: the new name first, then that the old one is gone. If the
 * old one came back, somebody could go on writing to a finished blob. */
static bool sync_move(const struct file_store *files, const struct digest *digest,
                      struct error *err)
{
    char path[PATH_MAX];
    return file_sync_folder(fan_path(files, digest, path), err) &&
           file_sync_folder(folder_path(files, "uploads", path), err);
}

/* There is no upload: has an earlier call, whose last sync failed, moved it already? */
static bool finish_again(const struct file_store *files, const struct blob_place *place,
                         uint64_t size, struct error *err)
{
    char path[PATH_MAX];
    int fd FILE_AUTO = file_open(blob_path(files, place, path), O_RDONLY, 0, err);
    if (fd < 0)
        return tell_missing(blob_place_id(place), err);
    uint64_t actual;
    if (!file_size(fd, &actual, err))
        return false;
    return actual == size ? sync_move(files, &place->digest, err)
                          : upload_has_other_size(actual, size, err);
}

static bool file_finish(struct blob_store *store, const struct blob_place *place, uint64_t size,
                        struct error *err)
{
    struct file_store *files = of(store);
    char from[PATH_MAX], to[PATH_MAX];
    int fd FILE_AUTO = file_open(upload_path(files, blob_place_id(place), from), O_RDONLY, 0, err);
    if (fd < 0 && err->kind == ERROR_NOT_FOUND) {
        error_clear(err);
        return finish_again(files, place, size, err);
    }
    uint64_t actual;
    if (fd < 0 || !file_size(fd, &actual, err))
        return false;
    if (actual != size)
        return upload_has_other_size(actual, size, err);
    if (!sync_or_remove(files, blob_place_id(place), fd, err) ||
        !fan_out(files, &place->digest, err))
        return false;
    if (!file_rename(from, blob_path(files, place, to), err)) {
        /* Perhaps somebody has removed the folder: make it anew next time. */
        atomic_store(&files->is_durable[place->digest.algorithm][place->digest.bytes[0]], false);
        return tell_missing(blob_place_id(place), err);
    }
    (void)fchmod(fd, BLOB_MODE); /* against accidents only; nothing rests on it */
    return sync_move(files, &place->digest, err);
}

static int64_t file_reader_read(struct blob_reader *reader, uint64_t offset, void *bytes,
                                size_t count, struct error *err)
{
    size_t got;
    return file_read_at(reader->fd, bytes, count, offset, &got, err) ? (int64_t)got : -1;
}

static void file_reader_close(struct blob_reader *reader)
{
    file_close(reader->fd);
    free(reader);
}

/* `upload_id` is absent for a blob. */
static bool open_reader(const char *path, struct str upload_id, struct blob_reader **out,
                        struct error *err)
{
    int fd FILE_AUTO = file_open(path, O_RDONLY, 0, err);
    if (fd < 0)
        return tell_missing(upload_id, err);
    uint64_t size;
    if (!file_size(fd, &size, err))
        return false;
    struct blob_reader *reader = malloc(sizeof(*reader));
    if (!reader)
        abort();
    *reader = (struct blob_reader){
        .fd = take(&fd), .size = size, .read = file_reader_read, .close = file_reader_close
    };
    *out = reader;
    return true;
}

static bool file_upload_open(struct blob_store *store, struct str upload_id,
                             struct blob_reader **out, struct error *err)
{
    char path[PATH_MAX];
    return open_reader(upload_path(of(store), upload_id, path), upload_id, out, err);
}

static bool file_upload_remove(struct blob_store *store, struct str upload_id, struct error *err)
{
    char path[PATH_MAX];
    return file_remove(upload_path(of(store), upload_id, path), err);
}

static bool file_blob_open(struct blob_store *store, const struct blob_place *place,
                           struct blob_reader **out, struct error *err)
{
    char path[PATH_MAX];
    return open_reader(blob_path(of(store), place, path), STR_NONE, out, err);
}

static bool file_blob_remove(struct blob_store *store, const struct blob_place *place,
                             struct error *err)
{
    char path[PATH_MAX];
    return file_remove(blob_path(of(store), place, path), err);
}

static bool file_list(struct blob_store *store, struct arena *arena, struct str cursor,
                      struct blob_entry *entries, size_t entry_max, size_t *entry_count,
                      struct str *next, struct error *err)
{
    struct file_page page = { .folder = of(store)->folder, .entries = entries, .max = entry_max };
    if (!file_page_read(&page, cursor, err))
        return false;
    *entry_count = page.count;
    *next = page.has_more ? arena_copy(arena, str_from(page.last)) : STR_NONE;
    return true;
}

static bool note_file_put(struct blob_store *store, struct str name, struct str bytes,
                          struct error *err)
{
    return file_note_put(of(store)->folder, name, bytes, err);
}

static bool note_file_get(struct blob_store *store, struct arena *arena, struct str name,
                          size_t limit, struct str *out, struct error *err)
{
    return file_note_get(of(store)->folder, arena, name, limit, out, err);
}

static bool note_file_list(struct blob_store *store, struct arena *arena,
                           const struct note_query *query, struct str *names, size_t *count,
                           struct error *err)
{
    return file_note_list(of(store)->folder, arena, query, names, count, err);
}

static bool note_file_remove(struct blob_store *store, struct str name, struct error *err)
{
    return file_note_remove(of(store)->folder, name, err);
}

static bool file_check(struct blob_store *store, struct error *err)
{
    char path[PATH_MAX];
    struct statvfs status;
    const char *uploads = folder_path(of(store), "uploads", path);
    if (statvfs(uploads, &status) < 0 || access(uploads, W_OK | X_OK) < 0)
        return error_set_errno(err, errno, "the storage folder %s cannot be written to", uploads);
    bool has_files = status.f_files == 0 || status.f_favail > 0;
    return (status.f_bavail > 0 && leaves_room(&status) && has_files) ||
           error_set_errno(err, ENOSPC, "the storage folder %s", uploads);
}

static void file_free(struct blob_store *store)
{
    free(of(store)->folder);
    free(store);
}

static const struct blob_store_ops file_ops = {
    .name = "file",
    .append = file_append,
    .write = file_write,
    .sync = file_writer_sync,
    .writer_close = file_writer_close,
    .finish = file_finish,
    .upload_open = file_upload_open,
    .upload_remove = file_upload_remove,
    .open = file_blob_open,
    .remove = file_blob_remove,
    .list = file_list,
    .note_put = note_file_put,
    .note_get = note_file_get,
    .note_list = note_file_list,
    .note_remove = note_file_remove,
    .check = file_check,
    .free = file_free,
};

/* What every store has; fan-out folders come with their first blob. */
static bool make_folders(struct str folder, struct error *err)
{
    static const char *const parts[] = { "uploads", "sha256", "sha512" };
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
        char path[PATH_MAX];
        int length = snprintf(path, sizeof(path), "%.*s/%s", STR_ARG(folder), parts[i]);
        assert(length > 0 && (size_t)length < sizeof(path));
        if (!file_make_folders(path, FOLDER_MODE, err))
            return false;
    }
    return true;
}

bool file_store_open(struct str folder, struct blob_store **out, struct error *err)
{
    if (folder.len == 0 || str_find(folder, '\0') < folder.len)
        return error_set(err, ERROR_INVALID, "the storage setting needs a folder: file:DIR");
    if (folder.len >= PATH_MAX - NAME_CHARS_MAX)
        return error_set(err, ERROR_INVALID, "the path of the storage folder is too long");
    if (!make_folders(folder, err))
        return false;
    struct file_store *files = calloc(1, sizeof(*files));
    char *copy = strndup(folder.ptr, folder.len);
    if (!files || !copy)
        abort();
    files->store.ops = &file_ops;
    files->folder = copy;
    *out = &files->store;
    return true;
}
