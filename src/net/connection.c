/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a connection, as the state diagram of README.md shows it.  Each state has a step that
 * goes as far as it can without waiting for the client (a handler and a body source may wait). */
#include "net/server_internal.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

struct metric metric_connections = { .name = "berth_http_connections",
                                     .help = "Open connections",
                                     .kind = METRIC_GAUGE };
struct metric metric_connections_refused = {
    .name = "berth_http_connections_refused_total",
    .help = "Connections closed because there were too many",
};

enum step {
    STEP_AGAIN = 1, /* the state has changed */
    STEP_WAIT_READ,
    STEP_WAIT_WRITE,
    STEP_WAIT_HANGUP, /* for the peer's end, without reading on */
    STEP_CLOSE,
    STEP_ABORT, /* close, and drop what is still to be sent */
};

static enum step step_for(int64_t wanted)
{
    if (wanted == IO_WANT_READ)
        return STEP_WAIT_READ;
    return wanted == IO_WANT_WRITE ? STEP_WAIT_WRITE : STEP_CLOSE;
}

struct exchange *exchange_take(struct worker *worker)
{
    if (worker->spare_exchange)
        return TAKE(worker->spare_exchange);
    struct exchange *exchange = calloc(1, sizeof(*exchange));
    if (!exchange)
        abort();
    exchange->arena = arena_new();
    return exchange;
}

static void exchange_free(struct exchange *exchange)
{
    arena_free(exchange->arena);
    free(exchange);
}

void exchange_give_back(struct exchange *exchange, struct worker *worker)
{
    if (!worker || worker->spare_exchange) {
        exchange_free(exchange);
        return;
    }
    arena_reset(exchange->arena);
    worker->spare_exchange = exchange;
}

/* Room for more of a head. */
static void inbox_make_room(struct inbox *inbox, struct worker *worker)
{
    if (inbox->capacity == 0 && worker->spare_inbox) {
        *inbox = (struct inbox){ .data = TAKE(worker->spare_inbox), .capacity = HEAD_INBOX_SIZE };
        return;
    }
    size_t capacity = inbox->capacity ? inbox->capacity : HEAD_INBOX_SIZE;
    if (inbox_size(inbox) == inbox->capacity && inbox->capacity > 0)
        capacity = inbox->capacity * 2;
    if (inbox->end == inbox->capacity || inbox_size(inbox) == 0)
        inbox_reserve(inbox, capacity);
}

/* An idle connection keeps no buffer. */
static void inbox_give_back(struct inbox *inbox, struct worker *worker)
{
    if (inbox->capacity == HEAD_INBOX_SIZE && !worker->spare_inbox) {
        worker->spare_inbox = inbox->data;
        *inbox = (struct inbox){ 0 };
    } else {
        inbox_release(inbox);
    }
}

static void connection_count(struct connection *connection)
{
    connection->is_counted = true;
    atomic_fetch_add_explicit(&connection->peer->connections, 1, memory_order_relaxed);
    metric_add(&metric_connections, 1);
}

static void connection_free(struct connection *connection)
{
    struct server *server = connection->server;
    if (connection->is_counted) {
        atomic_fetch_sub_explicit(&connection->peer->connections, 1, memory_order_relaxed);
        metric_add(&metric_connections, -1);
    }
    peers_let_go(&server->peers, connection->peer);
    inbox_release(&connection->inbox);
    free(connection);
}

static void connection_close(struct connection *connection, struct worker *worker, bool is_abort)
{
    struct exchange *exchange = connection->exchange;
    if (exchange) {
        if (connection->state == STATE_ANSWER) {
            exchange->is_cut = true;
            exchange_end(connection);
        }
        if (exchange->has_body)
            body_release(&exchange->body);
        connection->exchange = NULL;
        exchange_give_back(exchange, worker);
    }
    reaper_remove(&connection->server->reaper, connection->slot);
    if (is_abort) {
        /* A reader that has stalled must not keep our bytes in the kernel. */
        struct linger drop = { .l_onoff = 1, .l_linger = 0 };
        setsockopt(connection->transport.fd, SOL_SOCKET, SO_LINGER, &drop, sizeof(drop));
    }
    connection->transport.ops->release(&connection->transport);
    connection_free(connection);
}

