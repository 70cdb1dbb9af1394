/* SPDX-License-Identifier: Apache-2.0 */
/* db/statement.h - what the functions that tools/sql2c generates are made of.
 *
 * Only generated code, db/ itself and tests use this header.  A run of a statement:
 * db_start(), db_bind_*() in order, db_step() until it gives no row, db_column_*() in order, db_finish(). */
#pragma once
#include "db/db.h"
#include "oci/digest.h"

enum db_type {
    DB_INT = 1, /* int64_t */
    DB_TEXT,    /* struct str, UTF-8 */
    DB_BYTES,   /* struct str */
    DB_BOOL,    /* bool */
    DB_DIGEST,  /* struct digest, stored as its text */
};

struct db_field {
    const char *name;
    enum db_type type;
    bool is_nullable; /* text, bytes, digest: absent; int: INT64_MIN is NULL */
};

/* An int column that is NULL. */
#define DB_NULL_INT INT64_MIN

struct db_statement {
    const char *name;
    const char *sqlite, *postgres; /* the same text unless the .sql file has variants */
    const struct db_field *in;
    int in_count;
    const struct db_field *out;
    int out_count;
    bool is_write;
};

struct db_run {
    struct db_tx *tx;
    const struct db_statement *statement;
    void *prepared; /* the engine's */
    int next;       /* next placeholder or column */
};

NODISCARD bool db_start(struct db_tx *tx, const struct db_statement *statement, struct db_run *run,
                        struct error *err);
void db_bind_int(struct db_run *run, int64_t value);
void db_bind_text(struct db_run *run, struct str value);
void db_bind_bytes(struct db_run *run, struct str value);
void db_bind_bool(struct db_run *run, bool value);
void db_bind_digest(struct db_run *run, const struct digest *value);

/* *has_row tells whether there is one. */
NODISCARD bool db_step(struct db_run *run, bool *has_row, struct error *err);
int64_t db_column_int(struct db_run *run);
struct str db_column_text(struct db_run *run);
struct str db_column_bytes(struct db_run *run);
bool db_column_bool(struct db_run *run);
struct digest db_column_digest(struct db_run *run);

/* Rows changed, after the last step. */
int64_t db_changed(const struct db_run *run);
void db_finish(struct db_run *run); /* always, also after a failure */

/* Does the statement prepare on this database, with the columns that it declares? For tests. */
NODISCARD bool db_statement_check(struct db *db, const struct db_statement *statement,
                                  struct error *err);
