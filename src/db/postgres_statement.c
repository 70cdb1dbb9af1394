/* SPDX-License-Identifier: Apache-2.0 */
/* Values travel in PostgreSQL's binary format, both ways.  All rows of a statement are fetched at
 * its first step: lists page by key, so there are never many. */
#include "db/postgres_internal.h"

#include "base/clock.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Numbers of types, which PostgreSQL never changes (pg_type.dat). */
enum {
    TYPE_BOOL = 16,
    TYPE_BYTEA = 17,
    TYPE_NAME = 19,
    TYPE_INT8 = 20,
    TYPE_INT4 = 23,
    TYPE_TEXT = 25,
    TYPE_VARCHAR = 1043,
};

enum { PREPARED_CAPACITY_FIRST = 64, NAME_SIZE = 24, BINARY = 1 };

struct postgres_run {
    const char **values;
    int *sizes, *formats;
    int64_t *numbers; /* where values of ints and bools lie, in network order */
    PGresult *result; /* NULL until the first step */
    int row;
};

/* ---- which statements a connection has prepared ---- */

/* Statements are constants of the program: their address is their name. */
static void statement_name(const struct db_statement *statement, char name[static NAME_SIZE])
{
    (void)snprintf(name, NAME_SIZE, "s%zx", (size_t)(uintptr_t)statement);
}

static const struct db_statement **slot_of(const struct db_statement **set, size_t capacity,
                                           const struct db_statement *statement)
{
    uint64_t hash = (uint64_t)(uintptr_t)statement * UINT64_C(0x9e3779b97f4a7c15);
    size_t at = (size_t)(hash >> 32) & (capacity - 1);
    while (set[at] && set[at] != statement)
        at = (at + 1) & (capacity - 1);
    return &set[at];
}

static bool is_prepared(const struct postgres_connection *connection,
                        const struct db_statement *statement)
{
    return connection->prepared_capacity > 0 &&
           *slot_of(connection->prepared, connection->prepared_capacity, statement);
}

static void set_prepared(struct postgres_connection *connection,
                         const struct db_statement *statement)
{
    if (2 * (connection->prepared_count + 1) > connection->prepared_capacity) {
        size_t old = connection->prepared_capacity;
        size_t capacity = old ? 2 * old : PREPARED_CAPACITY_FIRST;
        const struct db_statement **grown = calloc(capacity, sizeof(const struct db_statement *));
        if (!grown)
            abort();
        for (size_t i = 0; i < old; i++)
            if (connection->prepared[i])
                *slot_of(grown, capacity, connection->prepared[i]) = connection->prepared[i];
        free(connection->prepared);
        connection->prepared = grown;
        connection->prepared_capacity = capacity;
    }
    *slot_of(connection->prepared, connection->prepared_capacity, statement) = statement;
    connection->prepared_count++;
}

static Oid type_of(enum db_type type)
{
    switch (type) {
    case DB_INT:
        return TYPE_INT8;
    case DB_BOOL:
        return TYPE_BOOL;
    case DB_BYTES:
        return TYPE_BYTEA;
    case DB_TEXT:
    case DB_DIGEST:
    default:
        return TYPE_TEXT;
    }
}

/* ---- binding ---- */

bool postgres_start(struct db_run *run, struct error *err)
{
    const struct postgres_connection *connection = run->tx->connection;
    if (connection->trouble != POSTGRES_FINE) {
        *err = connection->failure;
        return false;
    }
    size_t count = (size_t)run->statement->in_count;
    struct arena *arena = run->tx->arena;
    struct postgres_run *own = arena_alloc(arena, sizeof(*own));
    own->values = arena_alloc(arena, (count + 1) * sizeof(*own->values));
    own->sizes = arena_alloc(arena, (count + 1) * sizeof(*own->sizes));
    own->formats = arena_alloc(arena, (count + 1) * sizeof(*own->formats));
    own->numbers = arena_alloc(arena, (count + 1) * sizeof(*own->numbers));
    run->prepared = own;
    return true;
}

static bool bind(struct db_run *run, int index, struct str bytes)
{
    struct postgres_run *own = run->prepared;
    if (bytes.len > INT32_MAX)
        return false;
    own->values[index] = bytes.ptr;
    own->sizes[index] = (int)bytes.len;
    own->formats[index] = BINARY;
    return true;
}

bool postgres_bind_null(struct db_run *run, int index)
{
    return bind(run, index, STR_NONE);
}

bool postgres_bind_int(struct db_run *run, int index, int64_t value)
{
    int64_t *number = &((struct postgres_run *)run->prepared)->numbers[index];
    *number = (int64_t)htobe64((uint64_t)value);
    return bind(run, index, (struct str){ (const char *)number, sizeof(*number) });
}

bool postgres_bind_bool(struct db_run *run, int index, bool value)
{
    return bind(run, index, value ? STR("\1") : STR("\0"));
}

