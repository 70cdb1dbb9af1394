/* SPDX-License-Identifier: Apache-2.0 */
/* From the notes and blobs of a store back to a database.
 *
 * Order: rows for all blobs; accounts; then repository by repository its manifests, put as a push
 * puts them, so that the same rules hold: an image is there whole or not at all. At the end the
 * rows of blobs that no manifest needs are dropped again. */
#include "hub/blob.sql.h"
#include "hub/check_verify.h"
#include "hub/manifest.h"
#include "hub/recovery.h"
#include "hub/recovery.sql.h"
#include "hub/recovery_note.h"
#include "hub/repository.h"
#include "hub/search.h"

#include <string.h>

enum { AT_ONCE = 256 };

struct restoring {
    struct hub *hub;
    const struct recovery_options *options;
    struct recovery_result result;
    struct recovery_progress progress;
};

static void lost(struct restoring *restoring, struct str what, struct str why)
{
    restoring->result.lost++;
    if (restoring->options->lost)
        restoring->options->lost(restoring->options->context, what, why);
}

static void show(struct restoring *restoring, enum recovery_phase phase, int64_t done)
{
    restoring->progress.phase = phase;
    restoring->progress.done = done;
    if (restoring->options->progress)
        restoring->options->progress(restoring->options->context, &restoring->progress);
}

/* --- blobs ---------------------------------------------------------------------------------- */

struct blob_page {
    struct blob_entry entries[AT_ONCE];
    bool is_good[AT_ONCE];
    size_t count;
    int64_t added, added_bytes;
};

static bool add_blobs_tx(struct db_tx *tx, void *context, struct error *err)
{
    struct blob_page *page = context;
    int64_t now_ms, changed;
    page->added = page->added_bytes = 0;
    if (!db_now_ms(tx, &now_ms, err))
        return false;
    for (size_t i = 0; i < page->count; i++) {
        const struct blob_entry *entry = &page->entries[i];
        if (!page->is_good[i])
            continue;
        if (!sql_blob_insert(tx, &entry->place.digest, entry->size,
                             str_from(entry->place.upload_id), now_ms, &changed, err))
            return false;
        page->added += changed;
        page->added_bytes += changed * entry->size;
    }
    return true;
}

static void count_bytes(void *context, int64_t bytes)
{
    struct restoring *restoring = context;
    restoring->progress.bytes += bytes;
    show(restoring, RECOVERY_BLOBS, restoring->result.blobs);
}

/* Do the bytes have the digest that the file's name tells?  Of several files of one digest, one is
 * enough. */
static bool judge_blobs(struct restoring *restoring, struct blob_page *page, struct error *err)
{
    for (size_t i = 0; i < page->count; i++) {
        const struct blob_entry *entry = &page->entries[i];
        bool is_again = i > 0 && page->is_good[i - 1] &&
                        digest_equal(&entry->place.digest, &page->entries[i - 1].place.digest);
        page->is_good[i] = false;
        if (entry->is_upload || is_again)
            continue;
        struct verify_source source = { .hub = restoring->hub,
                                        .quick = restoring->options->trust,
                                        .read = count_bytes,
                                        .context = restoring };
        char detail[VERIFY_DETAIL_MAX], text[DIGEST_TEXT_MAX];
        enum verdict verdict = blob_verify(&source, &entry->place, entry->size, detail);
        page->is_good[i] = verdict == VERDICT_GOOD;
        if (verdict == VERDICT_UNREADABLE)
            return error_set(err, ERROR_INTERNAL, "cannot read a blob: %s", detail);
        if (verdict == VERDICT_BROKEN)
            lost(restoring, digest_format(&entry->place.digest, text), str_from(detail));
    }
    return true;
}

