/* SPDX-License-Identifier: Apache-2.0 */
/* net/server.h - listeners, connections and worker threads.
 *
 * Leader/follower: all workers wait in one epoll set (EPOLLONESHOT).  Whoever gets a ready
 * connection parses its head and runs the handler.  Idle connections, half-received heads and
 * answers (memory, file) that wait for a slow reader hold no thread.  Running handlers, uploads and
 * body sources hold one; they are capped in total and per client address, 503 with Retry-After
 * beyond.
 *
 * Deadlines (base/limits.def): head, idle, body stall and minimum rate, write stall.  One
 * reaper only shuts sockets down; the worker that owns a connection frees it.
 *
 * The process must ignore SIGPIPE (server_new does).  server_run() may be called once;
 * server_stop() and server_reload_tls() from any thread. */
#pragma once
#include "net/router.h"

#include <stdint.h>

struct server;

/* An address range in CIDR notation. */
struct address_range {
    uint8_t bytes[16]; /* IPv4 as ::ffff:a.b.c.d */
    unsigned prefix_bits;
};

NODISCARD bool address_range_parse(struct str text, struct address_range *out, struct error *err);
bool address_range_holds(const struct address_range *range, const uint8_t address[16]);

struct server_options {
    const struct str
        *listen; /* "localhost:5000" (both loopbacks), "0.0.0.0:80", "[::1]:5000", ":5000" */
    size_t listen_count;
    const struct router *router;
    void *app;                             /* request->app */
    const char *tls_certificate, *tls_key; /* PEM files; both or neither */
    const struct address_range *trusted_proxies;
    size_t trusted_proxy_count;
    unsigned worker_count_max;     /* 0: 512 */
    unsigned connection_count_max; /* 0: 20000; fewer if the open-file limit, raised as far as
                                      may be, does not bear them */
    unsigned connections_per_address_max; /* 0: 1000; connections beyond are answered 503 and
                                             closed; trusted proxies are not limited */
    unsigned workers_per_address_max;     /* 0: half of worker_count_max */
    unsigned stop_timeout_ms; /* 0: 30000: how long running requests may take to finish */
};

/* Binds and listens; ERROR_INVALID or UNAVAILABLE says which address and why. */
struct server *server_new(const struct server_options *options, struct error *err);
void server_free(struct server *server);
DEFINE_AUTO(struct server, server_free);

/* Port of listener `index` (the kernel's choice when 0 was asked for). */
uint16_t server_port(const struct server *server, size_t index);

/* Serves until server_stop(); returns when every connection is closed or the time for that is up.
 */
void server_run(struct server *server);

/* Stops accepting, closes idle connections, lets running requests finish.  Async-signal-safe. */
void server_stop(struct server *server);

/* Reads certificate and key again; new connections use them.  On failure the old ones stay. */
NODISCARD bool server_reload_tls(struct server *server, struct error *err);
