/* SPDX-License-Identifier: Apache-2.0 */
/* The checks of claims, tags and repositories.  Each page is a snapshot; what seems wrong is asked
 * again in another one. */
#include "hub/check.sql.h"
#include "hub/check_internal.h"
#include "hub/recovery.h"
#include "hub/search.h"

/* --- claims --------------------------------------------------------------------------------- */

struct claim_row {
    int64_t repository_id;
    const struct digest *digest;
};

static bool drop_claim_tx(struct db_tx *tx, void *context, struct error *err)
{
    const struct claim_row *claim = context;
    return sql_check_claim_drop(tx, claim->repository_id, claim->digest, err);
}

static bool ask_claim(struct check *check, struct arena *arena, const struct claim_row *claim,
                      struct check_claim_dangles_row *row, bool *found, struct error *err)
{
    struct db_tx *tx AUTO(db_tx_end) = db_read(check->hub->db, arena, err);
    return tx && sql_check_claim_dangles(tx, claim->repository_id, claim->digest, row, found, err);
}

static bool dangling_claim(struct check *check, const struct check_claims_row *seen,
                           struct error *err)
{
    struct arena *arena AUTO(arena_free) = arena_new();
    struct claim_row claim = { .repository_id = seen->repository_id, .digest = &seen->digest };
    struct check_claim_dangles_row row;
    bool found;
    char text[DIGEST_TEXT_MAX];
    if (!ask_claim(check, arena, &claim, &row, &found, err))
        return false;
    if (!found)
        return true;
    struct check_finding finding = {
        .kind = CHECK_CLAIM_DANGLING,
        .outcome = check_mended(check),
        .what = digest_format(&seen->digest, text),
        .where = arena_format(arena, "%.*s/%.*s", STR_ARG(row.owner), STR_ARG(row.repository)),
        .detail = STR("the repository claims a blob that there is not"),
        .repair = STR("drop the claim, so that the next push brings the blob"),
    };
    if (check->options->repair && !db_write(check->hub->db, arena, drop_claim_tx, &claim, err))
        return false;
    check_tell(check, &finding);
    return true;
}

static bool read_claims(struct check *check, struct arena *arena,
                        const struct check_claims_row *after, struct check_claims_row **rows,
                        size_t *count, struct error *err)
{
    char text[DIGEST_TEXT_MAX];
    struct str digest =
        digest_is_set(&after->digest) ? digest_format(&after->digest, text) : STR("");
    struct db_tx *tx AUTO(db_tx_end) = db_read(check->hub->db, arena, err);
    return tx && sql_check_claims(tx, after->repository_id, digest, CHECK_PAGE, rows, count, err);
}

bool check_claims(struct check *check, struct error *err)
{
    struct check_claims_row after = { 0 };
    for (size_t count = CHECK_PAGE; count == CHECK_PAGE;) {
        struct arena *arena AUTO(arena_free) = arena_new();
        struct check_claims_row *rows;
        if (!read_claims(check, arena, &after, &rows, &count, err))
            return false;
        for (size_t i = 0; i < count; i++) {
            if (!rows[i].has_blob && !dangling_claim(check, &rows[i], err))
                return false;
        }
        if (count > 0)
            after = rows[count - 1];
        check->result.claims += (int64_t)count;
        check->progress.done += (int64_t)count;
        check_show(check);
    }
    return true;
}

/* --- tags ----------------------------------------------------------------------------------- */

struct tag_row {
    int64_t repository_id;
    struct str name;
    int64_t manifest_id; /* to point it to; 0: to drop it */
};

static bool mend_tag_tx(struct db_tx *tx, void *context, struct error *err)
{
    const struct tag_row *tag = context;
    bool is_done = tag->manifest_id ? sql_check_tag_point(tx, tag->manifest_id, tag->repository_id,
                                                          tag->name, err)
                                    : sql_check_tag_drop(tx, tag->repository_id, tag->name, err);
    return is_done && recovery_repository_changed(tx, tag->repository_id, err);
}

static bool ask_tag(struct check *check, struct arena *arena, const struct tag_row *tag,
                    struct check_tag_dangles_row *row, bool *found, struct error *err)
{
    struct db_tx *tx AUTO(db_tx_end) = db_read(check->hub->db, arena, err);
    return tx && sql_check_tag_dangles(tx, tag->repository_id, tag->name, row, found, err);
}

