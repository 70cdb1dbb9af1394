/* SPDX-License-Identifier: Apache-2.0 */
/* db/db_internal.h - what db.c asks of an engine, and what its files share.
 *
 * Not for other folders.  An engine's own struct starts with struct db.  A struct db_tx lies on the
 * heap while it reads and on the stack of the engine's write() while it writes. */
#pragma once
#include "base/embedded.h"
#include "db/db.h"
#include "db/migrate.h"
#include "db/statement.h"

#include <stdatomic.h>

struct db_engine_ops;

struct db {
    const struct db_engine_ops *ops;
    unsigned wait_ms;
    atomic_uint_fast64_t generation;   /* db_generation() */
    atomic_uint_fast64_t commit_count; /* commits that reached the disk: tests of group commit */
};

struct db_tx {
    struct db *db;
    struct arena *arena;
    bool is_writing;
    int64_t now_ms;   /* of db_now_ms(); 0: not asked yet */
    void *connection; /* the engine's */
};

/* A statement's run is passed with the index of the placeholder or column, from 0. */
struct db_engine_ops {
    enum db_engine engine;
    void (*close)(struct db *db);

    /* Fills in tx->connection and begins; `end` gives it back. */
    bool (*read)(struct db_tx *tx, struct error *err);
    void (*end)(struct db_tx *tx);
    bool (*write)(struct db *db, struct arena *arena, db_body *body, void *context,
                  struct error *err);
    bool (*now_ms)(struct db_tx *tx, int64_t *out, struct error *err);

    /* Runs the statements of a migration in a writing transaction. */
    bool (*script)(struct db_tx *tx, const char *text, struct error *err);

    bool (*start)(struct db_run *run, struct error *err);
    bool (*bind_null)(struct db_run *run, int index);
    bool (*bind_int)(struct db_run *run, int index, int64_t value);
    bool (*bind_text)(struct db_run *run, int index, struct str value);
    bool (*bind_bytes)(struct db_run *run, int index, struct str value);
    bool (*bind_bool)(struct db_run *run, int index, bool value);
    bool (*step)(struct db_run *run, bool *has_row, struct error *err);
    /* Has the current row NULL, or a value of this type, in this column? */
    bool (*column_is_null)(struct db_run *run, int index);
    bool (*column_is)(struct db_run *run, int index, enum db_type type);
    int64_t (*column_int)(struct db_run *run, int index);
    struct str (*column_text)(struct db_run *run,
                              int index); /* text or bytes, until the next step */
    int64_t (*changed)(const struct db_run *run);
    void (*finish)(struct db_run *run);

    bool (*check)(struct db_tx *tx, const struct db_statement *statement, struct error *err);
};

NODISCARD bool db_sqlite_open(struct str path, const struct db_options *options, struct db **out,
                              struct error *err);

NODISCARD bool db_postgres_open(struct str url, const struct db_options *options, struct db **out,
                                struct error *err);

/* A thread that has begun a transaction must end it before the next (asserted). */
void db_thread_enters(void);
void db_thread_leaves(void);

/* Is it this call's turn to fail (db_fail_nth_for_test)?  Then *err is set.  An engine asks before
 * each commit, db.c before each statement. */
bool db_must_fail(struct error *err);

/* migrate.h, with the files given: for tests. */
NODISCARD bool migrate_run_files(struct db *db, const struct embedded_file *files,
                                 struct migrate_status *out, struct error *err);
NODISCARD bool migrate_status_files(struct db *db, const struct embedded_file *files,
                                    struct migrate_status *out, struct error *err);

extern const struct embedded_file migrations_sqlite[], migrations_postgres[];
