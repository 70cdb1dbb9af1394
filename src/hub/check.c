/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/check.h"

#include "base/clock.h"
#include "base/random.h"
#include "hub/check.sql.h"
#include "hub/check_internal.h"

#include <assert.h>
#include <string.h>
#include <time.h>

/* --- words ---------------------------------------------------------------------------------- */

const char *check_kind_name(enum check_kind kind)
{
    static const char *const names[] = {
        [CHECK_UPLOAD_LOST] = "upload-lost",         [CHECK_UPLOAD_UNKNOWN] = "upload-unknown",
        [CHECK_BLOB_MISSING] = "blob-missing",       [CHECK_BLOB_BROKEN] = "blob-broken",
        [CHECK_BLOB_UNREADABLE] = "blob-unreadable", [CHECK_BLOB_UNKNOWN] = "blob-unknown",
        [CHECK_FILE_UNKNOWN] = "file-unknown",       [CHECK_CLAIM_DANGLING] = "claim-dangling",
        [CHECK_MANIFEST_BROKEN] = "manifest-broken", [CHECK_MANIFEST_ROWS] = "manifest-rows",
        [CHECK_MANIFEST_LACKS] = "manifest-lacks",   [CHECK_TAG_DANGLING] = "tag-dangling",
        [CHECK_SEARCH_INDEX] = "search-index",       [CHECK_RECOVERY_NOTE] = "recovery-note",
    };
    assert((size_t)kind < ARRAY_COUNT(names) && names[kind]);
    return names[kind];
}

const char *check_outcome_name(enum check_outcome outcome)
{
    static const char *const names[] = {
        [CHECK_REPAIRABLE] = "repairable",
        [CHECK_REPAIRED] = "repaired",
        [CHECK_LEFT] = "left",
    };
    assert((size_t)outcome < ARRAY_COUNT(names) && names[outcome]);
    return names[outcome];
}

const char *check_phase_name(enum check_phase phase)
{
    static const char *const names[] = {
        [CHECK_PHASE_BLOBS] = "blobs",
        [CHECK_PHASE_CLAIMS] = "claims",
        [CHECK_PHASE_MANIFESTS] = "manifests",
        [CHECK_PHASE_TAGS] = "tags",
        [CHECK_PHASE_REPOSITORIES] = "repositories",
    };
    assert((size_t)phase < ARRAY_COUNT(names) && names[phase]);
    return names[phase];
}

/* --- telling -------------------------------------------------------------------------------- */

void check_show(struct check *check)
{
    if (check->options->progress)
        check->options->progress(check->options->context, &check->progress);
}

enum check_outcome check_mended(const struct check *check)
{
    return check->options->repair ? CHECK_REPAIRED : CHECK_REPAIRABLE;
}

void check_tell(struct check *check, const struct check_finding *finding)
{
    struct check_result *result = &check->result;
    result->repairable += finding->outcome == CHECK_REPAIRABLE;
    result->repaired += finding->outcome == CHECK_REPAIRED;
    result->left += finding->outcome == CHECK_LEFT;
    check->options->found(check->options->context, finding);
}

void check_remember_gone(struct check *check, const struct digest *digest)
{
    if (check->gone_count < ARRAY_COUNT(check->gone))
        check->gone[check->gone_count++] = *digest;
}

bool check_is_gone(const struct check *check, const struct digest *digest)
{
    for (size_t i = 0; i < check->gone_count; i++) {
        if (digest_equal(&check->gone[i], digest))
            return true;
    }
    return false;
}

static struct str image_name(struct arena *arena, const struct check_images_row *row)
{
    char text[DIGEST_TEXT_MAX];
    if (str_is_set(row->tag))
        return arena_format(arena, "%.*s/%.*s:%.*s", STR_ARG(row->owner), STR_ARG(row->repository),
                            STR_ARG(row->tag));
    return arena_format(arena, "%.*s/%.*s@%.*s", STR_ARG(row->owner), STR_ARG(row->repository),
                        STR_ARG(digest_format(&row->manifest, text)));
}

bool check_images_of(struct check *check, struct arena *arena, const struct digest *digest,
                     struct str *out, struct error *err)
{
    struct db_tx *tx AUTO(db_tx_end) = db_read(check->hub->db, arena, err);
    struct check_images_row *rows;
    size_t count;
    if (!tx || !sql_check_images(tx, digest, CHECK_IMAGES_NAMED + 1, &rows, &count, err))
        return false;
    struct str names = STR("");
    for (size_t i = 0; i < count; i++) {
        struct str name =
            i < CHECK_IMAGES_NAMED ? image_name(arena, &rows[i]) : STR("and further ones");
        names = i == 0 ? name : arena_format(arena, "%.*s, %.*s", STR_ARG(names), STR_ARG(name));
    }
    *out = names;
    return true;
}

