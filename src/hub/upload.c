/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/upload.h"

#include "base/limits.h"
#include "base/random.h"
#include "hub/upload.sql.h"
#include "hub/upload_blob.h"
#include "hub/upload_turn.h"
#include "oci/about.h"

#include <stdlib.h>

static bool unknown_upload(struct str id, struct error *err)
{
    return error_set_about(err, ABOUT_UPLOAD, ERROR_NOT_FOUND,
                           "there is no upload %.*s here, start a new one",
                           STR_ARG(str_slice(id, 0, UPLOAD_ID_CHARS)));
}

/* --- starting and finding ------------------------------------------------------------------ */

/* Asked ahead of the insertion, in a transaction of its own: two starts at once do not have to
 * agree about the number, and would otherwise conflict on PostgreSQL. */
static bool check_room(struct hub *hub, struct arena *arena, int64_t account_id, struct error *err)
{
    struct db_tx *tx AUTO(db_tx_end) = db_read(hub->db, arena, err);
    struct upload_count_row row;
    if (!tx || !sql_upload_count(tx, account_id, &row, err))
        return false;
    if (row.uploads >= UPLOADS_OPEN_PER_ACCOUNT_MAX)
        return error_set_about(err, ABOUT_UPLOAD, ERROR_TOO_MANY,
                               "you have %lld unfinished uploads; finish or cancel some, or wait "
                               "until they expire",
                               (long long)row.uploads);
    return true;
}

struct starting {
    struct str id, hash_state;
    int64_t repository_id, account_id;
};

static bool start_tx(struct db_tx *tx, void *context, struct error *err)
{
    const struct starting *starting = context;
    int64_t now_ms;
    return db_now_ms(tx, &now_ms, err) &&
           sql_upload_insert(tx, starting->id, starting->repository_id, starting->account_id,
                             starting->hash_state, now_ms, err);
}

bool upload_start(struct hub *hub, struct arena *arena, int64_t repository_id, int64_t account_id,
                  enum digest_algorithm algorithm, struct upload *out, struct error *err)
{
    char id[RANDOM_ID_TEXT];
    uint8_t state[DIGEST_STATE_MAX];
    struct digest_hasher hasher;
    random_id(id);
    digest_hasher_init(&hasher, algorithm == DIGEST_NONE ? DIGEST_SHA256 : algorithm);
    struct starting starting = {
        .id = arena_copy(arena, str_from(id)),
        .hash_state = { (const char *)state, digest_hasher_save(&hasher, state) },
        .repository_id = repository_id,
        .account_id = account_id,
    };
    if (!check_room(hub, arena, account_id, err) ||
        !db_write(hub->db, arena, start_tx, &starting, err))
        return false;
    *out = (struct upload){
        .id = starting.id,
        .repository_id = repository_id,
        .account_id = account_id,
    };
    return true;
}

static bool load_session(struct hub *hub, struct arena *arena, const struct upload *upload,
                         struct upload_find_row *row, struct error *err)
{
    struct db_tx *tx AUTO(db_tx_end) = db_read(hub->db, arena, err);
    bool found;
    if (!tx || !sql_upload_find(tx, upload->id, upload->repository_id, upload->account_id, row,
                                &found, err))
        return false;
    return found || unknown_upload(upload->id, err);
}

bool upload_find(struct hub *hub, struct arena *arena, struct str id, int64_t repository_id,
                 int64_t account_id, struct upload *out, struct error *err)
{
    struct upload found = {
        .id = arena_copy(arena, id),
        .repository_id = repository_id,
        .account_id = account_id,
    };
    struct upload_find_row row;
    if (!load_session(hub, arena, &found, &row, err))
        return false;
    found.size = row.size;
    *out = found;
    return true;
}

/* --- cancelling ---------------------------------------------------------------------------- */

static bool cancel_tx(struct db_tx *tx, void *context, struct error *err)
{
    const struct upload *upload = context;
    int64_t changed;
    if (!sql_upload_delete(tx, upload->id, upload->repository_id, upload->account_id, &changed,
                           err))
        return false;
    return changed == 1 || unknown_upload(upload->id, err);
}

