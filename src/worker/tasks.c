/* SPDX-License-Identifier: Apache-2.0 */
/* The tasks that every node runs. */
#include "base/log.h"
#include "hub/login.h"
#include "hub/pull_counter.h"
#include "hub/upload.h"
#include "worker/worker.h"

enum { PULLS_EVERY_MS = 5 * 1000, SWEEP_EVERY_MS = 10 * 60 * 1000 };

static bool uploads_sweep(struct hub *hub, struct arena *arena, struct error *err)
{
    int64_t count = 0;
    if (!upload_sweep(hub, arena, &count, err))
        return false;
    if (count > 0)
        log_event(LOG_INFO, "uploads_swept", LOG_INT("count", count));
    return true;
}

const struct worker_task worker_tasks[] = {
    { "pull_counter_flush", pull_counter_flush, PULLS_EVERY_MS },
    { "upload_sweep", uploads_sweep, SWEEP_EVERY_MS },
    { "login_sweep", login_sweep, SWEEP_EVERY_MS },
};
const size_t worker_task_count = ARRAY_COUNT(worker_tasks);
