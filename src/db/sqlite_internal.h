/* SPDX-License-Identifier: Apache-2.0 */
/* db/sqlite_internal.h - what the files of the SQLite engine share.
 *
 *     db_sqlite.c         opening, connections, reading transactions, the table of operations
 *     sqlite_statement.c  prepared statements and their runs
 *     sqlite_write.c      the one writing connection and its group commit
 *
 * A connection is used by one thread at a time; whoever holds it got it through a gate, which also
 * orders memory.  So SQLite runs without mutexes of its own. */
#pragma once
#include "db/db_internal.h"
#include "db/gate.h"

#include <sqlite3.h>

struct sqlite_cached {
    const struct db_statement *statement; /* NULL: this slot is free */
    sqlite3_stmt *prepared;
};

struct sqlite_connection {
    sqlite3 *handle;
    struct sqlite_cached *cache; /* open addressing; the capacity is a power of two */
    size_t cache_capacity, cache_count;
    struct sqlite_connection *next_idle;
};

struct sqlite_batch;

struct db_sqlite {
    struct db db;
    char *path;

    struct gate readers;
    pthread_mutex_t idle_mutex;
    struct sqlite_connection *idle; /* reading connections that nobody uses, the latest first */

    struct gate writers;              /* one place: whoever is inside owns the next two */
    struct sqlite_connection *writer; /* NULL after it broke; opened anew by the next */
    struct sqlite_batch *batch;       /* whose transaction is open; NULL: none */
    pthread_mutex_t batch_mutex;      /* guards the results of batches */
};

/* Translates a failure of SQLite and returns false; `what` starts the message. */
bool sqlite_fail(sqlite3 *handle, int code, struct error *err, const char *what);
NODISCARD bool sqlite_exec(struct sqlite_connection *connection, const char *sql,
                           struct error *err);

/* NULL and *err on failure. */
struct sqlite_connection *sqlite_connect(struct db_sqlite *sqlite, bool is_writing,
                                         struct error *err);
void sqlite_disconnect(struct sqlite_connection *connection);
DEFINE_AUTO(struct sqlite_connection, sqlite_disconnect);

/* sqlite_statement.c */
bool sqlite_start(struct db_run *run, struct error *err);
bool sqlite_bind_null(struct db_run *run, int index);
bool sqlite_bind_int(struct db_run *run, int index, int64_t value);
bool sqlite_bind_text(struct db_run *run, int index, struct str value);
bool sqlite_bind_bytes(struct db_run *run, int index, struct str value);
bool sqlite_bind_bool(struct db_run *run, int index, bool value);
bool sqlite_step(struct db_run *run, bool *has_row, struct error *err);
bool sqlite_column_is_null(struct db_run *run, int index);
bool sqlite_column_is(struct db_run *run, int index, enum db_type type);
int64_t sqlite_column_int(struct db_run *run, int index);
struct str sqlite_column_text(struct db_run *run, int index);
int64_t sqlite_changed(const struct db_run *run);
void sqlite_finish(struct db_run *run);
bool sqlite_check(struct db_tx *tx, const struct db_statement *statement, struct error *err);
void sqlite_cache_release(struct sqlite_connection *connection);

/* sqlite_write.c */
bool sqlite_write(struct db *db, struct arena *arena, db_body *body, void *context,
                  struct error *err);