/* For bytes that nobody needs; what stays behind is swept later. */
static void remove_bytes(struct hub *hub, struct str id)
{
    struct error ignored = { 0 };
    if (!blob_upload_remove(hub->store, id, &ignored))
        error_clear(&ignored);
}

/* While another request writes, the bytes are that one's to remove: it finds the session gone. */
bool upload_cancel(struct hub *hub, struct arena *arena, const struct upload *upload,
                   struct error *err)
{
    struct upload session = *upload;
    struct upload_turn turn AUTO(upload_turn_leave) = { 0 };
    bool is_alone = upload_turn_enter(hub->turns, upload->id, &turn);
    if (!db_write(hub->db, arena, cancel_tx, &session, err))
        return false;
    if (is_alone)
        remove_bytes(hub, upload->id);
    return true;
}

/* Ends a session that cannot go on; *err is set already or will be. */
static void drop_session(struct hub *hub, struct arena *arena, const struct upload *upload)
{
    struct error ignored = { 0 };
    struct upload session = *upload;
    if (!db_write(hub->db, arena, cancel_tx, &session, &ignored))
        error_clear(&ignored);
    remove_bytes(hub, upload->id);
}

/* --- appending ----------------------------------------------------------------------------- */

/* Opens the session for a request that writes: the turn is taken already. */
static bool open_session(struct hub *hub, struct arena *arena, const struct upload *upload,
                         int64_t offset, struct receiving *receiving, struct error *err)
{
    struct upload_find_row row;
    if (!load_session(hub, arena, upload, &row, err))
        return false;
    if (offset >= 0 && offset != row.size)
        return error_set_about(err, ABOUT_RANGE, ERROR_RANGE,
                               "the upload stands at %lld bytes, these start at %lld",
                               (long long)row.size, (long long)offset);
    receiving->size = row.size;
    if (!digest_hasher_load(&receiving->hasher, row.hash_state))
        return error_set(err, ERROR_INTERNAL, "upload %.*s has a hash state of unknown format",
                         STR_ARG(upload->id));
    if (blob_append(hub->store, upload->id, (uint64_t)row.size, &receiving->writer, err))
        return true;
    if (err->kind != ERROR_NOT_FOUND && err->kind != ERROR_RANGE)
        return false;
    /* The database knows of bytes that the store does not have (any more). */
    error_clear(err);
    drop_session(hub, arena, upload);
    return unknown_upload(upload->id, err);
}

struct advancing {
    const struct upload *upload;
    int64_t old_size, new_size;
    struct str hash_state;
    bool is_gone;
};

static bool advance_tx(struct db_tx *tx, void *context, struct error *err)
{
    struct advancing *advancing = context;
    const struct upload *upload = advancing->upload;
    struct upload_advance_in in = {
        .size = advancing->new_size,
        .hash_state = advancing->hash_state,
        .id = upload->id,
        .repository_id = upload->repository_id,
        .account_id = upload->account_id,
        .old_size = advancing->old_size,
    };
    int64_t changed;
    if (!db_now_ms(tx, &in.touched_ms, err) || !sql_upload_advance(tx, &in, &changed, err))
        return false;
    if (changed == 1)
        return true;
    struct upload_exists_row row;
    bool found;
    if (!sql_upload_exists(tx, upload->id, &row, &found, err))
        return false;
    advancing->is_gone = !found;
    if (!found)
        return unknown_upload(upload->id, err);
    return error_set_about(err, ABOUT_RANGE, ERROR_RANGE,
                           "another request has appended to this upload, ask where it stands");
}

/* Makes what has arrived durable, then known. */
static bool keep(struct hub *hub, struct arena *arena, const struct upload *upload,
                 int64_t old_size, struct receiving *receiving, struct error *err)
{
    if (receiving->size == old_size)
        return true;
    uint8_t state[DIGEST_STATE_MAX];
    struct advancing advancing = {
        .upload = upload,
        .old_size = old_size,
        .new_size = receiving->size,
        .hash_state = { (const char *)state, digest_hasher_save(&receiving->hasher, state) },
    };
    if (!blob_sync(receiving->writer, err))
        return false;
    bool ok = db_write(hub->db, arena, advance_tx, &advancing, err);
    if (!ok && advancing.is_gone) {
        blob_writer_close(TAKE(receiving->writer));
        remove_bytes(hub, upload->id);
    }
    return ok;
}