static enum step handshake_step(struct connection *connection)
{
    int64_t result = connection->transport.ops->handshake(&connection->transport);
    if (result <= 0)
        return result == IO_END ? STEP_CLOSE : step_for(result);
    connection->state = STATE_HEAD;
    return STEP_AGAIN;
}

/* The first record of a handshake: type 22, version 3.x (RFC 8446, 5.1). */
static bool is_tls_hello(const struct inbox *inbox)
{
    return inbox_size(inbox) >= 2 && inbox->data[inbox->start] == 22 &&
           inbox->data[inbox->start + 1] == 3;
}

static enum step parse_step(struct connection *connection, struct worker *worker)
{
    struct inbox *inbox = &connection->inbox;
    struct exchange *exchange = exchange_take(worker);
    connection->exchange = exchange;
    switch (http_head_parse(inbox->data + inbox->start, inbox_size(inbox), &connection->scanned,
                            &exchange->head)) {
    case PARSE_DONE:
        inbox->start += exchange->head.size;
        exchange_run(connection, worker);
        break;
    case PARSE_BAD:
        exchange_refuse(connection, worker, exchange->head.status, exchange->head.reason);
        exchange->is_tls = is_tls_hello(inbox);
        break;
    case PARSE_MORE:
        connection->exchange = NULL;
        exchange_give_back(exchange, worker);
        return STEP_WAIT_READ;
    }
    connection->state = STATE_ANSWER;
    return STEP_AGAIN;
}

static enum step head_step(struct connection *connection, struct worker *worker)
{
    struct inbox *inbox = &connection->inbox;
    struct transport *transport = &connection->transport;
    for (;;) {
        if (inbox_size(inbox) > 0) {
            if (connection->head_started_ms == 0)
                connection->head_started_ms = clock_monotonic_ms();
            if (parse_step(connection, worker) == STEP_AGAIN)
                return STEP_AGAIN;
        } else if (atomic_load_explicit(&connection->server->is_stopping, memory_order_relaxed)) {
            return STEP_CLOSE;
        }
        inbox_make_room(inbox, worker);
        int64_t got =
            transport->ops->read(transport, inbox->data + inbox->end, inbox->capacity - inbox->end);
        if (got <= 0)
            return step_for(got);
        inbox->end += (size_t)got;
    }
}

static void linger_begin(struct connection *connection)
{
    connection->transport.ops->finish(&connection->transport);
    connection->state = STATE_LINGER;
    connection->lingered = 0;
    connection->deadline_ms = clock_monotonic_ms() + connection->server->tuning.linger_timeout_ms;
}

/* Makes ready for the next request. */
static enum step next_request(struct connection *connection, struct worker *worker)
{
    struct exchange *exchange = connection->exchange;
    if (exchange->has_body)
        body_release(&exchange->body);
    connection->exchange = NULL;
    exchange_give_back(exchange, worker);
    connection->scanned = 0;
    connection->head_started_ms = 0;
    connection->state = STATE_HEAD;
    bool has_input = inbox_size(&connection->inbox) > 0 ||
                     connection->transport.ops->has_buffered(&connection->transport) ||
                     atomic_load_explicit(&connection->server->is_stopping, memory_order_relaxed);
    return has_input ? STEP_AGAIN : STEP_WAIT_READ;
}

/* The answer is sent: goes on with this connection, or ends it so that the client can read it all.
 */
static enum step answered(struct connection *connection, struct worker *worker)
{
    struct exchange *exchange = connection->exchange;
    bool is_body_complete = exchange->has_body && exchange->body.is_complete;
    exchange_end(connection);
    if (exchange->keep_alive && is_body_complete)
        return next_request(connection, worker);
    if (exchange->keep_alive) {
        connection->state = STATE_DRAIN;
        connection->deadline_ms = clock_monotonic_ms() + connection->server->tuning.head_timeout_ms;
        return STEP_AGAIN;
    }
    bool may_send_more = !is_body_complete || exchange->is_refusal;
    if (exchange->has_body)
        body_release(&exchange->body);
    connection->exchange = NULL;
    exchange_give_back(exchange, worker);
    if (!may_send_more && inbox_size(&connection->inbox) == 0)
        return STEP_CLOSE;
    linger_begin(connection);
    return STEP_AGAIN;
}

