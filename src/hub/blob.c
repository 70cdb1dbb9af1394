/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/blob.h"

#include "base/limits.h"
#include "hub/blob.sql.h"
#include "oci/about.h"

#include <string.h>

static const int64_t LEASE_MS = (int64_t)CLAIM_LEASE_S * 1000;

/* A lease is renewed for a quarter more than was promised, so that the many HEADs of a push cost
 * one write in a quarter of an hour and not one each. */
static const int64_t LEASE_RENEWED_MS = (int64_t)CLAIM_LEASE_S * 1250;

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
    *needs_lease = row->lease_until_ms < now_ms + LEASE_MS;
    return true;
}

struct leasing {
    int64_t repository_id;
    const struct digest *digest;
};

static bool lease_tx(struct db_tx *tx, void *context, struct error *err)
{
    const struct leasing *leasing = context;
    int64_t now_ms, changed;
    if (!db_now_ms(tx, &now_ms, err) ||
        !sql_blob_lease(tx, now_ms + LEASE_RENEWED_MS, leasing->repository_id, leasing->digest,
                        &changed, err))
        return false;
    /* The claim may have been collected since it was read. */
    return changed == 1 || unknown_blob(leasing->digest, err);
}

bool blob_find(struct hub *hub, struct arena *arena, int64_t repository_id,
               const struct digest *digest, bool renew, struct blob *out, struct error *err)
{
    struct blob_of_repository_row row;
    bool needs_lease = false;
    if (!find_blob(hub, arena, repository_id, digest, &row, &needs_lease, err))
        return false;
    struct leasing leasing = { .repository_id = repository_id, .digest = digest };
    if (renew && needs_lease && !db_write(hub->db, arena, lease_tx, &leasing, err))
        return false;
    *out = (struct blob){ .place.digest = *digest, .size = row.size };
    memcpy(out->place.upload_id, row.upload_id.ptr, UPLOAD_ID_CHARS);
    return true;
}

/* --- mounting ----------------------------------------------------------------------------- */

struct mounting {
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
    return db_now_ms(tx, &now_ms, err) &&
           sql_blob_claim(tx, mounting->repository_id, mounting->digest, now_ms + LEASE_RENEWED_MS,
                          err);
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

static bool forget_tx(struct db_tx *tx, void *context, struct error *err)
{
    const struct leasing *claim = context;
    struct blob_user_row user;
    bool found;
    int64_t changed;
    char text[DIGEST_TEXT_MAX], user_text[DIGEST_TEXT_MAX];
    if (!sql_blob_user(tx, claim->digest, claim->repository_id, &user, &found, err))
        return false;
    if (found)
        return error_set_about(err, ABOUT_BLOB, ERROR_DENIED,
                               "blob %.19s... is in use by manifest %.*s; delete that first",
                               digest_format(claim->digest, text).ptr,
                               STR_ARG(digest_format(&user.manifest, user_text)));
    if (!sql_blob_unclaim(tx, claim->repository_id, claim->digest, &changed, err))
        return false;
    return changed == 1 || unknown_blob(claim->digest, err);
}

bool blob_forget(struct hub *hub, struct arena *arena, int64_t repository_id,
                 const struct digest *digest, struct error *err)
{
    struct leasing claim = { .repository_id = repository_id, .digest = digest };
    return db_write(hub->db, arena, forget_tx, &claim, err);
}
