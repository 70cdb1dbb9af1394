/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/blob_store.h"

#include "base/file.h"
#include "storage/storage_internal.h"

#include <inttypes.h>

bool blob_store_open(struct str setting, struct blob_store **out, struct error *err)
{
    struct str file = STR("file:");
    if (str_starts(setting, file))
        return file_store_open(str_after(setting, file.len), out, err);
    if (str_equal(setting, STR("memory:")))
        return memory_store_open(out, err);
    /* The setting itself is not repeated: it may hold a key. */
    if (str_starts(setting, STR("s3://")))
        return error_set(err, ERROR_UNSUPPORTED,
                         "s3:// is not supported by this version; use file:DIR");
    return error_set(err, ERROR_INVALID, "the storage setting must read file:DIR");
}

void blob_store_free(struct blob_store *store)
{
    if (store)
        store->ops->free(store);
}

bool upload_id_is_valid(struct str upload_id)
{
    if (upload_id.len != UPLOAD_ID_CHARS)
        return false;
    for (size_t i = 0; i < upload_id.len; i++) {
        char byte = upload_id.ptr[i];
        if (!((byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f')))
            return false;
    }
    return true;
}

bool upload_id_check(struct str upload_id, struct error *err)
{
    return upload_id_is_valid(upload_id) ||
           error_set(err, ERROR_INVALID, "this is not the id of an upload");
}

bool blob_is_missing(struct error *err)
{
    return error_set(err, ERROR_NOT_FOUND, "the store does not have this blob");
}

bool upload_is_missing(struct str upload_id, struct error *err)
{
    return error_set(err, ERROR_NOT_FOUND, "the store does not have the upload %.*s",
                     STR_ARG(upload_id));
}

bool upload_is_shorter(uint64_t size, uint64_t offset, struct error *err)
{
    return error_set(err, ERROR_RANGE,
                     "the upload has %" PRIu64 " bytes and cannot go on at %" PRIu64, size, offset);
}

bool upload_has_other_size(uint64_t size, uint64_t expected, struct error *err)
{
    return error_set(err, ERROR_INVALID,
                     "the size of the upload is %" PRIu64 " bytes and should be %" PRIu64, size,
                     expected);
}

bool blob_append(struct blob_store *store, struct str upload_id, uint64_t offset,
                 struct blob_writer **out, struct error *err)
{
    return upload_id_check(upload_id, err) &&
           store->ops->append(store, upload_id, offset, out, err);
}

bool blob_write(struct blob_writer *writer, struct str bytes, struct error *err)
{
    return bytes.len == 0 || writer->store->ops->write(writer, bytes, err);
}

bool blob_sync(struct blob_writer *writer, struct error *err)
{
    return writer->store->ops->sync(writer, err);
}

void blob_writer_close(struct blob_writer *writer)
{
    if (writer)
        writer->store->ops->writer_close(writer);
}

bool blob_finish(struct blob_store *store, const struct blob_place *place, uint64_t size,
                 struct error *err)
{
    assert(digest_is_set(&place->digest));
    return upload_id_check(blob_place_id(place), err) &&
           store->ops->finish(store, place, size, err);
}

bool blob_upload_open(struct blob_store *store, struct str upload_id, struct blob_reader **out,
                      struct error *err)
{
    return upload_id_check(upload_id, err) && store->ops->upload_open(store, upload_id, out, err);
}

bool blob_upload_remove(struct blob_store *store, struct str upload_id, struct error *err)
{
    return upload_id_check(upload_id, err) && store->ops->upload_remove(store, upload_id, err);
}

bool blob_open(struct blob_store *store, const struct blob_place *place, struct blob_reader **out,
               struct error *err)
{
    assert(digest_is_set(&place->digest));
    return upload_id_check(blob_place_id(place), err) && store->ops->open(store, place, out, err);
}

int64_t blob_read(struct blob_reader *reader, uint64_t offset, void *bytes, size_t count,
                  struct error *err)
{
    if (reader->fd < 0)
        return reader->read(reader, offset, bytes, count, err);
    size_t got;
    return file_read_at(reader->fd, bytes, count, offset, &got, err) ? (int64_t)got : -1;
}

void blob_reader_close(struct blob_reader *reader)
{
    if (reader)
        reader->close(reader);
}

bool blob_remove(struct blob_store *store, const struct blob_place *place, struct error *err)
{
    assert(digest_is_set(&place->digest));
    return upload_id_check(blob_place_id(place), err) && store->ops->remove(store, place, err);
}

bool blob_list(struct blob_store *store, struct arena *arena, struct str cursor,
               struct blob_entry *entries, size_t entry_max, size_t *entry_count, struct str *next,
               struct error *err)
{
    assert(entry_max > 0);
    return store->ops->list(store, arena, cursor, entries, entry_max, entry_count, next, err);
}

bool blob_store_check(struct blob_store *store, struct error *err)
{
    return store->ops->check(store, err);
}

/* --- notes ---------------------------------------------------------------------------------- */

static bool note_part_is_valid(struct str part)
{
    for (size_t i = 0; i < part.len; i++) {
        char byte = part.ptr[i];
        bool is_plain = (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') ||
                        byte == '-' || byte == '_' || (byte == '.' && i > 0);
        if (!is_plain)
            return false;
    }
    return part.len > 0 && part.len <= NOTE_PART_CHARS_MAX;
}

bool note_name_is_valid(struct str name)
{
    struct str part, rest = name;
    size_t count = 0;
    for (; str_split(&rest, '/', &part); count++) {
        if (!note_part_is_valid(part))
            return false;
    }
    return count >= 2 && count <= NOTE_PARTS_MAX && name.len <= NOTE_NAME_CHARS_MAX;
}

/* A slash ends a part, so it comes before all other bytes. */
static int note_byte(struct str name, size_t index)
{
    return name.ptr[index] == '/' ? 0 : (unsigned char)name.ptr[index];
}

int note_compare(struct str a, struct str b)
{
    for (size_t i = 0; i < a.len && i < b.len; i++) {
        int difference = note_byte(a, i) - note_byte(b, i);
        if (difference != 0)
            return difference;
    }
    return a.len < b.len ? -1 : a.len > b.len;
}

static bool note_check(struct blob_store *store, struct str name, struct error *err)
{
    if (!store->ops->note_put)
        return error_set(err, ERROR_UNSUPPORTED, "this kind of store keeps no notes");
    return note_name_is_valid(name) ||
           error_set(err, ERROR_INVALID, "'%.*s' is no name of a note", STR_ARG(name));
}

bool note_is_missing(struct str name, struct error *err)
{
    return error_set(err, ERROR_NOT_FOUND, "the store does not have the note %.*s", STR_ARG(name));
}

bool note_is_too_large(struct str name, size_t limit, struct error *err)
{
    return error_set(err, ERROR_TOO_LARGE, "the note %.*s has more than %zu bytes", STR_ARG(name),
                     limit);
}

bool note_put(struct blob_store *store, struct str name, struct str bytes, struct error *err)
{
    return note_check(store, name, err) && store->ops->note_put(store, name, bytes, err);
}

bool note_get(struct blob_store *store, struct arena *arena, struct str name, size_t limit,
              struct str *out, struct error *err)
{
    return note_check(store, name, err) &&
           store->ops->note_get(store, arena, name, limit, out, err);
}

bool note_list(struct blob_store *store, struct arena *arena, const struct note_query *query,
               struct str *names, size_t *count, struct error *err)
{
    assert(query->max > 0 && note_part_is_valid(query->folder));
    struct str first = str_is_set(query->after) ? query->after : STR("folder/first");
    return note_check(store, first, err) &&
           store->ops->note_list(store, arena, query, names, count, err);
}

bool note_remove(struct blob_store *store, struct str name, struct error *err)
{
    return note_check(store, name, err) && store->ops->note_remove(store, name, err);
}
