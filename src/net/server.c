/* SPDX-License-Identifier: Apache-2.0 */
#include "net/server.h"

#include "base/log.h"
#include "net/server_internal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    WORKER_COUNT_DEFAULT = 512,
    CONNECTION_COUNT_DEFAULT = 20000,
    CONNECTION_COUNT_FEW = 16, /* with next to no descriptors */
    CONNECTIONS_PER_ADDRESS_DEFAULT = 1000,
    STOP_TIMEOUT_DEFAULT_MS = 30000,
    FILES_RESERVED = 128, /* for databases, storage and the like */
    STOP_TICK_MS = 20,
    CUT_TIMEOUT_MS = 2000, /* for handlers to notice that their connections are gone */
};

const struct net_tuning net_tuning_default = {
    .head_timeout_ms = HTTP_HEAD_TIMEOUT_MS,
    .idle_timeout_ms = HTTP_IDLE_TIMEOUT_MS,
    .body_stall_timeout_ms = HTTP_BODY_STALL_TIMEOUT_MS,
    .body_rate_grace_ms = 30000,
    .body_rate_min = HTTP_BODY_RATE_MIN,
    .write_stall_timeout_ms = HTTP_WRITE_STALL_TIMEOUT_MS,
    .linger_timeout_ms = HTTP_LINGER_TIMEOUT_MS,
    .linger_bytes_max = HTTP_LINGER_BYTES_MAX,
    .worker_idle_ms = 5000,
    .tick_ms = 250,
};

/* How many of the connections that are wanted the limit of open files bears, which is raised as far
 * as it may be.  A connection needs a descriptor, and a second one while it sends a file. */
static size_t connections_that_fit(size_t wanted)
{
    struct rlimit files;
    rlim_t needed = 2 * (rlim_t)wanted + FILES_RESERVED;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return CONNECTION_COUNT_FEW;
    if (files.rlim_cur < needed && files.rlim_cur < files.rlim_max) {
        struct rlimit more = files;
        more.rlim_cur = files.rlim_max < needed ? files.rlim_max : needed;
        if (setrlimit(RLIMIT_NOFILE, &more) == 0)
            files = more;
    }
    if (files.rlim_cur >= needed)
        return wanted;
    if (files.rlim_cur < 2 * FILES_RESERVED)
        return CONNECTION_COUNT_FEW;
    return (files.rlim_cur - FILES_RESERVED) / 2;
}

static void limit_connections(struct server *server, size_t asked_for)
{
    size_t wanted = asked_for > 0 ? asked_for : CONNECTION_COUNT_DEFAULT;
    size_t fitting = connections_that_fit(wanted);
    server->connection_count_max = fitting < wanted ? fitting : wanted;
    if (fitting < asked_for)
        log_event(LOG_WARN, "connections_limited", LOG_INT("wanted", (int64_t)asked_for),
                  LOG_INT("by_open_files", (int64_t)fitting));
}

static unsigned or_default(unsigned value, unsigned fallback)
{
    return value ? value : fallback;
}

static void apply_limits(struct server *server, const struct server_options *options)
{
    server->handler_count_max = or_default(options->worker_count_max, WORKER_COUNT_DEFAULT);
    server->handlers_per_address_max =
        or_default(options->workers_per_address_max, (server->handler_count_max + 1) / 2);
    server->connections_per_address_max =
        or_default(options->connections_per_address_max, CONNECTIONS_PER_ADDRESS_DEFAULT);
    limit_connections(server, options->connection_count_max);
    if (!server->options.stop_timeout_ms)
        server->options.stop_timeout_ms = STOP_TIMEOUT_DEFAULT_MS;
}

static bool open_descriptors(struct server *server, struct error *err)
{
    server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    server->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    server->end_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (server->epoll_fd < 0 || server->stop_fd < 0 || server->end_fd < 0)
        return error_set_errno(err, errno, "cannot start the server");
    return true;
}

struct server *server_new_tuned(const struct server_options *options,
                                const struct net_tuning *tuning, struct error *err)
{
    assert(options->router && options->listen_count > 0);
    struct server *server AUTO(server_free) = calloc(1, sizeof(*server));
    if (!server)
        abort();
    signal(SIGPIPE, SIG_IGN);
    server->options = *options;
    server->tuning = *tuning;
    server->end_source = SOURCE_END;
    server->epoll_fd = server->stop_fd = server->end_fd = -1;
    apply_limits(server, options);
    pthread_mutex_init(&server->workers_lock, NULL);
    peers_init(&server->peers);
    pthread_mutex_init(&server->distrust.lock, NULL);
    reaper_init(&server->reaper, server->connection_count_max + REFUSAL_COUNT_MAX);

    if (!options->tls_certificate != !options->tls_key) {
        error_set(err, ERROR_INVALID, "TLS needs both a certificate and a key");
        return NULL;
    }
    if (options->tls_certificate) {
        server->tls = tls_new(options->tls_certificate, options->tls_key, err);
        if (!server->tls)
            return NULL;
    }
    if (!open_descriptors(server, err) || !listeners_open(server, err))
        return NULL;
    return TAKE(server);
}

