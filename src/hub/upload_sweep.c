/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/limits.h"
#include "hub/upload.h"
#include "hub/upload.sql.h"

#include <string.h>

enum { SWEEP_COUNT_MAX = 256 }; /* sessions in one transaction, files in one page */

static const int64_t LIFE_MS = (int64_t)UPLOAD_LIFE_S * 1000;

/* --- sessions ------------------------------------------------------------------------------ */

struct sweeping {
    struct upload_stale_row *gone;
    size_t gone_count;
    bool is_more;
};

static bool sweep_tx(struct db_tx *tx, void *context, struct error *err)
{
    struct sweeping *sweeping = context;
    struct upload_stale_row *rows;
    size_t count;
    int64_t now_ms;
    if (!db_now_ms(tx, &now_ms, err) ||
        !sql_upload_stale(tx, now_ms - LIFE_MS, SWEEP_COUNT_MAX, &rows, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        int64_t changed;
        if (!sql_upload_drop_stale(tx, rows[i].id, now_ms - LIFE_MS, &changed, err))
            return false;
    }
    *sweeping =
        (struct sweeping){ .gone = rows, .gone_count = count, .is_more = count == SWEEP_COUNT_MAX };
    return true;
}

static bool sweep_sessions(struct hub *hub, struct arena *arena, int64_t *count, struct error *err)
{
    struct sweeping sweeping = { .is_more = true };
    while (sweeping.is_more) {
        if (!db_write(hub->db, arena, sweep_tx, &sweeping, err))
            return false;
        for (size_t i = 0; i < sweeping.gone_count; i++) {
            /* A session that never got a byte has no file. */
            if (!blob_upload_remove(hub->store, sweeping.gone[i].id, err)) {
                if (err->kind != ERROR_NOT_FOUND)
                    return false;
                error_clear(err);
            }
        }
        *count += (int64_t)sweeping.gone_count;
    }
    return true;
}

/* --- files that no session knows ------------------------------------------------------------ */

static bool has_session(struct hub *hub, struct arena *arena, struct str id, bool *found,
                        struct error *err)
{
    struct db_tx *tx AUTO(db_tx_end) = db_read(hub->db, arena, err);
    struct upload_exists_row row;
    return tx && sql_upload_exists(tx, id, &row, found, err);
}

/* What was written to lately may be an upload in one request, which has no row. */
static bool sweep_file(struct hub *hub, struct arena *arena, const struct blob_entry *entry,
                       int64_t *count, struct error *err)
{
    if (!entry->is_upload || entry->modified_ms > clock_now_ms() - LIFE_MS)
        return true;
    struct str id = str_from(entry->place.upload_id);
    bool found;
    if (!has_session(hub, arena, id, &found, err))
        return false;
    if (found)
        return true;
    if (!blob_upload_remove(hub->store, id, err)) {
        if (err->kind != ERROR_NOT_FOUND)
            return false;
        error_clear(err);
    }
    *count += 1;
    return true;
}

static bool sweep_files(struct hub *hub, struct arena *arena, int64_t *count, struct error *err)
{
    struct blob_entry *entries = arena_alloc(arena, SWEEP_COUNT_MAX * sizeof(*entries));
    struct str cursor = STR_NONE;
    do {
        size_t entry_count;
        struct str next;
        if (!blob_list(hub->store, arena, cursor, entries, SWEEP_COUNT_MAX, &entry_count, &next,
                       err))
            return false;
        for (size_t i = 0; i < entry_count; i++) {
            if (!sweep_file(hub, arena, &entries[i], count, err))
                return false;
        }
        cursor = next;
    } while (str_is_set(cursor));
    return true;
}

bool upload_sweep(struct hub *hub, struct arena *arena, int64_t *count, struct error *err)
{
    int64_t swept = 0;
    if (!sweep_sessions(hub, arena, &swept, err) || !sweep_files(hub, arena, &swept, err))
        return false;
    *count = swept;
    return true;
}
