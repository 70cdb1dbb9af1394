/* SPDX-License-Identifier: Apache-2.0 */
/* The check of manifests.  All that is asked about one comes from one snapshot, so a push in
 * between cannot make it look wrong; it is asked twice nevertheless before anything is said. */
#include "hub/check.sql.h"
#include "hub/check_internal.h"
#include "hub/collect.h"
#include "hub/manifest_rows.h"
#include "hub/recovery.h"
#include "oci/manifest.h"

struct judgement {
    bool found;
    struct check_manifest_row row;
    bool is_broken;       /* the document: nothing else is known then */
    bool rows_differ;     /* from the document */
    size_t lacking_count; /* blobs without a claim */
    size_t lost_count;    /* of these, without a row as well */
    struct digest first_lost;
    struct manifest manifest;
    struct str detail;
};

/* --- judging -------------------------------------------------------------------------------- */

static bool equal_or_both_absent(struct str a, struct str b)
{
    return str_is_set(a) == str_is_set(b) && str_equal(a, b);
}

static bool row_fits(const struct check_manifest_row *row, const struct manifest *manifest)
{
    const struct digest none = { 0 };
    const struct digest *subject = manifest->has_subject ? &manifest->subject.digest : &none;
    return row->kind == (int64_t)manifest->kind &&
           str_equal(row->media_type, manifest->media_type) &&
           equal_or_both_absent(row->artifact_type, manifest->artifact_type) &&
           equal_or_both_absent(row->annotations, manifest->annotations) &&
           digest_equal(&row->subject_digest, subject) && row->size == (int64_t)row->body.len &&
           row->content_size == manifest_content_size(manifest);
}

static bool references_fit(struct db_tx *tx, int64_t id, const struct judgement *judgement,
                           bool *out, struct error *err)
{
    const struct manifest *manifest = &judgement->manifest;
    struct check_references_row *rows;
    size_t count;
    if (!sql_check_references(tx, id, &rows, &count, err))
        return false;
    bool fits = count == manifest_reference_count(manifest);
    for (size_t i = 0; i < count && fits; i++) {
        enum manifest_role role;
        const struct descriptor *to = manifest_reference(manifest, i, &role);
        fits = rows[i].position == (int64_t)i && rows[i].role == (int64_t)role &&
               rows[i].repository_id == judgement->row.repository_id && rows[i].size == to->size &&
               digest_equal(&rows[i].digest, &to->digest) &&
               str_equal(rows[i].media_type, to->media_type);
    }
    *out = fits;
    return true;
}

/* Which blobs of an image its repository does not have.  Those that this run took out are told. */
static bool judge_blobs(struct check *check, struct db_tx *tx, struct judgement *judgement,
                        struct error *err)
{
    for (size_t i = 0; i < manifest_reference_count(&judgement->manifest); i++) {
        enum manifest_role role;
        const struct descriptor *to = manifest_reference(&judgement->manifest, i, &role);
        struct check_blob_state_row state;
        if (role == ROLE_CHILD || to->is_foreign || check_is_gone(check, &to->digest))
            continue;
        if (!sql_check_blob_state(tx, judgement->row.repository_id, &to->digest, &state, err))
            return false;
        judgement->lacking_count += !state.has_claim;
        if (!state.has_claim && !state.has_blob && judgement->lost_count++ == 0)
            judgement->first_lost = to->digest;
    }
    return true;
}

static bool judge_document(struct arena *arena, struct judgement *judgement)
{
    const struct check_manifest_row *row = &judgement->row;
    struct error error = { 0 };
    struct digest actual = digest_of(row->digest.algorithm, row->body);
    char text[DIGEST_TEXT_MAX];
    if (!str_is_set(row->body) || !digest_equal(&actual, &row->digest)) {
        judgement->detail = str_is_set(row->body)
                                ? arena_format(arena, "the document has digest %.*s",
                                               STR_ARG(digest_format(&actual, text)))
                                : STR("the document is not there");
        return false;
    }
    /* What the row says of the type helps documents that do not tell it themselves. */
    if (manifest_parse(arena, row->body, row->media_type, &judgement->manifest, &error))
        return true;
    error_clear(&error);
    if (manifest_parse(arena, row->body, STR_NONE, &judgement->manifest, &error))
        return true;
    judgement->detail = arena_format(arena, "the document cannot be read: %s", error.message);
    return false;
}

