/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/repository.h"

#include "base/limits.h"
#include "hub/page.h"
#include "hub/recovery.h"
#include "hub/repository.sql.h"
#include "hub/search.h"
#include "oci/about.h"

enum { TEXT_SHOWN_MAX = 100 }; /* of a client's text in a message */

struct str repository_shown_name(struct arena *arena, struct repository_name name)
{
    if (repository_name_is_official(name))
        return name.name;
    return arena_format(arena, "%.*s/%.*s", STR_ARG(name.owner), STR_ARG(name.name));
}

/* The rows of three statements have the same columns; the lists have all but the long text. */
#define REPOSITORY_OF_ROW(row)                                                                     \
    ((struct repository){                                                                          \
        .id = (row)->id,                                                                           \
        .owner_id = (row)->owner_id,                                                               \
        .name = { .owner = (row)->owner, .name = (row)->name },                                    \
        .is_private = (row)->is_private,                                                           \
        .is_automated = (row)->is_automated,                                                       \
        .description = (row)->description,                                                         \
        .star_count = (row)->star_count,                                                           \
        .pull_count = (row)->pull_count,                                                           \
        .push_count = (row)->push_count,                                                           \
        .created_ms = (row)->created_ms,                                                           \
        .updated_ms = (row)->updated_ms,                                                           \
    })

bool repository_find(struct db_tx *tx, struct repository_name name, struct repository *out,
                     struct error *err)
{
    struct repository_find_row row;
    bool found;
    if (!sql_repository_find(tx, name.owner, name.name, &row, &found, err))
        return false;
    if (!found) {
        *out = (struct repository){ 0 };
        return true;
    }
    *out = REPOSITORY_OF_ROW(&row);
    out->full_description = row.full_description;
    return true;
}

/* --- rules -------------------------------------------------------------------------------- */

static bool check_name(struct repository_name name, struct error *err)
{
    bool is_long = name.owner.len + 1 + name.name.len > REPOSITORY_NAME_CHARS_MAX;
    if (!is_long && name_component_is_valid(name.owner) && name_component_is_valid(name.name) &&
        !(repository_name_is_official(name) && account_name_is_reserved(name.name)))
        return true;
    if (is_long)
        return error_set_about(err, ABOUT_NAME, ERROR_INVALID,
                               "a repository name has at most %d characters, namespace included",
                               REPOSITORY_NAME_CHARS_MAX);
    struct str shown = str_slice(name.name, 0, TEXT_SHOWN_MAX);
    if (repository_name_is_official(name) && account_name_is_reserved(name.name))
        return error_set_about(err, ABOUT_NAME, ERROR_INVALID,
                               "the name '%.*s' is reserved, choose another", STR_ARG(shown));
    return error_set_about(err, ABOUT_NAME, ERROR_INVALID,
                           "'%.*s' is no repository name, use lower-case letters and digits with "
                           "single separators . _ or - between them",
                           STR_ARG(shown));
}

static size_t count_characters(struct str text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += ((unsigned char)text.ptr[i] & 0xC0) != 0x80;
    return count;
}

static bool has_control_character(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7F)
            return true;
    }
    return false;
}

static bool check_texts(const struct repository_change *change, struct error *err)
{
    if (!str_is_utf8(change->description) || !str_is_utf8(change->full_description))
        return error_set(err, ERROR_INVALID, "a description is text in UTF-8");
    if (has_control_character(change->description))
        return error_set(err, ERROR_INVALID, "the short description is one line of plain text");
    if (count_characters(change->description) > DESCRIPTION_CHARS_MAX)
        return error_set(err, ERROR_INVALID, "the short description has at most %d characters",
                         DESCRIPTION_CHARS_MAX);
    if (change->full_description.len > FULL_DESCRIPTION_BYTES_MAX)
        return error_set(err, ERROR_INVALID, "the full description has at most %d bytes",
                         FULL_DESCRIPTION_BYTES_MAX);
    return true;
}

static bool unknown_repository(struct repository_name name, struct error *err)
{
    return error_set_about(err, ABOUT_REPOSITORY, ERROR_NOT_FOUND,
                           "repository %.*s/%.*s does not exist", STR_ARG(name.owner),
                           STR_ARG(name.name));
}

/* --- making ------------------------------------------------------------------------------- */

struct making {
    struct repository_name name;
    const struct repository_change *with; /* NULL: as a push makes it */
    int64_t id;
    bool existed;
};

static bool make_tx(struct db_tx *tx, void *context, struct error *err)
{
    struct making *making = context;
    struct repository_name name = making->name;
    struct repository_owner_row owner;
    bool found;
    int64_t now_ms;
    if (!sql_repository_owner(tx, name.owner, &owner, &found, err))
        return false;
    if (!found)
        return error_set_about(err, ABOUT_ACCOUNT, ERROR_NOT_FOUND,
                               "there is no account or organization '%.*s'", STR_ARG(name.owner));
    if (!db_now_ms(tx, &now_ms, err))
        return false;

    const struct repository_change *with = making->with;
    struct repository_insert_in in = {
        .owner_id = owner.id,
        .name = name.name,
        .is_private = with && with->is_private ? *with->is_private : owner.default_private,
        .is_automated = with && with->is_automated && *with->is_automated,
        .description = with ? with->description : STR_NONE,
        .full_description = with ? with->full_description : STR_NONE,
        .created_ms = now_ms,
    };
    struct repository_insert_row made;
    if (!sql_repository_insert(tx, &in, &made, &found, err))
        return false;
    making->existed = !found;
    if (found) {
        making->id = made.id;
        return search_index(tx, made.id, err) && recovery_repository_changed(tx, made.id, err);
    }
    struct repository existing;
    if (!repository_find(tx, name, &existing, err))
        return false;
    making->id = existing.id;
    return true;
}

