/* SPDX-License-Identifier: Apache-2.0 */
/* db/postgres_internal.h - what the files of the PostgreSQL engine share.
 *
 *     db_postgres.c          opening, the pool, reading transactions, the table of operations
 *     postgres_connect.c     the setting, one connection's beginning and end
 *     postgres_exchange.c    questions and answers on a connection, what failures mean
 *     postgres_statement.c   runs of statements
 *     postgres_write.c       writing transactions: when to run them again, what became of a commit
 *
 * A transaction costs as few round trips as it can: BEGIN travels with the first statement, and so
 * does a statement's preparation on this connection; the ROLLBACK that ends a reading transaction
 * is sent and its answer read by whoever uses the connection next.  All this is libpq's pipeline
 * mode, in which a connection is from its start to its end.
 *
 * Nothing waits without a limit: libpq is asked not to block, and exchange() polls. */
#pragma once
#include "db/db_internal.h"
#include "db/gate.h"

#include <libpq-fe.h>

/* What stands in the way of the current transaction. */
enum postgres_trouble {
    POSTGRES_FINE = 0,
    POSTGRES_FAILED,    /* would fail again */
    POSTGRES_CONFLICT,  /* with another transaction: run it again */
    POSTGRES_VIOLATION, /* of a constraint, which may hide a conflict */
    POSTGRES_LOST,      /* the connection is gone or cannot be used any more */
};

enum { POSTGRES_TOKEN_SIZE = 16 };

struct postgres_connection {
    PGconn *handle;
    const struct db_statement **prepared; /* a set; open addressing, capacity is a power of two */
    size_t prepared_capacity, prepared_count;
    struct postgres_connection *next_idle;
    int64_t answer_ms;     /* how long an answer may take */
    unsigned unread_count; /* ROLLBACKs whose answers nobody has read */
    bool has_lock;         /* of migrations; goes with the connection */

    /* of the current transaction */
    bool is_begun;
    bool has_token; /* it has written, and its token with it (postgres_write.c) */
    unsigned char token[POSTGRES_TOKEN_SIZE];
    int64_t wait_until_ms; /* a first statement may be tried anew until then */
    enum postgres_trouble trouble;
    struct error failure; /* the first one, if there is trouble */
};

struct db_postgres {
    struct db db;
    char *url;
    struct gate places;  /* to use a connection */
    struct gate writers; /* entered before a place, so that readers always find some */
    pthread_mutex_t idle_mutex;
    struct postgres_connection *idle; /* that nobody uses, the latest first */
    atomic_int_fast64_t sweep_at_ms;  /* when tokens are swept next */
};

/* postgres_connect.c */

/* Does the setting make sense?  Never repeats it: it may hold a password. */
NODISCARD bool postgres_url_check(const char *url, struct error *err);
/* NULL and *err; *may_pass tells whether trying again could help. */
struct postgres_connection *postgres_connect(struct db_postgres *postgres, int64_t deadline_ms,
                                             bool *may_pass, struct error *err);
void postgres_disconnect(struct postgres_connection *connection);
DEFINE_AUTO(struct postgres_connection, postgres_disconnect);
/* Has the other side been silent, as it should?  Reads what nobody has read. */
bool postgres_is_usable(struct postgres_connection *connection, int64_t deadline_ms);

/* postgres_exchange.c */

/* Queues a question without values; postgres_answers() sends what is queued. */
bool postgres_queue(struct postgres_connection *connection, const char *sql);

struct postgres_answer {
    PGresult *last;      /* the last good one, to be cleared */
    unsigned good_count; /* of those before the first failure */
};

/* Sends all that is queued and reads the answers.  `what` starts the message of a failure, which
 * becomes the transaction's trouble. */
NODISCARD bool postgres_answers(struct postgres_connection *connection, const char *what,
                                struct postgres_answer *out, struct error *err);
/* Several statements at once and without values, outside of the pipeline. */
NODISCARD bool postgres_script_run(struct postgres_connection *connection, const char *text,
                                   int64_t answer_ms, struct error *err);
/* Sends ROLLBACK if something was begun, and forgets the transaction. */
void postgres_roll_back(struct postgres_connection *connection);
/* The transaction is over. */
void postgres_forget(struct postgres_connection *connection);
/* Records a failure, as `err` tells it, and returns false. */
bool postgres_in_trouble(struct postgres_connection *connection, enum postgres_trouble trouble,
                         const struct error *err);
/* The connection is of no use any more. */
bool postgres_lost(struct postgres_connection *connection, const char *why, struct error *err);
/* Waits until the socket is ready for these events of poll(); false after the deadline. */
bool postgres_poll(PGconn *handle, short events, int64_t deadline_ms);

/* db_postgres.c */

/* A connection that answers, if need be a new one, for which it tries until the deadline.  The
 * caller is inside the gate `places`. */
struct postgres_connection *postgres_take(struct db_postgres *postgres, int64_t deadline_ms,
                                          struct error *err);
void postgres_put(struct db_postgres *postgres, struct postgres_connection *connection);
/* Waits a while that is longer at each attempt, but not beyond the deadline. */
void postgres_pause(unsigned attempt, int64_t deadline_ms);

/* postgres_statement.c */
bool postgres_start(struct db_run *run, struct error *err);
bool postgres_bind_null(struct db_run *run, int index);
bool postgres_bind_int(struct db_run *run, int index, int64_t value);
bool postgres_bind_text(struct db_run *run, int index, struct str value);
bool postgres_bind_bytes(struct db_run *run, int index, struct str value);
bool postgres_bind_bool(struct db_run *run, int index, bool value);
bool postgres_step(struct db_run *run, bool *has_row, struct error *err);
bool postgres_column_is_null(struct db_run *run, int index);
bool postgres_column_is(struct db_run *run, int index, enum db_type type);
int64_t postgres_column_int(struct db_run *run, int index);
struct str postgres_column_text(struct db_run *run, int index);
int64_t postgres_changed(const struct db_run *run);
void postgres_finish(struct db_run *run);
bool postgres_check(struct db_tx *tx, const struct db_statement *statement, struct error *err);
bool postgres_now_ms(struct db_tx *tx, int64_t *out, struct error *err);

/* postgres_write.c */
bool postgres_script(struct db_tx *tx, const char *text, struct error *err);
bool postgres_write(struct db *db, struct arena *arena, db_body *body, void *context,
                    struct error *err);
/* Makes the table of tokens if there is none. */
NODISCARD bool postgres_make_tokens(struct postgres_connection *connection, struct error *err);
/* Queues what writes the transaction's token. */
bool postgres_queue_token(struct postgres_connection *connection);
