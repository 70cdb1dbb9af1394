/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/blob.h"

#include "db/statement.h"
#include "hub/blob.sql.h"
#include "hub/collect.h"
#include "oci/about.h"

#include <string.h>

/* A lease is renewed for a quarter more than was promised, so that the many HEADs of a push cost
 * one write in a quarter of an hour and not one each. */
static int64_t renewed_until_ms(const struct hub *hub, int64_t now_ms)
{
    return now_ms + hub->lease_ms + hub->lease_ms / 4;
}

static bool unknown_blob(const struct digest *digest, struct error *err)
{
    char text[DIGEST_TEXT_MAX];
    return error_set_about(err, ABOUT_BLOB, ERROR_NOT_FOUND, "blob %.*s is not in this repository",
                           STR_ARG(digest_format(digest, text)));
}

/* --- finding ------------------------------------------------------------------------------ */

static bool find_blob(struct hub *hub, struct arena *arena, int64_t repository_id,
                      const struct digest *digest, struct blob_of_repository_row *row,
                      bool *needs_lease, struct error *err)
{
    struct db_tx *tx AUTO(db_tx_end) = db_read(hub->db, arena, err);
    bool found;
    int64_t now_ms;
    if (!tx || !sql_blob_of_repository(tx, repository_id, digest, row, &found, err))
        return false;
    if (!found)
        return unknown_blob(digest, err);
    if (row->upload_id.len != UPLOAD_ID_CHARS)
        return error_set(err, ERROR_INTERNAL, "blob row with the upload id '%.*s'",
                         STR_ARG(row->upload_id));
    if (!db_now_ms(tx, &now_ms, err))
        return false;
    *needs_lease = row->lease_until_ms < now_ms + hub->lease_ms;
    return true;
}

struct leasing {
    const struct hub *hub;
    int64_t repository_id;
    const struct digest *digest;
};

static bool lease_tx(struct db_tx *tx, void *context, struct error *err)
{
    const struct leasing *leasing = context;
    int64_t now_ms, changed;
    if (!db_now_ms(tx, &now_ms, err))
        return false;
    int64_t until_ms = renewed_until_ms(leasing->hub, now_ms);
    if (!sql_blob_lease(tx, until_ms, leasing->repository_id, leasing->digest, &changed, err))
        return false;
    /* The claim may have been collected since it was read. */
    if (changed != 1)
        return unknown_blob(leasing->digest, err);
    return collect_claim_later(tx, leasing->repository_id, leasing->digest, until_ms, err);
}

bool blob_find(struct hub *hub, struct arena *arena, int64_t repository_id,
               const struct digest *digest, bool renew, struct blob *out, struct error *err)
{
    struct blob_of_repository_row row;
    bool needs_lease = false;
    if (!find_blob(hub, arena, repository_id, digest, &row, &needs_lease, err))
        return false;
    struct leasing leasing = { .hub = hub, .repository_id = repository_id, .digest = digest };
    if (renew && needs_lease && !db_write(hub->db, arena, lease_tx, &leasing, err))
        return false;
    *out = (struct blob){ .place.digest = *digest, .size = row.size };
    memcpy(out->place.upload_id, row.upload_id.ptr, UPLOAD_ID_CHARS);
    return true;
}

static bool lost_bytes(const struct blob *blob, struct error *err)
{
    error_clear(err);
    return error_set(err, ERROR_INTERNAL, "the bytes of blob upload %s are missing",
                     blob->place.upload_id);
}

bool blob_open_found(struct hub *hub, struct arena *arena, int64_t repository_id,
                     const struct blob *blob, struct blob_reader **out, struct error *err)
{
    struct blob again;
    if (blob_open(hub->store, &blob->place, out, err))
        return true;
    if (err->kind != ERROR_NOT_FOUND)
        return false;
    error_clear(err);
    if (!blob_find(hub, arena, repository_id, &blob->place.digest, false, &again, err))
        return false;
    if (strcmp(again.place.upload_id, blob->place.upload_id) == 0)
        return lost_bytes(blob, err);
    if (blob_open(hub->store, &again.place, out, err))
        return true;
    return err->kind == ERROR_NOT_FOUND ? lost_bytes(&again, err) : false;
}

