/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/net/live.h - a real server with a toy surface on a free port, and a plain client for
 * it.
 *
 *     struct live live;
 *     live_start(&live, NULL);
 *     int fd = live_connect(&live);
 *     live_send(fd, "GET /small HTTP/1.1\r\nHost: a\r\n\r\n");
 *     struct reply reply = live_reply(fd);
 *
 * Every wait of the client is bounded, so a test fails instead of hanging. */
#pragma once
#include "net/http.h"
#include "net/server.h"
#include "net/tuning.h"

#include "../check.h"

#include <pthread.h>
#include <stdatomic.h>

enum { LIVE_FILE_SIZE = 8 * 1024 * 1024, LIVE_REPLY_MAX = 65536 };

/* What the toy surface's handlers see. */
struct live_app {
    char file[64];       /* LIVE_FILE_SIZE bytes of a pattern */
    atomic_int running;  /* handlers of /wait */
    atomic_bool is_open; /* lets them return */
    atomic_int sources_closed;
};

struct live_options {
    struct server_options server; /* listen, router and app are set by live_start() */
    struct net_tuning tuning;
    bool is_tuned;
    const char *listen; /* "127.0.0.1:0" if NULL */
};

struct live {
    struct live_app app;
    struct router *router;
    struct server *server;
    struct str listen;
    pthread_t thread;
    uint16_t port;
};

void live_start(struct live *live, const struct live_options *options);
void live_stop(struct live *live); /* and waits for its end */

int live_connect(const struct live *live);
void live_send(int fd, const char *text);
void live_send_bytes(int fd, const void *bytes, size_t size);

struct reply {
    int status;                /* 0: the connection ended, -1: nothing came in time */
    char text[LIVE_REPLY_MAX]; /* head and body */
    struct str head, body;
};

/* The next answer, its body whole if that has a length; `is_head`: no body follows. */
void live_reply(int fd, bool is_head, struct reply *out);
struct str reply_header(const struct reply *reply, const char *name);

/* One request on a new connection; the status. */
int live_ask(const struct live *live, const char *text, struct reply *out);

/* Has the server closed?  Waits up to timeout_ms; drops what still comes. */
bool live_is_closed(int fd, int timeout_ms);

int64_t live_metric(const char *line_start); /* its value, from metrics_write() */
void live_wait_until(bool (*is_so)(struct live *live), struct live *live);
