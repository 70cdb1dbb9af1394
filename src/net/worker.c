/* SPDX-License-Identifier: Apache-2.0 */
/* Worker threads: leader/follower on the server's epoll set.  Each waits for one event and deals
 * with it to the end; the last one that leaves the waiting room lets a new worker in first, so that
 * a handler that blocks keeps nobody waiting.  If the system gives no more threads, the last one
 * runs no handler while all others do.  Spare workers leave after a while. */
#include "net/server_internal.h"

#include "base/hex.h"
#include "base/log.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

struct metric metric_workers = { .name = "berth_http_workers",
                                 .help = "Worker threads",
                                 .kind = METRIC_GAUGE };

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STACK_SIZE (2 * 1024 * 1024)
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define STACK_SIZE (2 * 1024 * 1024)
#endif
#endif
#ifndef STACK_SIZE
#define STACK_SIZE (256 * 1024)
#endif

char *worker_scratch(struct worker *worker)
{
    if (!worker->scratch) {
        worker->scratch = malloc(TRANSPORT_SCRATCH_SIZE);
        if (!worker->scratch)
            abort();
    }
    return worker->scratch;
}

struct str worker_date(struct worker *worker)
{
    int64_t now_ms = clock_now_ms();
    if (now_ms / 1000 != worker->date_second) {
        worker->date_second = now_ms / 1000;
        clock_format_http(now_ms, worker->date);
    }
    return str_from(worker->date);
}

void worker_random_id(struct worker *worker, char out[static RANDOM_ID_TEXT])
{
    enum { ID_BYTES = (RANDOM_ID_TEXT - 1) / 2 };
    if (worker->randomness_left < ID_BYTES) {
        random_bytes(worker->randomness, sizeof(worker->randomness));
        worker->randomness_left = sizeof(worker->randomness);
    }
    worker->randomness_left -= ID_BYTES;
    hex_encode(worker->randomness + worker->randomness_left, ID_BYTES, out);
    out[RANDOM_ID_TEXT - 1] = 0;
}

static void worker_release(struct worker *worker)
{
    if (worker->spare_exchange) {
        arena_free(worker->spare_exchange->arena);
        free(worker->spare_exchange);
    }
    free(worker->spare_inbox);
    free(worker->scratch);
}

/* Leaves the crew; somebody else joins the thread. */
static void leave_locked(struct worker *worker)
{
    struct server *server = worker->server;
    server->worker_count--;
    worker->next = server->finished;
    server->finished = worker;
}

/* Nothing to do for a while: leaves, unless it is one of the few that always stay or the only one
 * that waits while the others work. */
static bool spare_leaves(struct worker *worker)
{
    struct server *server = worker->server;
    bool is_spare = atomic_fetch_sub_explicit(&server->waiting_count, 1, memory_order_relaxed) > 1;
    pthread_mutex_lock(&server->workers_lock);
    is_spare = is_spare && server->worker_count > WORKER_COUNT_MIN;
    if (is_spare)
        leave_locked(worker);
    pthread_mutex_unlock(&server->workers_lock);
    if (!is_spare)
        atomic_fetch_add_explicit(&server->waiting_count, 1, memory_order_relaxed);
    return is_spare;
}

/* Somebody must wait for the next event while we work on this one.  False if nobody does, since no
 * thread could be started. */
static bool leave_waiting_room(struct server *server)
{
    if (atomic_fetch_sub_explicit(&server->waiting_count, 1, memory_order_relaxed) > 1)
        return true;
    struct error err = { 0 };
    bool is_started = worker_spawn(server, &err);
    if (is_started || err.kind == ERROR_TOO_MANY) {
        atomic_store_explicit(&server->lacks_threads, false, memory_order_relaxed);
        return true; /* of too many, some are about to come back: they run no handlers */
    }
    if (!atomic_exchange_explicit(&server->lacks_threads, true, memory_order_relaxed))
        log_event(LOG_WARN, "worker_not_started", LOG_STR("reason", str_from(err.message)));
    return false;
}

unsigned worker_handler_limit(const struct worker *worker)
{
    struct server *server = worker->server;
    if (!worker->is_last)
        return server->handler_count_max;
    pthread_mutex_lock(&server->workers_lock);
    unsigned others = server->worker_count - 1;
    pthread_mutex_unlock(&server->workers_lock);
    return others > 0 ? others : 1;
}

static void deal_with(struct worker *worker, void *subject)
{
    enum event_source source;
    memcpy(&source, subject, sizeof(source)); /* the first member of all of them */
    if (source == SOURCE_CONNECTION)
        connection_run(subject, worker);
    else if (source == SOURCE_LISTENER)
        listener_accept(subject);
}

static void *worker_main(void *argument)
{
    struct worker *worker = argument;
    struct server *server = worker->server;
    bool is_end = false;
    metric_add(&metric_workers, 1);
    /* Whoever started us has counted us as waiting already. */
    while (!is_end) {
        struct epoll_event event;
        int count = epoll_wait(server->epoll_fd, &event, 1, (int)server->tuning.worker_idle_ms);
        if (count < 0 && errno == EINTR)
            continue;
        if (count == 0) {
            if (spare_leaves(worker))
                break;
            continue;
        }
        assert(count == 1);
        is_end = event.data.ptr == &server->end_source;
        if (is_end)
            break;
        worker->is_last = !leave_waiting_room(server);
        deal_with(worker, event.data.ptr);
        atomic_fetch_add_explicit(&server->waiting_count, 1, memory_order_relaxed);
    }
    worker_release(worker);
    metric_add(&metric_workers, -1);
    if (is_end) {
        pthread_mutex_lock(&server->workers_lock);
        leave_locked(worker);
        pthread_mutex_unlock(&server->workers_lock);
    }
    return NULL;
}

static bool start_thread(struct worker *worker)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    /* Signals are the main thread's. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failure = pthread_create(&worker->thread, &attributes, worker_main, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    errno = failure;
    return failure == 0;
}

bool worker_spawn(struct server *server, struct error *err)
{
    unsigned count_max = server->handler_count_max + WORKER_COUNT_SPARE;
    struct worker *worker = calloc(1, sizeof(*worker));
    if (!worker)
        abort();
    worker->server = server;
    /* Under the lock, so that whoever joins it sees worker->thread. */
    pthread_mutex_lock(&server->workers_lock);
    bool has_room = server->worker_count < count_max;
    bool is_started = has_room && start_thread(worker);
    if (is_started) {
        server->worker_count++;
        atomic_fetch_add_explicit(&server->waiting_count, 1, memory_order_relaxed);
    }
    pthread_mutex_unlock(&server->workers_lock);
    if (is_started)
        return true;
    free(worker);
    if (!has_room)
        return error_set(err, ERROR_TOO_MANY, "all %u workers are running", count_max);
    return error_set_errno(err, errno, "cannot start a worker thread");
}

void workers_join_finished(struct server *server)
{
    pthread_mutex_lock(&server->workers_lock);
    struct worker *worker = TAKE(server->finished);
    pthread_mutex_unlock(&server->workers_lock);
    while (worker) {
        struct worker *next = worker->next;
        pthread_join(worker->thread, NULL);
        free(worker);
        worker = next;
    }
}
