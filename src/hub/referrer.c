/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/manifest.h"
#include "hub/manifest.sql.h"
#include "hub/page.h"

/* The rows of both statements have the same columns. */
#define REFERRER_OF_ROW(row)                                                                       \
    ((struct referrer){                                                                            \
        .digest = (row)->digest,                                                                   \
        .media_type = (row)->media_type,                                                           \
        .artifact_type = (row)->artifact_type,                                                     \
        .annotations = (row)->annotations,                                                         \
        .size = (row)->size,                                                                       \
    })

struct listing {
    int64_t repository_id;
    const struct digest *subject;
    struct str artifact_type, after;
    int64_t most;
};

static bool list_all(struct db_tx *tx, const struct listing *listing, struct referrer **out,
                     size_t *count, struct error *err)
{
    struct referrer_list_row *rows;
    if (!sql_referrer_list(tx, listing->repository_id, listing->subject, listing->after,
                           listing->most, &rows, count, err))
        return false;
    *out = arena_alloc(db_tx_arena(tx), (*count + 1) * sizeof(**out));
    for (size_t i = 0; i < *count; i++)
        (*out)[i] = REFERRER_OF_ROW(&rows[i]);
    return true;
}

static bool list_type(struct db_tx *tx, const struct listing *listing, struct referrer **out,
                      size_t *count, struct error *err)
{
    struct referrer_list_of_type_row *rows;
    if (!sql_referrer_list_of_type(tx, listing->repository_id, listing->subject, listing->after,
                                   listing->artifact_type, listing->most, &rows, count, err))
        return false;
    *out = arena_alloc(db_tx_arena(tx), (*count + 1) * sizeof(**out));
    for (size_t i = 0; i < *count; i++)
        (*out)[i] = REFERRER_OF_ROW(&rows[i]);
    return true;
}

bool referrer_list(struct hub *hub, struct arena *arena, int64_t repository_id,
                   const struct digest *subject, struct str artifact_type, struct str after,
                   int limit, struct referrer **out, size_t *count, struct error *err)
{
    struct db_tx *tx AUTO(db_tx_end) = db_read(hub->db, arena, err);
    if (!tx)
        return false;
    struct listing listing = {
        .repository_id = repository_id,
        .subject = subject,
        .artifact_type = artifact_type,
        .after = after,
        .most = page_size(limit),
    };
    return str_is_set(artifact_type) ? list_type(tx, &listing, out, count, err)
                                     : list_all(tx, &listing, out, count, err);
}