static bool restore_blobs(struct restoring *restoring, struct error *err)
{
    struct arena *kept AUTO(arena_free) = arena_new();
    struct blob_page *page = arena_alloc(kept, sizeof(*page));
    struct str cursor = STR_NONE;
    do {
        struct arena *arena AUTO(arena_free) = arena_new();
        struct str next;
        if (!blob_list(restoring->hub->store, arena, cursor, page->entries, AT_ONCE, &page->count,
                       &next, err) ||
            !judge_blobs(restoring, page, err) ||
            !db_write(restoring->hub->db, arena, add_blobs_tx, page, err))
            return false;
        restoring->result.blobs += page->added;
        restoring->result.bytes += page->added_bytes;
        show(restoring, RECOVERY_BLOBS, restoring->result.blobs);
        cursor = arena_copy(kept, next);
    } while (str_is_set(cursor));
    return true;
}

/* --- notes, page by page -------------------------------------------------------------------- */

typedef bool note_act(struct restoring *restoring, struct arena *arena, struct str note,
                      struct error *err);

static bool for_each_note(struct restoring *restoring, struct str folder, note_act *act,
                          struct error *err)
{
    struct arena *kept AUTO(arena_free) = arena_new();
    struct str names[AT_ONCE];
    struct note_query query = { .folder = folder, .max = AT_ONCE };
    for (size_t count = AT_ONCE; count == AT_ONCE;) {
        if (!note_list(restoring->hub->store, kept, &query, names, &count, err))
            return false;
        for (size_t i = 0; i < count; i++) {
            struct arena *arena AUTO(arena_free) = arena_new();
            if (!act(restoring, arena, names[i], err))
                return false;
        }
        if (count > 0)
            query.after = names[count - 1];
    }
    return true;
}

/* Absent, and told as lost, if the note cannot be used. */
static bool note_text(struct restoring *restoring, struct arena *arena, struct str note,
                      struct str *out, struct error *err)
{
    if (note_get(restoring->hub->store, arena, note, RECOVERY_NOTE_BYTES_MAX, out, err))
        return true;
    if (err->kind != ERROR_NOT_FOUND && err->kind != ERROR_TOO_LARGE)
        return false;
    lost(restoring, note, str_from(err->message));
    error_clear(err);
    *out = STR_NONE;
    return true;
}

/* What is wrong with a note is told, and the rest goes on. */
static bool note_is_lost(struct restoring *restoring, struct str note, struct error *err)
{
    if (err->kind != ERROR_INVALID)
        return false;
    lost(restoring, note, str_from(err->message));
    error_clear(err);
    return true;
}

/* --- accounts ------------------------------------------------------------------------------- */

struct account_adding {
    struct str name;
    const struct note_account *account;
    int64_t added;
};

static bool add_account_tx(struct db_tx *tx, void *context, struct error *err)
{
    struct account_adding *adding = context;
    const struct note_account *account = adding->account;
    struct recovery_add_account_in in = {
        .kind = account->kind,
        .name = adding->name,
        .email = account->email,
        .full_name = account->full_name,
        .is_admin = account->is_admin,
        .is_active = account->is_active,
        .default_private = account->default_private,
        .untagged_days = account->untagged_days,
        .created_ms = account->created_ms,
    };
    return sql_recovery_add_account(tx, &in, &adding->added, err) &&
           recovery_account_changed(tx, adding->name, err);
}

static bool add_account(struct restoring *restoring, struct arena *arena, struct str name,
                        const struct note_account *account, struct error *err)
{
    struct account_adding adding = { .name = name, .account = account };
    if (!db_write(restoring->hub->db, arena, add_account_tx, &adding, err))
        return false;
    restoring->result.accounts += adding.added;
    show(restoring, RECOVERY_ACCOUNTS, restoring->result.accounts);
    return true;
}

static bool restore_account(struct restoring *restoring, struct arena *arena, struct str note,
                            struct error *err)
{
    struct str text, name = str_after(note, STR("account/").len);
    struct note_account account;
    if (!note_text(restoring, arena, note, &text, err))
        return false;
    if (!str_is_set(text) || str_equal(name, OFFICIAL_OWNER))
        return true;
    if (!note_account_read(arena, text, &account, err))
        return note_is_lost(restoring, note, err);
    if (!name_component_is_valid(name) ||
        (account.kind != ACCOUNT_USER && account.kind != ACCOUNT_ORGANIZATION)) {
        lost(restoring, note, STR("this is no account"));
        return true;
    }
    return add_account(restoring, arena, name, &account, err);
}

