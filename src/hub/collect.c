/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/collect.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/log.h"
#include "hub/collect.sql.h"
#include "hub/collect_manifest.h"
#include "hub/job.h"
#include "net/metrics.h"

#include <string.h>

enum {
    STEP_TX_COUNT = 4,         /* transactions of one step */
    STEP_CANDIDATE_COUNT = 64, /* that one transaction looks at: a push waits for a few ms */
    HISTORY_COUNT = 64,
    JOB_BYTES_MAX = 65536,
};

static struct metric collected_blobs = {
    .name = "berth_collected_blobs_total",
    .help = "Blobs that nothing kept any more",
};
static struct metric collected_bytes = {
    .name = "berth_collected_bytes_total",
    .help = "Their bytes",
};

bool collect_claim_later(struct db_tx *tx, int64_t repository_id, const struct digest *digest,
                         int64_t due_ms, struct error *err)
{
    return sql_candidate_add(tx, CANDIDATE_CLAIM, repository_id, digest, due_ms, err);
}

bool collect_manifest_later(struct db_tx *tx, int64_t repository_id, const struct digest *digest,
                            int64_t due_ms, struct error *err)
{
    return sql_candidate_add(tx, CANDIDATE_MANIFEST, repository_id, digest, due_ms, err);
}

bool collect_policy_changed(struct db_tx *tx, int64_t account_id, struct error *err)
{
    int64_t now_ms;
    return db_now_ms(tx, &now_ms, err) &&
           sql_candidate_add_all_untagged(tx, now_ms, account_id, err);
}

/* --- one transaction ------------------------------------------------------------------------ */

struct stepping {
    struct hub *hub;
    int64_t now_ms;
    struct collect_result result;
    struct buf *payload; /* of the job that removes the files of blobs that end here */
    struct json files;   /* writes it */
    struct digest first; /* of those blobs */
};

/* Nothing is left of the claim: the blob goes if it was the last one. */
static bool end_blob(struct db_tx *tx, struct stepping *stepping, const struct digest *digest,
                     struct error *err)
{
    struct collect_claimant_row claimant;
    struct collect_blob_end_row blob;
    bool found;
    char text[DIGEST_TEXT_MAX];
    if (!sql_collect_claimant(tx, digest, &claimant, &found, err))
        return false;
    if (found)
        return true;
    if (!sql_collect_blob_end(tx, digest, &blob, &found, err))
        return false;
    if (!found)
        return true;
    if (stepping->result.blobs++ == 0)
        stepping->first = *digest;
    stepping->result.bytes += blob.size;
    json_object(&stepping->files);
    json_key_str(&stepping->files, "digest", digest_format(digest, text));
    json_key_str(&stepping->files, "upload", blob.upload_id);
    json_end(&stepping->files);
    return true;
}

/* Leases of a repository do not end while an upload into it is under way: its other blobs may have
 * come long before, and the manifest comes last. */
static bool renew_claim(struct db_tx *tx, const struct stepping *stepping,
                        const struct candidate_due_row *due, bool *renewed, struct error *err)
{
    struct collect_upload_is_open_row upload;
    if (!sql_collect_upload_is_open(tx, due->repository_id, &upload, renewed, err))
        return false;
    if (!*renewed)
        return true;
    int64_t until_ms = stepping->now_ms + stepping->hub->lease_ms;
    return sql_collect_claim_renew(tx, until_ms, due->repository_id, &due->digest, err) &&
           collect_claim_later(tx, due->repository_id, &due->digest, until_ms, err);
}

static bool look_at_claim(struct db_tx *tx, struct stepping *stepping,
                          const struct candidate_due_row *due, struct error *err)
{
    struct collect_blob_use_row use;
    struct collect_claim_row claim;
    bool found, renewed;
    if (!sql_collect_blob_use(tx, due->repository_id, &due->digest, &use, &found, err))
        return false;
    if (found) /* whoever ends that manifest writes the next candidate */
        return true;
    if (!sql_collect_claim(tx, due->repository_id, &due->digest, &claim, &found, err))
        return false;
    if (!found)
        return end_blob(tx, stepping, &due->digest, err);
    if (claim.lease_until_ms > stepping->now_ms)
        return collect_claim_later(tx, due->repository_id, &due->digest, claim.lease_until_ms, err);
    if (!renew_claim(tx, stepping, due, &renewed, err))
        return false;
    if (renewed)
        return true;
    stepping->result.claims++;
    return sql_collect_claim_end(tx, due->repository_id, &due->digest, err) &&
           end_blob(tx, stepping, &due->digest, err);
}

static bool look(struct db_tx *tx, struct stepping *stepping, const struct candidate_due_row *due,
                 struct error *err)
{
    if (!sql_candidate_drop(tx, due->kind, due->repository_id, &due->digest, err))
        return false;
    if (due->kind == CANDIDATE_CLAIM)
        return look_at_claim(tx, stepping, due, err);
    struct going going = {
        .repository_id = due->repository_id,
        .now_ms = stepping->now_ms,
        .history_ms = stepping->hub->history_ms,
    };
    if (!collect_look_at_manifest(tx, &going, (enum candidate_kind)due->kind, &due->digest, err))
        return false;
    stepping->result.manifests += going.ended_count;
    return true;
}

