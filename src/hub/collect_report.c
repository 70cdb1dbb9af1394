/* SPDX-License-Identifier: Apache-2.0 */
#include "db/statement.h"
#include "hub/collect.h"
#include "hub/collect.sql.h"
#include "hub/job.h"

enum { PURGE_COUNT = 256, JOB_LEASE_MS = 5 * 60 * 1000 };

const char *collect_reason_text(enum collect_reason reason)
{
    static const char *const texts[COLLECT_REASON_COUNT] = {
        [COLLECT_TAGGED] = "tagged", [COLLECT_UNTAGGED] = "untagged", [COLLECT_HISTORY] = "history",
        [COLLECT_LEASED] = "leased", [COLLECT_FREE] = "free",
    };
    assert(reason >= 0 && reason < COLLECT_REASON_COUNT);
    return texts[reason];
}

bool collect_explain(struct hub *hub, struct arena *arena, struct collect_report *out,
                     struct error *err)
{
    struct db_tx *tx AUTO(db_tx_end) = db_read(hub->db, arena, err);
    struct collect_report report = { 0 };
    struct collect_report_row *rows;
    struct collect_files_waiting_row files;
    size_t count;
    int64_t now_ms;
    if (!tx || !db_now_ms(tx, &now_ms, err) ||
        !sql_collect_report(tx, now_ms, &rows, &count, err) ||
        !sql_collect_files_waiting(tx, COLLECT_JOB, &files, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        assert(rows[i].reason >= 0 && rows[i].reason < COLLECT_REASON_COUNT);
        report.blobs[rows[i].reason] = rows[i].blobs;
        report.bytes[rows[i].reason] = rows[i].bytes;
    }
    report.files_waiting = files.jobs;
    *out = report;
    return true;
}

/* --- purging --------------------------------------------------------------------------------- */

static bool purge_tx(struct db_tx *tx, void *context, struct error *err)
{
    bool *is_more = context;
    struct collect_old_history_row *rows;
    size_t count;
    int64_t now_ms;
    if (!db_now_ms(tx, &now_ms, err) ||
        !sql_collect_old_history(tx, now_ms, PURGE_COUNT, &rows, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!sql_collect_forget_history(tx, rows[i].id, err) ||
            !collect_manifest_later(tx, rows[i].repository_id, &rows[i].digest, now_ms, err))
            return false;
    }
    *is_more = count == PURGE_COUNT;
    return true;
}

bool collect_purge(struct hub *hub, struct arena *arena, struct error *err)
{
    (void)arena;
    bool is_more = true;
    while (is_more) {
        struct arena *one AUTO(arena_free) = arena_new();
        if (!db_write(hub->db, one, purge_tx, &is_more, err))
            return false;
    }
    return true;
}

/* --- without a worker ------------------------------------------------------------------------ */

bool collect_run_job(struct hub *hub, struct arena *arena, bool *ran, struct error *err)
{
    struct job job;
    if (!job_lease(hub, arena, &COLLECT_JOB, 1, JOB_LEASE_MS, &job, err))
        return false;
    *ran = job.id != 0;
    if (!*ran)
        return true;
    if (collect_remove_files(hub, arena, &job, err))
        return job_done(hub, arena, &job, err);
    struct error ignored = { 0 };
    if (!job_retry(hub, arena, &job, str_from(err->message), &ignored))
        error_clear(&ignored);
    return false;
}

bool collect_waiting(struct hub *hub, struct arena *arena, int64_t *jobs, struct error *err)
{
    struct db_tx *tx AUTO(db_tx_end) = db_read(hub->db, arena, err);
    struct collect_files_waiting_row row;
    if (!tx || !sql_collect_files_waiting(tx, COLLECT_JOB, &row, err))
        return false;
    *jobs = row.jobs;
    return true;
}
