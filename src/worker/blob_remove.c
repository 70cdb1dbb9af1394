/* SPDX-License-Identifier: Apache-2.0 */
/* The job "blob_remove": what collection left of blobs that have ended. */
#include "hub/collect.h"
#include "worker/worker.h"

bool blob_remove_run(struct worker *worker, struct arena *arena, const struct job *job,
                     struct error *err)
{
    return collect_remove_files(worker_hub(worker), arena, job, err);
}
