/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs in memory, for tests: the same promises as other stores, but for power loss.
 *
 * An item's bytes live on while a reader has it open, as those of an unlinked file do. */
#include "base/clock.h"
#include "storage/storage_internal.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES_MAX = 256 * 1024 * 1024 };

struct item {
    struct item *next;
    struct blob_place place; /* of an upload: without digest */
    unsigned use_count;      /* the store's list, readers and writers */
    char *bytes;
    size_t size, capacity;
    int64_t modified_ms;
};

struct memory_store {
    struct blob_store store;
    pthread_mutex_t mutex;      /* guards everything below, and all items */
    struct item *items;         /* sorted as blob_list() gives them */
    size_t size;                /* bytes of all items */
    struct memory_notes *notes; /* guards itself */
};

struct memory_writer {
    struct blob_writer writer;
    struct item *item;
    size_t offset;
};

struct memory_reader {
    struct blob_reader reader;
    struct memory_store *memory;
    struct item *item;
};

static struct memory_store *of(struct blob_store *store)
{
    return (struct memory_store *)store;
}

static void lock(struct memory_store *memory)
{
    (void)pthread_mutex_lock(&memory->mutex);
}

static void unlock(struct memory_store *memory)
{
    (void)pthread_mutex_unlock(&memory->mutex);
}

/* Uploads before blobs; then by digest, then by upload id. */
static int compare_places(const struct blob_place *a, const struct blob_place *b)
{
    if (a->digest.algorithm != b->digest.algorithm)
        return a->digest.algorithm < b->digest.algorithm ? -1 : 1;
    int by_digest = memcmp(a->digest.bytes, b->digest.bytes, sizeof(a->digest.bytes));
    return by_digest != 0 ? by_digest : strcmp(a->upload_id, b->upload_id);
}

static struct blob_place upload_place(struct str upload_id)
{
    struct blob_place place = { 0 };
    memcpy(place.upload_id, upload_id.ptr, UPLOAD_ID_CHARS);
    return place;
}

/* The link that leads to the item, or to where it would be. */
static struct item **find(struct memory_store *memory, const struct blob_place *place)
{
    struct item **link = &memory->items;
    while (*link && compare_places(&(*link)->place, place) < 0)
        link = &(*link)->next;
    return link;
}

static struct item *get(struct memory_store *memory, const struct blob_place *place)
{
    struct item *item = *find(memory, place);
    return item && compare_places(&item->place, place) == 0 ? item : NULL;
}

static void insert(struct memory_store *memory, struct item *item)
{
    struct item **link = find(memory, &item->place);
    item->next = *link;
    *link = item;
}

static void unuse(struct memory_store *memory, struct item *item)
{
    if (--item->use_count > 0)
        return;
    memory->size -= item->size;
    free(item->bytes);
    free(item);
}

static void take_out(struct memory_store *memory, const struct blob_place *place)
{
    struct item **link = find(memory, place), *item = *link;
    if (!item || compare_places(&item->place, place) != 0)
        return;
    *link = item->next;
    unuse(memory, item);
}

static bool resize(struct memory_store *memory, struct item *item, size_t size, struct error *err)
{
    if (size > item->size && size - item->size > BYTES_MAX - memory->size)
        return error_set(err, ERROR_NO_SPACE, "the memory store is full");
    if (size > item->capacity) {
        size_t capacity = size < 4096 ? 4096 : 2 * size;
        char *bytes = realloc(item->bytes, capacity);
        if (!bytes)
            abort();
        item->bytes = bytes;
        item->capacity = capacity;
    }
    memory->size += size - item->size;
    item->size = size;
    item->modified_ms = clock_now_ms();
    return true;
}

static struct item *item_for_append(struct memory_store *memory, struct str upload_id,
                                    uint64_t offset, struct error *err)
{
    struct blob_place place = upload_place(upload_id);
    struct item *item = get(memory, &place);
    if (!item && offset > 0) {
        (void)upload_is_missing(upload_id, err);
        return NULL;
    }
    if (!item) {
        item = calloc(1, sizeof(*item));
        if (!item)
            abort();
        item->place = place;
        item->use_count = 1;
        insert(memory, item);
    }
    if (item->size < offset) {
        (void)upload_is_shorter(item->size, offset, err);
        return NULL;
    }
    return resize(memory, item, offset, err) ? item : NULL;
}