static bool find_id(struct hub *hub, struct arena *arena, struct repository_name name, int64_t *id,
                    struct error *err)
{
    struct db_tx *tx AUTO(db_tx_end) = db_read(hub->db, arena, err);
    struct repository found;
    if (!tx || !repository_find(tx, name, &found, err))
        return false;
    *id = found.id;
    return true;
}

bool repository_ensure(struct hub *hub, struct arena *arena, struct repository_name name,
                       int64_t *id, struct error *err)
{
    int64_t found_id;
    if (!find_id(hub, arena, name, &found_id, err))
        return false;
    if (found_id != 0) {
        *id = found_id;
        return true;
    }
    struct making making = { .name = name };
    if (!check_name(name, err) || !db_write(hub->db, arena, make_tx, &making, err))
        return false;
    *id = making.id;
    return true;
}

bool repository_add(struct hub *hub, struct arena *arena, struct repository_name name,
                    const struct repository_change *with, struct error *err)
{
    struct making making = { .name = name, .with = with };
    if (!check_name(name, err) || !check_texts(with, err))
        return false;
    if (!db_write(hub->db, arena, make_tx, &making, err))
        return false;
    if (making.existed)
        return error_set_about(err, ABOUT_REPOSITORY, ERROR_CONFLICT,
                               "repository %.*s/%.*s exists already", STR_ARG(name.owner),
                               STR_ARG(name.name));
    return true;
}

/* --- changing ----------------------------------------------------------------------------- */

struct changing {
    struct repository_name name;
    const struct repository_change *change;
};

static bool change_tx(struct db_tx *tx, void *context, struct error *err)
{
    const struct changing *changing = context;
    const struct repository_change *change = changing->change;
    struct repository old;
    if (!repository_find(tx, changing->name, &old, err))
        return false;
    if (old.id == 0)
        return unknown_repository(changing->name, err);
    if (!sql_repository_update(
            tx, str_is_set(change->description) ? change->description : old.description,
            str_is_set(change->full_description) ? change->full_description : old.full_description,
            change->is_private ? *change->is_private : old.is_private,
            change->is_automated ? *change->is_automated : old.is_automated, old.id, err))
        return false;
    /* Visibility is not in the index: finding asks the repository itself. */
    return (!str_is_set(change->description) || search_index(tx, old.id, err)) &&
           recovery_repository_changed(tx, old.id, err);
}

bool repository_change(struct hub *hub, struct arena *arena, struct repository_name name,
                       const struct repository_change *change, struct error *err)
{
    struct changing changing = { .name = name, .change = change };
    return check_texts(change, err) && db_write(hub->db, arena, change_tx, &changing, err);
}

/* --- lists -------------------------------------------------------------------------------- */

struct listing {
    struct db_tx *tx;
    bool sees_all;
    int64_t viewer_id;
    int64_t room; /* entries that still fit */
    struct repository *list;
    size_t count;
};

static bool list_namespace(struct listing *listing, struct str owner, struct str after,
                           struct error *err)
{
    struct repository_list_of_row *rows;
    size_t count;
    if (!sql_repository_list_of(listing->tx, owner, after, listing->sees_all, listing->viewer_id,
                                listing->room, &rows, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        listing->list[listing->count++] = REPOSITORY_OF_ROW(&rows[i]);
    listing->room -= (int64_t)count;
    return true;
}

static bool list_namespaces_behind(struct listing *listing, struct str owner, struct error *err)
{
    struct repository_list_behind_row *rows;
    size_t count;
    if (!sql_repository_list_behind(listing->tx, owner, listing->sees_all, listing->viewer_id,
                                    listing->room, &rows, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        listing->list[listing->count++] = REPOSITORY_OF_ROW(&rows[i]);
    listing->room -= (int64_t)count;
    return true;
}

bool repository_list(struct hub *hub, struct arena *arena,
                     const struct repository_list_query *query, struct repository **out,
                     size_t *count, struct error *err)
{
    struct db_tx *tx AUTO(db_tx_end) = db_read(hub->db, arena, err);
    if (!tx)
        return false;
    int64_t most = page_size(query->limit);
    struct listing listing = {
        .tx = tx,
        .sees_all = !query->viewer || query->viewer->is_admin,
        .viewer_id = query->viewer ? query->viewer->id : 0,
        .room = most,
        .list = arena_alloc(arena, (size_t)(most + 1) * sizeof(struct repository)),
    };
    size_t slash = str_find(query->after, '/');
    struct str after_owner = str_slice(query->after, 0, slash);
    struct str after_name = str_after(query->after, slash + 1);
    bool is_behind_owner = str_is_set(query->owner) && str_compare(after_owner, query->owner) > 0;
    bool is_in_owner = str_equal(after_owner, query->owner);

    bool ok = true;
    if (str_is_set(query->owner)) {
        if (!is_behind_owner)
            ok = list_namespace(&listing, query->owner, is_in_owner ? after_name : STR(""), err);
    } else {
        ok = list_namespace(&listing, after_owner, after_name, err) &&
             (listing.room == 0 || list_namespaces_behind(&listing, after_owner, err));
    }
    if (!ok)
        return false;
    *out = listing.list;
    *count = listing.count;
    return true;
}
