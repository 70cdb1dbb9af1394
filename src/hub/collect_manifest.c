/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/collect_manifest.h"

#include "db/statement.h"
#include "hub/collect.h"
#include "hub/collect.sql.h"
#include "hub/recovery.h"

enum { DAY_MS = 24 * 60 * 60 * 1000 };

struct part {
    int64_t id;
    struct digest digest;
    int64_t deleted_ms;
};

/* Parts that are still to be looked at; in the transaction's arena. */
struct part_list {
    struct part *items;
    size_t count;
};

static void part_add(struct db_tx *tx, struct part_list *list, const struct part *part)
{
    list->items = db_rows_grow(tx, list->items, list->count, sizeof(*list->items));
    list->items[list->count++] = *part;
}

static bool add_candidate(struct db_tx *tx, enum candidate_kind kind, const struct going *going,
                          const struct digest *digest, int64_t due_ms, struct error *err)
{
    return sql_candidate_add(tx, kind, going->repository_id, digest, due_ms, err);
}

static bool is_kept(struct db_tx *tx, const struct going *going, int64_t id,
                    const struct digest *digest, bool *out, struct error *err)
{
    struct collect_keeper_row keeper;
    return sql_collect_keeper(tx, id, going->repository_id, digest, &keeper, out, err);
}

/* --- hiding -------------------------------------------------------------------------------- */

/* A push may count on a child that it has seen; a referrer belongs to its subject alone. */
static bool hide_part(struct db_tx *tx, const struct going *going,
                      const struct collect_parts_row *row, struct part_list *list,
                      struct error *err)
{
    bool kept;
    if (!is_kept(tx, going, row->id, &row->digest, &kept, err))
        return false;
    if (kept)
        return true;
    if (row->is_child && row->lease_until_ms > going->now_ms)
        return add_candidate(tx, CANDIDATE_ORPHAN, going, &row->digest, row->lease_until_ms, err);
    part_add(tx, list, &(struct part){ row->id, row->digest, going->now_ms });
    return sql_collect_hide(tx, going->now_ms, row->id, err);
}

/* A part that two of them have is looked at again when the second of them goes. */
static bool hide_all(struct db_tx *tx, const struct going *going, const struct part *root,
                     struct error *err)
{
    struct part_list list = { 0 };
    part_add(tx, &list, root);
    if (!sql_collect_hide(tx, going->now_ms, root->id, err))
        return false;
    for (size_t i = 0; i < list.count; i++) {
        struct part part = list.items[i];
        struct collect_parts_row *rows;
        size_t count;
        if (!sql_collect_parts(tx, part.id, going->repository_id, &part.digest, &rows, &count, err))
            return false;
        for (size_t row = 0; row < count; row++) {
            if (!hide_part(tx, going, &rows[row], &list, err))
                return false;
        }
    }
    return true;
}

/* --- ending -------------------------------------------------------------------------------- */

/* Does something keep what is hidden?  History has its time written down; what a hidden index or
 * subject keeps goes with that. */
static bool is_kept_hidden(struct db_tx *tx, const struct going *going, const struct part *part,
                           bool *out, struct error *err)
{
    struct collect_owner_row owner;
    struct collect_history_row history;
    bool found;
    *out = true;
    if (!sql_collect_owner(tx, going->repository_id, &part->digest, part->id, &owner, &found, err))
        return false;
    if (found)
        return true;
    if (!sql_collect_history(tx, going->repository_id, &part->digest, &history, &found, err))
        return false;
    *out = found && history.replaced_ms > going->now_ms - going->history_ms;
    return !*out || add_candidate(tx, CANDIDATE_MANIFEST, going, &part->digest,
                                  history.replaced_ms + going->history_ms, err);
}

