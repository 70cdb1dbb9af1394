/* SPDX-License-Identifier: Apache-2.0 */
/* The check of one digest: its row and the files that bear its name.
 *
 * Safe beside pushes and the collector, since an upload's id is never used twice: rows come after
 * their file and go before it.  So a file that is missing while its row is still there, asked in
 * that order, is lost; and a file that no row, no session and no waiting removal knows, and that
 * has not changed for a while, is nobody's. */
#include "base/clock.h"
#include "hub/blob.sql.h"
#include "hub/check.sql.h"
#include "hub/check_internal.h"

#include <assert.h>
#include <string.h>

enum { TRIES_MAX = 8 }; /* of a digest whose row keeps changing */

static bool is_same_place(const struct blob_place *a, const struct blob_place *b)
{
    return strcmp(a->upload_id, b->upload_id) == 0;
}

static bool read_row(struct check *check, const struct check_blob *blob, struct check_blob *out,
                     struct error *err)
{
    struct arena *arena AUTO(arena_free) = arena_new();
    struct db_tx *tx AUTO(db_tx_end) = db_read(check->hub->db, arena, err);
    struct check_blob_row_row row;
    if (!tx || !sql_check_blob_row(tx, &blob->digest, &row, &out->has_row, err))
        return false;
    out->place = (struct blob_place){ .digest = blob->digest };
    out->size = out->has_row ? row.size : 0;
    if (out->has_row && row.upload_id.len == UPLOAD_ID_CHARS)
        memcpy(out->place.upload_id, row.upload_id.ptr, UPLOAD_ID_CHARS);
    return true;
}

static struct str file_name(struct arena *arena, const struct blob_place *place)
{
    char text[DIGEST_TEXT_MAX];
    return arena_format(arena, "%.*s.%s", STR_ARG(digest_format(&place->digest, text)),
                        place->upload_id);
}

/* --- a row and its file --------------------------------------------------------------------- */

/* Verifies what the row says, twice if it is not good; follows the row when it changes meanwhile.
 * GOOD also if there is no row any more. */
static bool judge_row(struct check *check, struct check_blob *blob, enum verdict *verdict,
                      char detail[static VERIFY_DETAIL_MAX], struct error *err)
{
    bool is_second = false;
    for (int i = 0; i < TRIES_MAX && blob->has_row; i++) {
        struct blob_place before = blob->place;
        *verdict = check_verify(check, &blob->place, blob->size, check->options->quick, detail);
        if (*verdict == VERDICT_GOOD)
            return true;
        if (!read_row(check, blob, blob, err))
            return false;
        bool is_same = blob->has_row && is_same_place(&before, &blob->place);
        if (is_same && is_second)
            return true;
        is_second = is_same;
    }
    *verdict = VERDICT_GOOD; /* gone, or too lively to judge: the next run will */
    return true;
}

/* Another file with the right bytes; NULL if there is none. */
static const struct blob_entry *find_substitute(struct check *check, const struct check_blob *blob)
{
    char ignored[VERIFY_DETAIL_MAX];
    for (size_t i = 0; i < blob->file_count; i++) {
        const struct blob_entry *file = &blob->files[i];
        if (!is_same_place(&file->place, &blob->place) &&
            check_verify(check, &file->place, file->size, false, ignored) == VERDICT_GOOD)
            return file;
    }
    return NULL;
}

struct blob_change {
    const struct check_blob *blob;
    const struct blob_entry *by; /* NULL: the row goes */
    bool done;
};

static bool switch_tx(struct db_tx *tx, void *context, struct error *err)
{
    struct blob_change *change = context;
    const struct check_blob *blob = change->blob;
    int64_t changed;
    if (!sql_blob_replace(tx, str_from(change->by->place.upload_id), change->by->size,
                          &blob->digest, str_from(blob->place.upload_id), &changed, err))
        return false;
    change->done = changed == 1;
    return true;
}

