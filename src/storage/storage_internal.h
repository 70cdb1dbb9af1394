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
