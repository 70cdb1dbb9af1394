/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/recovery.h"

#include "base/limits.h"
#include "hub/job.h"
#include "hub/recovery.sql.h"
#include "hub/recovery_note.h"

#include <assert.h>

enum {
    DELAY_MS = 5000, /* changes that follow each other closer than this share a job */
    ROWS_AT_ONCE = 1000,
    ROUNDS_MAX = 5, /* of writing and finding that it has changed meanwhile */
};

static const int64_t NEVER_MS = INT64_MAX;

bool recovery_repository_changed(struct db_tx *tx, int64_t repository_id, struct error *err)
{
    int64_t now_ms;
    return db_now_ms(tx, &now_ms, err) &&
           sql_recovery_repository_job(tx, now_ms + DELAY_MS, now_ms, repository_id, err);
}

bool recovery_account_changed(struct db_tx *tx, struct str name, struct error *err)
{
    int64_t now_ms;
    return db_now_ms(tx, &now_ms, err) &&
           sql_recovery_account_job(tx, name, now_ms + DELAY_MS, now_ms, err);
}

/* --- names ---------------------------------------------------------------------------------- */

struct str recovery_document_note(struct arena *arena, const struct digest *digest)
{
    char text[DIGEST_TEXT_MAX];
    struct str hex = digest_hex(digest, text);
    return arena_format(arena, "manifest/%.*s/%.2s/%.*s",
                        STR_ARG(digest_algorithm_name(digest->algorithm)), hex.ptr, STR_ARG(hex));
}

enum note_kind { NOTE_OF_NOTHING = 0, NOTE_OF_ACCOUNT, NOTE_OF_REPOSITORY };

/* What a note is about; `name` is that of the account or repository. */
static enum note_kind note_kind(struct str note, struct str *owner, struct str *name)
{
    struct str rest = note, kind;
    (void)str_split(&rest, '/', &kind);
    if (str_equal(kind, STR("account")) && str_is_set(rest)) {
        *name = rest;
        return NOTE_OF_ACCOUNT;
    }
    if (!str_equal(kind, STR("repository")) || !str_split(&rest, '/', owner) || !str_is_set(rest))
        return NOTE_OF_NOTHING;
    *name = rest;
    return NOTE_OF_REPOSITORY;
}

/* --- what a note should say ----------------------------------------------------------------- */

static bool write_account(struct db_tx *tx, struct str name, struct buf *out, bool *found,
                          struct error *err)
{
    struct recovery_account_row row;
    if (!sql_recovery_account(tx, name, &row, found, err))
        return false;
    struct note_account account = {
        .kind = row.kind,
        .email = row.email,
        .full_name = row.full_name,
        .is_admin = row.is_admin,
        .is_active = row.is_active,
        .default_private = row.default_private,
        .untagged_days = row.untagged_days,
        .created_ms = row.created_ms,
    };
    if (*found)
        note_account_write(out, &account);
    return true;
}

static bool write_manifests(struct db_tx *tx, int64_t repository_id, struct buf *out,
                            struct error *err)
{
    char after_text[DIGEST_TEXT_MAX];
    struct str after = STR("");
    for (size_t count = ROWS_AT_ONCE; count == ROWS_AT_ONCE;) {
        struct recovery_manifests_row *rows;
        if (!sql_recovery_manifests(tx, repository_id, after, ROWS_AT_ONCE, &rows, &count, err))
            return false;
        for (size_t i = 0; i < count; i++)
            note_manifest_write(out, &rows[i].digest, rows[i].pushed_ms, rows[i].media_type);
        if (count > 0)
            after = digest_format(&rows[count - 1].digest, after_text);
    }
    return true;
}

static bool write_tags(struct db_tx *tx, int64_t repository_id, struct buf *out, struct error *err)
{
    struct str after = STR("");
    for (size_t count = ROWS_AT_ONCE; count == ROWS_AT_ONCE;) {
        struct recovery_tags_row *rows;
        if (!sql_recovery_tags(tx, repository_id, after, ROWS_AT_ONCE, &rows, &count, err))
            return false;
        for (size_t i = 0; i < count; i++)
            note_tag_write(out, rows[i].name, &rows[i].digest, rows[i].pushed_ms);
        if (count > 0)
            after = rows[count - 1].name;
    }
    return true;
}

static bool write_repository(struct db_tx *tx, struct str owner, struct str name, struct buf *out,
                             bool *found, struct error *err)
{
    struct recovery_repository_row row;
    if (!sql_recovery_repository(tx, owner, name, &row, found, err))
        return false;
    if (!*found)
        return true;
    struct note_repository repository = {
        .is_private = row.is_private,
        .is_automated = row.is_automated,
        .description = row.description,
        .full_description = row.full_description,
        .created_ms = row.created_ms,
    };
    struct note_counts counts = {
        .updated_ms = row.updated_ms,
        .pulls = row.pull_count,
        .pushes = row.push_count,
        .stars = row.star_count,
    };
    note_repository_write(out, &repository);
    if (!write_manifests(tx, row.id, out, err) || !write_tags(tx, row.id, out, err))
        return false;
    note_end_write(out, &counts);
    return true;
}

