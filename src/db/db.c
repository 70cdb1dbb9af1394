/* SPDX-License-Identifier: Apache-2.0 */
#include "db/db.h"

#include "db/db_internal.h"

#include <stdlib.h>
#include <string.h>

enum { WAIT_MS_DEFAULT = 10000, READER_COUNT_DEFAULT = 16, ROWS_FIRST = 8 };

/* A thread holds one transaction at most (db.h): a second one could wait for the first for ever. */
static _Thread_local bool thread_has_transaction;

/* Of tests only (db.h). */
static atomic_uint calls_to_failure;

void db_fail_nth_for_test(unsigned nth)
{
    atomic_store(&calls_to_failure, nth);
}

bool db_must_fail(struct error *err)
{
    unsigned left = atomic_load(&calls_to_failure);
    while (left > 0) {
        if (!atomic_compare_exchange_weak(&calls_to_failure, &left, left - 1))
            continue;
        if (left > 1)
            return false;
        (void)error_set(err, ERROR_UNAVAILABLE, "a test made the database fail");
        return true;
    }
    return false;
}

void db_thread_enters(void)
{
    assert(!thread_has_transaction);
    thread_has_transaction = true;
}

void db_thread_leaves(void)
{
    assert(thread_has_transaction);
    thread_has_transaction = false;
}

bool db_open(const struct db_options *options, struct db **out, struct error *err)
{
    struct db_options filled = *options;
    if (filled.wait_ms == 0)
        filled.wait_ms = WAIT_MS_DEFAULT;
    if (filled.reader_count == 0)
        filled.reader_count = READER_COUNT_DEFAULT;

    struct str sqlite = STR("sqlite:");
    if (str_starts(filled.url, sqlite))
        return db_sqlite_open(str_after(filled.url, sqlite.len), &filled, out, err);
    /* The setting itself is not repeated: it may hold a password. */
    if (str_starts(filled.url, STR("postgres://")) || str_starts(filled.url, STR("postgresql://")))
        return db_postgres_open(filled.url, &filled, out, err);
    return error_set(err, ERROR_INVALID,
                     "the database setting must read sqlite:PATH or postgres://...");
}

void db_close(struct db *db)
{
    if (db)
        db->ops->close(db);
}

enum db_engine db_engine(const struct db *db)
{
    return db->ops->engine;
}

struct db_tx *db_read(struct db *db, struct arena *arena, struct error *err)
{
    db_thread_enters();
    struct db_tx *tx = malloc(sizeof(*tx));
    if (!tx)
        abort();
    *tx = (struct db_tx){ .db = db, .arena = arena };
    if (db->ops->read(tx, err))
        return tx;
    free(tx);
    db_thread_leaves();
    return NULL;
}

void db_tx_end(struct db_tx *tx)
{
    if (!tx)
        return;
    assert(!tx->is_writing);
    tx->db->ops->end(tx);
    free(tx);
    db_thread_leaves();
}

bool db_write(struct db *db, struct arena *arena, db_body *body, void *context, struct error *err)
{
    db_thread_enters();
    bool ok = db->ops->write(db, arena, body, context, err);
    /* After a failure as well: a commit may have come through whose answer was lost. */
    atomic_fetch_add(&db->generation, 1);
    db_thread_leaves();
    return ok;
}

uint64_t db_generation(const struct db *db)
{
    return atomic_load(&db->generation);
}

bool db_now_ms(struct db_tx *tx, int64_t *out, struct error *err)
{
    if (tx->now_ms == 0 && !tx->db->ops->now_ms(tx, &tx->now_ms, err))
        return false;
    *out = tx->now_ms;
    return true;
}

struct arena *db_tx_arena(struct db_tx *tx)
{
    return tx->arena;
}

bool db_tx_is_writing(const struct db_tx *tx)
{
    return tx->is_writing;
}

static const struct db_engine_ops *ops_of(const struct db_run *run)
{
    return run->tx->db->ops;
}

bool db_start(struct db_tx *tx, const struct db_statement *statement, struct db_run *run,
              struct error *err)
{
    assert(tx->is_writing || !statement->is_write);
    *run = (struct db_run){ .tx = tx, .statement = statement };
    return !db_must_fail(err) && tx->db->ops->start(run, err);
}

/* The index of the next placeholder, which must be of this type. */
static int next_input(struct db_run *run, enum db_type type)
{
    assert(run->next < run->statement->in_count);
    assert(run->statement->in[run->next].type == type);
    return run->next++;
}

static void bound(struct db_run *run, bool ok)
{
    run->is_broken = run->is_broken || !ok;
}

static bool is_nullable(const struct db_run *run, int index)
{
    return run->statement->in[index].is_nullable;
}

void db_bind_int(struct db_run *run, int64_t value)
{
    int index = next_input(run, DB_INT);
    bool is_null = value == DB_NULL_INT && is_nullable(run, index);
    bound(run,
          is_null ? ops_of(run)->bind_null(run, index) : ops_of(run)->bind_int(run, index, value));
}

void db_bind_text(struct db_run *run, struct str value)
{
    int index = next_input(run, DB_TEXT);
    run->is_no_text = run->is_no_text || !str_is_utf8(value);
    bool is_null = !str_is_set(value) && is_nullable(run, index);
    bound(run,
          is_null ? ops_of(run)->bind_null(run, index) : ops_of(run)->bind_text(run, index, value));
}

