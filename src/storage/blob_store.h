/* SPDX-License-Identifier: Apache-2.0 */
/* storage/blob_store.h - where the bytes of blobs lie.
 *
 * Knows nothing of repositories, accounts or the database.  Two kinds of things:
 *
 * An upload is a growing byte sequence under an id (32 hexadecimal characters) that is never used
 * twice.  Who appends says at which offset; what lay beyond it (from a request that died) is cut
 * off.
 *
 * A blob is a finished upload: a file or object of its own, named after its digest AND its upload
 * id, never overwritten, its name never used again.  So a collector that removes one upload's file
 * can never hit the bytes of a later push of the same digest.  Which of several is the blob of a
 * digest is the database's business: struct blob_place names one.
 *
 * blob_finish() returns when the bytes survive power loss: written under a temporary name, fsynced,
 * renamed, folder fsynced.
 *
 * Besides there are notes: small objects under names such as "repository/alice/app", by which a
 * lost database is rebuilt (hub/recovery.h).  Putting one replaces it as a whole, durably.
 * Any thread; one writer for each upload at a time is the
 * caller's to keep (hub/upload.h does by compare-and-set). */
#pragma once
#include "base/arena.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/str.h"
#include "oci/digest.h"

#include <stdbool.h>
#include <stdint.h>

enum { UPLOAD_ID_CHARS = 32 };

struct blob_store;
struct blob_writer;
struct blob_reader;

/* One stored blob. */
struct blob_place {
    struct digest digest;
    char upload_id[UPLOAD_ID_CHARS + 1];
};

/* For listings: what lies in the store, page by page. */
struct blob_entry {
    struct blob_place place;
    int64_t size;        /* bytes */
    int64_t modified_ms; /* last write, or when it was finished */
    bool is_upload;      /* not finished: place.digest is not set */
};

/* A page of the names of notes. */
struct note_query {
    struct str folder; /* "repository" */
    struct str after;  /* a name; absent: from the first */
    size_t max;
};

struct blob_store_ops {
    const char *name; /* "file", "memory", "s3": settings and metrics */

    /* Opens an upload for appending at `offset`, creating it at 0 and cutting it at `offset`
     * otherwise. ERROR_RANGE if it has fewer bytes, ERROR_NOT_FOUND if it does not exist and offset
     * > 0. */
    bool (*append)(struct blob_store *store, struct str upload_id, uint64_t offset,
                   struct blob_writer **out, struct error *err);
    /* ERROR_NO_SPACE already while there is some left, for the database (file_store.c).  After it
     * what was not synced is given back, so that half an upload does not keep
     * the disk full; this writer is of no use then but to be closed. */
    bool (*write)(struct blob_writer *writer, struct str bytes, struct error *err);
    /* Makes what was written durable.  Called before the offset is recorded in the database.  After
     * a failure of the disk the upload is gone (ERROR_NOT_FOUND from then on), as its bytes cannot
     * be trusted. */
    bool (*sync)(struct blob_writer *writer, struct error *err);
    void (*writer_close)(struct blob_writer *writer);

    /* Turns an upload of exactly `size` bytes into a blob; ERROR_INVALID if it has another size.
     * The caller vouches for the digest.  After a failure it can be called again; ERROR_NOT_FOUND
     * then means that the bytes could not be synced, and that the upload has to start anew. */
    bool (*finish)(struct blob_store *store, const struct blob_place *place, uint64_t size,
                   struct error *err);
    /* Reads an unfinished upload again (another digest algorithm). */
    bool (*upload_open)(struct blob_store *store, struct str upload_id, struct blob_reader **out,
                        struct error *err);
    bool (*upload_remove)(struct blob_store *store, struct str upload_id, struct error *err);

    /* ERROR_NOT_FOUND if it is not there.  Who has it open can read on after its removal; removing
     * what is not there is no failure. */
    bool (*open)(struct blob_store *store, const struct blob_place *place, struct blob_reader **out,
                 struct error *err);
    bool (*remove)(struct blob_store *store, const struct blob_place *place, struct error *err);

    /* Everything in the store but notes: uploads by id, then blobs by digest (sha256 first, then by
     * their bytes) and upload id.  From behind `cursor` (absent: from the start); *next is absent
     * at the end. */
    bool (*list)(struct blob_store *store, struct arena *arena, struct str cursor,
                 struct blob_entry *entries, size_t entry_max, size_t *entry_count,
                 struct str *next, struct error *err);