/* The text as the database has it now, from one snapshot; absent if what it is about is gone. */
static bool note_make(struct hub *hub, struct arena *arena, struct str note, struct str *out,
                      struct error *err)
{
    struct str owner = STR_NONE, name = STR_NONE, text;
    struct buf buf AUTO(buf_release);
    buf_init(&buf, RECOVERY_NOTE_BYTES_MAX);
    struct arena *rows AUTO(arena_free) = arena_new();
    enum note_kind kind = note_kind(note, &owner, &name);
    if (kind == NOTE_OF_NOTHING)
        return error_set(err, ERROR_INVALID, "'%.*s' is no recovery note", STR_ARG(note));
    struct db_tx *tx AUTO(db_tx_end) = db_read(hub->db, rows, err);
    bool found = false;
    if (!tx || !(kind == NOTE_OF_ACCOUNT ? write_account(tx, name, &buf, &found, err)
                                         : write_repository(tx, owner, name, &buf, &found, err)))
        return false;
    if (!buf_finish(&buf, &text, err))
        return false;
    *out = found ? arena_copy(arena, text) : STR_NONE;
    return true;
}

/* Absent if there is none. */
static bool note_stored(struct hub *hub, struct arena *arena, struct str note, struct str *out,
                        struct error *err)
{
    if (note_get(hub->store, arena, note, RECOVERY_NOTE_BYTES_MAX, out, err))
        return true;
    if (err->kind != ERROR_NOT_FOUND && err->kind != ERROR_TOO_LARGE)
        return false;
    error_clear(err);
    *out = STR_NONE;
    return true;
}

/* --- documents ------------------------------------------------------------------------------ */

/* A document of the database that has its digest; *found is false if nobody has one. */
static bool document_find(struct hub *hub, struct arena *arena, const struct digest *digest,
                          struct str *out, bool *found, struct error *err)
{
    struct db_tx *tx AUTO(db_tx_end) = db_read(hub->db, arena, err);
    struct recovery_document_row row = { 0 };
    bool has_row = tx != NULL;
    *found = false;
    while (has_row && !*found) {
        if (!sql_recovery_document(tx, digest, row.id, &row, &has_row, err))
            return false;
        struct digest actual = digest_of(digest->algorithm, has_row ? row.body : STR(""));
        *found = has_row && digest_equal(&actual, digest);
    }
    if (*found)
        *out = row.body;
    return tx != NULL;
}

static bool document_put(struct hub *hub, const struct digest *digest, struct error *err)
{
    struct arena *arena AUTO(arena_free) = arena_new();
    struct str body;
    bool found;
    return document_find(hub, arena, digest, &body, &found, err) &&
           (!found || note_put(hub->store, recovery_document_note(arena, digest), body, err));
}

/* Removes the document unless somebody has it.  Who pushes it just now may have found the note
 * still there, so it is asked again afterwards. */
static bool document_drop(struct hub *hub, const struct digest *digest, struct error *err)
{
    struct arena *arena AUTO(arena_free) = arena_new();
    struct str body;
    bool found;
    if (!document_find(hub, arena, digest, &body, &found, err))
        return false;
    return found || (note_remove(hub->store, recovery_document_note(arena, digest), err) &&
                     document_put(hub, digest, err));
}

bool recovery_document_read(struct hub *hub, struct arena *arena, const struct digest *digest,
                            struct str *out, bool *found, struct error *err)
{
    struct str body;
    *found = false;
    if (!note_get(hub->store, arena, recovery_document_note(arena, digest), MANIFEST_BYTES_MAX,
                  &body, err)) {
        if (err->kind != ERROR_NOT_FOUND && err->kind != ERROR_TOO_LARGE)
            return false;
        error_clear(err);
        return true;
    }
    struct digest actual = digest_of(digest->algorithm, body);
    *found = digest_equal(&actual, digest);
    if (*found)
        *out = body;
    return true;
}

/* --- which documents a change is about ------------------------------------------------------ */

/* The manifests of a note, one after the other; ends at the first line of another form. */
struct manifest_walk {
    struct str rest;
    bool has_one;
    struct digest digest;
};

static void walk_on(struct manifest_walk *walk)
{
    struct note_line line;
    struct error ignored = { 0 };
    walk->has_one = str_is_set(walk->rest) && note_line_read(&walk->rest, &line, &ignored) &&
                    line.kind == NOTE_MANIFEST;
    if (walk->has_one)
        walk->digest = line.digest;
}

static struct manifest_walk walk_over(struct str note)
{
    struct str head;
    struct manifest_walk walk = { .rest = note };
    if (str_is_set(note) && str_split(&walk.rest, '\n', &head))
        walk_on(&walk);
    return walk;
}

static int compare_digests(const struct digest *a, const struct digest *b)
{
    char a_text[DIGEST_TEXT_MAX], b_text[DIGEST_TEXT_MAX];
    return str_compare(digest_format(a, a_text), digest_format(b, b_text));
}

