/* SPDX-License-Identifier: Apache-2.0 */
/* worker/worker.h - what happens in the background: jobs of the hub, and tasks by the clock.
 *
 * Jobs (hub/job.h) are rows that a change left behind.  A few threads lease the one that has been
 * due longest, run the function of its kind, and report it done or to be tried again. A job whose
 * lease ran out meanwhile belongs to somebody else: its result is dropped and logged.  Tasks run on
 * one thread of their own, each about every `every_ms`, a little earlier or later so that nodes do
 * not march in step; one that fails waits longer each time, up to TASK_BACKOFF_MS_MAX.
 *
 * Failures are logged here, once.  A worker owns no rules: what a job does lies in its function.
 * worker_wake() and worker_stop() from any thread. */
#pragma once
#include "base/arena.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "hub/hub.h"
#include "hub/job.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TASK_BACKOFF_MS_MAX = 600000, LEASE_BACKOFF_MS_MAX = 30000 };

struct worker;

struct worker_job_kind {
    const char *name;
    /* Does the job; must stand being run twice.  False: try again later, *err says why.  Long ones
     * look at worker_is_stopping() and give up then. */
    bool (*run)(struct worker *worker, struct arena *arena, const struct job *job,
                struct error *err);
    int64_t lease_ms; /* longer than the job may take */
};

struct worker_task {
    const char *name;
    bool (*run)(struct hub *hub, struct arena *arena, struct error *err);
    int64_t every_ms;
};

struct worker_options {
    struct hub *hub;
    const struct worker_job_kind *kinds;
    size_t kind_count; /* 0: no job threads */
    const struct worker_task *tasks;
    size_t task_count;
    unsigned job_thread_count; /* 0: 2 */
    unsigned poll_ms;          /* 0: 1000: how often an idle thread looks for jobs */
};

/* The tables are borrowed and live as long as the worker. */
NODISCARD bool worker_start(const struct worker_options *options, struct worker **out,
                            struct error *err);
struct hub *worker_hub(const struct worker *worker);
bool worker_is_stopping(const struct worker *worker);

/* A job was enqueued on this node: look now, do not wait for the next poll. */
void worker_wake(struct worker *worker);

/* No further job or task is begun; waits for those that run, and frees.  Accepts NULL. */
void worker_stop(struct worker *worker);
DEFINE_AUTO(struct worker, worker_stop);

/* The job "blob_remove" (hub/collect.h). */
bool blob_remove_run(struct worker *worker, struct arena *arena, const struct job *job,
                     struct error *err);
/* The job "recovery_copy" (hub/recovery.h). */
bool recovery_copy_run(struct worker *worker, struct arena *arena, const struct job *job,
                       struct error *err);

/* What every node does: writes pull counts, removes abandoned uploads and old logins, collects what
 * nothing keeps. */
extern const struct worker_task worker_tasks[];
extern const size_t worker_task_count;
