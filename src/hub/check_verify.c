/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/check_verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { PIECE_BYTES = 1024 * 1024 };

static void piece_free_auto(char **slot)
{
    free(*slot);
}

static enum verdict unreadable(const struct error *err, char detail[static VERIFY_DETAIL_MAX])
{
    (void)snprintf(detail, VERIFY_DETAIL_MAX, "cannot be read: %s", err->message);
    return VERDICT_UNREADABLE;
}

static enum verdict verify_bytes(const struct verify_source *source, struct blob_reader *reader,
                                 const struct digest *digest, char detail[static VERIFY_DETAIL_MAX])
{
    char *piece AUTO(piece_free) = malloc(PIECE_BYTES);
    struct digest_hasher hasher;
    struct error err = { 0 };
    if (!piece)
        abort();
    digest_hasher_init(&hasher, digest->algorithm);
    for (uint64_t at = 0;;) {
        int64_t got = blob_read(reader, at, piece, PIECE_BYTES, &err);
        if (got < 0)
            return unreadable(&err, detail);
        if (got == 0)
            break;
        digest_hasher_update(&hasher, (struct str){ piece, (size_t)got });
        at += (uint64_t)got;
        if (source->read)
            source->read(source->context, got);
    }
    struct digest actual = digest_hasher_digest(&hasher);
    if (digest_equal(&actual, digest))
        return VERDICT_GOOD;
    char text[DIGEST_TEXT_MAX];
    (void)snprintf(detail, VERIFY_DETAIL_MAX, "the bytes have digest %.*s",
                   STR_ARG(digest_format(&actual, text)));
    return VERDICT_BROKEN;
}

enum verdict blob_verify(const struct verify_source *source, const struct blob_place *place,
                         int64_t size, char detail[static VERIFY_DETAIL_MAX])
{
    struct blob_reader *reader AUTO(blob_reader_close) = NULL;
    struct error err = { 0 };
    if (!blob_open(source->hub->store, place, &reader, &err)) {
        if (err.kind != ERROR_NOT_FOUND)
            return unreadable(&err, detail);
        (void)snprintf(detail, VERIFY_DETAIL_MAX, "the file is not there");
        return VERDICT_MISSING;
    }
    if (reader->size != (uint64_t)size) {
        (void)snprintf(detail, VERIFY_DETAIL_MAX,
                       "the file has %" PRIu64 " bytes, it should have %" PRId64, reader->size,
                       size);
        return VERDICT_BROKEN;
    }
    return source->quick ? VERDICT_GOOD : verify_bytes(source, reader, &place->digest, detail);
}