/* --- mounting ----------------------------------------------------------------------------- */

struct mounting {
    const struct hub *hub;
    int64_t repository_id, from_repository_id;
    const struct account *account; /* NULL: nobody */
    const struct digest *digest;
    bool found;
};

static bool find_source(struct db_tx *tx, struct mounting *mounting, struct error *err)
{
    if (mounting->from_repository_id != 0) {
        struct blob_of_repository_row row;
        return sql_blob_of_repository(tx, mounting->from_repository_id, mounting->digest, &row,
                                      &mounting->found, err);
    }
    struct blob_readable_row row;
    const struct account *account = mounting->account;
    return sql_blob_readable(tx, mounting->digest, account ? account->id : 0,
                             account && account->is_admin, &row, &mounting->found, err);
}

static bool mount_tx(struct db_tx *tx, void *context, struct error *err)
{
    struct mounting *mounting = context;
    int64_t now_ms;
    if (!find_source(tx, mounting, err))
        return false;
    if (!mounting->found)
        return true;
    if (!db_now_ms(tx, &now_ms, err))
        return false;
    int64_t until_ms = renewed_until_ms(mounting->hub, now_ms);
    return sql_blob_claim(tx, mounting->repository_id, mounting->digest, until_ms, err) &&
           collect_claim_later(tx, mounting->repository_id, mounting->digest, until_ms, err);
}

/* Most mounts find nothing and should not wait for the writing lock to learn that. */
static bool source_exists(struct hub *hub, struct arena *arena, struct mounting *mounting,
                          struct error *err)
{
    struct db_tx *tx AUTO(db_tx_end) = db_read(hub->db, arena, err);
    return tx && find_source(tx, mounting, err);
}

bool blob_mount(struct hub *hub, struct arena *arena, int64_t repository_id,
                int64_t from_repository_id, const struct account *account,
                const struct digest *digest, bool *mounted, struct error *err)
{
    struct mounting mounting = {
        .hub = hub,
        .repository_id = repository_id,
        .from_repository_id = from_repository_id,
        .account = account,
        .digest = digest,
    };
    if (!source_exists(hub, arena, &mounting, err))
        return false;
    if (mounting.found && !db_write(hub->db, arena, mount_tx, &mounting, err))
        return false;
    *mounted = mounting.found;
    return true;
}

/* --- forgetting --------------------------------------------------------------------------- */

static bool blob_in_use(const struct digest *digest, const struct blob_user_row *user,
                        struct error *err)
{
    char text[DIGEST_TEXT_MAX], user_text[DIGEST_TEXT_MAX];
    struct str blob = digest_format(digest, text);
    struct str manifest = digest_format(&user->manifest, user_text);
    if (user->deleted_ms == DB_NULL_INT)
        return error_set_about(err, ABOUT_BLOB, ERROR_DENIED,
                               "blob %.19s... is in use by manifest %.*s; delete that first",
                               blob.ptr, STR_ARG(manifest));
    return error_set_about(err, ABOUT_BLOB, ERROR_DENIED,
                           "blob %.19s... belongs to the deleted manifest %.*s, which the history "
                           "of a tag can still bring back; it goes by itself, or at once with "
                           "`berth gc --purge`",
                           blob.ptr, STR_ARG(manifest));
}

static bool forget_tx(struct db_tx *tx, void *context, struct error *err)
{
    const struct leasing *claim = context;
    struct blob_user_row user;
    bool found;
    int64_t changed, now_ms;
    if (!sql_blob_user(tx, claim->repository_id, claim->digest, &user, &found, err))
        return false;
    if (found)
        return blob_in_use(claim->digest, &user, err);
    if (!sql_blob_unclaim(tx, claim->repository_id, claim->digest, &changed, err))
        return false;
    if (changed != 1)
        return unknown_blob(claim->digest, err);
    return db_now_ms(tx, &now_ms, err) &&
           collect_claim_later(tx, claim->repository_id, claim->digest, now_ms, err);
}

bool blob_forget(struct hub *hub, struct arena *arena, int64_t repository_id,
                 const struct digest *digest, struct error *err)
{
    struct leasing claim = { .hub = hub, .repository_id = repository_id, .digest = digest };
    return db_write(hub->db, arena, forget_tx, &claim, err);
}
