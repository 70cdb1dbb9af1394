/* SPDX-License-Identifier: Apache-2.0 */
/* The check of the store against the rows of uploads and blobs: two sorted sequences, merged.
 *
 * The listing gives uploads by id, then blobs by digest, and so do the rows; what is missing on one
 * side shows when the other has gone past it.  Pages are old by the time they are looked at, so
 * each suspicion asks both sides anew. */
#include "base/clock.h"
#include "hub/check.sql.h"
#include "hub/check_internal.h"

#include <string.h>

/* --- the listing ---------------------------------------------------------------------------- */

struct listing {
    struct check *check;
    struct arena *arena; /* of the cursor */
    struct blob_entry *entries;
    size_t count, index;
    struct str next; /* absent: this is the last page */
    bool is_begun;
};

/* Sees to it that there is an entry at listing->index, unless the listing has ended. */
static bool listing_fill(struct listing *listing, struct error *err)
{
    while (listing->index == listing->count && (!listing->is_begun || str_is_set(listing->next))) {
        struct arena *arena AUTO(arena_free) = arena_new();
        if (!blob_list(listing->check->hub->store, arena, listing->next, listing->entries,
                       CHECK_PAGE, &listing->count, &listing->next, err))
            return false;
        arena_free(listing->arena);
        listing->arena = TAKE(arena);
        listing->index = 0;
        listing->is_begun = true;
    }
    return true;
}

/* NULL at the end. */
static const struct blob_entry *listing_peek(const struct listing *listing)
{
    return listing->index < listing->count ? &listing->entries[listing->index] : NULL;
}

/* --- sessions ------------------------------------------------------------------------------- */

struct session {
    char id[UPLOAD_ID_CHARS + 1];
    int64_t size;
};

/* Sessions without their bytes: perhaps they end just now, and the blob is met later. */
struct suspects {
    struct session items[CHECK_REMEMBERED];
    size_t count;
};

/* As the row stands now, and how many bytes there are now: -1 for no file. */
struct session_state {
    bool has_row;
    struct check_upload_row row;
    int64_t bytes;
};

static bool session_read(struct check *check, struct arena *arena, const char *id,
                         struct session_state *out, struct error *err)
{
    struct blob_reader *reader = NULL;
    out->bytes = -1;
    if (blob_upload_open(check->hub->store, str_from(id), &reader, err))
        out->bytes = (int64_t)reader->size;
    else if (err->kind != ERROR_NOT_FOUND)
        return false;
    blob_reader_close(reader);
    error_clear(err);
    /* The row last: bytes are there before a row knows of them. */
    struct db_tx *tx AUTO(db_tx_end) = db_read(check->hub->db, arena, err);
    return tx && sql_check_upload(tx, str_from(id), &out->row, &out->has_row, err);
}

struct session_drop {
    const struct session *session;
    int64_t dropped;
};

static bool drop_session_tx(struct db_tx *tx, void *context, struct error *err)
{
    struct session_drop *drop = context;
    return sql_check_upload_drop(tx, str_from(drop->session->id), drop->session->size,
                                 &drop->dropped, err);
}

/* Asks both sides; a session whose size has changed since is alive. */
static bool lost_session(struct check *check, const struct session *session, struct error *err)
{
    struct arena *arena AUTO(arena_free) = arena_new();
    struct session_state state;
    if (!session_read(check, arena, session->id, &state, err))
        return false;
    if (!state.has_row || state.row.size != session->size || state.bytes >= session->size)
        return true;
    struct check_finding finding = {
        .kind = CHECK_UPLOAD_LOST,
        .outcome = check_mended(check),
        .what = str_from(session->id),
        .where = arena_format(arena, "%.*s/%.*s", STR_ARG(state.row.owner),
                              STR_ARG(state.row.repository)),
        .detail = state.bytes < 0
                      ? STR("the upload has a session and no file")
                      : arena_format(arena, "the file has %lld of the %lld bytes received",
                                     (long long)state.bytes, (long long)session->size),
        .repair = STR("end the session: the client begins anew"),
    };
    struct session_drop drop = { .session = session };
    if (check->options->repair && (!db_write(check->hub->db, arena, drop_session_tx, &drop, err) ||
                                   !blob_upload_remove(check->hub->store, finding.what, err)))
        return false;
    check_tell(check, &finding);
    return true;
}