bool postgres_bind_text(struct db_run *run, int index, struct str value)
{
    /* A NULL pointer would be NULL. */
    return bind(run, index, value.ptr ? value : STR(""));
}

bool postgres_bind_bytes(struct db_run *run, int index, struct str value)
{
    return bind(run, index, value.ptr ? value : STR(""));
}

/* ---- running ---- */

static bool queue_begin(struct db_tx *tx)
{
    return postgres_queue(tx->connection, tx->is_writing
                                              ? "BEGIN ISOLATION LEVEL SERIALIZABLE READ WRITE"
                                              : "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
}

static bool queue_prepare(struct postgres_connection *connection,
                          const struct db_statement *statement, struct arena *arena)
{
    char name[NAME_SIZE];
    statement_name(statement, name);
    Oid *types = arena_alloc(arena, (size_t)(statement->in_count + 1) * sizeof(*types));
    for (int i = 0; i < statement->in_count; i++)
        types[i] = type_of(statement->in[i].type);
    return PQsendPrepare(connection->handle, name, statement->postgres, statement->in_count,
                         types) == 1;
}

static bool queue_run(struct postgres_connection *connection, const struct db_run *run)
{
    const struct postgres_run *own = run->prepared;
    char name[NAME_SIZE];
    statement_name(run->statement, name);
    return PQsendQueryPrepared(connection->handle, name, run->statement->in_count, own->values,
                               own->sizes, own->formats, BINARY) == 1;
}

/* All of a statement in one round trip: what must come before it goes along. */
static bool ask(struct db_run *run, struct error *err)
{
    struct postgres_connection *connection = run->tx->connection;
    struct postgres_run *own = run->prepared;
    bool must_begin = !connection->is_begun;
    bool must_prepare = !is_prepared(connection, run->statement);
    bool must_sign = run->statement->is_write && !connection->has_token;
    bool is_queued = (!must_begin || queue_begin(run->tx)) &&
                     (!must_sign || postgres_queue_token(connection)) &&
                     (!must_prepare || queue_prepare(connection, run->statement, run->tx->arena)) &&
                     queue_run(connection, run);
    if (!is_queued)
        return postgres_lost(connection, PQerrorMessage(connection->handle), err);
    connection->is_begun = true;
    connection->has_token = connection->has_token || must_sign;
    struct postgres_answer answer;
    bool ok = postgres_answers(connection, run->statement->name, &answer, err);
    if (must_prepare && answer.good_count > (unsigned)must_begin + (unsigned)must_sign)
        set_prepared(connection, run->statement);
    if (ok)
        own->result = answer.last;
    else
        PQclear(answer.last);
    return ok;
}

/* A read that lost its connection before it saw anything goes on with another one. */
static bool take_another(struct db_tx *tx, struct error *err)
{
    struct postgres_connection *old = tx->connection;
    struct db_postgres *postgres = (struct db_postgres *)tx->db;
    struct postgres_connection *fresh = postgres_take(postgres, old->wait_until_ms, err);
    if (!fresh)
        return false;
    fresh->wait_until_ms = old->wait_until_ms;
    postgres_disconnect(old);
    tx->connection = fresh;
    return true;
}

static bool ask_until_heard(struct db_run *run, struct error *err)
{
    for (unsigned attempt = 0;; attempt++) {
        struct postgres_connection *connection = run->tx->connection;
        bool is_first = !connection->is_begun && !run->tx->is_writing;
        struct error failure = { 0 };
        if (ask(run, &failure))
            return true;
        bool may_repeat = is_first && connection->trouble == POSTGRES_LOST &&
                          clock_monotonic_ms() < connection->wait_until_ms;
        if (may_repeat)
            postgres_pause(attempt, connection->wait_until_ms);
        struct error no_other = { 0 };
        if (!may_repeat || !take_another(run->tx, &no_other)) {
            *err = failure;
            return false;
        }
    }
}

bool postgres_step(struct db_run *run, bool *has_row, struct error *err)
{
    struct postgres_run *own = run->prepared;
    if (own->result)
        own->row++;
    else if (!ask_until_heard(run, err))
        return false;
    *has_row = own->row < PQntuples(own->result);
    if (*has_row && PQnfields(own->result) != run->statement->out_count)
        return error_set(err, ERROR_INTERNAL, "%s gives %d columns and declares %d",
                         run->statement->name, PQnfields(own->result), run->statement->out_count);
    return true;
}

bool postgres_column_is_null(struct db_run *run, int index)
{
    const struct postgres_run *own = run->prepared;
    return PQgetisnull(own->result, own->row, index) == 1;
}

static bool type_suits(Oid stored, enum db_type type)
{
    switch (type) {
    case DB_INT:
        return stored == TYPE_INT8 || stored == TYPE_INT4;
    case DB_BOOL:
        return stored == TYPE_BOOL;
    case DB_TEXT:
    case DB_DIGEST:
        return stored == TYPE_TEXT || stored == TYPE_VARCHAR || stored == TYPE_NAME;
    case DB_BYTES:
        return stored == TYPE_BYTEA;
    default:
        return false;
    }
}

bool postgres_column_is(struct db_run *run, int index, enum db_type type)
{
    const struct postgres_run *own = run->prepared;
    return type_suits(PQftype(own->result, index), type);
}

int64_t postgres_column_int(struct db_run *run, int index)
{
    const struct postgres_run *own = run->prepared;
    const char *bytes = PQgetvalue(own->result, own->row, index);
    uint64_t wide = 0;
    uint32_t narrow = 0;
    switch (PQgetlength(own->result, own->row, index)) {
    case sizeof(wide):
        memcpy(&wide, bytes, sizeof(wide));
        return (int64_t)be64toh(wide);
    case sizeof(narrow):
        memcpy(&narrow, bytes, sizeof(narrow));
        return (int32_t)be32toh(narrow);
    default:
        return bytes[0] != 0; /* a bool */
    }
}

struct str postgres_column_text(struct db_run *run, int index)
{
    const struct postgres_run *own = run->prepared;
    return (struct str){ PQgetvalue(own->result, own->row, index),
                         (size_t)PQgetlength(own->result, own->row, index) };
}

int64_t postgres_changed(const struct db_run *run)
{
    const struct postgres_run *own = run->prepared;
    uint64_t count = 0;
    return str_to_u64(str_from(PQcmdTuples(own->result)), INT64_MAX, &count) ? (int64_t)count : 0;
}

void postgres_finish(struct db_run *run)
{
    struct postgres_run *own = run->prepared;
    PQclear(own->result);
    own->result = NULL;
}

/* ---- the clock ---- */

bool postgres_now_ms(struct db_tx *tx, int64_t *out, struct error *err)
{
    static const struct db_field field = { .name = "now_ms", .type = DB_INT };
    static const struct db_statement statement = {
        .name = "now_ms",
        .postgres = "SELECT CAST(floor(extract(epoch FROM now()) * 1000) AS BIGINT)",
        .out = &field,
        .out_count = 1,
    };
    struct db_run run = { .tx = tx, .statement = &statement };
    bool has_row = false;
    if (!postgres_start(&run, err) || !postgres_step(&run, &has_row, err))
        return false;
    assert(has_row);
    /* Tests move the time of this process; the database's goes along. */
    *out = postgres_column_int(&run, 0) + clock_shift();
    postgres_finish(&run);
    return true;
}

/* ---- checking ---- */

static bool columns_fit(const PGresult *described, const struct db_statement *statement,
                        struct error *err)
{
    if (PQnfields(described) != statement->out_count)
        return error_set(err, ERROR_INVALID, "%s gives %d columns and declares %d", statement->name,
                         PQnfields(described), statement->out_count);
    for (int i = 0; i < statement->out_count; i++) {
        /* As with SQLite, only what comes straight from a table has a name to compare. */
        bool is_from_table = PQftable(described, i) != 0;
        const char *name = PQfname(described, i);
        if (is_from_table && strcmp(name, statement->out[i].name) != 0)
            return error_set(
                err, ERROR_INVALID,
                "column %d of %s is %s and is declared as %s; write AS if that is meant", i + 1,
                statement->name, name, statement->out[i].name);
        if (!type_suits(PQftype(described, i), statement->out[i].type))
            return error_set(err, ERROR_INVALID, "column %s of %s has the type number %u", name,
                             statement->name, PQftype(described, i));
    }
    return true;
}

bool postgres_check(struct db_tx *tx, const struct db_statement *statement, struct error *err)
{
    struct postgres_connection *connection = tx->connection;
    char name[NAME_SIZE];
    statement_name(statement, name);
    if (!is_prepared(connection, statement) && !queue_prepare(connection, statement, tx->arena))
        return postgres_lost(connection, PQerrorMessage(connection->handle), err);
    if (PQsendDescribePrepared(connection->handle, name) != 1)
        return postgres_lost(connection, PQerrorMessage(connection->handle), err);
    struct postgres_answer answer;
    bool ok = postgres_answers(connection, statement->name, &answer, err);
    if (ok && !is_prepared(connection, statement))
        set_prepared(connection, statement);
    if (!ok && err->kind == ERROR_INTERNAL)
        err->kind = ERROR_INVALID; /* the statement's fault */
    ok = ok && columns_fit(answer.last, statement, err);
    if (ok && PQnparams(answer.last) != statement->in_count)
        ok = error_set(err, ERROR_INVALID, "%s has %d placeholders and declares %d",
                       statement->name, PQnparams(answer.last), statement->in_count);
    PQclear(answer.last);
    return ok;
}
