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

static bool list_all(struct db_tx *tx, const struct referrer_query *query, struct referrer **out,
                     size_t *count, struct error *err)
{
    struct referrer_list_row *rows;
    if (!sql_referrer_list(tx, query->repository_id, query->subject, query->after,
                           page_size(query->limit), &rows, count, err))
        return false;
    *out = arena_alloc(db_tx_arena(tx), (*count + 1) * sizeof(**out));
    for (size_t i = 0; i < *count; i++)
        (*out)[i] = REFERRER_OF_ROW(&rows[i]);
    return true;
}

static bool list_type(struct db_tx *tx, const struct referrer_query *query, struct referrer **out,
                      size_t *count, struct error *err)
{
    struct referrer_list_of_type_row *rows;
    if (!sql_referrer_list_of_type(tx, query->repository_id, query->subject, query->after,
                                   query->artifact_type, page_size(query->limit), &rows, count,
                                   err))
        return false;
    *out = arena_alloc(db_tx_arena(tx), (*count + 1) * sizeof(**out));
    for (size_t i = 0; i < *count; i++)
        (*out)[i] = REFERRER_OF_ROW(&rows[i]);
    return true;
}

bool referrer_list(struct hub *hub, struct arena *arena, const struct referrer_query *query,
                   struct referrer **out, size_t *count, struct error *err)
{
    struct db_tx *tx AUTO(db_tx_end) = db_read(hub->db, arena, err);
    if (!tx)
        return false;
    return str_is_set(query->artifact_type) ? list_type(tx, query, out, count, err)
                                            : list_all(tx, query, out, count, err);
}