static enum step answer_step(struct connection *connection, struct worker *worker)
{
    struct exchange *exchange = connection->exchange;
    struct transport *transport = &connection->transport;
    if (exchange->answer.sends_source) {
        struct error err = { 0 };
        bool is_sent = answer_send_source(&exchange->answer, &exchange->response, transport,
                                          connection->server->tuning.write_stall_timeout_ms, &err);
        if (err.kind != ERROR_NONE) /* the source, not the client */
            log_event(LOG_ERROR, "answer_cut", LOG_STR("reason", str_from(err.message)));
        return is_sent ? answered(connection, worker) : STEP_ABORT;
    }
    int64_t sent =
        answer_send(&exchange->answer, &exchange->response, transport, worker_scratch(worker));
    if (sent == ANSWER_SENT)
        return answered(connection, worker);
    if (sent == ANSWER_YIELD)
        return STEP_WAIT_WRITE;
    return sent == IO_FAILED ? STEP_ABORT : step_for(sent);
}

static enum step drain_step(struct connection *connection, struct worker *worker)
{
    int64_t result =
        body_drain(&connection->exchange->body, worker_scratch(worker), TRANSPORT_SCRATCH_SIZE);
    return result == IO_END ? next_request(connection, worker) : step_for(result);
}

static enum step linger_step(struct connection *connection, struct worker *worker)
{
    struct transport *transport = &connection->transport;
    char *scratch = worker_scratch(worker);
    if (connection->lingered >= connection->server->tuning.linger_bytes_max)
        return STEP_CLOSE; /* this is the hang-up, or our time is up */
    while (connection->lingered < connection->server->tuning.linger_bytes_max) {
        int64_t got = transport->ops->read(transport, scratch, TRANSPORT_SCRATCH_SIZE);
        if (got <= 0)
            return step_for(got);
        connection->lingered += got;
    }
    /* Enough was dropped.  The window closes and the client finds our answer. */
    return STEP_WAIT_HANGUP;
}

static enum step step(struct connection *connection, struct worker *worker)
{
    switch (connection->state) {
    case STATE_HANDSHAKE:
        return handshake_step(connection);
    case STATE_HEAD:
        return head_step(connection, worker);
    case STATE_ANSWER:
        return answer_step(connection, worker);
    case STATE_DRAIN:
        return drain_step(connection, worker);
    case STATE_LINGER:
        return linger_step(connection, worker);
    }
    return STEP_CLOSE;
}

static int64_t parked_deadline(const struct connection *connection)
{
    const struct net_tuning *tuning = &connection->server->tuning;
    switch (connection->state) {
    case STATE_HEAD:
        if (connection->head_started_ms > 0)
            return connection->head_started_ms + tuning->head_timeout_ms;
        return clock_monotonic_ms() + tuning->idle_timeout_ms;
    case STATE_ANSWER:
        return clock_monotonic_ms() + tuning->write_stall_timeout_ms;
    case STATE_HANDSHAKE:
    case STATE_DRAIN:
    case STATE_LINGER:
        break;
    }
    return connection->deadline_ms;
}

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define IS_THREAD_SANITIZED 1
#endif
#endif

/* ThreadSanitizer knows that EPOLL_CTL_ADD orders what was before it and the event, but not that
 * EPOLL_CTL_MOD does, and calls the next worker's close() a race with that call.  The order of our
 * own memory is made by slot_park() and slot_take(); that one call is made where the tool does not
 * look. */
static int arm(int epoll_fd, int operation, int fd, struct epoll_event *event)
{
#if defined(__SANITIZE_THREAD__) || defined(IS_THREAD_SANITIZED)
    if (operation == EPOLL_CTL_MOD)
        return (int)syscall(SYS_epoll_ctl, epoll_fd, operation, fd, event);
#endif
    return epoll_ctl(epoll_fd, operation, fd, event);
}