struct server *server_new(const struct server_options *options, struct error *err)
{
    return server_new_tuned(options, &net_tuning_default, err);
}

static void close_if_open(int fd)
{
    if (fd >= 0)
        close(fd);
}

void server_free(struct server *server)
{
    if (!server)
        return;
    if (server->worker_count > 0) {
        /* A handler did not come back in time; it still uses all of this, and the process is about
         * to end anyway. */
        log_event(LOG_ERROR, "handlers_abandoned", LOG_INT("workers", server->worker_count));
        return;
    }
    for (size_t i = 0; i < server->listener_count; i++)
        close(server->listeners[i].fd);
    close_if_open(server->epoll_fd);
    close_if_open(server->stop_fd);
    close_if_open(server->end_fd);
    tls_free(server->tls);
    peers_release(&server->peers);
    pthread_mutex_destroy(&server->distrust.lock);
    reaper_release(&server->reaper);
    pthread_mutex_destroy(&server->workers_lock);
    free(server);
}

uint16_t server_port(const struct server *server, size_t index)
{
    for (size_t i = 0; i < server->listener_count; i++) {
        struct str text = str_from(server->listeners[i].text);
        uint64_t port;
        if (server->listeners[i].option_index == index &&
            str_to_u64(str_after(text, str_find_last(text, ':') + 1), UINT16_MAX, &port))
            return (uint16_t)port;
    }
    return 0;
}

static void signal_event(int fd)
{
    uint64_t one = 1;
    ssize_t written = write(fd, &one, sizeof(one));
    (void)written; /* fails only when the count is full, and then it is signalled already */
}

void server_stop(struct server *server)
{
    signal_event(server->stop_fd);
}

bool server_reload_tls(struct server *server, struct error *err)
{
    return !server->tls || tls_reload(server->tls, err);
}

static unsigned worker_count(struct server *server)
{
    pthread_mutex_lock(&server->workers_lock);
    unsigned count = server->worker_count;
    pthread_mutex_unlock(&server->workers_lock);
    return count;
}

static size_t connection_count(struct server *server)
{
    return atomic_load(&server->reaper.count);
}

static void pause_ms(int duration_ms)
{
    (void)poll(NULL, 0, duration_ms);
}

/* Waits until all connections are closed; false when the time is up. */
static bool wait_for_connections(struct server *server, enum reaper_choice choice,
                                 int64_t timeout_ms)
{
    int64_t deadline = clock_monotonic_ms() + timeout_ms;
    while (connection_count(server) > 0) {
        if (clock_monotonic_ms() >= deadline)
            return false;
        reaper_tick(&server->reaper, choice, clock_monotonic_ms());
        workers_join_finished(server);
        pause_ms(STOP_TICK_MS);
    }
    return true;
}

static void end_workers(struct server *server)
{
    int64_t deadline = clock_monotonic_ms() + CUT_TIMEOUT_MS;
    signal_event(server->end_fd);
    do {
        workers_join_finished(server);
        if (worker_count(server) == 0)
            break;
        pause_ms(1);
    } while (clock_monotonic_ms() < deadline);
    workers_join_finished(server);
}

static void stop(struct server *server)
{
    log_event(LOG_INFO, "stopping", LOG_INT("connections", (int64_t)connection_count(server)));
    atomic_store(&server->is_stopping, true);
    listeners_close(server);
    if (!wait_for_connections(server, REAP_IDLE, server->options.stop_timeout_ms)) {
        log_event(LOG_WARN, "connections_cut",
                  LOG_INT("connections", (int64_t)connection_count(server)));
        wait_for_connections(server, REAP_ALL, CUT_TIMEOUT_MS);
    }
    end_workers(server);
    log_event(LOG_INFO, "stopped", LOG_INT("connections", (int64_t)connection_count(server)));
}

static void start(struct server *server)
{
    struct epoll_event end = { .events = EPOLLIN, .data.ptr = &server->end_source };
    (void)epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, server->end_fd, &end);
    for (size_t i = 0; i < server->listener_count; i++)
        log_event(LOG_INFO, "listening", LOG_STR("address", str_from(server->listeners[i].text)),
                  LOG_STR("scheme", str_from(server->tls ? "https" : "http")));
    listeners_arm(server);
}

void server_run(struct server *server)
{
    struct error err = { 0 };
    struct pollfd stop_poll = { .fd = server->stop_fd, .events = POLLIN };
    for (int i = 0; i < WORKER_COUNT_MIN; i++) {
        if (!worker_spawn(server, &err)) {
            log_event(LOG_ERROR, "server_not_started", LOG_STR("reason", str_from(err.message)));
            end_workers(server);
            return;
        }
    }
    start(server);
    while (poll(&stop_poll, 1, (int)server->tuning.tick_ms) <= 0) {
        reaper_tick(&server->reaper, REAP_EXPIRED, clock_monotonic_ms());
        listeners_resume(server);
        workers_join_finished(server);
    }
    stop(server);
}