static bool judge(struct check *check, struct arena *arena, int64_t id, struct judgement *out,
                  struct error *err)
{
    struct db_tx *tx AUTO(db_tx_end) = db_read(check->hub->db, arena, err);
    struct judgement judgement = { 0 };
    if (!tx || !sql_check_manifest(tx, id, &judgement.row, &judgement.found, err))
        return false;
    if (judgement.found) {
        bool fits = false;
        judgement.is_broken = !judge_document(arena, &judgement);
        if (!judgement.is_broken && (!references_fit(tx, id, &judgement, &fits, err) ||
                                     !judge_blobs(check, tx, &judgement, err)))
            return false;
        judgement.rows_differ =
            !judgement.is_broken && !(fits && row_fits(&judgement.row, &judgement.manifest));
    }
    *out = judgement;
    return true;
}

static bool is_good(const struct judgement *judgement)
{
    return !judgement->found ||
           (!judgement->is_broken && !judgement->rows_differ && judgement->lacking_count == 0);
}

/* --- what to call it ------------------------------------------------------------------------ */

struct telling {
    struct check *check;
    struct arena *arena;
    int64_t id;
    const struct judgement *judgement;
    struct str name;  /* alice/app@sha256:... */
    struct str where; /* alice/app:1.0, alice/app:2.0 */
};

static bool name_images(struct telling *telling, struct error *err)
{
    const struct check_manifest_row *row = &telling->judgement->row;
    struct check_tags_of_row *tags;
    size_t count;
    char text[DIGEST_TEXT_MAX];
    struct arena *arena = telling->arena;
    struct db_tx *tx AUTO(db_tx_end) = db_read(telling->check->hub->db, arena, err);
    if (!tx || !sql_check_tags_of(tx, telling->id, row->repository_id, &row->digest,
                                  CHECK_IMAGES_NAMED, &tags, &count, err))
        return false;
    telling->name =
        arena_format(arena, "%.*s/%.*s@%.*s", STR_ARG(row->owner), STR_ARG(row->repository),
                     STR_ARG(digest_format(&row->digest, text)));
    telling->where = STR("");
    for (size_t i = 0; i < count; i++)
        telling->where =
            arena_format(arena, "%.*s%s%.*s/%.*s:%.*s", STR_ARG(telling->where), i > 0 ? ", " : "",
                         STR_ARG(row->owner), STR_ARG(row->repository), STR_ARG(tags[i].name));
    return true;
}

static void tell(struct telling *telling, enum check_kind kind, enum check_outcome outcome,
                 struct str detail, struct str repair)
{
    check_tell(telling->check, &(struct check_finding){ .kind = kind,
                                                        .outcome = outcome,
                                                        .what = telling->name,
                                                        .where = telling->where,
                                                        .detail = detail,
                                                        .repair = repair });
}

/* --- a broken document ---------------------------------------------------------------------- */

/* The same document of another repository; *found is false if none has its digest. */
static bool find_body(struct check *check, struct arena *arena, const struct digest *digest,
                      struct str *out, bool *found, struct error *err)
{
    struct db_tx *tx AUTO(db_tx_end) = db_read(check->hub->db, arena, err);
    struct check_body_of_digest_row row = { 0 };
    bool has_row = tx != NULL;
    *found = false;
    while (has_row && !*found) {
        if (!sql_check_body_of_digest(tx, digest, row.id, &row, &has_row, err))
            return false;
        struct digest actual = digest_of(digest->algorithm, has_row ? row.body : STR(""));
        *found = has_row && digest_equal(&actual, digest);
    }
    if (*found)
        *out = row.body;
    return tx != NULL;
}

static bool find_copy(struct check *check, struct arena *arena, const struct digest *digest,
                      struct str *out, bool *found, struct error *err)
{
    if (!find_body(check, arena, digest, out, found, err))
        return false;
    if (*found || recovery_document_read(check->hub, arena, digest, out, found, err))
        return true;
    bool keeps_none = err->kind == ERROR_UNSUPPORTED;
    if (keeps_none)
        error_clear(err);
    return keeps_none;
}

struct body_change {
    int64_t id, repository_id, lease_ms;
    struct str body; /* absent: the manifest is given up */
};

/* Its blobs stay claimed for a lease: whoever pushes it again needs them. */
static bool claims_run_out(struct db_tx *tx, const struct body_change *change, struct error *err)
{
    struct check_references_row *rows;
    size_t count;
    int64_t now_ms;
    if (!db_now_ms(tx, &now_ms, err) || !sql_check_references(tx, change->id, &rows, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].role != ROLE_CHILD &&
            !collect_claim_later(tx, change->repository_id, &rows[i].digest,
                                 now_ms + change->lease_ms, err))
            return false;
    }
    return true;
}

