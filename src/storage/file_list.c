/* SPDX-License-Identifier: Apache-2.0 */
/* The listing of a file store: folder by folder, each by the bytes of its names.
 *
 * Uploads come first.  One that is finished while somebody turns the pages is then seen twice, as
 * upload and as blob; the other way round it would be missed. */
#include "base/file.h"
#include "storage/storage_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FAN_OUT = 256, FOLDER_COUNT = 1 + 2 * FAN_OUT, NAMES_FIRST = 64 };

struct names {
    const char **texts;
    size_t count, capacity;
};

/* The index-th of all folders, below the store's. */
static void folder_name(int index, char name[static FILE_PAGE_FOLDER_MAX])
{
    int fan = index - 1;
    if (index == 0)
        (void)snprintf(name, FILE_PAGE_FOLDER_MAX, "uploads");
    else
        (void)snprintf(name, FILE_PAGE_FOLDER_MAX, "%s/%02x", fan < FAN_OUT ? "sha256" : "sha512",
                       (unsigned)(fan % FAN_OUT));
}

/* What a file's name says; false for a name that the store has not given. */
static bool place_from(int folder, struct str name, struct blob_place *place)
{
    size_t dot = folder == 0 ? 0 : str_find(name, '.') + 1;
    struct str id = str_after(name, dot);
    if (!upload_id_is_valid(id))
        return false;
    *place = (struct blob_place){ 0 };
    memcpy(place->upload_id, id.ptr, id.len);
    if (folder == 0)
        return true;
    char text[DIGEST_TEXT_MAX], expected[FILE_PAGE_FOLDER_MAX], actual[FILE_PAGE_FOLDER_MAX];
    int length = snprintf(text, sizeof(text), "%s:%.*s", folder <= FAN_OUT ? "sha256" : "sha512",
                          (int)(dot - 1), name.ptr);
    struct error ignored = { 0 };
    if (length < 0 || (size_t)length >= sizeof(text) ||
        !digest_parse((struct str){ text, (size_t)length }, &place->digest, &ignored))
        return false;
    folder_name(folder, expected);
    folder_name(1 + (folder <= FAN_OUT ? 0 : FAN_OUT) + place->digest.bytes[0], actual);
    return strcmp(expected, actual) == 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void names_add(struct names *names, struct arena *arena, const char *text)
{
    if (names->count == names->capacity) {
        size_t capacity = names->capacity ? 2 * names->capacity : NAMES_FIRST;
        const char **grown = arena_alloc(arena, capacity * sizeof(*grown));
        if (names->count > 0)
            memcpy(grown, names->texts, names->count * sizeof(*grown));
        names->texts = grown;
        names->capacity = capacity;
    }
    names->texts[names->count++] = arena_c(arena, str_from(text));
}

/* The names of a folder behind `after` that the store has given, sorted. */
static bool names_read(DIR *folder, int index, struct str after, struct arena *arena,
                       struct names *names, struct error *err)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(folder);
        if (!entry)
            break;
        struct blob_place place;
        struct str name = str_from(entry->d_name);
        if (str_compare(name, after) > 0 && place_from(index, name, &place))
            names_add(names, arena, entry->d_name);
    }
    if (errno != 0)
        return error_set_errno(err, errno, "could not list the storage folder");
    if (names->count > 0)
        qsort(names->texts, names->count, sizeof(*names->texts), compare_names);
    return true;
}

/* The last write, or the rename that finished it: a blob whose last byte is old may be new. */
static int64_t last_change_ms(const struct stat *status)
{
    int64_t written_ms = (int64_t)status->st_mtim.tv_sec * 1000 + status->st_mtim.tv_nsec / 1000000;
    int64_t renamed_ms = (int64_t)status->st_ctim.tv_sec * 1000 + status->st_ctim.tv_nsec / 1000000;
    return renamed_ms > written_ms ? renamed_ms : written_ms;
}

/* Adds one file to the page; a full page remembers that there is more. */
static bool page_add(struct file_page *page, int folder_fd, int index, const char *name,
                     struct error *err)
{
    struct stat status;
    if (fstatat(folder_fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT || /* removed meanwhile */
               error_set_errno(err, errno, "could not look at a stored file");
    if (!S_ISREG(status.st_mode))
        return true;
    page->has_more = page->count == page->max;
    if (page->has_more)
        return true;
    struct blob_entry *entry = &page->entries[page->count++];
    *entry = (struct blob_entry){
        .size = status.st_size,
        .modified_ms = last_change_ms(&status),
        .is_upload = index == 0,
    };
    (void)place_from(index, str_from(name), &entry->place);
    char folder[FILE_PAGE_FOLDER_MAX];
    folder_name(index, folder);
    (void)snprintf(page->last, sizeof(page->last), "%s/%s", folder, name);
    return true;
}

static void closedir_auto(DIR **folder)
{
    if (*folder)
        (void)closedir(*folder);
}

static bool folder_read(struct file_page *page, int index, struct str after, struct error *err)
{
    char path[PATH_MAX], name[FILE_PAGE_FOLDER_MAX];
    folder_name(index, name);
    int length = snprintf(path, sizeof(path), "%s/%s", page->folder, name);
    assert(length > 0 && (size_t)length < sizeof(path));
    DIR *folder __attribute__((cleanup(closedir_auto))) = opendir(path);
    if (!folder)
        return errno == ENOENT || error_set_errno(err, errno, "could not list %s", path);
    struct arena *arena AUTO(arena_free) = arena_new();
    struct names names = { 0 };
    if (!names_read(folder, index, after, arena, &names, err))
        return false;
    for (size_t i = 0; i < names.count && !page->has_more; i++) {
        if (!page_add(page, dirfd(folder), index, names.texts[i], err))
            return false;
    }
    return true;
}

/* The folder that a cursor lies in, and the name in it; false if it is none of ours. */
static bool cursor_from(struct str cursor, int *folder, struct str *after)
{
    char name[FILE_PAGE_FOLDER_MAX];
    struct blob_place place;
    size_t slash = str_find_last(cursor, '/');
    for (int index = 0; index < FOLDER_COUNT && slash < cursor.len; index++) {
        folder_name(index, name);
        if (!str_equal(str_slice(cursor, 0, slash), str_from(name)))
            continue;
        *folder = index;
        *after = str_after(cursor, slash + 1);
        return place_from(index, *after, &place);
    }
    return false;
}

bool file_page_read(struct file_page *page, struct str cursor, struct error *err)
{
    int index = 0;
    struct str after = STR_NONE;
    if (str_is_set(cursor) && !cursor_from(cursor, &index, &after))
        return error_set(err, ERROR_INVALID, "this cursor is not from a listing of the store");
    for (; index < FOLDER_COUNT && !page->has_more; index++) {
        if (!folder_read(page, index, after, err))
            return false;
        after = STR_NONE;
    }
    return true;
}
