/* SPDX-License-Identifier: Apache-2.0 */
/* Notes of a file store: DIR/recovery/<name>, a folder for each part of the name but the last.
 *
 * A note is written as an upload and renamed: what a crash leaves behind is an upload that nobody
 * knows, which is swept like any other. */
#include "base/file.h"
#include "base/random.h"
#include "storage/storage_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FOLDER_MODE = 0750, NOTE_MODE = 0640, NAMES_FIRST = 64 };

static const char *note_path(const char *folder, struct str name, char path[static PATH_MAX])
{
    int length = snprintf(path, PATH_MAX, "%s/recovery/%.*s", folder, STR_ARG(name));
    assert(length > 0 && (size_t)length < PATH_MAX); /* file_store_open() has left room */
    return path;
}

static bool write_and_sync(const char *path, struct str bytes, struct error *err)
{
    int fd FILE_AUTO = file_open(path, O_WRONLY | O_CREAT | O_EXCL, NOTE_MODE, err);
    return fd >= 0 && file_write_at(fd, bytes.ptr, bytes.len, 0, err) && file_sync(fd, err);
}

bool file_note_put(const char *folder, struct str name, struct str bytes, struct error *err)
{
    char path[PATH_MAX], parent[PATH_MAX], temporary[PATH_MAX], id[RANDOM_ID_TEXT];
    struct str above = str_slice(name, 0, str_find_last(name, '/'));
    random_id(id);
    int length = snprintf(temporary, sizeof(temporary), "%s/uploads/%s", folder, id);
    assert(length > 0 && (size_t)length < sizeof(temporary));
    if (!file_make_folders(note_path(folder, above, parent), FOLDER_MODE, err))
        return false;
    if (write_and_sync(temporary, bytes, err) &&
        file_rename(temporary, note_path(folder, name, path), err))
        return file_sync_folder(parent, err);
    struct error ignored = { 0 };
    if (!file_remove(temporary, &ignored))
        error_clear(&ignored); /* swept later */
    return false;
}

bool file_note_get(const char *folder, struct arena *arena, struct str name, size_t limit,
                   struct str *out, struct error *err)
{
    char path[PATH_MAX];
    int fd FILE_AUTO = file_open(note_path(folder, name, path), O_RDONLY, 0, err);
    if (fd < 0) {
        if (err->kind != ERROR_NOT_FOUND)
            return false;
        error_clear(err);
        return note_is_missing(name, err);
    }
    uint64_t size;
    if (!file_size(fd, &size, err))
        return false;
    if (size > limit)
        return note_is_too_large(name, limit, err);
    char *bytes = arena_alloc(arena, (size_t)size + 1);
    size_t got;
    if (!file_read_at(fd, bytes, (size_t)size, 0, &got, err))
        return false;
    *out = (struct str){ bytes, got };
    return true;
}

bool file_note_remove(const char *folder, struct str name, struct error *err)
{
    char path[PATH_MAX];
    return file_remove(note_path(folder, name, path), err);
}

/* --- listing -------------------------------------------------------------------------------- */

struct listing {
    const char *folder;
    struct arena *arena, *scratch;
    size_t max, count;
    struct str *names;
};

struct parts {
    const char **texts;
    size_t count, capacity;
};

static int compare_parts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void parts_add(struct parts *parts, struct arena *arena, const char *text)
{
    if (parts->count == parts->capacity) {
        size_t capacity = parts->capacity ? 2 * parts->capacity : NAMES_FIRST;
        const char **grown = arena_alloc(arena, capacity * sizeof(*grown));
        if (parts->count > 0)
            memcpy(grown, parts->texts, parts->count * sizeof(*grown));
        parts->texts = grown;
        parts->capacity = capacity;
    }
    parts->texts[parts->count++] = arena_c(arena, str_from(text));
}

static void closedir_auto(DIR **folder)
{
    if (*folder)
        (void)closedir(*folder);
}

/* What lies in a folder, sorted; nothing if there is no such folder. */
static bool parts_read(const struct listing *listing, struct str below, struct parts *parts,
                       struct error *err)
{
    char path[PATH_MAX];
    DIR *folder __attribute__((cleanup(closedir_auto))) =
        opendir(note_path(listing->folder, below, path));
    if (!folder)
        return errno == ENOENT || error_set_errno(err, errno, "could not list %s", path);
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(folder);
        if (!entry)
            break;
        if (entry->d_name[0] != '.')
            parts_add(parts, listing->scratch, entry->d_name);
    }
    if (errno != 0)
        return error_set_errno(err, errno, "could not list %s", path);
    if (parts->count > 0)
        qsort(parts->texts, parts->count, sizeof(*parts->texts), compare_parts);
    return true;
}

static bool is_folder(const struct listing *listing, struct str name)
{
    char path[PATH_MAX];
    struct stat status;
    return stat(note_path(listing->folder, name, path), &status) == 0 && S_ISDIR(status.st_mode);
}

/* Lists what lies below, from behind `after`, which is relative to it; absent: everything. */
static bool list_below(struct listing *listing, struct str below, struct str after, int depth,
                       struct error *err)
{
    struct parts parts = { 0 };
    if (!parts_read(listing, below, &parts, err))
        return false;
    struct str rest = after, first = STR_NONE;
    bool has_first = str_split(&rest, '/', &first);
    for (size_t i = 0; i < parts.count && listing->count < listing->max; i++) {
        struct str part = str_from(parts.texts[i]);
        int order = has_first ? str_compare(part, first) : 1;
        if (order < 0)
            continue;
        struct str name =
            arena_format(listing->scratch, "%.*s/%.*s", STR_ARG(below), STR_ARG(part));
        if (depth < NOTE_PARTS_MAX && is_folder(listing, name)) {
            if (!list_below(listing, name, order == 0 ? rest : STR_NONE, depth + 1, err))
                return false;
        } else if (order > 0 && note_name_is_valid(name)) {
            listing->names[listing->count++] = arena_copy(listing->arena, name);
        }
    }
    return true;
}

bool file_note_list(const char *folder, struct arena *arena, const struct note_query *query,
                    struct str *names, size_t *count, struct error *err)
{
    struct arena *scratch AUTO(arena_free) = arena_new();
    struct listing listing = {
        .folder = folder, .arena = arena, .scratch = scratch, .max = query->max, .names = names
    };
    struct str after =
        str_is_set(query->after) ? str_after(query->after, query->folder.len + 1) : STR_NONE;
    if (!list_below(&listing, query->folder, after, 1, err))
        return false;
    *count = listing.count;
    return true;
}
