/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/worker.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { JOB_THREAD_COUNT_DEFAULT = 2, JOB_THREAD_COUNT_MAX = 64, POLL_MS_DEFAULT = 1000 };
enum { LEASE_BACKOFF_MS_MIN = 1000 };

struct task_state {
    int64_t due_ms; /* monotonic */
    unsigned failure_count;
};

struct worker {
    struct worker_options options;
    struct str *kind_names;
    struct task_state *task_states;
    pthread_t threads[JOB_THREAD_COUNT_MAX + 1];
    size_t thread_count;

    pthread_mutex_t mutex;
    pthread_cond_t changed; /* on the monotonic clock */
    uint64_t wake_count;    /* under the mutex */
    atomic_bool is_stopping;
};

static void *must(void *pointer)
{
    if (!pointer)
        abort();
    return pointer;
}

struct hub *worker_hub(const struct worker *worker)
{
    return worker->options.hub;
}

bool worker_is_stopping(const struct worker *worker)
{
    return atomic_load(&worker->is_stopping);
}

/* Within 10 % of it. */
static int64_t with_jitter(int64_t time_ms)
{
    int64_t span = time_ms / 5;
    return span > 0 ? time_ms - span / 2 + (int64_t)(random_u64() % (uint64_t)span) : time_ms;
}

/* base * 2^count, at most `most`. */
static int64_t backoff(int64_t base_ms, unsigned count, int64_t most_ms)
{
    while (count-- > 0 && base_ms < most_ms)
        base_ms *= 2;
    return base_ms < most_ms ? base_ms : most_ms;
}

/* Waits until then (monotonic), for being woken up since `seen`, or for the end. */
static void wait_until(struct worker *worker, int64_t until_ms, const uint64_t *seen)
{
    struct timespec until = { until_ms / 1000, (until_ms % 1000) * 1000000 };
    pthread_mutex_lock(&worker->mutex);
    int result = 0;
    while (result == 0 && !worker_is_stopping(worker) && (!seen || worker->wake_count == *seen))
        result = pthread_cond_timedwait(&worker->changed, &worker->mutex, &until);
    pthread_mutex_unlock(&worker->mutex);
}

static uint64_t wake_count(struct worker *worker)
{
    pthread_mutex_lock(&worker->mutex);
    uint64_t count = worker->wake_count;
    pthread_mutex_unlock(&worker->mutex);
    return count;
}

/* ---- jobs ---- */

static const struct worker_job_kind *kind_find(const struct worker *worker, struct str name)
{
    for (size_t i = 0; i < worker->options.kind_count; i++) {
        if (str_equal(str_from(worker->options.kinds[i].name), name))
            return &worker->options.kinds[i];
    }
    return NULL;
}

static void job_log_failure(const char *event, const struct job *job, const struct error *error)
{
    log_event(LOG_WARN, event, LOG_STR("kind", job->kind), LOG_INT("job", job->id),
              LOG_INT("attempt", job->attempt_count),
              LOG_STR("error", str_from(error_kind_name(error->kind))),
              LOG_STR("reason", str_from(error->message)));
}

/* Both ends of a job may find that the lease was lost (ERROR_CONFLICT); then it is somebody else's.
 */
static void job_report(struct worker *worker, struct arena *arena, const struct job *job,
                       const struct error *failure)
{
    struct error error = { 0 };
    bool is_reported =
        failure->kind == ERROR_NONE
            ? job_done(worker->options.hub, arena, job, &error)
            : job_retry(worker->options.hub, arena, job, str_from(failure->message), &error);
    if (!is_reported)
        job_log_failure(error.kind == ERROR_CONFLICT ? "job_lease_lost" : "job_report_failed", job,
                        &error);
}

static void job_run(struct worker *worker, struct arena *arena, const struct job *job)
{
    const struct worker_job_kind *kind = kind_find(worker, job->kind);
    assert(kind); /* only kinds of the table are leased */
    struct error failure = { 0 };
    int64_t begun_ms = clock_monotonic_ms();
    if (kind->run(worker, arena, job, &failure)) {
        log_event(LOG_DEBUG, "job_done", LOG_STR("kind", job->kind), LOG_INT("job", job->id),
                  LOG_INT("ms", clock_monotonic_ms() - begun_ms));
    } else {
        job_log_failure("job_failed", job, &failure);
    }
    job_report(worker, arena, job, &failure);
}

/* The shortest lease of all kinds would cut off long jobs, so each lease is for one kind's time:
 * the longest.  A dead node's short jobs then wait a little longer, which nobody sees. */
static int64_t lease_ms(const struct worker *worker)
{
    int64_t longest = 0;
    for (size_t i = 0; i < worker->options.kind_count; i++) {
        if (worker->options.kinds[i].lease_ms > longest)
            longest = worker->options.kinds[i].lease_ms;
    }
    return longest;
}

enum turn { TURN_WORKED = 1, TURN_IDLE, TURN_FAILED };

static enum turn job_turn(struct worker *worker)
{
    struct arena *arena AUTO(arena_free) = arena_new();
    struct error error = { 0 };
    struct job job = { 0 };
    if (!job_lease(worker->options.hub, arena, worker->kind_names, worker->options.kind_count,
                   lease_ms(worker), &job, &error)) {
        log_event(LOG_WARN, "job_lease_failed",
                  LOG_STR("error", str_from(error_kind_name(error.kind))),
                  LOG_STR("reason", str_from(error.message)));
        return TURN_FAILED;
    }
    if (job.id == 0)
        return TURN_IDLE;
    job_run(worker, arena, &job);
    return TURN_WORKED;
}

