/* SPDX-License-Identifier: Apache-2.0 */
/* storage/storage_internal.h - the kinds of store, for blob_store_open(). */
#pragma once
#include "storage/blob_store.h"

NODISCARD bool file_store_open(struct str folder, struct blob_store **out, struct error *err);
NODISCARD bool memory_store_open(struct blob_store **out, struct error *err);

/* 32 lower-case hexadecimal characters?  Ids become names of files, so nothing else gets through.
 */
bool upload_id_is_valid(struct str upload_id);
NODISCARD bool upload_id_check(struct str upload_id, struct error *err);
static inline struct str blob_place_id(const struct blob_place *place)
{
    return (struct str){ place->upload_id, UPLOAD_ID_CHARS };
}

/* The failures that every kind of store tells in the same words. */
bool blob_is_missing(struct error *err);
bool upload_is_missing(struct str upload_id, struct error *err);
bool upload_is_shorter(uint64_t size, uint64_t offset, struct error *err);
bool upload_has_other_size(uint64_t size, uint64_t expected, struct error *err);

/* One page of the listing of a file store: file_list.c. */
enum { FILE_PAGE_FOLDER_MAX = 16, FILE_PAGE_NAME_MAX = 256 };

struct file_page {
    const char *folder; /* of the store */
    struct blob_entry *entries;
    size_t max, count;
    bool has_more;
    char last[FILE_PAGE_NAME_MAX]; /* the last entry as a cursor */
};

NODISCARD bool file_page_read(struct file_page *page, struct str cursor, struct error *err);

/* Notes: the failures in common, and the two ways of keeping them. */
enum { NOTE_PART_CHARS_MAX = 255 };
bool note_is_missing(struct str name, struct error *err);
bool note_is_too_large(struct str name, size_t limit, struct error *err);

/* As files below FOLDER/recovery: file_notes.c. */
NODISCARD bool file_note_put(const char *folder, struct str name, struct str bytes,
                             struct error *err);
NODISCARD bool file_note_get(const char *folder, struct arena *arena, struct str name, size_t limit,
                             struct str *out, struct error *err);
NODISCARD bool file_note_list(const char *folder, struct arena *arena,
                              const struct note_query *query, struct str *names, size_t *count,
                              struct error *err);
NODISCARD bool file_note_remove(const char *folder, struct str name, struct error *err);

/* In memory: memory_notes.c. */
struct memory_notes;
struct memory_notes *memory_notes_new(void);
void memory_notes_free(struct memory_notes *notes);
void memory_note_put(struct memory_notes *notes, struct str name, struct str bytes);
NODISCARD bool memory_note_get(struct memory_notes *notes, struct arena *arena, struct str name,
                               size_t limit, struct str *out, struct error *err);
void memory_note_list(struct memory_notes *notes, struct arena *arena,
                      const struct note_query *query, struct str *names, size_t *count);
void memory_note_remove(struct memory_notes *notes, struct str name);
