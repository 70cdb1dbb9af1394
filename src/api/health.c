/* SPDX-License-Identifier: Apache-2.0 */
#include "api/health.h"

#include "base/log.h"
#include "hub/access.h"
#include "hub/hub.h"
#include "net/metrics.h"

enum { METRICS_BYTES_MAX = 1024 * 1024 };

static const char text_plain[] = "text/plain; charset=utf-8";

static void answer(struct response *response, int status, struct str text)
{
    response_status(response, status);
    response_header(response, "Cache-Control", STR("no-store"));
    response_memory(response, text_plain, text);
}

static bool healthz_get(struct request *request, struct response *response, struct error *err)
{
    (void)request;
    (void)err;
    answer(response, 200, STR("ok\n"));
    return true;
}

/* Whoever asks learns the kind of trouble only: messages may name hosts and paths of ours. */
static bool readyz_get(struct request *request, struct response *response, struct error *err)
{
    (void)err;
    struct error trouble = { 0 };
    if (hub_check(access_hub(request), request->arena, &trouble)) {
        answer(response, 200, STR("ready\n"));
        return true;
    }
    const char *kind = error_kind_name(trouble.kind);
    log_event(LOG_WARN, "not_ready", LOG_STR("error", str_from(kind)),
              LOG_STR("reason", str_from(trouble.message)));
    answer(response, 503, arena_format(request->arena, "not ready: %s\n", kind));
    return true;
}

static bool metrics_get(struct request *request, struct response *response, struct error *err)
{
    struct buf out AUTO(buf_release);
    buf_init(&out, METRICS_BYTES_MAX);
    metrics_write(&out);
    process_metrics_write(&out);
    struct str text = STR_NONE;
    if (!buf_finish(&out, &text, err))
        return false;
    response_status(response, 200);
    response_header(response, "Cache-Control", STR("no-store"));
    response_memory(response, "text/plain; version=0.0.4; charset=utf-8",
                    arena_copy(request->arena, text));
    return true;
}

static int status_of(enum error_kind kind)
{
    if (kind == ERROR_NOT_FOUND)
        return 404;
    if (kind == ERROR_UNSUPPORTED)
        return 405;
    if (kind == ERROR_UNAVAILABLE || kind == ERROR_TOO_MANY)
        return 503;
    return kind == ERROR_INVALID ? 400 : 500;
}

static void health_refuse(struct request *request, struct response *response,
                          const struct error *err)
{
    int status = status_of(err->kind);
    const char *text = error_is_public(err) ? err->message : status_reason(status);
    answer(response, status, arena_format(request->arena, "%s\n", text));
}

/* clang-format off */
static const struct route health_routes[] = {
    { METHOD_GET, "/healthz", ACCESS_PUBLIC, healthz_get, "Does the process answer?" },
    { 0 },
};
static const struct route readiness_routes[] = {
    { METHOD_GET, "/readyz",  ACCESS_PUBLIC, readyz_get,  "Are database and store usable?" },
    { 0 },
};
static const struct route metrics_routes[] = {
    { METHOD_GET, "/metrics", ACCESS_PUBLIC, metrics_get, "Counters and gauges for Prometheus" },
    { 0 },
};

const struct surface health_surface = {
    .name = "health", .prefix = "/healthz", .routes = health_routes, .refuse = health_refuse,
};
const struct surface readiness_surface = {
    .name = "health", .prefix = "/readyz", .routes = readiness_routes, .refuse = health_refuse,
};
const struct surface metrics_surface = {
    .name = "health", .prefix = "/metrics", .routes = metrics_routes, .refuse = health_refuse,
};
/* clang-format on */
