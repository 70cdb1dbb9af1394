/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/job.h"

#include "base/random.h"
#include "hub/job.sql.h"

#include <assert.h>

enum {
    JOB_ATTEMPTS_MAX = 20,
    JOB_KINDS_MAX = 8, /* in one call of job_lease() */
    BACKOFF_FIRST_MS = 5000,
    BACKOFF_MAX_MS = 3600000,
};
static const int64_t NEVER_MS = INT64_MAX;

bool job_enqueue(struct db_tx *tx, struct str kind, struct str subject, struct str payload,
                 int64_t delay_ms, struct error *err)
{
    int64_t now_ms;
    return db_now_ms(tx, &now_ms, err) &&
           sql_job_insert(tx, kind, subject, payload, now_ms + delay_ms, now_ms, err);
}

/* --- leasing ------------------------------------------------------------------------------- */

struct leasing {
    struct str kinds[JOB_KINDS_MAX]; /* the first one again in unused places */
    int64_t lease_ms;
    struct job job;
};

static bool is_due(struct hub *hub, struct arena *arena, const struct leasing *leasing, bool *found,
                   struct error *err)
{
    struct db_tx *tx AUTO(db_tx_end) = db_read(hub->db, arena, err);
    const struct str *kinds = leasing->kinds;
    struct job_is_due_in in = {
        .kind1 = kinds[0],
        .kind2 = kinds[1],
        .kind3 = kinds[2],
        .kind4 = kinds[3],
        .kind5 = kinds[4],
        .kind6 = kinds[5],
        .kind7 = kinds[6],
        .kind8 = kinds[7],
    };
    struct job_is_due_row row;
    return tx && db_now_ms(tx, &in.now_ms, err) && sql_job_is_due(tx, &in, &row, found, err);
}

static bool take(struct db_tx *tx, const struct job_next_row *row, struct leasing *leasing,
                 int64_t until_ms, struct error *err)
{
    int64_t changed;
    if (!sql_job_take(tx, until_ms, row->id, row->fence, &changed, err))
        return false;
    if (changed != 1) /* cannot be inside one transaction */
        return error_set(err, ERROR_UNAVAILABLE, "another node took the job");
    leasing->job = (struct job){
        .id = row->id,
        .kind = row->kind,
        .subject = row->subject,
        .payload = row->payload,
        .attempt_count = row->attempt_count + 1,
        .fence = row->fence + 1,
    };
    return true;
}

static bool lease_tx(struct db_tx *tx, void *context, struct error *err)
{
    struct leasing *leasing = context;
    const struct str *kinds = leasing->kinds;
    struct job_next_in in = {
        .kind1 = kinds[0],
        .kind2 = kinds[1],
        .kind3 = kinds[2],
        .kind4 = kinds[3],
        .kind5 = kinds[4],
        .kind6 = kinds[5],
        .kind7 = kinds[6],
        .kind8 = kinds[7],
    };
    leasing->job = (struct job){ 0 };
    if (!db_now_ms(tx, &in.now_ms, err))
        return false;
    while (true) {
        struct job_next_row row;
        bool found;
        int64_t changed;
        if (!sql_job_next(tx, &in, &row, &found, err))
            return false;
        if (!found)
            return true;
        if (row.attempt_count < JOB_ATTEMPTS_MAX)
            return take(tx, &row, leasing, in.now_ms + leasing->lease_ms, err);
        /* Every holder died of it, and none came to call job_retry(). */
        if (!sql_job_put_back(tx, NEVER_MS, STR("the last attempt ended without a result"), row.id,
                              row.fence, &changed, err))
            return false;
    }
}

bool job_lease(struct hub *hub, struct arena *arena, const struct str *kinds, size_t kind_count,
               int64_t lease_ms, struct job *out, struct error *err)
{
    assert(kind_count > 0 && kind_count <= JOB_KINDS_MAX);
    struct leasing leasing = { .lease_ms = lease_ms };
    for (size_t i = 0; i < JOB_KINDS_MAX; i++)
        leasing.kinds[i] = kinds[i < kind_count ? i : 0];
    bool found;
    if (!is_due(hub, arena, &leasing, &found, err))
        return false;
    if (found && !db_write(hub->db, arena, lease_tx, &leasing, err))
        return false;
    *out = leasing.job;
    return true;
}

/* --- ending -------------------------------------------------------------------------------- */

static bool lease_lost(struct error *err)
{
    return error_set(err, ERROR_CONFLICT, "the lease of the job has ended, another holder has it");
}

static bool done_tx(struct db_tx *tx, void *context, struct error *err)
{
    const struct job *job = context;
    int64_t changed;
    if (!sql_job_delete(tx, job->id, job->fence, &changed, err))
        return false;
    return changed == 1 || lease_lost(err);
}

bool job_done(struct hub *hub, struct arena *arena, const struct job *job, struct error *err)
{
    struct job ended = *job;
    return db_write(hub->db, arena, done_tx, &ended, err);
}

struct retrying {
    const struct job *job;
    struct str reason;
    int64_t delay_ms; /* -1: no further attempt */
};

static bool retry_tx(struct db_tx *tx, void *context, struct error *err)
{
    const struct retrying *retrying = context;
    int64_t now_ms, changed;
    if (!db_now_ms(tx, &now_ms, err) ||
        !sql_job_put_back(tx, retrying->delay_ms < 0 ? NEVER_MS : now_ms + retrying->delay_ms,
                          retrying->reason, retrying->job->id, retrying->job->fence, &changed, err))
        return false;
    return changed == 1 || lease_lost(err);
}

/* Doubles from 5 seconds to an hour; of each delay, up to a half is left to chance, so that what
 * failed together does not come back together. */
static int64_t backoff_ms(int64_t attempt_count)
{
    int64_t delay_ms = BACKOFF_FIRST_MS;
    for (int64_t i = 1; i < attempt_count && delay_ms < BACKOFF_MAX_MS; i++)
        delay_ms *= 2;
    if (delay_ms > BACKOFF_MAX_MS)
        delay_ms = BACKOFF_MAX_MS;
    return delay_ms - (int64_t)(random_u64() % (uint64_t)(delay_ms / 2));
}

bool job_retry(struct hub *hub, struct arena *arena, const struct job *job, struct str reason,
               struct error *err)
{
    bool may_retry = job->attempt_count < JOB_ATTEMPTS_MAX;
    struct retrying retrying = {
        .job = job,
        .reason = reason,
        .delay_ms = may_retry ? backoff_ms(job->attempt_count) : -1,
    };
    return db_write(hub->db, arena, retry_tx, &retrying, err);
}
