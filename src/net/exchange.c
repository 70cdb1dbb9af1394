/* SPDX-License-Identifier: Apache-2.0 */
/* One request: from its parsed head through the router to an answer that is ready to be sent. */
#include "net/request_build.h"
#include "net/server_internal.h"

#include "base/log.h"

#include <string.h>

struct metric metric_handlers = { .name = "berth_http_handlers",
                                  .help = "Running handlers",
                                  .kind = METRIC_GAUGE };
struct metric metric_handlers_refused = {
    .name = "berth_http_handlers_refused_total",
    .help = "Requests answered 503 because too many were running",
};
struct metric metric_bytes_sent = {
    .name = "berth_http_body_bytes_sent_total",
    .help = "Bytes of answer bodies",
};

static const char *const busy_json =
    "{\"errors\":[{\"code\":\"TOOMANYREQUESTS\",\"message\":\"the server is busy with other "
    "requests; try again in a moment\"}]}\n";

static void refuse_busy(struct exchange *exchange)
{
    struct response *response = &exchange->response;
    metric_add(&metric_handlers_refused, 1);
    response_status(response, 503);
    response_header(response, "Retry-After", STR("1"));
    response_memory(response, "application/json", str_from(busy_json));
}

/* Takes a place among the running handlers, of all and of this client. */
static bool enter_handler(struct connection *connection, const struct worker *worker,
                          const struct request_origin_facts *facts)
{
    struct server *server = connection->server;
    struct exchange *exchange = connection->exchange;
    uint8_t client[16];
    request_client_address(&exchange->request, facts, client);
    struct peer *peer = peers_hold(&server->peers, client);
    unsigned of_peer = atomic_fetch_add_explicit(&peer->handlers, 1, memory_order_relaxed);
    unsigned of_all = atomic_fetch_add_explicit(&server->handlers, 1, memory_order_relaxed);
    exchange->peer = peer;
    metric_add(&metric_handlers, 1);
    if (of_peer < server->handlers_per_address_max && of_all < worker_handler_limit(worker))
        return true;
    exchange_leave_handler(connection);
    return false;
}

void exchange_leave_handler(struct connection *connection)
{
    struct exchange *exchange = connection->exchange;
    if (!exchange->peer)
        return;
    atomic_fetch_sub_explicit(&connection->server->handlers, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&exchange->peer->handlers, 1, memory_order_relaxed);
    peers_let_go(&connection->server->peers, exchange->peer);
    exchange->peer = NULL;
    metric_add(&metric_handlers, -1);
}

static void begin(struct connection *connection, struct worker *worker)
{
    struct exchange *exchange = connection->exchange;
    exchange->started_us = clock_monotonic_us();
    worker_random_id(worker, exchange->id);
    exchange->surface = "none";
    exchange->has_body = exchange->keep_alive = exchange->is_refusal = false;
    exchange->hides_path = exchange->is_tls = exchange->is_cut = false;
    exchange->peer = NULL;
    memset(&exchange->request, 0, sizeof(exchange->request));
    exchange->request.arena = exchange->arena;
    exchange->request.id = str_from(exchange->id);
    exchange->request.app = connection->server->options.app;
    exchange->request.client_address = STR("-");
    exchange->request.path = STR("-");
    response_init(&exchange->response, exchange->arena);
}

/* The address that the client has reached, for HTTP/1.0 without Host. */
static struct str local_host(struct connection *connection)
{
    struct sockaddr_storage local;
    socklen_t size = sizeof(local);
    char text[ADDRESS_TEXT_MAX];
    if (getsockname(connection->transport.fd, (struct sockaddr *)&local, &size) != 0)
        return STR("localhost");
    return arena_copy(connection->exchange->arena, socket_address_format(&local, text));
}

static void prepare_answer(struct connection *connection, struct worker *worker)
{
    struct exchange *exchange = connection->exchange;
    struct response *response = &exchange->response;
    struct answer_facts facts = {
        .method = exchange->request.method,
        .version_minor = exchange->head.version_minor,
        .keep_alive = exchange->keep_alive,
        .request_id = exchange->request.id,
        .date = worker_date(worker),
    };
    answer_prepare(&exchange->answer, response, &facts);
}

static void decide_keep_alive(struct connection *connection)
{
    struct exchange *exchange = connection->exchange;
    struct response *response = &exchange->response;
    bool ends_by_close = response->body == BODY_SOURCE && exchange->head.version_minor == 0 &&
                         response->length == RESPONSE_LENGTH_UNKNOWN;
    exchange->keep_alive =
        exchange->head.keep_alive && !response->close_connection && !ends_by_close &&
        body_rest_is_small(&exchange->body) &&
        !atomic_load_explicit(&connection->server->is_stopping, memory_order_relaxed);
}

static void handle(struct connection *connection)
{
    struct exchange *exchange = connection->exchange;
    struct request *request = &exchange->request;
    struct response *response = &exchange->response;
    const struct surface *surface =
        router_surface(connection->server->options.router, request->path);
    exchange->surface = surface->name;
    exchange->hides_path = surface->has_secret_paths;
    log_set_request_id(request->id);
    router_handle(connection->server->options.router, request, response);
    log_set_request_id(STR_NONE);
    if (exchange->body.is_too_slow && response->status == 429)
        response->status = 408; /* surfaces know no request timeouts */
}