/* --- repositories --------------------------------------------------------------------------- */

struct repository_adding {
    struct str note;
    struct repository_name name;
    int64_t id;
    struct note_repository head;
    struct note_counts counts;
};

/* Its owner's note may be lost: then the namespace is made without anybody who can log in. */
static bool ensure_owner(struct restoring *restoring, struct arena *arena, struct str owner,
                         struct error *err)
{
    struct account account;
    struct db_tx *tx = db_read(restoring->hub->db, arena, err);
    bool is_known = tx && account_find(tx, owner, &account, err);
    db_tx_end(tx);
    if (!is_known || account.id != 0)
        return is_known;
    struct note_account made = { .kind = ACCOUNT_USER,
                                 .is_active = true,
                                 .untagged_days = DB_NULL_INT };
    lost(restoring, owner, STR("the account has no note: it was made anew with its name only"));
    return add_account(restoring, arena, owner, &made, err);
}

static bool ensure_repository(struct restoring *restoring, struct arena *arena,
                              struct repository_adding *adding, struct error *err)
{
    struct hub *hub = restoring->hub;
    const struct repository_change with = {
        .description = adding->head.description,
        .full_description = adding->head.full_description,
        .is_private = &adding->head.is_private,
        .is_automated = &adding->head.is_automated,
    };
    return ensure_owner(restoring, arena, adding->name.owner, err) &&
           repository_add(hub, arena, adding->name, &with, err) &&
           repository_ensure(hub, arena, adding->name, &adding->id, err);
}

/* --- manifests ------------------------------------------------------------------------------ */

struct claiming {
    int64_t repository_id, lease_ms;
    const struct manifest *manifest;
    struct digest missing; /* not set: all blobs are there */
};

static bool claim_blob(struct db_tx *tx, struct claiming *claiming, const struct descriptor *blob,
                       int64_t until_ms, struct error *err)
{
    struct recovery_has_blob_row row;
    bool found;
    if (blob->is_foreign) /* somebody else's right to the same bytes is none of this repository */
        return true;
    if (!sql_recovery_has_blob(tx, &blob->digest, &row, &found, err))
        return false;
    if (found && row.size == blob->size)
        return sql_blob_claim(tx, claiming->repository_id, &blob->digest, until_ms, err);
    claiming->missing = blob->digest;
    return error_set(err, ERROR_NOT_FOUND, "a blob is missing");
}

/* Claims for all blobs of an image, or none. */
static bool claim_tx(struct db_tx *tx, void *context, struct error *err)
{
    struct claiming *claiming = context;
    const struct manifest *manifest = claiming->manifest;
    int64_t now_ms;
    if (!db_now_ms(tx, &now_ms, err))
        return false;
    int64_t until_ms = now_ms + claiming->lease_ms;
    if (manifest->kind == MEDIA_IMAGE &&
        !claim_blob(tx, claiming, &manifest->config, until_ms, err))
        return false;
    for (size_t i = 0; i < manifest->layer_count; i++) {
        if (!claim_blob(tx, claiming, &manifest->layers[i], until_ms, err))
            return false;
    }
    return true;
}

static void manifest_is_lost(struct restoring *restoring, const struct repository_adding *adding,
                             const struct digest *digest, struct str why)
{
    char text[DIGEST_TEXT_MAX];
    struct arena *arena AUTO(arena_free) = arena_new();
    lost(restoring,
         arena_format(arena, "%.*s/%.*s@%.*s", STR_ARG(adding->name.owner),
                      STR_ARG(adding->name.name), STR_ARG(digest_format(digest, text))),
         why);
}

/* *is_claimed is false, and the image told as lost, if a blob is missing. */
static bool claim_blobs(struct restoring *restoring, struct arena *arena,
                        const struct repository_adding *adding, const struct note_line *line,
                        const struct manifest *manifest, bool *is_claimed, struct error *err)
{
    struct claiming claiming = { .repository_id = adding->id,
                                 .lease_ms = restoring->hub->lease_ms,
                                 .manifest = manifest };
    *is_claimed = db_write(restoring->hub->db, arena, claim_tx, &claiming, err);
    if (*is_claimed || !digest_is_set(&claiming.missing))
        return *is_claimed;
    char text[DIGEST_TEXT_MAX];
    error_clear(err);
    manifest_is_lost(restoring, adding, &line->digest,
                     arena_format(arena, "its blob %.*s is not in the store: push it again",
                                  STR_ARG(digest_format(&claiming.missing, text))));
    return true;
}

