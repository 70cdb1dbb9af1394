/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/db/proxy.h - stands between the engine and PostgreSQL and cuts connections at a
 * commit: before the server hears of it, or before the client hears the answer.
 *
 *     struct proxy proxy;
 *     proxy_start(&proxy, scratch);        proxy.url leads through it
 *     atomic_store(&proxy.cut, CUT_BEFORE_COMMIT);
 *     ...
 *     proxy_stop(&proxy); */
#pragma once
#include "scratch.h"

#include <libpq-fe.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>

enum proxy_cut { CUT_NOTHING, CUT_BEFORE_COMMIT, CUT_AFTER_COMMIT };
enum { PROXY_CLIENTS_MAX = 64, PROXY_POLL_MS = 20 };

struct proxy {
    char url[512];
    struct sockaddr_un own, server;
    int listener;
    atomic_int cut;         /* enum proxy_cut; done once, then CUT_NOTHING */
    atomic_bool is_closed;  /* to all: the database does not come back */
    atomic_bool stays_away; /* after the next cut, is_closed */
    atomic_bool is_over;
    pthread_t thread, clients[PROXY_CLIENTS_MAX];
    int client_count;
};

struct proxy_client {
    struct proxy *proxy;
    int near, far;
};

/* Passes on what there is; false at the end of the connection. */
static inline bool proxy_copy(int from, int to, char *bytes, size_t size)
{
    ssize_t count = read(from, bytes, size);
    return count > 0 && send(to, bytes, (size_t)count, MSG_NOSIGNAL) == count;
}

/* What the client says; false when the connection must end. */
static inline bool proxy_forward(struct proxy_client *client)
{
    char bytes[65536];
    ssize_t count = read(client->near, bytes, sizeof(bytes));
    if (count <= 0)
        return false;
    bool is_commit = memmem(bytes, (size_t)count, "COMMIT", 6) != NULL;
    int cut = is_commit ? atomic_exchange(&client->proxy->cut, CUT_NOTHING) : CUT_NOTHING;
    if (cut != CUT_NOTHING && atomic_load(&client->proxy->stays_away))
        atomic_store(&client->proxy->is_closed, true);
    if (cut == CUT_BEFORE_COMMIT)
        return false;
    if (send(client->far, bytes, (size_t)count, MSG_NOSIGNAL) != count)
        return false;
    if (cut == CUT_AFTER_COMMIT)
        (void)!read(client->far, bytes, sizeof(bytes));
    return cut == CUT_NOTHING;
}

static inline void *proxy_serve(void *context)
{
    struct proxy_client *client = context;
    char bytes[65536];
    bool is_open = true;
    while (is_open && !atomic_load(&client->proxy->is_over) &&
           !atomic_load(&client->proxy->is_closed)) {
        struct pollfd ends[] = { { .fd = client->near, .events = POLLIN },
                                 { .fd = client->far, .events = POLLIN } };
        (void)poll(ends, 2, PROXY_POLL_MS);
        if (ends[1].revents)
            is_open = proxy_copy(client->far, client->near, bytes, sizeof(bytes));
        if (is_open && ends[0].revents)
            is_open = proxy_forward(client);
    }
    (void)close(client->near);
    (void)close(client->far);
    free(client);
    return NULL;
}

static inline int proxy_socket(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    return fd;
}

static inline void proxy_accept(struct proxy *proxy)
{
    int near = accept(proxy->listener, NULL, NULL);
    if (near < 0 || atomic_load(&proxy->is_closed) || proxy->client_count == PROXY_CLIENTS_MAX) {
        (void)close(near);
        return;
    }
    struct proxy_client *client = calloc(1, sizeof(*client));
    assert_non_null(client);
    *client = (struct proxy_client){ proxy, near, proxy_socket() };
    (void)connect(client->far, (const struct sockaddr *)&proxy->server, sizeof(proxy->server));
    assert_int_equal(
        pthread_create(&proxy->clients[proxy->client_count++], NULL, proxy_serve, client), 0);
}

static inline void *proxy_run(void *context)
{
    struct proxy *proxy = context;
    while (!atomic_load(&proxy->is_over)) {
        struct pollfd end = { .fd = proxy->listener, .events = POLLIN };
        if (poll(&end, 1, PROXY_POLL_MS) > 0)
            proxy_accept(proxy);
    }
    return NULL;
}

/* Where the server of the test's database listens.  Skips the test if that is no Unix socket. */
static inline void proxy_find_server(struct proxy *proxy, struct scratch *s, char database[64])
{
    PGconn *connection = PQconnectdb(arena_c(s->arena, s->url));
    assert_int_equal(PQstatus(connection), CONNECTION_OK);
    bool is_unix = PQhost(connection)[0] == '/';
    (void)snprintf(proxy->server.sun_path, sizeof(proxy->server.sun_path), "%s/.s.PGSQL.%s",
                   PQhost(connection), PQport(connection));
    (void)snprintf(proxy->url, sizeof(proxy->url), "postgres://%s@/%s?host=%s", PQuser(connection),
                   PQdb(connection), s->folder);
    (void)snprintf(database, 64, "%s", PQdb(connection));
    PQfinish(connection);
    if (!is_unix)
        skip();
}

static inline void proxy_start(struct proxy *proxy, struct scratch *s)
{
    char database[64];
    *proxy = (struct proxy){ .own.sun_family = AF_UNIX, .server.sun_family = AF_UNIX };
    proxy_find_server(proxy, s, database);
    (void)snprintf(proxy->own.sun_path, sizeof(proxy->own.sun_path), "%.80s/.s.PGSQL.5432",
                   s->folder);
    proxy->listener = proxy_socket();
    assert_int_equal(
        bind(proxy->listener, (const struct sockaddr *)&proxy->own, sizeof(proxy->own)), 0);
    assert_int_equal(listen(proxy->listener, 64), 0);
    assert_int_equal(pthread_create(&proxy->thread, NULL, proxy_run, proxy), 0);
}

static inline void proxy_stop(struct proxy *proxy)
{
    atomic_store(&proxy->is_over, true);
    (void)pthread_join(proxy->thread, NULL);
    for (int i = 0; i < proxy->client_count; i++)
        (void)pthread_join(proxy->clients[i], NULL);
    (void)close(proxy->listener);
    (void)unlink(proxy->own.sun_path);
}