static bool is_news(struct distrust *distrust, const uint8_t address[static 16])
{
    bool is_new = false;
    pthread_mutex_lock(&distrust->lock);
    if (distrust->count < DISTRUST_COUNT_MAX) {
        is_new = true;
        for (size_t i = 0; i < distrust->count && is_new; i++)
            is_new = memcmp(distrust->addresses[i], address, 16) != 0;
    }
    if (is_new)
        memcpy(distrust->addresses[distrust->count++], address, 16);
    pthread_mutex_unlock(&distrust->lock);
    return is_new;
}

/* A proxy that the settings do not name makes every link and every login point to http. */
static void warn_of_proxy(struct connection *connection, const struct request_origin_facts *facts)
{
    const struct request *request = &connection->exchange->request;
    if (!str_is_set(request_header(request, "X-Forwarded-Proto")) ||
        address_is_in(facts->trusted_proxies, facts->trusted_proxy_count, facts->peer) ||
        !is_news(&connection->server->distrust, facts->peer))
        return;
    char text[ADDRESS_TEXT_MAX];
    log_event(LOG_WARN, "forwarded_ignored", LOG_STR("address", address_format(facts->peer, text)),
              LOG_STR("reason", STR("X-Forwarded-Proto is ignored: the address is not in "
                                    "proxy.trusted")));
}

void exchange_run(struct connection *connection, struct worker *worker)
{
    struct exchange *exchange = connection->exchange;
    struct server *server = connection->server;
    begin(connection, worker);
    body_init(&exchange->body, &exchange->head, &connection->transport, &connection->inbox,
              &server->tuning);
    exchange->has_body = true;
    exchange->request.body = &exchange->body;
    struct request_origin_facts facts = {
        .is_tls = server->tls != NULL,
        .fallback_host = str_is_set(exchange->head.host) ? STR_NONE : local_host(connection),
        .trusted_proxies = server->options.trusted_proxies,
        .trusted_proxy_count = server->options.trusted_proxy_count,
    };
    memcpy(facts.peer, connection->address, sizeof(facts.peer));
    const char *reason;
    bool is_built = request_build(&exchange->request, &exchange->head, &facts, &reason);
    warn_of_proxy(connection, &facts);
    if (!is_built) {
        exchange->is_refusal = true;
        response_status(&exchange->response, 400);
        response_memory(&exchange->response, "text/plain; charset=utf-8",
                        arena_format(exchange->arena, "%s\n", reason));
        exchange->response.close_connection = true;
    } else if (!enter_handler(connection, worker, &facts)) {
        refuse_busy(exchange);
    } else {
        handle(connection);
        if (exchange->response.body != BODY_SOURCE)
            exchange_leave_handler(connection); /* a source holds its thread on */
    }
    decide_keep_alive(connection);
    prepare_answer(connection, worker);
}

void exchange_refuse(struct connection *connection, struct worker *worker, int status,
                     const char *reason)
{
    struct exchange *exchange = connection->exchange;
    begin(connection, worker);
    exchange->is_refusal = true;
    exchange->request.method = METHOD_GET;
    exchange->head.version_minor = 1;
    response_status(&exchange->response, status);
    response_memory(&exchange->response, "text/plain; charset=utf-8",
                    arena_format(exchange->arena, "%s\n", reason));
    char text[ADDRESS_TEXT_MAX];
    exchange->request.client_address =
        arena_copy(exchange->arena, address_format(connection->address, text));
    prepare_answer(connection, worker);
}

void exchange_end(struct connection *connection)
{
    struct exchange *exchange = connection->exchange;
    struct request *request = &exchange->request;
    exchange_leave_handler(connection);
    response_release(&exchange->response);
    int64_t duration_us = clock_monotonic_us() - exchange->started_us;
    metrics_request(exchange->surface, exchange->response.status, duration_us);
    metric_add(&metric_bytes_sent, (int64_t)exchange->answer.bytes_out);
    if (!log_enabled(exchange->is_tls ? LOG_DEBUG : LOG_INFO))
        return;
    log_set_request_id(request->id);
    /* The query may hold secrets and is never logged. */
    struct str path = request->path;
    if (exchange->hides_path)
        path = request->route ? str_from(request->route->pattern) : STR("(hidden)");
    const struct log_field fields[] = {
        LOG_STR("method", method_name(request->method)),
        LOG_STR("path", path),
        LOG_INT("status", exchange->response.status),
        LOG_INT("bytes", (int64_t)exchange->answer.bytes_out),
        LOG_INT("duration_us", duration_us),
        LOG_STR("client", request->client_address),
        LOG_STR("surface", str_from(exchange->surface)),
        LOG_INT("incomplete", 1),
    };
    int count = (int)ARRAY_COUNT(fields) - !exchange->is_cut;
    if (exchange->is_tls)
        log_event(LOG_DEBUG, "tls_on_plain_port", LOG_STR("client", request->client_address));
    else
        log_write(LOG_INFO, "request", fields, count);
    log_set_request_id(STR_NONE);
}