/* What a tag pointed to beyond the window: forgotten, and what it alone kept is looked at. */
static bool forget_history(struct db_tx *tx, int64_t until_ms, int64_t now_ms, bool *is_more,
                           struct error *err)
{
    struct collect_old_history_row *rows;
    size_t count;
    if (!sql_collect_old_history(tx, until_ms, HISTORY_COUNT, &rows, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!sql_collect_forget_history(tx, rows[i].id, err) ||
            !collect_manifest_later(tx, rows[i].repository_id, &rows[i].digest, now_ms, err))
            return false;
    }
    *is_more = count > 0; /* there are candidates at least */
    return true;
}

static bool enqueue_files(struct db_tx *tx, struct stepping *stepping, struct error *err)
{
    struct str payload;
    char text[DIGEST_TEXT_MAX];
    json_end(&stepping->files);
    json_end(&stepping->files);
    if (stepping->result.blobs == 0)
        return true;
    payload = buf_str(stepping->payload);
    return job_enqueue(tx, COLLECT_JOB, digest_format(&stepping->first, text), payload, 0, err);
}

static void begin(struct stepping *stepping)
{
    stepping->result = (struct collect_result){ 0 };
    buf_clear(stepping->payload);
    json_init(&stepping->files, stepping->payload);
    json_object(&stepping->files);
    json_key(&stepping->files, "files");
    json_array(&stepping->files);
}

static bool step_tx(struct db_tx *tx, void *context, struct error *err)
{
    struct stepping *stepping = context;
    struct candidate_due_row *rows;
    size_t count;
    bool is_more;
    begin(stepping); /* it may be the second time */
    if (!db_now_ms(tx, &stepping->now_ms, err) ||
        !forget_history(tx, stepping->now_ms - stepping->hub->history_ms, stepping->now_ms,
                        &is_more, err) ||
        !sql_candidate_due(tx, stepping->now_ms, STEP_CANDIDATE_COUNT, &rows, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!look(tx, stepping, &rows[i], err))
            return false;
    }
    /* Manifests that ended made candidates of their blobs. */
    stepping->result.is_more =
        is_more || count == STEP_CANDIDATE_COUNT || stepping->result.manifests > 0;
    return enqueue_files(tx, stepping, err);
}

/* --- a step ---------------------------------------------------------------------------------- */

/* Asked first, so that an idle collector takes no lock. */
static bool is_due(struct hub *hub, struct arena *arena, bool *out, struct error *err)
{
    struct db_tx *tx AUTO(db_tx_end) = db_read(hub->db, arena, err);
    struct candidate_is_due_row row;
    struct collect_history_is_old_row old;
    int64_t now_ms;
    if (!tx || !db_now_ms(tx, &now_ms, err) || !sql_candidate_is_due(tx, now_ms, &row, out, err))
        return false;
    return *out || sql_collect_history_is_old(tx, now_ms - hub->history_ms, &old, out, err);
}

static void add(struct collect_result *sum, const struct collect_result *one)
{
    sum->manifests += one->manifests;
    sum->claims += one->claims;
    sum->blobs += one->blobs;
    sum->bytes += one->bytes;
    sum->is_more = one->is_more;
}

bool collect_step(struct hub *hub, struct arena *arena, struct collect_result *out,
                  struct error *err)
{
    struct buf payload AUTO(buf_release);
    buf_init(&payload, JOB_BYTES_MAX);
    struct collect_result sum = { 0 };
    metric_add(&collected_blobs, 0); /* a metric is shown from its first use on */
    metric_add(&collected_bytes, 0);
    if (!is_due(hub, arena, &sum.is_more, err))
        return false;
    for (int i = 0; i < STEP_TX_COUNT && sum.is_more; i++) {
        struct arena *one AUTO(arena_free) = arena_new();
        struct stepping stepping = { .hub = hub, .payload = &payload };
        if (!db_write(hub->db, one, step_tx, &stepping, err))
            return false;
        metric_add(&collected_blobs, stepping.result.blobs);
        metric_add(&collected_bytes, stepping.result.bytes);
        add(&sum, &stepping.result);
    }
    *out = sum;
    return true;
}

/* --- files ----------------------------------------------------------------------------------- */

static bool remove_file(struct hub *hub, const json_t *file, struct error *err)
{
    struct blob_place place = { 0 };
    struct str upload = json_get_str(file, "upload");
    if (upload.len != UPLOAD_ID_CHARS ||
        !digest_parse(json_get_str(file, "digest"), &place.digest, err)) {
        error_clear(err);
        return error_set(err, ERROR_INTERNAL, "the job does not say which file to remove");
    }
    memcpy(place.upload_id, upload.ptr, UPLOAD_ID_CHARS);
    return blob_remove(hub->store, &place, err);
}

bool collect_remove_files(struct hub *hub, struct arena *arena, const struct job *job,
                          struct error *err)
{
    (void)arena;
    json_t *payload AUTO(json_decref) = json_parse_object(job->payload, err);
    if (!payload)
        return false;
    json_t *files = json_get_array(payload, "files");
    for (size_t i = 0; i < json_array_size(files); i++) {
        if (!remove_file(hub, json_array_get(files, i), err))
            return false;
    }
    log_event(LOG_DEBUG, "blobs_removed", LOG_INT("count", (int64_t)json_array_size(files)));
    return true;
}