/* Claims and row, if the row is still the one that was judged. */
static bool take_out_tx(struct db_tx *tx, void *context, struct error *err)
{
    struct blob_change *change = context;
    const struct check_blob *blob = change->blob;
    struct check_blob_row_row row;
    bool found;
    int64_t changed;
    change->done = false;
    if (!sql_check_blob_row(tx, &blob->digest, &row, &found, err))
        return false;
    if (!found || !str_equal(row.upload_id, str_from(blob->place.upload_id)))
        return true;
    if (!sql_check_blob_unclaim(tx, &blob->digest, err) ||
        !sql_check_blob_drop(tx, &blob->digest, row.upload_id, &changed, err))
        return false;
    change->done = changed == 1;
    return true;
}

/* What has the wrong bytes goes; what cannot be read stays for whoever sees to the store. */
static bool remove_broken(struct check *check, const struct blob_place *place, enum verdict verdict,
                          struct error *err)
{
    return verdict != VERDICT_BROKEN || blob_remove(check->hub->store, place, err);
}

static bool repair_row(struct check *check, struct arena *arena, struct check_blob *blob,
                       enum verdict verdict, const struct blob_entry *by, struct error *err)
{
    struct blob_place old = blob->place;
    struct blob_change change = { .blob = blob, .by = by };
    if (!db_write(check->hub->db, arena, by ? switch_tx : take_out_tx, &change, err))
        return false;
    if (!change.done) /* a push was faster */
        return read_row(check, blob, blob, err);
    if (!by)
        check_remember_gone(check, &blob->digest);
    return remove_broken(check, &old, verdict, err) && read_row(check, blob, blob, err);
}

static enum check_kind kind_of(enum verdict verdict)
{
    if (verdict == VERDICT_MISSING)
        return CHECK_BLOB_MISSING;
    return verdict == VERDICT_BROKEN ? CHECK_BLOB_BROKEN : CHECK_BLOB_UNREADABLE;
}

static bool bad_row(struct check *check, struct check_blob *blob, enum verdict verdict,
                    const char *detail, struct error *err)
{
    struct arena *arena AUTO(arena_free) = arena_new();
    char text[DIGEST_TEXT_MAX];
    const struct blob_entry *by = find_substitute(check, blob);
    struct check_finding finding = {
        .kind = kind_of(verdict),
        .outcome = by ? check_mended(check) : CHECK_LEFT,
        .what = digest_format(&blob->digest, text),
        .detail = str_from(detail),
    };
    if (!check_images_of(check, arena, &blob->digest, &finding.where, err))
        return false;
    if (by)
        finding.repair = arena_format(arena, "use the file %.*s, which has the right bytes",
                                      STR_ARG(file_name(arena, &by->place)));
    else if (verdict == VERDICT_UNREADABLE)
        finding.repair = STR("see to the store, then check again");
    else
        finding.repair = STR("take it out, so that pushing these images again brings it back");
    bool may_repair = by || verdict != VERDICT_UNREADABLE;
    if (check->options->repair && may_repair && !repair_row(check, arena, blob, verdict, by, err))
        return false;
    check_tell(check, &finding);
    return true;
}

/* --- files that no row points to ------------------------------------------------------------ */

/* Is there nothing that explains the file? */
static bool is_nobodys(struct check *check, struct check_blob *blob, const struct blob_entry *file,
                       bool *out, struct error *err)
{
    *out = false;
    if (file->modified_ms > clock_now_ms() - check->options->grace_ms)
        return true;
    struct arena *arena AUTO(arena_free) = arena_new();
    struct blob_reader *reader = NULL;
    struct check_upload_is_known_row known;
    bool is_known;
    {
        struct db_tx *tx AUTO(db_tx_end) = db_read(check->hub->db, arena, err);
        if (!tx ||
            !sql_check_upload_is_known(tx, str_from(file->place.upload_id), &known, &is_known, err))
            return false;
    }
    /* The row is asked last: a session that has just ended has left it. */
    if (is_known)
        return true;
    if (!read_row(check, blob, blob, err))
        return false;
    if (blob->has_row && is_same_place(&blob->place, &file->place))
        return true;
    *out = blob_open(check->hub->store, &file->place, &reader, err);
    blob_reader_close(reader);
    if (*out || err->kind != ERROR_NOT_FOUND)
        return *out;
    error_clear(err); /* removed meanwhile */
    return true;
}

