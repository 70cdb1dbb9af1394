/* SPDX-License-Identifier: Apache-2.0 */
/* db/db.h - connections and transactions, the same for SQLite and PostgreSQL.
 *
 * Nobody writes SQL in C: statements live in .sql files, and tools/sql2c makes a typed
 * function of each (`sql_<name>`), which takes a transaction.  The rows that they give have
 * their text in the transaction's arena, which is the caller's: it outlives the transaction.
 *
 * Reading:
 *     struct db_tx *tx AUTO(db_tx_end) = db_read(db, arena, err);
 *     if (!tx || !sql_tag_resolve(tx, repository_id, name, &row, err))
 *         return false;
 *
 * Writing: a function that may be run more than once, since the database may
 * refuse a commit that conflicts with another (PostgreSQL is SERIALIZABLE):
 *     static bool tag_point_tx(struct db_tx *tx, void *context, struct error *err);
 *     return db_write(db, arena, tag_point_tx, &context, err);
 * It does nothing but SQL: no network, no blobs, nothing that cannot be done twice.  When
 * db_write() has returned true, the change survives power loss.
 *
 * SQLite: WAL, synchronous=FULL, one writing connection.  Writers that queue up behind each other
 * share one commit (group commit): each runs under a savepoint, and all of them return after the
 * one fsync.  PostgreSQL: a pool, of which writers take half at most; what became of a commit whose
 * answer was lost is found out.  Any thread may call; a transaction belongs to the thread that
 * began it. A thread holds at most one transaction at a time (asserted). */
#pragma once
#include "base/arena.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct db;
struct db_tx;

enum db_engine { DB_SQLITE = 1, DB_POSTGRES };

struct db_options {
    struct str url;        /* "sqlite:PATH" or "postgres://..." */
    unsigned reader_count; /* 0: 16 connections that read at the same time */
    unsigned wait_ms;      /* 0: 10000: how long a caller waits for a connection or lock before
                              ERROR_UNAVAILABLE */
};

/* Opens and checks; does not migrate.  ERROR_INVALID names what is wrong with the setting;
 * ERROR_UNSUPPORTED for an engine that is not built in. */
NODISCARD bool db_open(const struct db_options *options, struct db **out, struct error *err);
void db_close(struct db *db);
DEFINE_AUTO(struct db, db_close);
enum db_engine db_engine(const struct db *db);

/* A snapshot to read from.  NULL and *err on failure. */
struct db_tx *db_read(struct db *db, struct arena *arena, struct error *err);
void db_tx_end(struct db_tx *tx);
DEFINE_AUTO(struct db_tx, db_tx_end);

typedef bool db_body(struct db_tx *tx, void *context, struct error *err);

/* Runs `body` in a writing transaction and commits if it returns true; otherwise rolls back and
 * passes its error on.  Retries what the database calls a conflict, within the wait limit. */
NODISCARD bool db_write(struct db *db, struct arena *arena, db_body *body, void *context,
                        struct error *err);

/* How many writing transactions of this process have ended, well or not: raised before db_write()
 * returns.  Who reads it, and then the database, knows that what he has read is at least as new as
 * all of them. */
uint64_t db_generation(const struct db *db);

/* Milliseconds since 1970 by the database's clock, which all nodes share. Within one
 * transaction it stands still. */
NODISCARD bool db_now_ms(struct db_tx *tx, int64_t *out, struct error *err);

struct arena *db_tx_arena(struct db_tx *tx);
bool db_tx_is_writing(const struct db_tx *tx);

/* Fails the n-th statement or commit from now, in any thread, with ERROR_UNAVAILABLE;
 * 0 switches it off.  tests/fault only. */
void db_fail_nth_for_test(unsigned nth);