static bool memory_append(struct blob_store *store, struct str upload_id, uint64_t offset,
                          struct blob_writer **out, struct error *err)
{
    struct memory_store *memory = of(store);
    struct memory_writer *writer = malloc(sizeof(*writer));
    if (!writer)
        abort();
    lock(memory);
    struct item *item = item_for_append(memory, upload_id, offset, err);
    if (item)
        item->use_count++;
    unlock(memory);
    if (!item) {
        free(writer);
        return false;
    }
    *writer = (struct memory_writer){ .writer = { store }, .item = item, .offset = offset };
    *out = &writer->writer;
    return true;
}

static bool memory_write(struct blob_writer *base, struct str bytes, struct error *err)
{
    struct memory_writer *writer = (struct memory_writer *)base;
    struct memory_store *memory = of(base->store);
    lock(memory);
    size_t end = writer->offset + bytes.len;
    bool ok = end <= writer->item->size || resize(memory, writer->item, end, err);
    if (ok)
        memcpy(writer->item->bytes + writer->offset, bytes.ptr, bytes.len);
    unlock(memory);
    if (ok)
        writer->offset = end;
    return ok;
}

static bool memory_sync(struct blob_writer *writer, struct error *err)
{
    (void)writer;
    (void)err;
    return true;
}

static void memory_writer_close(struct blob_writer *base)
{
    struct memory_writer *writer = (struct memory_writer *)base;
    lock(of(base->store));
    unuse(of(base->store), writer->item);
    unlock(of(base->store));
    free(writer);
}

/* With the mutex held. */
static bool finish(struct memory_store *memory, const struct blob_place *place, uint64_t size,
                   struct error *err)
{
    struct blob_place from = upload_place(blob_place_id(place));
    struct item *upload = get(memory, &from);
    /* Finishing once more is no failure, as in the file store. */
    struct item *item = upload ? upload : get(memory, place);
    if (!item)
        return upload_is_missing(blob_place_id(place), err);
    if (item->size != size)
        return upload_has_other_size(item->size, size, err);
    if (!upload)
        return true;
    upload->use_count++;
    take_out(memory, &from);
    upload->place = *place;
    insert(memory, upload);
    return true;
}

static bool memory_finish(struct blob_store *store, const struct blob_place *place, uint64_t size,
                          struct error *err)
{
    lock(of(store));
    bool ok = finish(of(store), place, size, err);
    unlock(of(store));
    return ok;
}

static int64_t memory_read(struct blob_reader *base, uint64_t offset, void *bytes, size_t count,
                           struct error *err)
{
    (void)err;
    struct memory_reader *reader = (struct memory_reader *)base;
    lock(reader->memory);
    size_t size = reader->item->size;
    size_t from = offset < size ? (size_t)offset : size;
    size_t got = count < size - from ? count : size - from;
    if (got > 0)
        memcpy(bytes, reader->item->bytes + from, got);
    unlock(reader->memory);
    return (int64_t)got;
}

static void memory_reader_close(struct blob_reader *base)
{
    struct memory_reader *reader = (struct memory_reader *)base;
    lock(reader->memory);
    unuse(reader->memory, reader->item);
    unlock(reader->memory);
    free(reader);
}

/* False if there is no such item; the caller knows the words for it. */
static bool open_reader(struct memory_store *memory, const struct blob_place *place,
                        struct blob_reader **out)
{
    struct memory_reader *reader = malloc(sizeof(*reader));
    if (!reader)
        abort();
    lock(memory);
    struct item *item = get(memory, place);
    size_t size = item ? item->size : 0;
    if (item)
        item->use_count++;
    unlock(memory);
    if (!item) {
        free(reader);
        return false;
    }
    *reader = (struct memory_reader){
        .reader = { .fd = -1, .size = size, .read = memory_read, .close = memory_reader_close },
        .memory = memory,
        .item = item,
    };
    *out = &reader->reader;
    return true;
}

static bool memory_upload_open(struct blob_store *store, struct str upload_id,
                               struct blob_reader **out, struct error *err)
{
    struct blob_place place = upload_place(upload_id);
    return open_reader(of(store), &place, out) || upload_is_missing(upload_id, err);
}

static bool memory_blob_open(struct blob_store *store, const struct blob_place *place,
                             struct blob_reader **out, struct error *err)
{
    return open_reader(of(store), place, out) || blob_is_missing(err);
}

static bool memory_blob_remove(struct blob_store *store, const struct blob_place *place,
                               struct error *err)
{
    (void)err;
    lock(of(store));
    take_out(of(store), place);
    unlock(of(store));
    return true;
}

static bool memory_upload_remove(struct blob_store *store, struct str upload_id, struct error *err)
{
    struct blob_place place = upload_place(upload_id);
    return memory_blob_remove(store, &place, err);
}