/* The request has failed, and *err says why; the next one goes on from here. */
static void keep_after_failure(struct hub *hub, struct arena *arena, const struct upload *upload,
                               int64_t old_size, struct receiving *receiving)
{
    struct error ignored = { 0 };
    if (!keep(hub, arena, upload, old_size, receiving, &ignored))
        error_clear(&ignored);
}

static bool take_turn(struct hub *hub, const struct upload *upload, struct upload_turn *turn,
                      struct error *err)
{
    if (upload_turn_enter(hub->turns, upload->id, turn))
        return true;
    return error_set_about(err, ABOUT_RANGE, ERROR_RANGE,
                           "another request is writing to this upload, ask where it stands");
}

bool upload_append(struct hub *hub, struct arena *arena, struct upload *upload, int64_t offset,
                   int64_t length_max, struct upload_source source, struct error *err)
{
    struct upload_turn turn AUTO(upload_turn_leave) = { 0 };
    struct receiving receiving AUTO(receiving_release) = { 0 };
    if (!take_turn(hub, upload, &turn, err) ||
        !open_session(hub, arena, upload, offset, &receiving, err))
        return false;
    int64_t old_size = receiving.size;
    if (!receive(&receiving, length_max, source, err)) {
        keep_after_failure(hub, arena, upload, old_size, &receiving);
        return false;
    }
    if (!keep(hub, arena, upload, old_size, &receiving, err))
        return false;
    upload->size = receiving.size;
    return true;
}

/* --- finishing ----------------------------------------------------------------------------- */

bool upload_finish(struct hub *hub, struct arena *arena, struct upload *upload, int64_t offset,
                   struct upload_source source, const struct digest *digest, struct error *err)
{
    struct upload_turn turn AUTO(upload_turn_leave) = { 0 };
    struct receiving receiving AUTO(receiving_release) = { 0 };
    if (!take_turn(hub, upload, &turn, err) ||
        !open_session(hub, arena, upload, offset, &receiving, err))
        return false;
    int64_t old_size = receiving.size;
    if (!receive(&receiving, -1, source, err)) {
        keep_after_failure(hub, arena, upload, old_size, &receiving);
        return false;
    }
    struct blob_making making = {
        .hub = hub,
        .arena = arena,
        .session = upload,
        .session_size = old_size,
        .upload_id = upload->id,
        .repository_id = upload->repository_id,
        .digest = digest,
    };
    if (!blob_make_check(&making, &receiving, err)) {
        bool is_wrong = err->kind == ERROR_INVALID;
        blob_writer_close(TAKE(receiving.writer));
        if (is_wrong)
            drop_session(hub, arena, upload);
        return false;
    }
    if (!blob_make(&making, &receiving, err))
        return false;
    upload->size = receiving.size;
    return true;
}

bool upload_whole(struct hub *hub, struct arena *arena, int64_t repository_id, int64_t account_id,
                  struct upload_source source, const struct digest *digest, struct error *err)
{
    (void)account_id; /* nobody can come back to it */
    struct receiving receiving AUTO(receiving_release) = { 0 };
    char id[RANDOM_ID_TEXT];
    random_id(id);
    digest_hasher_init(&receiving.hasher, digest->algorithm);
    if (!blob_append(hub->store, str_from(id), 0, &receiving.writer, err))
        return false;
    struct blob_making making = {
        .hub = hub,
        .arena = arena,
        .upload_id = str_from(id),
        .repository_id = repository_id,
        .digest = digest,
    };
    if (!receive(&receiving, -1, source, err) || !blob_make_check(&making, &receiving, err)) {
        blob_writer_close(TAKE(receiving.writer));
        remove_bytes(hub, str_from(id));
        return false;
    }
    return blob_make(&making, &receiving, err);
}