static void *jobs_run(void *argument)
{
    struct worker *worker = argument;
    unsigned failure_count = 0;
    while (!worker_is_stopping(worker)) {
        uint64_t seen = wake_count(worker);
        enum turn turn = job_turn(worker);
        if (turn == TURN_FAILED) {
            int64_t pause_ms = backoff(LEASE_BACKOFF_MS_MIN, failure_count++, LEASE_BACKOFF_MS_MAX);
            wait_until(worker, clock_monotonic_ms() + with_jitter(pause_ms), NULL);
            continue;
        }
        failure_count = 0;
        if (turn == TURN_IDLE)
            wait_until(worker, clock_monotonic_ms() + with_jitter(worker->options.poll_ms), &seen);
    }
    return NULL;
}

/* ---- tasks ---- */

static void task_run(struct worker *worker, size_t index)
{
    const struct worker_task *task = &worker->options.tasks[index];
    struct task_state *state = &worker->task_states[index];
    struct arena *arena AUTO(arena_free) = arena_new();
    struct error error = { 0 };
    int64_t pause_ms = task->every_ms;
    if (task->run(worker->options.hub, arena, &error)) {
        if (state->failure_count > 0)
            log_event(LOG_INFO, "task_recovered", LOG_STR("task", str_from(task->name)),
                      LOG_INT("failures", state->failure_count));
        state->failure_count = 0;
    } else {
        /* A task that is rarer than the longest pause keeps its own pace. */
        int64_t most_ms =
            task->every_ms > TASK_BACKOFF_MS_MAX ? task->every_ms : TASK_BACKOFF_MS_MAX;
        pause_ms = backoff(task->every_ms, ++state->failure_count, most_ms);
        log_event(LOG_WARN, "task_failed", LOG_STR("task", str_from(task->name)),
                  LOG_INT("failures", state->failure_count), LOG_INT("next_in_ms", pause_ms),
                  LOG_STR("error", str_from(error_kind_name(error.kind))),
                  LOG_STR("reason", str_from(error.message)));
    }
    state->due_ms = clock_monotonic_ms() + with_jitter(pause_ms);
}

static size_t task_next(const struct worker *worker)
{
    size_t next = 0;
    for (size_t i = 1; i < worker->options.task_count; i++) {
        if (worker->task_states[i].due_ms < worker->task_states[next].due_ms)
            next = i;
    }
    return next;
}

static void *tasks_run(void *argument)
{
    struct worker *worker = argument;
    for (size_t i = 0; i < worker->options.task_count; i++)
        worker->task_states[i].due_ms =
            clock_monotonic_ms() + with_jitter(worker->options.tasks[i].every_ms);
    while (!worker_is_stopping(worker)) {
        size_t next = task_next(worker);
        int64_t due_ms = worker->task_states[next].due_ms;
        if (clock_monotonic_ms() < due_ms)
            wait_until(worker, due_ms, NULL);
        else
            task_run(worker, next);
    }
    return NULL;
}

/* ---- start and stop ---- */

static void options_copy(struct worker *worker, const struct worker_options *options)
{
    worker->options = *options;
    if (worker->options.job_thread_count == 0)
        worker->options.job_thread_count = JOB_THREAD_COUNT_DEFAULT;
    assert(worker->options.job_thread_count <= JOB_THREAD_COUNT_MAX);
    if (worker->options.poll_ms == 0)
        worker->options.poll_ms = POLL_MS_DEFAULT;
    worker->kind_names = must(calloc(options->kind_count + 1, sizeof(*worker->kind_names)));
    worker->task_states = must(calloc(options->task_count + 1, sizeof(*worker->task_states)));
    for (size_t i = 0; i < options->kind_count; i++) {
        assert(options->kinds[i].run && options->kinds[i].lease_ms > 0);
        worker->kind_names[i] = str_from(options->kinds[i].name);
    }
    for (size_t i = 0; i < options->task_count; i++)
        assert(options->tasks[i].run && options->tasks[i].every_ms > 0);
}

static bool thread_add(struct worker *worker, void *(*run)(void *), struct error *err)
{
    int failed = pthread_create(&worker->threads[worker->thread_count], NULL, run, worker);
    if (failed)
        return error_set_errno(err, failed, "cannot start a thread for background work");
    worker->thread_count++;
    return true;
}

bool worker_start(const struct worker_options *options, struct worker **out, struct error *err)
{
    struct worker *worker AUTO(worker_stop) = must(calloc(1, sizeof(*worker)));
    options_copy(worker, options);
    pthread_mutex_init(&worker->mutex, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&worker->changed, &attributes);
    pthread_condattr_destroy(&attributes);

    if (options->task_count > 0 && !thread_add(worker, tasks_run, err))
        return false;
    for (unsigned i = 0; options->kind_count > 0 && i < worker->options.job_thread_count; i++) {
        if (!thread_add(worker, jobs_run, err))
            return false;
    }
    *out = TAKE(worker);
    return true;
}

void worker_wake(struct worker *worker)
{
    pthread_mutex_lock(&worker->mutex);
    worker->wake_count++;
    pthread_cond_broadcast(&worker->changed);
    pthread_mutex_unlock(&worker->mutex);
}

void worker_stop(struct worker *worker)
{
    if (!worker)
        return;
    atomic_store(&worker->is_stopping, true);
    worker_wake(worker);
    for (size_t i = 0; i < worker->thread_count; i++)
        pthread_join(worker->threads[i], NULL);
    pthread_cond_destroy(&worker->changed);
    pthread_mutex_destroy(&worker->mutex);
    free(worker->kind_names);
    free(worker->task_states);
    free(worker);
}
