/* SPDX-License-Identifier: Apache-2.0 */
/* The job "recovery_copy": brings a recovery note in the store up to date. */
#include "hub/recovery.h"
#include "worker/worker.h"

bool recovery_copy_run(struct worker *worker, struct arena *arena, const struct job *job,
                       struct error *err)
{
    return recovery_copy(worker_hub(worker), arena, job, err);
}