/* What the recovery note says that it pointed to, if that is still there; 0 otherwise. */
static bool find_target(struct check *check, struct arena *arena, struct str repository,
                        struct tag_row *tag, struct error *err)
{
    struct digest digest;
    bool found;
    struct str note = arena_format(arena, "repository/%.*s", STR_ARG(repository));
    if (!recovery_tag_read(check->hub, arena, note, tag->name, &digest, &found, err)) {
        bool keeps_none = err->kind == ERROR_UNSUPPORTED;
        error_clear(err);
        return keeps_none;
    }
    if (!found)
        return true;
    struct db_tx *tx AUTO(db_tx_end) = db_read(check->hub->db, arena, err);
    struct check_tag_target_row row;
    if (!tx || !sql_check_tag_target(tx, tag->repository_id, &digest, &row, &found, err))
        return false;
    tag->manifest_id = found ? row.id : 0;
    return true;
}

static bool dangling_tag(struct check *check, const struct check_tags_row *seen, struct error *err)
{
    struct arena *arena AUTO(arena_free) = arena_new();
    struct tag_row tag = { .repository_id = seen->repository_id, .name = seen->name };
    struct check_tag_dangles_row row;
    bool found;
    if (!ask_tag(check, arena, &tag, &row, &found, err))
        return false;
    if (!found)
        return true;
    struct str repository =
        arena_format(arena, "%.*s/%.*s", STR_ARG(row.owner), STR_ARG(row.repository));
    if (!find_target(check, arena, repository, &tag, err))
        return false;
    struct check_finding finding = {
        .kind = CHECK_TAG_DANGLING,
        .outcome = tag.manifest_id ? check_mended(check) : CHECK_LEFT,
        .what = arena_format(arena, "%.*s:%.*s", STR_ARG(repository), STR_ARG(seen->name)),
        .where = repository,
        .detail = STR("the tag points to no manifest of its repository"),
        .repair = tag.manifest_id ? STR("point it to what the recovery note says")
                                  : STR("drop the tag: push the image again"),
    };
    if (check->options->repair && !db_write(check->hub->db, arena, mend_tag_tx, &tag, err))
        return false;
    check_tell(check, &finding);
    return true;
}

static bool read_tags(struct check *check, struct arena *arena, const struct tag_row *after,
                      struct check_tags_row **rows, size_t *count, struct error *err)
{
    struct db_tx *tx AUTO(db_tx_end) = db_read(check->hub->db, arena, err);
    return tx &&
           sql_check_tags(tx, after->repository_id, after->name, CHECK_PAGE, rows, count, err);
}

bool check_tags(struct check *check, struct error *err)
{
    struct arena *kept AUTO(arena_free) = arena_new();
    struct tag_row after = { .name = STR("") };
    for (size_t count = CHECK_PAGE; count == CHECK_PAGE;) {
        struct arena *arena AUTO(arena_free) = arena_new();
        struct check_tags_row *rows;
        if (!read_tags(check, arena, &after, &rows, &count, err))
            return false;
        for (size_t i = 0; i < count; i++) {
            if (!rows[i].is_good && !dangling_tag(check, &rows[i], err))
                return false;
        }
        arena_reset(kept);
        if (count > 0)
            after = (struct tag_row){ .repository_id = rows[count - 1].repository_id,
                                      .name = arena_copy(kept, rows[count - 1].name) };
        check->result.tags += (int64_t)count;
        check->progress.done += (int64_t)count;
        check_show(check);
    }
    return true;
}

/* --- repositories --------------------------------------------------------------------------- */

static bool index_tx(struct db_tx *tx, void *context, struct error *err)
{
    const int64_t *repository_id = context;
    return search_index(tx, *repository_id, err);
}

static bool ask_index(struct check *check, struct arena *arena, int64_t repository_id, bool *out,
                      struct error *err)
{
    struct db_tx *tx AUTO(db_tx_end) = db_read(check->hub->db, arena, err);
    return tx && search_index_is_right(tx, repository_id, out, err);
}