static bool change_body_tx(struct db_tx *tx, void *context, struct error *err)
{
    const struct body_change *change = context;
    bool is_done = str_is_set(change->body) ? sql_check_body_set(tx, change->id, change->body, err)
                                            : claims_run_out(tx, change, err) &&
                                                  sql_check_manifest_untag(tx, change->id, err) &&
                                                  sql_check_manifest_drop(tx, change->id, err);
    return is_done && recovery_repository_changed(tx, change->repository_id, err);
}

static bool broken_document(struct telling *telling, struct error *err)
{
    struct check *check = telling->check;
    const struct check_manifest_row *row = &telling->judgement->row;
    struct body_change change = { .id = telling->id,
                                  .repository_id = row->repository_id,
                                  .lease_ms = check->hub->lease_ms };
    bool found;
    if (!find_copy(check, telling->arena, &row->digest, &change.body, &found, err) ||
        (check->options->repair &&
         !db_write(check->hub->db, telling->arena, change_body_tx, &change, err)))
        return false;
    tell(telling, CHECK_MANIFEST_BROKEN, found ? check_mended(check) : CHECK_LEFT,
         telling->judgement->detail,
         found ? STR("copy the document from where it is whole")
               : STR("remove the manifest and its tags: push the image again"));
    return true;
}

/* --- rows that differ ----------------------------------------------------------------------- */

struct rewriting {
    int64_t id;
    const struct judgement *judgement;
};

static bool rewrite_tx(struct db_tx *tx, void *context, struct error *err)
{
    const struct rewriting *rewriting = context;
    const struct manifest *manifest = &rewriting->judgement->manifest;
    const struct check_manifest_row *row = &rewriting->judgement->row;
    struct check_manifest_set_in set = {
        .kind = manifest->kind,
        .media_type = manifest->media_type,
        .artifact_type = manifest->artifact_type,
        .subject_digest = manifest->has_subject ? &manifest->subject.digest : NULL,
        .annotations = manifest->annotations,
        .size = (int64_t)row->body.len,
        .content_size = manifest_content_size(manifest),
        .id = rewriting->id,
    };
    if (!sql_check_manifest_set(tx, &set, err) ||
        !sql_check_references_drop(tx, rewriting->id, err))
        return false;
    for (size_t i = 0; i < manifest_reference_count(manifest); i++) {
        enum manifest_role role;
        const struct descriptor *to = manifest_reference(manifest, i, &role);
        struct check_reference_add_in in = {
            .manifest_id = rewriting->id,
            .repository_id = row->repository_id,
            .position = (int64_t)i,
            .role = role,
            .digest = &to->digest,
            .size = to->size,
            .media_type = to->media_type,
        };
        if (!sql_check_reference_add(tx, &in, err))
            return false;
    }
    return recovery_repository_changed(tx, row->repository_id, err);
}

static bool differing_rows(struct telling *telling, struct error *err)
{
    struct check *check = telling->check;
    struct rewriting rewriting = { .id = telling->id, .judgement = telling->judgement };
    if (check->options->repair &&
        !db_write(check->hub->db, telling->arena, rewrite_tx, &rewriting, err))
        return false;
    tell(telling, CHECK_MANIFEST_ROWS, check_mended(check),
         STR("the rows say something else than the document"),
         STR("write the rows anew from the document"));
    return true;
}

/* --- blobs that the repository does not have ------------------------------------------------ */

/* The repository had a right to them when the manifest was put.  Only for blobs that are there. */
static bool claim_tx(struct db_tx *tx, void *context, struct error *err)
{
    const struct judgement *judgement = context;
    for (size_t i = 0; i < manifest_reference_count(&judgement->manifest); i++) {
        enum manifest_role role;
        const struct descriptor *to = manifest_reference(&judgement->manifest, i, &role);
        if (role != ROLE_CHILD && !to->is_foreign &&
            !sql_check_claim_add(tx, judgement->row.repository_id, 0, &to->digest, err))
            return false;
    }
    return true;
}

