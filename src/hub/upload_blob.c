/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/upload_blob.h"

#include "base/limits.h"
#include "hub/blob.sql.h"
#include "hub/collect.h"
#include "hub/upload.sql.h"
#include "oci/about.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* --- receiving ----------------------------------------------------------------------------- */

static void piece_free_auto(char **slot)
{
    free(*slot);
}

/* A buffer of HTTP_UPLOAD_PIECE_BYTES: too large for a thread's stack, too short-lived for an
 * arena. */
static char *piece_new(void)
{
    char *piece = malloc(HTTP_UPLOAD_PIECE_BYTES);
    if (!piece)
        abort();
    return piece;
}

static bool wrong_length(int64_t length, struct error *err)
{
    return error_set_about(err, ABOUT_SIZE, ERROR_INVALID,
                           "the body does not have the %lld bytes that were announced",
                           (long long)length);
}

bool receive(struct receiving *receiving, int64_t length, struct upload_source source,
             struct error *err)
{
    char *piece AUTO(piece_free) = piece_new();
    int64_t taken = 0;
    while (true) {
        int64_t got = source.read(source.state, piece, HTTP_UPLOAD_PIECE_BYTES, err);
        if (got < 0)
            return false;
        if (got == 0)
            return length < 0 || taken == length || wrong_length(length, err);
        if (length >= 0 && got > length - taken)
            return wrong_length(length, err);
        struct str bytes = { piece, (size_t)got };
        if (!blob_write(receiving->writer, bytes, err))
            return false;
        digest_hasher_update(&receiving->hasher, bytes);
        receiving->size += got;
        taken += got;
    }
}

/* --- checking ------------------------------------------------------------------------------ */

/* Another algorithm than the session began with: the bytes are read again. */
static bool hash_again(const struct blob_making *making, const struct receiving *receiving,
                       struct digest *out, struct error *err)
{
    struct blob_reader *reader AUTO(blob_reader_close) = NULL;
    if (!blob_upload_open(making->hub->store, making->upload_id, &reader, err))
        return false;
    char *piece AUTO(piece_free) = piece_new();
    struct digest_hasher hasher;
    digest_hasher_init(&hasher, making->digest->algorithm);
    for (int64_t at = 0; at < receiving->size;) {
        int64_t left = receiving->size - at;
        size_t size =
            left < HTTP_UPLOAD_PIECE_BYTES ? (size_t)left : (size_t)HTTP_UPLOAD_PIECE_BYTES;
        int64_t got = blob_read(reader, (uint64_t)at, piece, size, err);
        if (got < 0)
            return false;
        if (got == 0)
            return error_set(err, ERROR_INTERNAL, "upload %.*s ends after %lld of %lld bytes",
                             STR_ARG(making->upload_id), (long long)at, (long long)receiving->size);
        digest_hasher_update(&hasher, (struct str){ piece, (size_t)got });
        at += got;
    }
    *out = digest_hasher_digest(&hasher);
    return true;
}

bool blob_make_check(const struct blob_making *making, struct receiving *receiving,
                     struct error *err)
{
    struct digest actual;
    if (making->digest->algorithm == receiving->hasher.algorithm)
        actual = digest_hasher_digest(&receiving->hasher);
    else if (!blob_sync(receiving->writer, err) || !hash_again(making, receiving, &actual, err))
        return false;
    if (digest_equal(&actual, making->digest))
        return true;
    char expected_text[DIGEST_TEXT_MAX], actual_text[DIGEST_TEXT_MAX];
    return error_set_about(err, ABOUT_DIGEST, ERROR_INVALID, "the bytes have digest %.*s, not %.*s",
                           STR_ARG(digest_format(&actual, actual_text)),
                           STR_ARG(digest_format(making->digest, expected_text)));
}

/* --- making -------------------------------------------------------------------------------- */

struct making_tx {
    const struct blob_making *making;
    int64_t size;
    struct blob_place kept; /* whose bytes are the blob's */
    bool session_is_gone;
};

static void set_place(struct blob_place *place, const struct digest *digest, struct str upload_id)
{
    assert(upload_id.len == UPLOAD_ID_CHARS);
    *place = (struct blob_place){ .digest = *digest };
    memcpy(place->upload_id, upload_id.ptr, UPLOAD_ID_CHARS);
}