/* A cursor is the last entry's digest (nothing for an upload), a dot and its upload id. */
static bool cursor_from(struct str cursor, struct blob_place *place, struct error *err)
{
    size_t dot = str_find(cursor, '.');
    struct str digest = str_slice(cursor, 0, dot), id = str_after(cursor, dot + 1);
    struct error ignored = { 0 };
    *place = (struct blob_place){ 0 };
    if (!upload_id_is_valid(id) ||
        (digest.len > 0 && !digest_parse(digest, &place->digest, &ignored)))
        return error_set(err, ERROR_INVALID, "this cursor is not from a listing of the store");
    memcpy(place->upload_id, id.ptr, id.len);
    return true;
}

static struct str cursor_to(struct arena *arena, const struct blob_place *place)
{
    char text[DIGEST_TEXT_MAX];
    struct str digest =
        digest_is_set(&place->digest) ? digest_format(&place->digest, text) : STR("");
    return arena_format(arena, "%.*s.%s", STR_ARG(digest), place->upload_id);
}

static bool memory_list(struct blob_store *store, struct arena *arena, struct str cursor,
                        struct blob_entry *entries, size_t entry_max, size_t *entry_count,
                        struct str *next, struct error *err)
{
    struct memory_store *memory = of(store);
    struct blob_place after = { 0 };
    if (str_is_set(cursor) && !cursor_from(cursor, &after, err))
        return false;
    size_t count = 0;
    lock(memory);
    const struct item *item = memory->items;
    while (str_is_set(cursor) && item && compare_places(&item->place, &after) <= 0)
        item = item->next;
    for (; item && count < entry_max; item = item->next)
        entries[count++] = (struct blob_entry){
            .place = item->place,
            .size = (int64_t)item->size,
            .modified_ms = item->modified_ms,
            .is_upload = !digest_is_set(&item->place.digest),
        };
    bool has_more = item != NULL;
    unlock(memory);
    *entry_count = count;
    *next = has_more ? cursor_to(arena, &entries[count - 1].place) : STR_NONE;
    return true;
}

static bool note_memory_put(struct blob_store *store, struct str name, struct str bytes,
                            struct error *err)
{
    (void)err;
    memory_note_put(of(store)->notes, name, bytes);
    return true;
}

static bool note_memory_get(struct blob_store *store, struct arena *arena, struct str name,
                            size_t limit, struct str *out, struct error *err)
{
    return memory_note_get(of(store)->notes, arena, name, limit, out, err);
}

static bool note_memory_list(struct blob_store *store, struct arena *arena,
                             const struct note_query *query, struct str *names, size_t *count,
                             struct error *err)
{
    (void)err;
    memory_note_list(of(store)->notes, arena, query, names, count);
    return true;
}

static bool note_memory_remove(struct blob_store *store, struct str name, struct error *err)
{
    (void)err;
    memory_note_remove(of(store)->notes, name);
    return true;
}

static bool memory_check(struct blob_store *store, struct error *err)
{
    lock(of(store));
    bool has_space = of(store)->size < BYTES_MAX;
    unlock(of(store));
    return has_space || error_set(err, ERROR_NO_SPACE, "the memory store is full");
}

static void memory_free(struct blob_store *store)
{
    struct memory_store *memory = of(store);
    while (memory->items) {
        struct item *item = memory->items;
        memory->items = item->next;
        assert(item->use_count == 1); /* readers and writers are closed before */
        unuse(memory, item);
    }
    memory_notes_free(memory->notes);
    (void)pthread_mutex_destroy(&memory->mutex);
    free(memory);
}

static const struct blob_store_ops memory_ops = {
    .name = "memory",
    .append = memory_append,
    .write = memory_write,
    .sync = memory_sync,
    .writer_close = memory_writer_close,
    .finish = memory_finish,
    .upload_open = memory_upload_open,
    .upload_remove = memory_upload_remove,
    .open = memory_blob_open,
    .remove = memory_blob_remove,
    .list = memory_list,
    .note_put = note_memory_put,
    .note_get = note_memory_get,
    .note_list = note_memory_list,
    .note_remove = note_memory_remove,
    .check = memory_check,
    .free = memory_free,
};

bool memory_store_open(struct blob_store **out, struct error *err)
{
    (void)err;
    struct memory_store *memory = calloc(1, sizeof(*memory));
    if (!memory)
        abort();
    memory->store.ops = &memory_ops;
    (void)pthread_mutex_init(&memory->mutex, NULL);
    memory->notes = memory_notes_new();
    *out = &memory->store;
    return true;
}