typedef bool document_act(struct hub *hub, const struct digest *digest, struct error *err);

/* Acts on each document that is in `these` and not in `those`; both are sorted. */
static bool for_each_beyond(struct hub *hub, struct str these, struct str those, document_act *act,
                            struct error *err)
{
    struct manifest_walk a = walk_over(these), b = walk_over(those);
    for (; a.has_one; walk_on(&a)) {
        while (b.has_one && compare_digests(&b.digest, &a.digest) < 0)
            walk_on(&b);
        bool is_in_both = b.has_one && compare_digests(&b.digest, &a.digest) == 0;
        if (!is_in_both && !act(hub, &a.digest, err))
            return false;
    }
    return true;
}

/* --- writing -------------------------------------------------------------------------------- */

/* Pulls and stars may have been counted since: that is no change worth writing. */
static bool says_the_same(struct str a, struct str b)
{
    return str_is_set(a) == str_is_set(b) &&
           str_equal(note_without_counts(a), note_without_counts(b));
}

/* Documents come before the note that names them and go after it. */
static bool note_bring(struct hub *hub, struct str note, struct str old, struct str wanted,
                       struct error *err)
{
    if (says_the_same(old, wanted))
        return true;
    if (!for_each_beyond(hub, wanted, old, document_put, err))
        return false;
    bool is_done = str_is_set(wanted) ? note_put(hub->store, note, wanted, err)
                                      : note_remove(hub->store, note, err);
    return is_done && for_each_beyond(hub, old, wanted, document_drop, err);
}

/* `old` is what the store is believed to have. */
static bool note_refresh(struct hub *hub, struct str note, struct str old, struct error *err)
{
    struct arena *arena AUTO(arena_free) = arena_new();
    struct str has = old, wanted;
    if (!note_make(hub, arena, note, &wanted, err))
        return false;
    for (int round = 0; round < ROUNDS_MAX; round++) {
        struct str now;
        if (!note_bring(hub, note, has, wanted, err) || !note_make(hub, arena, note, &now, err))
            return false;
        if (says_the_same(now, wanted))
            return true;
        has = wanted;
        wanted = now;
    }
    return error_set(err, ERROR_UNAVAILABLE, "%.*s keeps changing", STR_ARG(note));
}

bool recovery_copy(struct hub *hub, struct arena *arena, const struct job *job, struct error *err)
{
    struct str old;
    if (!note_stored(hub, arena, job->subject, &old, err)) {
        /* A store that keeps no notes: then there is nothing to do. */
        bool has_none = err->kind == ERROR_UNSUPPORTED;
        if (has_none)
            error_clear(err);
        return has_none;
    }
    return note_refresh(hub, job->subject, old, err);
}

bool recovery_note_write(struct hub *hub, struct arena *arena, struct str note, struct error *err)
{
    (void)arena;
    return note_refresh(hub, note, STR_NONE, err);
}

/* --- asking --------------------------------------------------------------------------------- */

static bool job_waits(struct hub *hub, struct arena *arena, struct str note, bool *out,
                      struct error *err)
{
    struct db_tx *tx AUTO(db_tx_end) = db_read(hub->db, arena, err);
    struct recovery_job_waits_row row;
    return tx && sql_recovery_job_waits(tx, note, NEVER_MS, &row, out, err);
}

bool recovery_job_waits(struct hub *hub, struct arena *arena, int64_t repository_id, bool *out,
                        struct error *err)
{
    struct db_tx *tx AUTO(db_tx_end) = db_read(hub->db, arena, err);
    struct recovery_repository_job_waits_row row;
    return tx && sql_recovery_repository_job_waits(tx, repository_id, NEVER_MS, &row, out, err);
}

bool recovery_note_is_current(struct hub *hub, struct arena *arena, struct str note, bool *out,
                              struct error *err)
{
    struct str stored, wanted;
    bool waits;
    /* Asked before and behind: a job may end just between the two looks. */
    if (!job_waits(hub, arena, note, &waits, err))
        return false;
    if (!waits && (!note_make(hub, arena, note, &wanted, err) ||
                   !note_stored(hub, arena, note, &stored, err)))
        return false;
    *out = waits || says_the_same(stored, wanted);
    return *out || job_waits(hub, arena, note, out, err);
}

bool recovery_tag_read(struct hub *hub, struct arena *arena, struct str note, struct str tag,
                       struct digest *out, bool *found, struct error *err)
{
    struct str stored, rest, head;
    *found = false;
    if (!note_stored(hub, arena, note, &stored, err))
        return false;
    rest = stored;
    if (!str_is_set(stored) || !str_split(&rest, '\n', &head))
        return true;
    struct note_line line = { 0 };
    struct error ignored = { 0 };
    while (!*found && str_is_set(rest) && note_line_read(&rest, &line, &ignored))
        *found = line.kind == NOTE_TAG && str_equal(line.text, tag);
    if (*found)
        *out = line.digest;
    return true;
}