/* --- reading at a rate ---------------------------------------------------------------------- */

static void sleep_us(int64_t time_us)
{
    struct timespec pause = { time_us / 1000000, time_us % 1000000 * 1000 };
    while (nanosleep(&pause, &pause) < 0) {
    }
}

/* Waits until the bytes so far are no more than the rate allows.  A pause of ours (a slow disk, a
 * stopped process) is not made up for by a rush. */
static void count_read(void *context, int64_t bytes)
{
    struct check *check = context;
    int64_t rate = check->options->rate;
    check->progress.bytes += bytes;
    check->result.bytes += bytes;
    check_show(check);
    if (rate <= 0)
        return;
    int64_t now_us = clock_monotonic_us();
    if (check->started_us < now_us - 1000000)
        check->started_us = now_us - 1000000;
    check->started_us += (int64_t)((double)bytes * 1e6 / (double)rate);
    if (check->started_us > now_us)
        sleep_us(check->started_us - now_us);
}

enum verdict check_verify(struct check *check, const struct blob_place *place, int64_t size,
                          bool quick, char detail[static VERIFY_DETAIL_MAX])
{
    struct verify_source source = {
        .hub = check->hub, .quick = quick, .read = count_read, .context = check
    };
    return blob_verify(&source, place, size, detail);
}

/* --- running -------------------------------------------------------------------------------- */

struct totals {
    struct check_blob_total_row blobs;
    struct check_totals_row rows;
};

static bool read_totals(struct check *check, struct totals *out, struct error *err)
{
    struct arena *arena AUTO(arena_free) = arena_new();
    struct db_tx *tx AUTO(db_tx_end) = db_read(check->hub->db, arena, err);
    return tx && sql_check_blob_total(tx, &out->blobs, err) &&
           sql_check_totals(tx, &out->rows, err);
}

/* A folder that is not mounted looks like a store that has lost everything. */
static bool check_is_mounted(struct check *check, const struct totals *totals, struct error *err)
{
    struct arena *arena AUTO(arena_free) = arena_new();
    struct blob_entry *entries = arena_alloc(arena, CHECK_PAGE * sizeof(*entries));
    struct str cursor = STR_NONE;
    if (!check->options->repair || totals->blobs.blobs == 0)
        return true;
    do {
        size_t count;
        if (!blob_list(check->hub->store, arena, cursor, entries, CHECK_PAGE, &count, &cursor, err))
            return false;
        if (count > 0 && !entries[count - 1].is_upload)
            return true;
    } while (str_is_set(cursor));
    return error_set(err, ERROR_CONFLICT,
                     "the store has none of the %lld blobs that the database knows: see whether it "
                     "is mounted; nothing was repaired",
                     (long long)totals->blobs.blobs);
}

static void begin_phase(struct check *check, enum check_phase phase, int64_t total)
{
    check->progress.phase = phase;
    check->progress.done = 0;
    check->progress.total = total;
    check_show(check);
}

bool check_run(struct hub *hub, const struct check_options *options, struct check_result *out,
               struct error *err)
{
    struct arena *arena AUTO(arena_free) = arena_new();
    struct check *check = arena_alloc(arena, sizeof(*check));
    struct totals totals = { 0 };
    *check = (struct check){ .hub = hub, .options = options };
    if (!read_totals(check, &totals, err) || !check_is_mounted(check, &totals, err))
        return false;
    check->progress.bytes_total = options->quick ? 0 : totals.blobs.bytes;
    begin_phase(check, CHECK_PHASE_BLOBS, totals.blobs.blobs);
    if (!check_store(check, err))
        return false;
    begin_phase(check, CHECK_PHASE_CLAIMS, totals.rows.claims);
    if (!check_claims(check, err))
        return false;
    begin_phase(check, CHECK_PHASE_MANIFESTS, totals.rows.manifests);
    if (!check_manifests(check, err))
        return false;
    begin_phase(check, CHECK_PHASE_TAGS, totals.rows.tags);
    if (!check_tags(check, err))
        return false;
    begin_phase(check, CHECK_PHASE_REPOSITORIES, totals.rows.repositories);
    if (!check_repositories(check, err))
        return false;
    *out = check->result;
    return true;
}
