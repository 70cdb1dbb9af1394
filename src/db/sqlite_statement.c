/* SPDX-License-Identifier: Apache-2.0 */
#include "db/sqlite_internal.h"

#include <stdlib.h>
#include <string.h>

enum { CACHE_CAPACITY_FIRST = 64 };

/* Where a statement is or would be.  Statements are constants of the program: their address is
 * their name. */
static struct sqlite_cached *cache_slot(struct sqlite_cached *cache, size_t capacity,
                                        const struct db_statement *statement)
{
    uint64_t hash = (uint64_t)(uintptr_t)statement * UINT64_C(0x9e3779b97f4a7c15);
    size_t at = (size_t)(hash >> 32) & (capacity - 1);
    while (cache[at].statement && cache[at].statement != statement)
        at = (at + 1) & (capacity - 1);
    return &cache[at];
}

static void cache_grow(struct sqlite_connection *connection)
{
    size_t capacity =
        connection->cache_capacity ? 2 * connection->cache_capacity : CACHE_CAPACITY_FIRST;
    struct sqlite_cached *cache = calloc(capacity, sizeof(*cache));
    if (!cache)
        abort();
    for (size_t i = 0; i < connection->cache_capacity; i++) {
        const struct sqlite_cached *old = &connection->cache[i];
        if (old->statement)
            *cache_slot(cache, capacity, old->statement) = *old;
    }
    free(connection->cache);
    connection->cache = cache;
    connection->cache_capacity = capacity;
}

void sqlite_cache_release(struct sqlite_connection *connection)
{
    for (size_t i = 0; i < connection->cache_capacity; i++)
        (void)sqlite3_finalize(connection->cache[i].prepared);
    free(connection->cache);
    connection->cache = NULL;
    connection->cache_capacity = connection->cache_count = 0;
}

static bool prepare(struct sqlite_connection *connection, const struct db_statement *statement,
                    sqlite3_stmt **out, struct error *err)
{
    int code = sqlite3_prepare_v3(connection->handle, statement->sqlite, -1,
                                  SQLITE_PREPARE_PERSISTENT, out, NULL);
    return code == SQLITE_OK || sqlite_fail(connection->handle, code, err, statement->name);
}

bool sqlite_start(struct db_run *run, struct error *err)
{
    struct sqlite_connection *connection = run->tx->connection;
    /* A full disk and the like end the transaction of all writers in the batch.  What ran now would
     * be committed by itself. */
    if (run->tx->is_writing && sqlite3_get_autocommit(connection->handle))
        return error_set(err, ERROR_UNAVAILABLE, "the database has rolled the transaction back");
    if (2 * (connection->cache_count + 1) > connection->cache_capacity)
        cache_grow(connection);
    struct sqlite_cached *slot =
        cache_slot(connection->cache, connection->cache_capacity, run->statement);
    if (!slot->statement) {
        if (!prepare(connection, run->statement, &slot->prepared, err))
            return false;
        slot->statement = run->statement;
        connection->cache_count++;
    }
    assert(!sqlite3_stmt_busy(slot->prepared)); /* one run of a statement at a time */
    run->prepared = slot->prepared;
    return true;
}

/* SQLite numbers $1, $2 ... by their first appearance, which tools/sql2c.py has checked. */

bool sqlite_bind_null(struct db_run *run, int index)
{
    return sqlite3_bind_null(run->prepared, index + 1) == SQLITE_OK;
}

bool sqlite_bind_int(struct db_run *run, int index, int64_t value)
{
    return sqlite3_bind_int64(run->prepared, index + 1, value) == SQLITE_OK;
}

bool sqlite_bind_bool(struct db_run *run, int index, bool value)
{
    return sqlite3_bind_int64(run->prepared, index + 1, value) == SQLITE_OK;
}

bool sqlite_bind_text(struct db_run *run, int index, struct str value)
{
    /* A NULL pointer would be NULL. */
    return sqlite3_bind_text64(run->prepared, index + 1, value.ptr ? value.ptr : "", value.len,
                               SQLITE_STATIC, SQLITE_UTF8) == SQLITE_OK;
}

bool sqlite_bind_bytes(struct db_run *run, int index, struct str value)
{
    return sqlite3_bind_blob64(run->prepared, index + 1, value.ptr ? value.ptr : "", value.len,
                               SQLITE_STATIC) == SQLITE_OK;
}

