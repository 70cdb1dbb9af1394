/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/tag.h"

#include "base/limits.h"
#include "hub/collect_manifest.h"
#include "hub/manifest.h"
#include "hub/page.h"
#include "hub/tag.sql.h"
#include "oci/about.h"
#include "oci/reference.h"

bool tag_check(struct str name, struct error *err)
{
    if (tag_is_valid(name))
        return true;
    return error_set_about(err, ABOUT_TAG, ERROR_INVALID,
                           "'%.*s' is no tag: use up to %d letters, digits, dots, dashes and "
                           "underscores, and begin with neither dot nor dash",
                           STR_ARG(str_slice(name, 0, TAG_CHARS_MAX)), TAG_CHARS_MAX);
}

bool tag_point(struct db_tx *tx, const struct tag_target *target, struct str name,
               struct error *err)
{
    struct tag_find_row old;
    bool found;
    if (!sql_tag_find(tx, target->repository_id, name, &old, &found, err))
        return false;
    bool moves = found && old.manifest_id != target->manifest_id;
    if (moves && (!sql_tag_remember(tx, target->now_ms, target->repository_id, name, err) ||
                  !collect_untagged(tx, old.manifest_id, target->now_ms, err)))
        return false;
    return sql_tag_point(tx, target->repository_id, name, target->manifest_id,
                         target->account_id ? target->account_id : DB_NULL_INT, target->now_ms,
                         err);
}

bool tag_remove(struct db_tx *tx, int64_t repository_id, struct str name, int64_t now_ms,
                bool *removed, struct error *err)
{
    struct tag_find_row old;
    int64_t changed;
    if (!sql_tag_find(tx, repository_id, name, &old, removed, err))
        return false;
    return !*removed || (sql_tag_remember(tx, now_ms, repository_id, name, err) &&
                         sql_tag_delete(tx, repository_id, name, &changed, err) &&
                         collect_untagged(tx, old.manifest_id, now_ms, err));
}

bool tag_remove_all_of(struct db_tx *tx, int64_t manifest_id, int64_t now_ms, struct error *err)
{
    return sql_tag_remember_all(tx, now_ms, manifest_id, err) &&
           sql_tag_delete_all(tx, manifest_id, err);
}

bool tag_list(struct hub *hub, struct arena *arena, int64_t repository_id, struct str after,
              int limit, struct str **names, size_t *count, struct error *err)
{
    struct db_tx *tx AUTO(db_tx_end) = db_read(hub->db, arena, err);
    struct tag_list_row *rows;
    size_t row_count;
    if (!tx || !sql_tag_list(tx, repository_id, after, page_size(limit), &rows, &row_count, err))
        return false;
    struct str *list = arena_alloc(arena, (row_count + 1) * sizeof(*list));
    for (size_t i = 0; i < row_count; i++)
        list[i] = rows[i].name;
    *names = list;
    *count = row_count;
    return true;
}