static bool end_session(struct db_tx *tx, struct making_tx *context, struct error *err)
{
    const struct blob_making *making = context->making;
    const struct upload *session = making->session;
    int64_t changed;
    if (!session)
        return true;
    if (!sql_upload_complete(tx, session->id, session->repository_id, session->account_id,
                             making->session_size, &changed, err))
        return false;
    context->session_is_gone = changed != 1;
    return changed == 1 || error_set_about(err, ABOUT_UPLOAD, ERROR_NOT_FOUND,
                                           "the upload was cancelled or continued meanwhile");
}

static bool make_tx(struct db_tx *tx, void *state, struct error *err)
{
    struct making_tx *context = state;
    const struct blob_making *making = context->making;
    int64_t now_ms, inserted;
    if (!end_session(tx, context, err) || !db_now_ms(tx, &now_ms, err) ||
        !sql_blob_insert(tx, making->digest, context->size, making->upload_id, now_ms, &inserted,
                         err))
        return false;
    set_place(&context->kept, making->digest, making->upload_id);
    if (inserted == 0) {
        struct blob_upload_of_row row;
        bool found;
        if (!sql_blob_upload_of(tx, making->digest, &row, &found, err))
            return false;
        if (!found || row.upload_id.len != UPLOAD_ID_CHARS)
            return error_set(err, ERROR_INTERNAL, "the row of an existing blob cannot be read");
        set_place(&context->kept, making->digest, row.upload_id);
    }
    int64_t until_ms = now_ms + making->hub->lease_ms;
    return sql_blob_claim(tx, making->repository_id, making->digest, until_ms, err) &&
           collect_claim_later(tx, making->repository_id, making->digest, until_ms, err);
}

struct replacing {
    const struct blob_place *by, *old;
    int64_t size;
    bool done;
};

static bool replace_tx(struct db_tx *tx, void *state, struct error *err)
{
    struct replacing *replacing = state;
    int64_t changed;
    if (!sql_blob_replace(tx, str_from(replacing->by->upload_id), replacing->size,
                          &replacing->by->digest, str_from(replacing->old->upload_id), &changed,
                          err))
        return false;
    replacing->done = changed == 1;
    return true;
}

/* Are the bytes there that the row promises?  Trouble in asking counts as yes. */
static bool is_intact(struct hub *hub, const struct blob_place *place, int64_t size)
{
    struct error ignored = { 0 };
    struct blob_reader *reader AUTO(blob_reader_close) = NULL;
    if (blob_open(hub->store, place, &reader, &ignored))
        return reader->size == (uint64_t)size;
    bool is_there = ignored.kind != ERROR_NOT_FOUND;
    error_clear(&ignored);
    return is_there;
}

/* Of two uploads of one digest the first stays - unless its bytes were lost: then pushing again
 * heals. */
static bool settle(const struct blob_making *making, const struct blob_place *ours,
                   const struct making_tx *context, struct error *err)
{
    struct hub *hub = making->hub;
    if (strcmp(ours->upload_id, context->kept.upload_id) == 0)
        return true;
    if (!is_intact(hub, &context->kept, context->size)) {
        struct replacing replacing = { .by = ours, .old = &context->kept, .size = context->size };
        if (!db_write(hub->db, making->arena, replace_tx, &replacing, err))
            return false;
        if (replacing.done)
            return true;
    }
    struct error ignored = { 0 };
    if (!blob_remove(hub->store, ours, &ignored))
        error_clear(&ignored); /* `berth check` finds it */
    return true;
}

bool blob_make(const struct blob_making *making, struct receiving *receiving, struct error *err)
{
    struct hub *hub = making->hub;
    struct making_tx context = { .making = making, .size = receiving->size };
    struct blob_place ours;
    set_place(&ours, making->digest, making->upload_id);
    blob_writer_close(TAKE(receiving->writer));
    if (!blob_finish(hub->store, &ours, (uint64_t)receiving->size, err))
        return false;
    if (db_write(hub->db, making->arena, make_tx, &context, err))
        return settle(making, &ours, &context, err);
    /* Only a transaction that certainly did not happen lets us remove the file. */
    struct error ignored = { 0 };
    if (context.session_is_gone && !blob_remove(hub->store, &ours, &ignored))
        error_clear(&ignored);
    return false;
}