/* Its parts are asked for while the rows that name them are there. */
static bool end_one(struct db_tx *tx, struct going *going, const struct part *part,
                    struct part_list *list, struct error *err)
{
    bool kept;
    struct collect_hidden_parts_row *rows;
    size_t count;
    if (!is_kept_hidden(tx, going, part, &kept, err))
        return false;
    if (kept)
        return true;
    if (!sql_collect_hidden_parts(tx, part->id, going->repository_id, &part->digest,
                                  part->deleted_ms, &rows, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        part_add(tx, list, &(struct part){ rows[i].id, rows[i].digest, rows[i].deleted_ms });
    int64_t ended; /* none if two parts led to it */
    if (!sql_candidate_add_blobs(tx, going->now_ms, part->id, err) ||
        !sql_collect_manifest_end(tx, part->id, &ended, err))
        return false;
    going->ended_count += ended;
    return true;
}

/* All of it is hidden, so that nobody sees the half of it. */
static bool end_all(struct db_tx *tx, struct going *going, const struct part *root,
                    struct error *err)
{
    struct part_list list = { 0 };
    part_add(tx, &list, root);
    for (size_t i = 0; i < list.count; i++) {
        struct part part = list.items[i];
        bool done = i < GOING_COUNT_MAX ? end_one(tx, going, &part, &list, err)
                                        : add_candidate(tx, CANDIDATE_MANIFEST, going, &part.digest,
                                                        going->now_ms, err);
        if (!done)
            return false;
    }
    return true;
}

bool collect_take_down(struct db_tx *tx, struct going *going, int64_t manifest_id,
                       const struct digest *digest, struct error *err)
{
    struct part root = { manifest_id, *digest, going->now_ms };
    return hide_all(tx, going, &root, err) && end_all(tx, going, &root, err) &&
           recovery_repository_changed(tx, going->repository_id, err);
}

/* --- coming back --------------------------------------------------------------------------- */

bool collect_bring_back(struct db_tx *tx, const struct going *going, int64_t manifest_id,
                        const struct digest *digest, int64_t deleted_ms, struct error *err)
{
    struct part_list list = { 0 };
    part_add(tx, &list, &(struct part){ manifest_id, *digest, deleted_ms });
    if (!sql_candidate_drop(tx, CANDIDATE_ORPHAN, going->repository_id, digest, err))
        return false;
    for (size_t i = 0; i < list.count; i++) {
        struct part part = list.items[i];
        struct collect_hidden_parts_row *rows;
        size_t count;
        if (part.deleted_ms != DB_NULL_INT && !sql_collect_show(tx, part.id, err))
            return false;
        if (!sql_collect_hidden_parts(tx, part.id, going->repository_id, &part.digest,
                                      part.deleted_ms, &rows, &count, err))
            return false;
        for (size_t row = 0; row < count; row++)
            part_add(tx, &list,
                     &(struct part){ rows[row].id, rows[row].digest, rows[row].deleted_ms });
    }
    return true;
}

bool collect_untagged(struct db_tx *tx, int64_t manifest_id, int64_t now_ms, struct error *err)
{
    return sql_collect_untagged_at(tx, now_ms, manifest_id, err) &&
           sql_candidate_add_untagged(tx, now_ms, manifest_id, err);
}

/* --- looking ------------------------------------------------------------------------------- */

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* When a manifest that nothing keeps may go; INT64_MAX: never. */
static int64_t goes_at(const struct collect_manifest_row *row, enum candidate_kind kind)
{
    if (kind == CANDIDATE_ORPHAN)
        return row->lease_until_ms;
    if (row->untagged_days == DB_NULL_INT)
        return INT64_MAX;
    int64_t since_ms = later(row->pushed_ms, row->untagged_ms);
    return later(since_ms + row->untagged_days * DAY_MS, row->lease_until_ms);
}

bool collect_look_at_manifest(struct db_tx *tx, struct going *going, enum candidate_kind kind,
                              const struct digest *digest, struct error *err)
{
    struct collect_manifest_row row;
    bool found, kept;
    if (!sql_collect_manifest(tx, going->repository_id, digest, &row, &found, err))
        return false;
    if (!found)
        return true;
    if (row.deleted_ms != DB_NULL_INT)
        return end_all(tx, going, &(struct part){ row.id, *digest, row.deleted_ms }, err);
    if (!is_kept(tx, going, row.id, digest, &kept, err))
        return false;
    int64_t due_ms = goes_at(&row, kind);
    if (kept || due_ms == INT64_MAX)
        return true;
    if (due_ms > going->now_ms)
        return add_candidate(tx, kind, going, digest, due_ms, err);
    return collect_take_down(tx, going, row.id, digest, err);
}
