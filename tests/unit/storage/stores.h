/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/storage/stores.h - an empty store of each kind, and short words for using it. */
#pragma once
#include "storage/blob_store.h"

#include "../check.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct stores {
    char folder[64];
    struct blob_store *store;
    struct arena *arena;
    struct error err;
};

static inline int open_store(void **state, bool is_file)
{
    struct stores *s = calloc(1, sizeof(*s));
    assert_non_null(s);
    char setting[96] = "memory:";
    (void)snprintf(s->folder, sizeof(s->folder), "/tmp/berth-store-XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    if (is_file)
        (void)snprintf(setting, sizeof(setting), "file:%s/blobs", s->folder);
    s->arena = arena_new();
    assert_true(blob_store_open(str_from(setting), &s->store, &s->err));
    *state = s;
    return 0;
}

static inline int setup_file(void **state)
{
    return open_store(state, true);
}

static inline int setup_memory(void **state)
{
    return open_store(state, false);
}

static inline int remove_path(const char *path, const struct stat *status, int kind,
                              struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

static inline int teardown(void **state)
{
    struct stores *s = *state;
    blob_store_free(s->store);
    arena_free(s->arena);
    assert_int_equal(nftw(s->folder, remove_path, 8, FTW_DEPTH | FTW_PHYS), 0);
    free(s);
    return 0;
}

/* The upload id made of one hexadecimal digit, and the place of `content` under it. */
static inline struct blob_place place_of(char digit, struct str content)
{
    struct blob_place place = { .digest = digest_of(DIGEST_SHA256, content) };
    memset(place.upload_id, digit, UPLOAD_ID_CHARS);
    return place;
}

static inline struct str id_of(const struct blob_place *place)
{
    return (struct str){ place->upload_id, UPLOAD_ID_CHARS };
}

/* Appends in one go, durably. */
static inline bool append_at(struct stores *s, const struct blob_place *place, uint64_t offset,
                             struct str bytes)
{
    struct blob_writer *writer AUTO(blob_writer_close) = NULL;
    return blob_append(s->store, id_of(place), offset, &writer, &s->err) &&
           blob_write(writer, bytes, &s->err) && blob_sync(writer, &s->err);
}

static inline bool store_blob(struct stores *s, const struct blob_place *place, struct str content)
{
    return append_at(s, place, 0, content) && blob_finish(s->store, place, content.len, &s->err);
}

/* All bytes of a reader, read in pieces; closes it. */
static inline struct str read_all(struct stores *s, struct blob_reader *reader)
{
    char *bytes = arena_alloc(s->arena, reader->size + 8);
    uint64_t at = 0;
    int64_t got;
    while ((got = blob_read(reader, at, bytes + at, 7, &s->err)) > 0)
        at += (uint64_t)got;
    assert_int_equal(got, 0);
    assert_int_equal(at, reader->size);
    blob_reader_close(reader);
    return (struct str){ bytes, (size_t)at };
}

/* Absent if the store does not have it. */
static inline struct str blob_content(struct stores *s, const struct blob_place *place)
{
    struct blob_reader *reader = NULL;
    if (blob_open(s->store, place, &reader, &s->err))
        return read_all(s, reader);
    check_error(&s->err, ERROR_NOT_FOUND, "does not have this blob");
    return STR_NONE;
}

static inline struct str upload_content(struct stores *s, const struct blob_place *place)
{
    struct blob_reader *reader = NULL;
    if (blob_upload_open(s->store, id_of(place), &reader, &s->err))
        return read_all(s, reader);
    check_error(&s->err, ERROR_NOT_FOUND, "does not have the upload");
    return STR_NONE;
}

/* How many uploads and blobs there are, counted over pages of `page` entries. */
static inline size_t count_entries(struct stores *s, size_t page)
{
    struct blob_entry entries[16];
    struct str cursor = STR_NONE;
    size_t total = 0, count = 0;
    do {
        assert_true(blob_list(s->store, s->arena, cursor, entries, page, &count, &cursor, &s->err));
        total += count;
    } while (str_is_set(cursor));
    return total;
}