bool sqlite_step(struct db_run *run, bool *has_row, struct error *err)
{
    int code = sqlite3_step(run->prepared);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return sqlite_fail(sqlite3_db_handle(run->prepared), code, err, run->statement->name);
    *has_row = code == SQLITE_ROW;
    return true;
}

bool sqlite_column_is_null(struct db_run *run, int index)
{
    return sqlite3_column_type(run->prepared, index) == SQLITE_NULL;
}

bool sqlite_column_is(struct db_run *run, int index, enum db_type type)
{
    int stored = sqlite3_column_type(run->prepared, index);
    switch (type) {
    case DB_INT:
        return stored == SQLITE_INTEGER;
    case DB_BOOL: {
        int64_t value = sqlite3_column_int64(run->prepared, index);
        return stored == SQLITE_INTEGER && (value == 0 || value == 1);
    }
    case DB_TEXT:
    case DB_DIGEST:
        return stored == SQLITE_TEXT;
    case DB_BYTES:
        return stored == SQLITE_BLOB;
    default:
        return false;
    }
}

int64_t sqlite_column_int(struct db_run *run, int index)
{
    return sqlite3_column_int64(run->prepared, index);
}

struct str sqlite_column_text(struct db_run *run, int index)
{
    /* First the pointer, then the size: SQLite's manual demands this order. */
    const char *bytes = sqlite3_column_blob(run->prepared, index);
    return (struct str){ bytes, (size_t)sqlite3_column_bytes(run->prepared, index) };
}

int64_t sqlite_changed(const struct db_run *run)
{
    return sqlite3_changes64(sqlite3_db_handle(run->prepared));
}

void sqlite_finish(struct db_run *run)
{
    /* It repeats the failure of the last step, which was told already. */
    (void)sqlite3_reset(run->prepared);
    (void)sqlite3_clear_bindings(run->prepared);
}

/* Does a column's declaration suit the type that the .sql file gives it? */
static bool declaration_suits(const char *declared, enum db_type type)
{
    switch (type) {
    case DB_INT:
    case DB_BOOL:
        return strcmp(declared, "INTEGER") == 0 || strcmp(declared, "BIGINT") == 0;
    case DB_TEXT:
    case DB_DIGEST:
        return strcmp(declared, "TEXT") == 0;
    case DB_BYTES:
        return strcmp(declared, "BLOB") == 0;
    default:
        return false;
    }
}

static bool columns_fit(sqlite3_stmt *prepared, const struct db_statement *statement,
                        struct error *err)
{
    if (sqlite3_column_count(prepared) != statement->out_count)
        return error_set(err, ERROR_INVALID, "%s gives %d columns and declares %d", statement->name,
                         sqlite3_column_count(prepared), statement->out_count);
    for (int i = 0; i < statement->out_count; i++) {
        /* Only what comes straight from a table has a declaration, and a name to compare. */
        const char *declared = sqlite3_column_decltype(prepared, i);
        const char *name = sqlite3_column_name(prepared, i);
        if (!declared)
            continue;
        if (strcmp(name, statement->out[i].name) != 0)
            return error_set(
                err, ERROR_INVALID,
                "column %d of %s is %s and is declared as %s; write AS if that is meant", i + 1,
                statement->name, name, statement->out[i].name);
        if (!declaration_suits(declared, statement->out[i].type))
            return error_set(err, ERROR_INVALID, "column %s of %s is %s in the table", name,
                             statement->name, declared);
    }
    return true;
}

bool sqlite_check(struct db_tx *tx, const struct db_statement *statement, struct error *err)
{
    sqlite3_stmt *prepared = NULL;
    if (!prepare(tx->connection, statement, &prepared, err)) {
        err->kind = ERROR_INVALID;
        return false;
    }
    bool ok = columns_fit(prepared, statement, err);
    if (ok && sqlite3_bind_parameter_count(prepared) != statement->in_count)
        ok =
            error_set(err, ERROR_INVALID, "%s has %d placeholders and declares %d", statement->name,
                      sqlite3_bind_parameter_count(prepared), statement->in_count);
    if (ok && (sqlite3_stmt_readonly(prepared) != 0) == statement->is_write)
        ok = error_set(err, ERROR_INVALID, "%s is %s as a statement that writes", statement->name,
                       statement->is_write ? "wrongly declared" : "not declared");
    (void)sqlite3_finalize(prepared);
    return ok;
}