/* Hands the connection to whoever gets its next event; it is not ours any more after that. */
static bool park(struct connection *connection, enum step wait)
{
    static const uint32_t events[] = {
        [STEP_WAIT_READ] = EPOLLIN, [STEP_WAIT_WRITE] = EPOLLOUT, [STEP_WAIT_HANGUP] = EPOLLRDHUP
    };
    struct epoll_event event = { .events = events[wait] | EPOLLONESHOT, .data.ptr = connection };
    bool is_idle = connection->state == STATE_HANDSHAKE ||
                   (connection->state == STATE_HEAD && inbox_size(&connection->inbox) == 0);
    int operation = connection->is_in_epoll ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    int epoll_fd = connection->server->epoll_fd, fd = connection->transport.fd;
    struct slot *slot = connection->slot;
    connection->is_in_epoll = true;
    slot_park(slot, parked_deadline(connection), is_idle);
    if (arm(epoll_fd, operation, fd, &event) == 0)
        return true;
    slot_take(slot);
    return false;
}

void connection_run(struct connection *connection, struct worker *worker)
{
    slot_take(connection->slot);
    enum step next;
    do
        next = step(connection, worker);
    while (next == STEP_AGAIN);
    if (next == STEP_CLOSE || next == STEP_ABORT) {
        connection_close(connection, worker, next == STEP_ABORT);
        return;
    }
    if (connection->state == STATE_HEAD && inbox_size(&connection->inbox) == 0)
        inbox_give_back(&connection->inbox, worker);
    if (!park(connection, next))
        connection_close(connection, worker, true);
}

/* Beyond a limit: says so and closes.  The socket is fresh, so the answer fits into its buffer. */
static void refuse(struct connection *connection)
{
    static const char answer[] =
        "HTTP/1.1 503 Service Unavailable\r\n"
        "Content-Type: application/json\r\nRetry-After: 1\r\nConnection: close\r\n"
        "Content-Length: 111\r\n\r\n"
        "{\"errors\":[{\"code\":\"TOOMANYREQUESTS\",\"message\":\"too many connections; "
        "close some, or try again in a moment\"}]}\n";
    metric_add(&metric_connections_refused, 1);
    if (connection->server->tls)
        return; /* before a handshake there is nothing that can be said */
    struct iovec piece = { .iov_base = (void *)(uintptr_t)answer, .iov_len = sizeof(answer) - 1 };
    (void)connection->transport.ops->write(&connection->transport, &piece, 1, false);
    linger_begin(connection);
}

static bool is_within_limits(const struct connection *connection)
{
    const struct server *server = connection->server;
    if (atomic_load_explicit(&server->reaper.count, memory_order_relaxed) >
        server->connection_count_max)
        return false;
    return !connection->is_limited ||
           atomic_load_explicit(&connection->peer->connections, memory_order_relaxed) <
               server->connections_per_address_max;
}

void connection_open(struct server *server, int fd, const struct sockaddr_storage *from)
{
    struct slot *slot = reaper_add(&server->reaper, fd);
    if (!slot) {
        metric_add(&metric_connections_refused, 1);
        close(fd);
        return;
    }
    /* It is counted by now: either stop() sees it and waits, or we see that it did not. */
    if (atomic_load(&server->is_stopping)) {
        reaper_remove(&server->reaper, slot);
        close(fd);
        return;
    }
    struct connection *connection = calloc(1, sizeof(*connection));
    if (!connection)
        abort();
    connection->source = SOURCE_CONNECTION;
    connection->server = server;
    connection->slot = slot;
    address_from_socket(from, connection->address);
    connection->is_limited = !address_is_in(
        server->options.trusted_proxies, server->options.trusted_proxy_count, connection->address);
    connection->peer = peers_hold(&server->peers, connection->address);
    connection->state = server->tls ? STATE_HANDSHAKE : STATE_HEAD;
    connection->deadline_ms = clock_monotonic_ms() + server->tuning.head_timeout_ms;
    bool is_admitted = is_within_limits(connection);
    transport_init_plain(&connection->transport, fd);
    bool is_ready = !server->tls ||
                    (is_admitted && transport_init_tls(&connection->transport, server->tls, fd));
    if (is_admitted)
        connection_count(connection);
    else
        refuse(connection);
    if (!is_ready || !park(connection, STEP_WAIT_READ))
        connection_close(connection, NULL, false);
}