void db_bind_bytes(struct db_run *run, struct str value)
{
    int index = next_input(run, DB_BYTES);
    bool is_null = !str_is_set(value) && is_nullable(run, index);
    bound(run, is_null ? ops_of(run)->bind_null(run, index)
                       : ops_of(run)->bind_bytes(run, index, value));
}

void db_bind_bool(struct db_run *run, bool value)
{
    bound(run, ops_of(run)->bind_bool(run, next_input(run, DB_BOOL), value));
}

void db_bind_digest(struct db_run *run, const struct digest *value)
{
    int index = next_input(run, DB_DIGEST);
    if (!value || !digest_is_set(value)) {
        assert(is_nullable(run, index));
        bound(run, ops_of(run)->bind_null(run, index));
        return;
    }
    /* The text must live as long as the run, so it goes to the arena. */
    char *text = arena_alloc(run->tx->arena, DIGEST_TEXT_MAX);
    bound(run, ops_of(run)->bind_text(run, index, digest_format(value, text)));
}

/* Does the current row have what the statement's columns promise? */
static bool row_fits(struct db_run *run, struct error *err)
{
    for (int index = 0; index < run->statement->out_count; index++) {
        const struct db_field *field = &run->statement->out[index];
        if (ops_of(run)->column_is_null(run, index)) {
            if (field->is_nullable)
                continue;
            return error_set(err, ERROR_INTERNAL, "column %s of %s is NULL", field->name,
                             run->statement->name);
        }
        struct digest digest;
        struct error reason = { 0 };
        if (!ops_of(run)->column_is(run, index, field->type) ||
            (field->type == DB_DIGEST &&
             !digest_parse(ops_of(run)->column_text(run, index), &digest, &reason)))
            return error_set(err, ERROR_INTERNAL, "column %s of %s has a value of another type",
                             field->name, run->statement->name);
    }
    return true;
}

bool db_step(struct db_run *run, bool *has_row, struct error *err)
{
    assert(run->has_row || run->next == run->statement->in_count);
    if (run->is_no_text)
        return error_set(err, ERROR_INVALID, "a text must be UTF-8 without NUL");
    if (run->is_broken)
        return error_set(err, ERROR_INTERNAL, "could not bind the values of %s",
                         run->statement->name);
    run->has_row = false;
    run->next = 0;
    bool got = false;
    if (!ops_of(run)->step(run, &got, err) || (got && !row_fits(run, err)))
        return false;
    run->has_row = got;
    *has_row = got;
    return true;
}

bool db_step_end(struct db_run *run, struct error *err)
{
    bool has_row = false;
    if (!db_step(run, &has_row, err))
        return false;
    if (has_row)
        return error_set(err, ERROR_INTERNAL, "%s gives more rows than it may",
                         run->statement->name);
    return true;
}

/* The index of the next column, which must be of this type; -1 if it is NULL. */
static int next_column(struct db_run *run, enum db_type type)
{
    assert(run->has_row && run->next < run->statement->out_count);
    assert(run->statement->out[run->next].type == type);
    int index = run->next++;
    return ops_of(run)->column_is_null(run, index) ? -1 : index;
}

int64_t db_column_int(struct db_run *run)
{
    int index = next_column(run, DB_INT);
    return index < 0 ? DB_NULL_INT : ops_of(run)->column_int(run, index);
}

bool db_column_bool(struct db_run *run)
{
    return ops_of(run)->column_int(run, next_column(run, DB_BOOL)) != 0;
}

static struct str column_copy(struct db_run *run, enum db_type type)
{
    int index = next_column(run, type);
    if (index < 0)
        return STR_NONE;
    struct str borrowed = ops_of(run)->column_text(run, index);
    /* An empty value may come without a pointer, which would read as NULL. */
    return arena_copy(run->tx->arena, borrowed.len > 0 ? borrowed : STR(""));
}

struct str db_column_text(struct db_run *run)
{
    return column_copy(run, DB_TEXT);
}

struct str db_column_bytes(struct db_run *run)
{
    return column_copy(run, DB_BYTES);
}

struct digest db_column_digest(struct db_run *run)
{
    struct digest digest = { 0 };
    int index = next_column(run, DB_DIGEST);
    if (index < 0)
        return digest;
    struct error unused = { 0 };
    bool ok = digest_parse(ops_of(run)->column_text(run, index), &digest, &unused);
    assert(ok); /* row_fits() has parsed it before */
    return digest;
}

int64_t db_changed(const struct db_run *run)
{
    return ops_of(run)->changed(run);
}

void db_finish(struct db_run *run)
{
    if (run->prepared)
        ops_of(run)->finish(run);
    run->prepared = NULL;
}

void *db_rows_grow(struct db_tx *tx, void *rows, size_t count, size_t row_size)
{
    /* Room is doubled whenever `count` has reached a power of two, from ROWS_FIRST on. */
    bool is_full = count == 0 || (count >= ROWS_FIRST && (count & (count - 1)) == 0);
    if (!is_full)
        return rows;
    assert(count < SIZE_MAX / 2 / row_size);
    void *grown = arena_alloc(tx->arena, (count == 0 ? ROWS_FIRST : 2 * count) * row_size);
    if (count > 0)
        memcpy(grown, rows, count * row_size);
    return grown;
}

bool db_statement_check(struct db *db, const struct db_statement *statement, struct error *err)
{
    struct arena *arena AUTO(arena_free) = arena_new();
    struct db_tx *tx AUTO(db_tx_end) = db_read(db, arena, err);
    return tx && db->ops->check(tx, statement, err);
}
