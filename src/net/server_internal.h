/* SPDX-License-Identifier: Apache-2.0 */
/* net/server_internal.h - what listener, worker, connection and server share.  Not for other
 * folders.
 *
 * Who may touch what: a connection and its exchange belong to the one worker that took the
 * connection's event (EPOLLONESHOT), or to nobody while it is parked.  Everything in struct server
 * is constant while it runs, atomic, or has its own lock. */
#pragma once
#include "net/address.h"
#include "net/answer.h"
#include "net/body.h"
#include "net/http_parse.h"
#include "net/metrics.h"
#include "net/peers.h"
#include "net/reaper.h"
#include "net/tls.h"
#include "net/transport.h"
#include "net/tuning.h"

#include "base/clock.h"
#include "base/random.h"

#include <pthread.h>
#include <stdatomic.h>

/* What an epoll event is about: the first member of what its pointer leads to. */
enum event_source { SOURCE_CONNECTION = 1, SOURCE_LISTENER, SOURCE_END };

/* One request from its head to the end of its answer. */
struct exchange {
    bool is_tls; /* refused: TLS where plain http is spoken, as docker tries at first */
    bool is_cut; /* its connection ended before the answer did */
    struct arena *arena;
    struct http_head head;
    struct request request;
    struct response response;
    struct body body;
    struct answer answer;
    char id[RANDOM_ID_TEXT];
    const char *surface; /* metric label */
    int64_t started_us;
    bool has_body; /* body is set: the head was good */
    bool keep_alive, is_refusal, hides_path;
    struct peer *peer; /* whose handler count we hold; NULL: not counted */
};

enum connection_state {
    STATE_HANDSHAKE = 1,
    STATE_HEAD,   /* waiting for a request, or in the middle of its head */
    STATE_ANSWER, /* sending */
    STATE_DRAIN,  /* answered; a small rest of the body is still to come */
    STATE_LINGER, /* answered and half closed: dropping what the client still sends */
};

struct connection {
    enum event_source source;
    enum connection_state state;
    struct server *server;
    struct transport transport;
    struct slot *slot;
    struct peer *peer; /* counted there */
    bool is_counted, is_limited, is_in_epoll;
    uint8_t address[16];
    struct inbox inbox;
    size_t scanned;          /* of the inbox, by the head parser */
    int64_t head_started_ms; /* 0: no byte of it is there */
    int64_t deadline_ms;     /* of handshake, drain and linger */
    int64_t lingered;        /* bytes */
    struct exchange *exchange;
};

struct listener {
    enum event_source source;
    struct server *server;
    int fd;
    size_t option_index;   /* which of server_options.listen */
    atomic_bool is_paused; /* out of file descriptors; the reaper resumes it */
    char text[ADDRESS_TEXT_MAX];
};

struct worker {
    struct server *server;
    pthread_t thread;
    struct worker *next; /* in server.finished */
    bool is_last;        /* nobody waits for the next event, and no thread could be started */
    struct exchange *spare_exchange;
    char *spare_inbox; /* HEAD_INBOX_SIZE bytes */
    char *scratch;     /* TRANSPORT_SCRATCH_SIZE bytes */
    int64_t date_second;
    char date[CLOCK_TEXT_MAX];
    uint8_t randomness[256];
    size_t randomness_left;
};

enum {
    HEAD_INBOX_SIZE = 4096, /* to begin with; grows up to HTTP_HEAD_BYTES_MAX */
    LISTENER_COUNT_MAX = 16,
    DISTRUST_COUNT_MAX = 16,
    REFUSAL_COUNT_MAX = 64, /* connections beyond the limit that are told so politely */
    WORKER_COUNT_MIN = 2,
    WORKER_COUNT_SPARE =
        4, /* threads beyond the handlers' limit: they say 503 and finish downloads */
};

/* Addresses whose X-Forwarded-Proto was not believed, so that each is told once.  Anybody can send
 * one: beyond the first few there is silence. */
struct distrust {
    pthread_mutex_t lock;
    uint8_t addresses[DISTRUST_COUNT_MAX][16];
    size_t count;
};

struct server {
    struct server_options options;
    struct net_tuning tuning;
    int epoll_fd;
    int stop_fd; /* server_stop() writes here */
    int end_fd;  /* in the epoll set: every worker exits */
    enum event_source end_source;
    struct listener listeners[LISTENER_COUNT_MAX];
    size_t listener_count;
    struct tls *tls; /* NULL: plain */
    struct reaper reaper;
    struct peers peers;
    struct distrust distrust;
    size_t connection_count_max;
    unsigned handler_count_max, handlers_per_address_max, connections_per_address_max;
    atomic_uint handlers;
    atomic_bool is_stopping;

    pthread_mutex_t workers_lock;
    unsigned worker_count;     /* guarded by workers_lock */
    struct worker *finished;   /* likewise: to be joined */
    atomic_int waiting_count;  /* workers in epoll_wait, or on their way there */
    atomic_bool lacks_threads; /* the last start of one failed: said once */
};

extern struct metric metric_connections, metric_connections_refused, metric_handlers,
    metric_handlers_refused, metric_workers, metric_bytes_sent;

/* listener.c */
bool listeners_open(struct server *server, struct error *err);
void listeners_arm(struct server *server);
void listeners_resume(struct server *server); /* those that had run out of descriptors */
void listeners_close(struct server *server);
void listener_accept(struct listener *listener);

/* connection.c */
void connection_open(struct server *server, int fd, const struct sockaddr_storage *from);
void connection_run(struct connection *connection, struct worker *worker);
/* The next request's exchange, a used one if the worker has it. */
struct exchange *exchange_take(struct worker *worker);
void exchange_give_back(struct exchange *exchange, struct worker *worker);

/* exchange.c: each returns with connection->exchange->answer prepared. */
void exchange_run(struct connection *connection, struct worker *worker);
void exchange_refuse(struct connection *connection, struct worker *worker, int status,
                     const char *reason);
void exchange_end(
    struct connection *connection); /* log, metrics, counts; the answer is sent or lost */
void exchange_leave_handler(struct connection *connection);

/* worker.c */
bool worker_spawn(struct server *server, struct error *err);
/* How many handlers may run if this worker is to run one of them. */
unsigned worker_handler_limit(const struct worker *worker);
void workers_join_finished(struct server *server);
char *worker_scratch(struct worker *worker);
struct str worker_date(struct worker *worker);
void worker_random_id(struct worker *worker, char out[static RANDOM_ID_TEXT]);