    /* Notes; NULL in all four: this store keeps none (ERROR_UNSUPPORTED).  Names are valid when
     * they come here.  Reading one that is not there is ERROR_NOT_FOUND, one of more than `limit`
     * bytes ERROR_TOO_LARGE; removing what is not there is no failure. */
    bool (*note_put)(struct blob_store *store, struct str name, struct str bytes,
                     struct error *err);
    bool (*note_get)(struct blob_store *store, struct arena *arena, struct str name, size_t limit,
                     struct str *out, struct error *err);
    /* Names below `folder` ("repository"), in the order of note_compare(), from behind `after`
     * (absent: the first).  Fewer than `max` means the end. */
    bool (*note_list)(struct blob_store *store, struct arena *arena, const struct note_query *query,
                      struct str *names, size_t *count, struct error *err);
    bool (*note_remove)(struct blob_store *store, struct str name, struct error *err);

    /* Can it be written to just now?  For /readyz. */
    bool (*check)(struct blob_store *store, struct error *err);
    void (*free)(struct blob_store *store);
};

/* The first member of each kind of store, writer and reader. */
struct blob_store {
    const struct blob_store_ops *ops;
};

struct blob_writer {
    struct blob_store *store;
};

struct blob_reader {
    int fd; /* to send with sendfile and read with pread; -1: use `read` */
    uint64_t size;
    int64_t (*read)(struct blob_reader *reader, uint64_t offset, void *bytes, size_t count,
                    struct error *err);
    void (*close)(struct blob_reader *reader);
};

/* "file:DIR", "memory:"; "s3://BUCKET?endpoint=...&region=..." comes with its issue
 * (ERROR_UNSUPPORTED). */
NODISCARD bool blob_store_open(struct str setting, struct blob_store **out, struct error *err);
void blob_store_free(struct blob_store *store);
DEFINE_AUTO(struct blob_store, blob_store_free);

/* The operations by name, so that callers read well. */
NODISCARD bool blob_append(struct blob_store *store, struct str upload_id, uint64_t offset,
                           struct blob_writer **out, struct error *err);
NODISCARD bool blob_write(struct blob_writer *writer, struct str bytes, struct error *err);
NODISCARD bool blob_sync(struct blob_writer *writer, struct error *err);
void blob_writer_close(struct blob_writer *writer);
DEFINE_AUTO(struct blob_writer, blob_writer_close);
NODISCARD bool blob_finish(struct blob_store *store, const struct blob_place *place, uint64_t size,
                           struct error *err);
NODISCARD bool blob_upload_open(struct blob_store *store, struct str upload_id,
                                struct blob_reader **out, struct error *err);
NODISCARD bool blob_upload_remove(struct blob_store *store, struct str upload_id,
                                  struct error *err);
NODISCARD bool blob_open(struct blob_store *store, const struct blob_place *place,
                         struct blob_reader **out, struct error *err);
/* Reads up to `count` bytes at `offset`; 0 at the end, -1 on failure. */
int64_t blob_read(struct blob_reader *reader, uint64_t offset, void *bytes, size_t count,
                  struct error *err);
void blob_reader_close(struct blob_reader *reader);
DEFINE_AUTO(struct blob_reader, blob_reader_close);
NODISCARD bool blob_remove(struct blob_store *store, const struct blob_place *place,
                           struct error *err);
NODISCARD bool blob_list(struct blob_store *store, struct arena *arena, struct str cursor,
                         struct blob_entry *entries, size_t entry_max, size_t *entry_count,
                         struct str *next, struct error *err);
NODISCARD bool blob_store_check(struct blob_store *store, struct error *err);

/* Two to NOTE_PARTS_MAX parts between slashes, each of a-z, 0-9, dot, dash and underscore and not
 * beginning with a dot. */
enum { NOTE_NAME_CHARS_MAX = 300, NOTE_PARTS_MAX = 4 };
bool note_name_is_valid(struct str name);
/* By bytes, a slash before everything else. */
int note_compare(struct str a, struct str b);
NODISCARD bool note_put(struct blob_store *store, struct str name, struct str bytes,
                        struct error *err);
NODISCARD bool note_get(struct blob_store *store, struct arena *arena, struct str name,
                        size_t limit, struct str *out, struct error *err);
NODISCARD bool note_list(struct blob_store *store, struct arena *arena,
                         const struct note_query *query, struct str *names, size_t *count,
                         struct error *err);
NODISCARD bool note_remove(struct blob_store *store, struct str name, struct error *err);
