/* SPDX-License-Identifier: Apache-2.0 */
/* The tasks that every node runs. */
#include "base/clock.h"
#include "base/log.h"
#include "hub/collect.h"
#include "hub/login.h"
#include "hub/pull_counter.h"
#include "hub/upload.h"
#include "worker/worker.h"

enum { PULLS_EVERY_MS = 5 * 1000, SWEEP_EVERY_MS = 10 * 60 * 1000 };
enum { COLLECT_EVERY_MS = 5 * 1000, COLLECT_LASTS_MS = 3 * 1000 };

static bool uploads_sweep(struct hub *hub, struct arena *arena, struct error *err)
{
    int64_t count = 0;
    if (!upload_sweep(hub, arena, &count, err))
        return false;
    if (count > 0)
        log_event(LOG_INFO, "uploads_swept", LOG_INT("count", count));
    return true;
}

/* Each step is a few short transactions, between which others have their turn.  A long rest is left
 * for the next round, so that the other tasks come along too. */
static bool collect(struct hub *hub, struct arena *arena, struct error *err)
{
    int64_t until_ms = clock_monotonic_ms() + COLLECT_LASTS_MS, manifests = 0, blobs = 0, bytes = 0;
    struct collect_result result = { .is_more = true };
    while (result.is_more && clock_monotonic_ms() < until_ms) {
        if (!collect_step(hub, arena, &result, err))
            return false;
        manifests += result.manifests;
        blobs += result.blobs;
        bytes += result.bytes;
    }
    if (manifests > 0 || blobs > 0)
        log_event(LOG_INFO, "collected", LOG_INT("manifests", manifests), LOG_INT("blobs", blobs),
                  LOG_INT("bytes", bytes));
    return true;
}

const struct worker_task worker_tasks[] = {
    { "collect", collect, COLLECT_EVERY_MS },
    { "pull_counter_flush", pull_counter_flush, PULLS_EVERY_MS },
    { "upload_sweep", uploads_sweep, SWEEP_EVERY_MS },
    { "login_sweep", login_sweep, SWEEP_EVERY_MS },
};
const size_t worker_task_count = ARRAY_COUNT(worker_tasks);