struct manifest_timing {
    int64_t repository_id;
    const struct note_line *line;
};

static bool set_time_tx(struct db_tx *tx, void *context, struct error *err)
{
    const struct manifest_timing *timing = context;
    return sql_recovery_set_manifest_time(tx, timing->line->pushed_ms, timing->repository_id,
                                          &timing->line->digest, err);
}

static bool restore_manifest(struct restoring *restoring, const struct repository_adding *adding,
                             const struct note_line *line, struct error *err)
{
    struct arena *arena AUTO(arena_free) = arena_new();
    struct hub *hub = restoring->hub;
    struct str body;
    bool found, is_claimed;
    if (!recovery_document_read(hub, arena, &line->digest, &body, &found, err))
        return false;
    if (!found) {
        manifest_is_lost(restoring, adding, &line->digest,
                         STR("its document is not in the store: push it again"));
        return true;
    }
    struct manifest manifest;
    struct manifest_put put = {
        .repository_id = adding->id,
        .content_type = line->text,
        .body = body,
        .expected = &line->digest,
    };
    struct manifest_put_result result;
    struct manifest_timing timing = { .repository_id = adding->id, .line = line };
    if (manifest_parse(arena, body, line->text, &manifest, err)) {
        if (!claim_blobs(restoring, arena, adding, line, &manifest, &is_claimed, err))
            return false;
        if (!is_claimed)
            return true;
        if (manifest_put(hub, arena, &put, &result, err)) {
            restoring->result.manifests++;
            return db_write(hub->db, arena, set_time_tx, &timing, err);
        }
    }
    if (err->kind != ERROR_INVALID && err->kind != ERROR_UNSUPPORTED)
        return false;
    manifest_is_lost(restoring, adding, &line->digest, str_from(err->message));
    error_clear(err);
    return true;
}

/* --- tags and the rest ---------------------------------------------------------------------- */

struct tag_adding {
    const struct repository_adding *repository;
    const struct note_line *line;
    bool found;
};

static bool add_tag_tx(struct db_tx *tx, void *context, struct error *err)
{
    struct tag_adding *adding = context;
    const struct note_line *line = adding->line;
    struct recovery_find_manifest_row row;
    if (!sql_recovery_find_manifest(tx, adding->repository->id, &line->digest, &row, &adding->found,
                                    err))
        return false;
    return !adding->found || sql_recovery_add_tag(tx, adding->repository->id, line->text, row.id,
                                                  line->pushed_ms, err);
}

static bool restore_tag(struct restoring *restoring, const struct repository_adding *repository,
                        const struct note_line *line, struct error *err)
{
    struct arena *arena AUTO(arena_free) = arena_new();
    struct tag_adding adding = { .repository = repository, .line = line };
    bool is_tag = tag_is_valid(line->text);
    if (is_tag && !db_write(restoring->hub->db, arena, add_tag_tx, &adding, err))
        return false;
    restoring->result.tags += adding.found;
    if (!adding.found)
        lost(restoring,
             arena_format(arena, "%.*s/%.*s:%.*s", STR_ARG(repository->name.owner),
                          STR_ARG(repository->name.name), STR_ARG(line->text)),
             STR("what it points to could not be rebuilt: push it again"));
    return true;
}

static bool finish_repository_tx(struct db_tx *tx, void *context, struct error *err)
{
    const struct repository_adding *adding = context;
    const struct note_counts *counts = &adding->counts;
    return sql_recovery_set_repository(tx, adding->head.created_ms, counts->updated_ms,
                                       counts->pulls, counts->pushes, counts->stars, adding->id,
                                       err) &&
           search_index(tx, adding->id, err) && recovery_repository_changed(tx, adding->id, err);
}

