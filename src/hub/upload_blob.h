/* SPDX-License-Identifier: Apache-2.0 */
/* hub/upload_blob.h - from bytes that arrive to a blob: what the ways of uploading share.
 *
 * Only hub/upload.c uses this.  Order of things, which makes every crash harmless: bytes durable
 * under their final name, then one transaction that makes blob row and claim and ends the session.
 * A file without a row only takes space, until `berth check --repair` removes it; a row without a
 * file cannot come to be. */
#pragma once
#include "hub/upload.h"
#include "storage/blob_store.h"

/* Bytes on their way into the store: `size` and `hasher` are about the same ones. */
struct receiving {
    struct blob_writer *writer;
    struct digest_hasher hasher;
    int64_t size; /* bytes, with those of earlier requests */
};

static inline void receiving_release_auto(struct receiving *receiving)
{
    blob_writer_close(receiving->writer);
}

/* Takes what the source gives.  On failure, `receiving` tells what could still be kept.  `length`
 * is what was announced, or -1: another number of bytes is ERROR_INVALID about the size. */
NODISCARD bool receive(struct receiving *receiving, int64_t length, struct upload_source source,
                       struct error *err);

struct blob_making {
    struct hub *hub;
    struct arena *arena;
    const struct upload *session; /* ends with it; NULL: none */
    int64_t session_size;         /* where the database says that it stands */
    struct str upload_id;
    int64_t repository_id;
    const struct digest *digest;
};

/* Is this the digest of the bytes?  ERROR_INVALID about the digest if not. */
NODISCARD bool blob_make_check(const struct blob_making *making, struct receiving *receiving,
                               struct error *err);

/* Makes blob and claim; the writer is closed. */
NODISCARD bool blob_make(const struct blob_making *making, struct receiving *receiving,
                         struct error *err);