/* Too many to remember are judged at once. */
static bool suspect(struct check *check, struct suspects *suspects, const struct session *session,
                    struct error *err)
{
    if (suspects->count == ARRAY_COUNT(suspects->items))
        return lost_session(check, session, err);
    suspects->items[suspects->count++] = *session;
    return true;
}

/* A blob of this upload is there: the session has ended or is about to. */
static void clear_suspect(struct suspects *suspects, const char *id)
{
    for (size_t i = 0; i < suspects->count; i++) {
        if (strcmp(suspects->items[i].id, id) == 0) {
            suspects->items[i] = suspects->items[--suspects->count];
            return;
        }
    }
}

static bool unknown_upload(struct check *check, const struct blob_entry *entry, struct error *err)
{
    struct arena *arena AUTO(arena_free) = arena_new();
    struct session_state state;
    if (entry->modified_ms > clock_now_ms() - check->options->grace_ms)
        return true;
    if (!session_read(check, arena, entry->place.upload_id, &state, err))
        return false;
    if (state.has_row || state.bytes < 0 || state.bytes != entry->size)
        return true;
    struct check_finding finding = {
        .kind = CHECK_UPLOAD_UNKNOWN,
        .outcome = check_mended(check),
        .what = str_from(entry->place.upload_id),
        .where = STR(""),
        .detail = arena_format(arena, "%lld bytes of an upload that no session knows",
                               (long long)entry->size),
        .repair = STR("remove the file"),
    };
    if (check->options->repair && !blob_upload_remove(check->hub->store, finding.what, err))
        return false;
    check_tell(check, &finding);
    return true;
}

/* A file and its row: enough bytes? */
static bool check_session(struct check *check, const struct blob_entry *entry,
                          const struct session *session, struct error *err)
{
    return entry->size >= session->size || lost_session(check, session, err);
}

/* Looks at one session, and at the files of the listing in front of it. */
static bool merge_session(struct check *check, struct listing *listing, struct suspects *suspects,
                          const struct session *session, struct error *err)
{
    const struct blob_entry *entry;
    while (listing_fill(listing, err) && (entry = listing_peek(listing)) && entry->is_upload) {
        int order = strcmp(entry->place.upload_id, session->id);
        if (order > 0)
            break;
        listing->index++;
        check->result.files++;
        if (order == 0)
            return check_session(check, entry, session, err);
        if (!unknown_upload(check, entry, err))
            return false;
    }
    if (err->kind != ERROR_NONE)
        return false;
    return session->size == 0 || suspect(check, suspects, session, err);
}

static bool merge_sessions(struct check *check, struct listing *listing, struct suspects *suspects,
                           const struct check_uploads_row *rows, size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        struct session session = { .size = rows[i].size };
        if (rows[i].id.len != UPLOAD_ID_CHARS)
            continue;
        memcpy(session.id, rows[i].id.ptr, UPLOAD_ID_CHARS);
        if (!merge_session(check, listing, suspects, &session, err))
            return false;
    }
    return true;
}

static bool read_sessions(struct check *check, struct arena *arena, struct str after,
                          struct check_uploads_row **rows, size_t *count, struct error *err)
{
    struct db_tx *tx AUTO(db_tx_end) = db_read(check->hub->db, arena, err);
    return tx && sql_check_uploads(tx, after, CHECK_PAGE, rows, count, err);
}

static bool check_uploads(struct check *check, struct listing *listing, struct suspects *suspects,
                          struct error *err)
{
    char after[UPLOAD_ID_CHARS + 1] = "";
    for (size_t count = CHECK_PAGE; count == CHECK_PAGE;) {
        struct arena *arena AUTO(arena_free) = arena_new();
        struct check_uploads_row *rows;
        if (!read_sessions(check, arena, str_from(after), &rows, &count, err) ||
            !merge_sessions(check, listing, suspects, rows, count, err))
            return false;
        if (count > 0 && rows[count - 1].id.len == UPLOAD_ID_CHARS)
            memcpy(after, rows[count - 1].id.ptr, UPLOAD_ID_CHARS);
    }
    /* What is left of the uploads has no session. */
    const struct blob_entry *entry;
    while (listing_fill(listing, err) && (entry = listing_peek(listing)) && entry->is_upload) {
        listing->index++;
        check->result.files++;
        if (!unknown_upload(check, entry, err))
            return false;
    }
    return err->kind == ERROR_NONE;
}

