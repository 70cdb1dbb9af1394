/* SPDX-License-Identifier: Apache-2.0 */
/* db/statement.h - what the functions that tools/sql2c generates are made of.
 *
 * Only generated code, db/ itself and tests use this header.  A run of a statement:
 * db_start(), db_bind_*() in order, db_step() until it gives no row, db_column_*() in order,
 * db_finish().  What was bound must live until then.
 *
 * A text is UTF-8 without NUL; any other makes the next step fail with ERROR_INVALID, since
 * PostgreSQL cannot store it.
 *
 * An absent text (NULL pointer) for an input that cannot be NULL is bound as the empty text; one
 * that can be NULL is bound as NULL.  The same goes for bytes.  A digest that is not set, or a
 * NULL pointer to one, is NULL. */
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
    void *prepared;  /* the engine's */
    int next;        /* next placeholder or column */
    bool has_row;    /* the last step gave one */
    bool is_broken;  /* a value could not be bound; the next step tells */
    bool is_no_text; /* a text was no UTF-8; the next step tells */
};

NODISCARD bool db_start(struct db_tx *tx, const struct db_statement *statement, struct db_run *run,
                        struct error *err);
void db_bind_int(struct db_run *run, int64_t value);
void db_bind_text(struct db_run *run, struct str value);
void db_bind_bytes(struct db_run *run, struct str value);
void db_bind_bool(struct db_run *run, bool value);
void db_bind_digest(struct db_run *run, const struct digest *value);

/* *has_row tells whether there is one.  ERROR_INTERNAL if it does not fit the columns declared. */
NODISCARD bool db_step(struct db_run *run, bool *has_row, struct error *err);
/* The last step: ERROR_INTERNAL if it gives a row.  Some violations show only here. */
NODISCARD bool db_step_end(struct db_run *run, struct error *err);
int64_t db_column_int(struct db_run *run);
struct str db_column_text(struct db_run *run);
struct str db_column_bytes(struct db_run *run);
bool db_column_bool(struct db_run *run);
struct digest db_column_digest(struct db_run *run);

/* Rows changed, after the last step. */
int64_t db_changed(const struct db_run *run);
void db_finish(struct db_run *run); /* always, also after a failure */

/* Room for one more row behind `count` of `row_size` bytes, in the transaction's arena. */
void *db_rows_grow(struct db_tx *tx, void *rows, size_t count, size_t row_size);

/* Does the statement prepare on this database, with the placeholders and columns that it declares,
 * in their order?  ERROR_INVALID tells what differs.  For tests. */
NODISCARD bool db_statement_check(struct db *db, const struct db_statement *statement,
                                  struct error *err);