static bool lacking_blobs(struct telling *telling, struct error *err)
{
    struct check *check = telling->check;
    const struct judgement *judgement = telling->judgement;
    struct judgement context = *judgement;
    char text[DIGEST_TEXT_MAX];
    if (check->options->repair && judgement->lacking_count > judgement->lost_count &&
        !db_write(check->hub->db, telling->arena, claim_tx, &context, err))
        return false;
    if (judgement->lost_count == 0)
        tell(telling, CHECK_MANIFEST_LACKS, check_mended(check),
             arena_format(telling->arena, "%zu of its blobs are there, but not claimed",
                          judgement->lacking_count),
             STR("claim them for the repository"));
    else
        tell(telling, CHECK_MANIFEST_LACKS, CHECK_LEFT,
             arena_format(telling->arena, "%zu of its blobs are lost, the first is %.*s",
                          judgement->lost_count,
                          STR_ARG(digest_format(&judgement->first_lost, text))),
             STR("push the image again"));
    return true;
}

/* --- the copy for recovery ------------------------------------------------------------------ */

/* A copy that is not there yet, because its job waits, is none that is missing. */
static bool copy_is_good(struct telling *telling, bool *out, struct error *err)
{
    const struct check_manifest_row *row = &telling->judgement->row;
    struct check *check = telling->check;
    struct str body;
    if (recovery_document_read(check->hub, telling->arena, &row->digest, &body, out, err))
        return *out || recovery_job_waits(check->hub, telling->arena, row->repository_id, out, err);
    bool keeps_none = err->kind == ERROR_UNSUPPORTED;
    if (keeps_none)
        error_clear(err);
    *out = true;
    return keeps_none;
}

static bool check_copy(struct telling *telling, struct error *err)
{
    const struct check_manifest_row *row = &telling->judgement->row;
    struct check *check = telling->check;
    bool is_copied = false;
    for (int i = 0; i < 2 && !is_copied; i++) {
        struct judgement again;
        if (!copy_is_good(telling, &is_copied, err))
            return false;
        if (!is_copied && !judge(check, telling->arena, telling->id, &again, err))
            return false;
        if (!is_copied && (!again.found || again.row.deleted_ms != DB_NULL_INT))
            return true;
    }
    if (is_copied)
        return true;
    struct str note = recovery_document_note(telling->arena, &row->digest);
    if (!name_images(telling, err) ||
        (check->options->repair && !note_put(check->hub->store, note, row->body, err)))
        return false;
    tell(telling, CHECK_RECOVERY_NOTE, check_mended(check),
         STR("the copy of the document in the store is missing or wrong"), STR("write it anew"));
    return true;
}

/* --- all ------------------------------------------------------------------------------------ */

static bool check_manifest(struct check *check, int64_t id, struct error *err)
{
    struct arena *arena AUTO(arena_free) = arena_new();
    struct judgement judgement = { 0 };
    for (int i = 0; i < 2; i++) {
        if (!judge(check, arena, id, &judgement, err))
            return false;
        if (is_good(&judgement))
            break;
    }
    struct telling telling = { .check = check, .arena = arena, .id = id, .judgement = &judgement };
    if (!judgement.found)
        return true;
    if (!is_good(&judgement) && !name_images(&telling, err))
        return false;
    if (judgement.is_broken)
        return broken_document(&telling, err);
    if (judgement.rows_differ && !differing_rows(&telling, err))
        return false;
    if (judgement.lacking_count > 0 && !lacking_blobs(&telling, err))
        return false;
    bool has_copy = !check->options->quick && judgement.row.deleted_ms == DB_NULL_INT;
    return !has_copy || check_copy(&telling, err);
}

static bool read_ids(struct check *check, struct arena *arena, int64_t after,
                     struct check_manifest_ids_row **rows, size_t *count, struct error *err)
{
    struct db_tx *tx AUTO(db_tx_end) = db_read(check->hub->db, arena, err);
    return tx && sql_check_manifest_ids(tx, after, CHECK_PAGE, rows, count, err);
}

bool check_manifests(struct check *check, struct error *err)
{
    int64_t after = 0;
    for (size_t count = CHECK_PAGE; count == CHECK_PAGE;) {
        struct arena *arena AUTO(arena_free) = arena_new();
        struct check_manifest_ids_row *rows;
        if (!read_ids(check, arena, after, &rows, &count, err))
            return false;
        for (size_t i = 0; i < count; i++) {
            if (!check_manifest(check, rows[i].id, err))
                return false;
            check->result.manifests++;
            check->progress.done++;
            check_show(check);
        }
        if (count > 0)
            after = rows[count - 1].id;
    }
    return true;
}