static bool is_needed(struct check *check, const struct digest *digest, bool *out,
                      struct error *err)
{
    struct arena *arena AUTO(arena_free) = arena_new();
    struct db_tx *tx AUTO(db_tx_end) = db_read(check->hub->db, arena, err);
    struct check_blob_is_needed_row row;
    return tx && sql_check_blob_is_needed(tx, digest, &row, out, err);
}

static bool adopt_tx(struct db_tx *tx, void *context, struct error *err)
{
    struct blob_change *change = context;
    int64_t now_ms, changed;
    if (!db_now_ms(tx, &now_ms, err) ||
        !sql_blob_insert(tx, &change->blob->digest, change->by->size,
                         str_from(change->by->place.upload_id), now_ms, &changed, err))
        return false;
    change->done = changed == 1;
    return true;
}

static bool adopt(struct check *check, struct arena *arena, struct check_blob *blob,
                  const struct blob_entry *file, struct error *err)
{
    struct blob_change change = { .blob = blob, .by = file };
    char text[DIGEST_TEXT_MAX];
    struct check_finding finding = {
        .kind = CHECK_BLOB_UNKNOWN,
        .outcome = check_mended(check),
        .what = digest_format(&blob->digest, text),
        .detail = arena_format(arena, "no row for it, but the file %.*s has its bytes",
                               STR_ARG(file_name(arena, &file->place))),
        .repair = STR("use this file"),
    };
    if (!check_images_of(check, arena, &blob->digest, &finding.where, err))
        return false;
    if (check->options->repair && (!db_write(check->hub->db, arena, adopt_tx, &change, err) ||
                                   !read_row(check, blob, blob, err)))
        return false;
    check_tell(check, &finding);
    return true;
}

static bool nobodys_file(struct check *check, struct check_blob *blob,
                         const struct blob_entry *file, struct error *err)
{
    struct arena *arena AUTO(arena_free) = arena_new();
    char detail[VERIFY_DETAIL_MAX] = "";
    bool needed = false;
    if (!blob->has_row && !is_needed(check, &blob->digest, &needed, err))
        return false;
    enum verdict verdict =
        needed ? check_verify(check, &file->place, file->size, false, detail) : VERDICT_GOOD;
    if (needed && verdict == VERDICT_GOOD)
        return adopt(check, arena, blob, file, err);
    struct check_finding finding = {
        .kind = verdict == VERDICT_UNREADABLE ? CHECK_BLOB_UNREADABLE : CHECK_FILE_UNKNOWN,
        .outcome = verdict == VERDICT_UNREADABLE ? CHECK_LEFT : check_mended(check),
        .what = file_name(arena, &file->place),
        .where = STR(""),
        .detail = blob->has_row ? STR("the blob has another file")
                  : needed      ? str_from(detail)
                                : STR("nothing needs it"),
        .repair = verdict == VERDICT_UNREADABLE ? STR("see to the store, then check again")
                                                : STR("remove the file"),
    };
    if (finding.outcome == CHECK_REPAIRED && !blob_remove(check->hub->store, &file->place, err))
        return false;
    check_tell(check, &finding);
    return true;
}

bool check_blob(struct check *check, struct check_blob *blob, struct error *err)
{
    enum verdict verdict = VERDICT_GOOD;
    char detail[VERIFY_DETAIL_MAX] = "";
    bool was_row = blob->has_row;
    if (was_row && !judge_row(check, blob, &verdict, detail, err))
        return false;
    bool is_bad = verdict != VERDICT_GOOD;
    if (is_bad && !bad_row(check, blob, verdict, detail, err))
        return false;
    /* A blob whose bytes are lost keeps all of its files for now, the good ones and the others. */
    for (size_t i = 0; i < blob->file_count && !is_bad; i++) {
        bool nobodys;
        if (blob->has_row && is_same_place(&blob->files[i].place, &blob->place))
            continue;
        if (!is_nobodys(check, blob, &blob->files[i], &nobodys, err) ||
            (nobodys && !nobodys_file(check, blob, &blob->files[i], err)))
            return false;
    }
    check->result.blobs += was_row;
    check->result.files += (int64_t)blob->file_count;
    check->progress.done += was_row;
    check_show(check);
    return true;
}