static bool check_index(struct check *check, int64_t repository_id, struct str name,
                        struct error *err)
{
    struct arena *arena AUTO(arena_free) = arena_new();
    bool is_right = false;
    for (int i = 0; i < 2 && !is_right; i++) {
        if (!ask_index(check, arena, repository_id, &is_right, err))
            return false;
    }
    if (is_right)
        return true;
    struct check_finding finding = {
        .kind = CHECK_SEARCH_INDEX,
        .outcome = check_mended(check),
        .what = name,
        .where = STR(""),
        .detail = STR("search finds it by other words than its texts have"),
        .repair = STR("write the words anew"),
    };
    if (check->options->repair && !db_write(check->hub->db, arena, index_tx, &repository_id, err))
        return false;
    check_tell(check, &finding);
    return true;
}

static bool check_note(struct check *check, struct str note, struct error *err)
{
    struct arena *arena AUTO(arena_free) = arena_new();
    bool is_current = false;
    for (int i = 0; i < 2 && !is_current; i++) {
        if (!recovery_note_is_current(check->hub, arena, note, &is_current, err)) {
            bool keeps_none = err->kind == ERROR_UNSUPPORTED;
            if (keeps_none)
                error_clear(err);
            return keeps_none;
        }
    }
    if (is_current)
        return true;
    struct check_finding finding = {
        .kind = CHECK_RECOVERY_NOTE,
        .outcome = check_mended(check),
        .what = note,
        .where = STR(""),
        .detail = STR("the copy in the store is missing or out of date"),
        .repair = STR("write it anew"),
    };
    if (check->options->repair && !recovery_note_write(check->hub, arena, note, err))
        return false;
    check_tell(check, &finding);
    return true;
}

static bool read_repositories(struct check *check, struct arena *arena, int64_t after,
                              struct check_repositories_row **rows, size_t *count,
                              struct error *err)
{
    struct db_tx *tx AUTO(db_tx_end) = db_read(check->hub->db, arena, err);
    return tx && sql_check_repositories(tx, after, CHECK_PAGE, rows, count, err);
}

static bool check_repository(struct check *check, struct arena *arena,
                             const struct check_repositories_row *row, struct error *err)
{
    struct str name = arena_format(arena, "%.*s/%.*s", STR_ARG(row->owner), STR_ARG(row->name));
    if (!check_index(check, row->id, name, err) ||
        !check_note(check, arena_format(arena, "repository/%.*s", STR_ARG(name)), err))
        return false;
    check->result.repositories++;
    check->progress.done++;
    check_show(check);
    return true;
}

static bool read_accounts(struct check *check, struct arena *arena, struct str after,
                          struct check_accounts_row **rows, size_t *count, struct error *err)
{
    struct db_tx *tx AUTO(db_tx_end) = db_read(check->hub->db, arena, err);
    return tx && sql_check_accounts(tx, after, CHECK_PAGE, rows, count, err);
}

static bool check_accounts(struct check *check, struct error *err)
{
    struct arena *kept AUTO(arena_free) = arena_new();
    struct str after = STR("");
    for (size_t count = CHECK_PAGE; count == CHECK_PAGE;) {
        struct arena *arena AUTO(arena_free) = arena_new();
        struct check_accounts_row *rows;
        if (!read_accounts(check, arena, after, &rows, &count, err))
            return false;
        for (size_t i = 0; i < count; i++) {
            if (!check_note(check, arena_format(arena, "account/%.*s", STR_ARG(rows[i].name)), err))
                return false;
        }
        arena_reset(kept);
        if (count > 0)
            after = arena_copy(kept, rows[count - 1].name);
    }
    return true;
}

bool check_repositories(struct check *check, struct error *err)
{
    int64_t after = 0;
    for (size_t count = CHECK_PAGE; count == CHECK_PAGE;) {
        struct arena *arena AUTO(arena_free) = arena_new();
        struct check_repositories_row *rows;
        if (!read_repositories(check, arena, after, &rows, &count, err))
            return false;
        for (size_t i = 0; i < count; i++) {
            if (!check_repository(check, arena, &rows[i], err))
                return false;
        }
        if (count > 0)
            after = rows[count - 1].id;
    }
    return check_accounts(check, err);
}