static bool restore_lines(struct restoring *restoring, struct arena *arena,
                          struct repository_adding *adding, struct str rest, struct error *err)
{
    struct note_line line = { 0 };
    while (line.kind != NOTE_END) {
        if (!note_line_read(&rest, &line, err))
            return note_is_lost(restoring, adding->note, err);
        bool is_done = true;
        if (line.kind == NOTE_MANIFEST)
            is_done = restore_manifest(restoring, adding, &line, err);
        else if (line.kind == NOTE_TAG)
            is_done = restore_tag(restoring, adding, &line, err);
        if (!is_done)
            return false;
    }
    adding->counts = line.counts;
    return db_write(restoring->hub->db, arena, finish_repository_tx, adding, err);
}

static bool restore_repository(struct restoring *restoring, struct arena *arena, struct str note,
                               struct error *err)
{
    struct str text, rest;
    struct repository_adding adding = { .note = note };
    if (!note_text(restoring, arena, note, &text, err))
        return false;
    if (!str_is_set(text))
        return true;
    if (!repository_name_parse(str_after(note, STR("repository/").len), &adding.name, err) ||
        !note_repository_read(arena, text, &adding.head, &rest, err) ||
        !ensure_repository(restoring, arena, &adding, err))
        return note_is_lost(restoring, note, err);
    show(restoring, RECOVERY_REPOSITORIES, ++restoring->result.repositories);
    return restore_lines(restoring, arena, &adding, rest, err);
}

/* --- the end -------------------------------------------------------------------------------- */

struct dropping {
    struct digest from, last; /* behind which this page begins, and where it ends */
    int64_t count, bytes;
    bool is_more;
};

/* Begins anew at each try: what it counts is about the try that holds. */
static bool drop_unneeded_tx(struct db_tx *tx, void *context, struct error *err)
{
    struct dropping *dropping = context;
    struct recovery_unclaimed_row *rows;
    size_t count;
    char text[DIGEST_TEXT_MAX];
    struct str after =
        digest_is_set(&dropping->from) ? digest_format(&dropping->from, text) : STR("");
    dropping->count = dropping->bytes = 0;
    if (!sql_recovery_unclaimed(tx, after, AT_ONCE, &rows, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!sql_recovery_drop_blob(tx, &rows[i].digest, err))
            return false;
        dropping->count++;
        dropping->bytes += rows[i].size;
        dropping->last = rows[i].digest;
    }
    dropping->is_more = count == AT_ONCE;
    return true;
}

static bool drop_unneeded(struct restoring *restoring, struct error *err)
{
    struct recovery_result *result = &restoring->result;
    struct dropping dropping = { .is_more = true };
    while (dropping.is_more) {
        struct arena *arena AUTO(arena_free) = arena_new();
        if (!db_write(restoring->hub->db, arena, drop_unneeded_tx, &dropping, err))
            return false;
        dropping.from = dropping.last;
        result->unneeded += dropping.count;
        result->unneeded_bytes += dropping.bytes;
        show(restoring, RECOVERY_END, result->unneeded);
    }
    result->blobs -= result->unneeded;
    result->bytes -= result->unneeded_bytes;
    return true;
}

static bool check_empty(struct hub *hub, struct error *err)
{
    struct arena *arena AUTO(arena_free) = arena_new();
    struct db_tx *tx AUTO(db_tx_end) = db_read(hub->db, arena, err);
    struct recovery_rows_row rows;
    if (!tx || !sql_recovery_rows(tx, &rows, err))
        return false;
    return (rows.accounts == 0 && rows.repositories == 0 && rows.blobs == 0) ||
           error_set(err, ERROR_CONFLICT,
                     "the database is not empty: move it away, or set another one, and try again");
}

bool recovery_restore(struct hub *hub, const struct recovery_options *options,
                      struct recovery_result *out, struct error *err)
{
    struct restoring restoring = { .hub = hub, .options = options };
    if (!check_empty(hub, err) || !restore_blobs(&restoring, err) ||
        !for_each_note(&restoring, STR("account"), restore_account, err) ||
        !for_each_note(&restoring, STR("repository"), restore_repository, err) ||
        !drop_unneeded(&restoring, err))
        return false;
    *out = restoring.result;
    return true;
}