/* --- blobs ---------------------------------------------------------------------------------- */

/* As the listing and `ORDER BY digest` do: sha256 before sha512, then by bytes. */
static int compare_digests(const struct digest *a, const struct digest *b)
{
    if (a->algorithm != b->algorithm)
        return a->algorithm < b->algorithm ? -1 : 1;
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

/* Takes the files of this digest off the listing. */
static bool take_files(struct listing *listing, struct suspects *suspects, struct check_blob *blob,
                       struct error *err)
{
    const struct blob_entry *entry;
    while (listing_fill(listing, err) && (entry = listing_peek(listing)) &&
           compare_digests(&entry->place.digest, &blob->digest) == 0) {
        clear_suspect(suspects, entry->place.upload_id);
        if (blob->file_count < CHECK_FILES_MAX)
            blob->files[blob->file_count++] = *entry;
        listing->index++;
    }
    return err->kind == ERROR_NONE;
}

/* Files in front of `until` (NULL: all) have no row. */
static bool check_rowless(struct check *check, struct listing *listing, struct suspects *suspects,
                          const struct digest *until, struct error *err)
{
    const struct blob_entry *entry;
    while (listing_fill(listing, err) && (entry = listing_peek(listing)) &&
           (!until || compare_digests(&entry->place.digest, until) < 0)) {
        struct check_blob blob = { .digest = entry->place.digest };
        if (!take_files(listing, suspects, &blob, err) || !check_blob(check, &blob, err))
            return false;
    }
    return err->kind == ERROR_NONE;
}

static bool check_row(struct check *check, struct listing *listing, struct suspects *suspects,
                      const struct check_blobs_row *row, struct error *err)
{
    struct check_blob blob = {
        .digest = row->digest, .has_row = true, .size = row->size, .place.digest = row->digest
    };
    if (row->upload_id.len == UPLOAD_ID_CHARS)
        memcpy(blob.place.upload_id, row->upload_id.ptr, UPLOAD_ID_CHARS);
    return check_rowless(check, listing, suspects, &row->digest, err) &&
           take_files(listing, suspects, &blob, err) && check_blob(check, &blob, err);
}

static bool read_rows(struct check *check, struct arena *arena, struct str after,
                      struct check_blobs_row **rows, size_t *count, struct error *err)
{
    struct db_tx *tx AUTO(db_tx_end) = db_read(check->hub->db, arena, err);
    return tx && sql_check_blobs(tx, after, CHECK_PAGE, rows, count, err);
}

static bool check_blobs(struct check *check, struct listing *listing, struct suspects *suspects,
                        struct error *err)
{
    char after_text[DIGEST_TEXT_MAX];
    struct str after = STR("");
    for (size_t count = CHECK_PAGE; count == CHECK_PAGE;) {
        struct arena *arena AUTO(arena_free) = arena_new();
        struct check_blobs_row *rows;
        if (!read_rows(check, arena, after, &rows, &count, err))
            return false;
        for (size_t i = 0; i < count; i++) {
            if (!check_row(check, listing, suspects, &rows[i], err))
                return false;
        }
        if (count > 0)
            after = digest_format(&rows[count - 1].digest, after_text);
    }
    return check_rowless(check, listing, suspects, NULL, err);
}

bool check_store(struct check *check, struct error *err)
{
    struct arena *arena AUTO(arena_free) = arena_new();
    struct suspects *suspects = arena_alloc(arena, sizeof(*suspects));
    struct listing listing = { .check = check,
                               .entries =
                                   arena_alloc(arena, CHECK_PAGE * sizeof(struct blob_entry)) };
    bool is_done = check_uploads(check, &listing, suspects, err) &&
                   check_blobs(check, &listing, suspects, err);
    arena_free(listing.arena);
    for (size_t i = 0; is_done && i < suspects->count; i++)
        is_done = lost_session(check, &suspects->items[i], err);
    return is_done;
}
