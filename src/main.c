/* SPDX-License-Identifier: Apache-2.0 */
/* main - the order in which the server starts and stops; the rest of the command line is src/cli.
 *
 * Stopping goes backwards: first no new requests and signals, then the background work, then the
 * hub, which writes what is still counted in memory. */
#include "api/health.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/command.h"
#include "cli/process.h"
#include "cli/signals.h"
#include "hub/access.h"
#include "hub/keys.h"
#include "net/server.h"
#include "registry/registry.h"
#include "web/web.h"
#include "worker/worker.h"

#include <unistd.h>

/* The last one answers everything that no other knows. */
static const struct surface *const surfaces[] = {
    &registry_surface,  &token_surface,   &registry_v1_surface, &health_surface,
    &readiness_surface, &metrics_surface, &web_surface,
};

static const struct worker_job_kind job_kinds[] = {
    { "blob_remove", blob_remove_run, 5 * 60 * 1000 },
    { "recovery_copy", recovery_copy_run, 5 * 60 * 1000 },
};

/* What a signal acts on. */
struct running {
    struct hub *hub;
    struct server *server;
    bool has_tls;
};

static void stop(void *context)
{
    const struct running *running = context;
    server_stop(running->server);
}

static void reload(void *context)
{
    const struct running *running = context;
    struct error error = { 0 };
    bool is_done = keys_reload(running->hub->keys, &error) &&
                   (!running->has_tls || server_reload_tls(running->server, &error));
    if (is_done)
        log_write(LOG_INFO, "reloaded", NULL, 0);
    else
        log_event(LOG_ERROR, "reload_failed", LOG_STR("reason", str_from(error.message)));
}

static struct server *listen_on(const struct serve_plan *plan, const struct router *router,
                                struct hub *hub, struct error *err)
{
    const struct settings *settings = plan->settings;
    struct str *listen = NULL;
    struct address_range *proxies = NULL;
    struct server_options options = { .router = router, .app = hub };
    settings_list(settings, plan->arena, SETTING_LISTEN, &listen, &options.listen_count);
    settings_ranges(settings, plan->arena, SETTING_PROXY_TRUSTED, &proxies,
                    &options.trusted_proxy_count);
    options.listen = listen;
    options.trusted_proxies = proxies;
    struct str certificate = settings_text(settings, SETTING_TLS_CERTIFICATE);
    if (str_is_set(certificate)) {
        options.tls_certificate = arena_c(plan->arena, certificate);
        options.tls_key = arena_c(plan->arena, settings_text(settings, SETTING_TLS_KEY));
    }
    options.worker_count_max = (unsigned)settings_number(settings, SETTING_LIMIT_WORKERS);
    /* By default the core takes what the limit of open files allows. */
    if (settings->values[SETTING_LIMIT_CONNECTIONS].origin != ORIGIN_DEFAULT)
        options.connection_count_max =
            (unsigned)settings_number(settings, SETTING_LIMIT_CONNECTIONS);
    options.connections_per_address_max =
        (unsigned)settings_number(settings, SETTING_LIMIT_CONNECTIONS_PER_ADDRESS);
    options.stop_timeout_ms =
        1000 * (unsigned)settings_number(settings, SETTING_LIMIT_STOP_TIMEOUT_S);
    return server_new(&options, err);
}

static bool say_started(const struct serve_plan *plan, struct hub *hub, struct server *server,
                        struct error *err)
{
    struct str *listen = NULL;
    struct start_text text = { .plan = plan, .hub = hub, .has_setup_page = true };
    settings_list(plan->settings, plan->arena, SETTING_LISTEN, &listen, &text.port_count);
    uint16_t *ports = arena_alloc(plan->arena, text.port_count * sizeof(*ports));
    for (size_t i = 0; i < text.port_count; i++)
        ports[i] = server_port(server, i);
    text.ports = ports;
    return start_text_print(&text, err);
}

static bool serve(const struct serve_plan *plan, struct error *err)
{
    enum { STOP_GRACE_MS = 10000 }; /* beyond what requests get: background work, last writes */
    process_prepare(plan->settings);
    struct hub *hub AUTO(hub_close) = NULL;
    if (!cli_hub_open(plan->settings, plan->arena, &hub, err))
        return false;
    struct router *router AUTO(router_free) =
        router_new(surfaces, ARRAY_COUNT(surfaces), access_authorize, err);
    if (!router)
        return false;
    struct server *server AUTO(server_free) = listen_on(plan, router, hub, err);
    if (!server)
        return false;

    struct running running = {
        .hub = hub,
        .server = server,
        .has_tls = str_is_set(settings_text(plan->settings, SETTING_TLS_CERTIFICATE)),
    };
    const struct signal_actions actions = {
        .stop = stop,
        .reload = reload,
        .context = &running,
        .stop_timeout_ms =
            1000 * (unsigned)settings_number(plan->settings, SETTING_LIMIT_STOP_TIMEOUT_S) +
            STOP_GRACE_MS,
    };
    const struct worker_options work = {
        .hub = hub,
        .kinds = job_kinds,
        .kind_count = ARRAY_COUNT(job_kinds),
        .tasks = worker_tasks,
        .task_count = worker_task_count,
    };
    struct signals *signals AUTO(signals_end) = NULL;
    struct worker *worker AUTO(worker_stop) = NULL;
    if (!signals_start(&actions, &signals, err) || !worker_start(&work, &worker, err) ||
        !say_started(plan, hub, server, err))
        return false;
    server_run(server);
    return true;
}

int main(int argc, char **argv)
{
    const struct cli_environment environment = {
        .variables = environ,
        .in = stdin,
        .out = stdout,
        .err = stderr,
        .serve = serve,
    };
    return cli_run(&environment, argc, argv);
}
