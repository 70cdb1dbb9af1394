/* SPDX-License-Identifier: Apache-2.0 */
/* Group commit.  Writers pass a gate one by one.  The first of a batch begins a transaction; each
 * runs its body under a savepoint of its own and hands the gate, with the transaction open, to the
 * next who waits there.  Who finds nobody waiting, or is the last that fits, commits for all:
 *
 *     gate      | A: BEGIN, body | B: body | C: body, COMMIT | D: BEGIN, body ...
 *     waiting            A ..................................> answered
 *                                  B ........................> answered
 *
 * Nobody is answered before the commit: not who succeeded, since it might be lost, and not who
 * failed, since the failure may rest on what others of the batch have written. */
#include "db/sqlite_internal.h"

#include "base/clock.h"

#include <stdlib.h>

enum { BATCH_MEMBER_MAX = 64 };

struct sqlite_batch {
    unsigned member_count; /* that have not taken the result yet */
    bool has_changes;      /* at least one body succeeded */
    bool is_done;
    struct error failure; /* of all members; ERROR_NONE: committed */
    pthread_cond_t done;
};

static struct sqlite_batch *batch_new(void)
{
    struct sqlite_batch *batch = calloc(1, sizeof(*batch));
    if (!batch)
        abort();
    (void)pthread_cond_init(&batch->done, NULL);
    return batch;
}

static void batch_free(struct sqlite_batch *batch)
{
    (void)pthread_cond_destroy(&batch->done);
    free(batch);
}

/* Inside the gate: the open batch, or a new one with a transaction.  Another process may hold the
 * lock of the file, for which SQLite waits until `deadline_ms`. */
static struct sqlite_batch *batch_join(struct db_sqlite *sqlite, int64_t deadline_ms,
                                       struct error *err)
{
    if (!sqlite->batch) {
        if (!sqlite->writer)
            sqlite->writer = sqlite_connect(sqlite, true, err);
        if (!sqlite->writer)
            return NULL;
        int64_t left_ms = deadline_ms - clock_monotonic_ms();
        (void)sqlite3_busy_timeout(sqlite->writer->handle, left_ms > 0 ? (int)left_ms : 0);
        if (!sqlite_exec(sqlite->writer, "BEGIN IMMEDIATE", err))
            return NULL;
        sqlite->batch = batch_new();
    }
    sqlite->batch->member_count++;
    return sqlite->batch;
}

/* Has the database ended the transaction of the whole batch (disk full, I/O error)?  Then all
 * members fail, with the reason of the one who met it. */
static bool batch_is_lost(struct db_sqlite *sqlite, struct sqlite_batch *batch,
                          const struct error *reason)
{
    if (!sqlite3_get_autocommit(sqlite->writer->handle))
        return false;
    bool tells_why = reason->kind == ERROR_NO_SPACE || reason->kind == ERROR_INTERNAL ||
                     reason->kind == ERROR_UNAVAILABLE;
    if (tells_why)
        batch->failure = *reason;
    else
        (void)error_set(&batch->failure, ERROR_UNAVAILABLE,
                        "the database has rolled the transaction back");
    return true;
}

/* A deferred foreign key would fail the commit of all; it is asked for while its author can be
 * told. */
static bool references_are_whole(struct sqlite_connection *connection, struct error *err)
{
    int open_count = 0, unused = 0;
    (void)sqlite3_db_status(connection->handle, SQLITE_DBSTATUS_DEFERRED_FKS, &open_count, &unused,
                            0);
    return open_count == 0 ||
           error_set(err, ERROR_CONFLICT, "this refers to something that is not stored");
}

static bool member_run(struct db_sqlite *sqlite, struct arena *arena, db_body *body, void *context,
                       struct error *err)
{
    struct sqlite_batch *batch = sqlite->batch;
    struct sqlite_connection *writer = sqlite->writer;
    struct db_tx tx = {
        .db = &sqlite->db, .arena = arena, .is_writing = true, .connection = writer
    };
    if (!sqlite_exec(writer, "SAVEPOINT member", err)) {
        (void)batch_is_lost(sqlite, batch, err);
        return false;
    }
    bool ok = body(&tx, context, err);
    assert(ok == (err->kind == ERROR_NONE));
    if (batch_is_lost(sqlite, batch, err))
        return ok;
    ok = ok && references_are_whole(writer, err);

    struct error failure = { 0 };
    const char *end = ok ? "RELEASE member" : "ROLLBACK TO member; RELEASE member";
    if (!sqlite_exec(writer, end, &failure))
        batch->failure = failure;
    batch->has_changes = batch->has_changes || ok;
    return ok;
}

/* Commits, or ends a batch that failed; then tells all members and opens the gate. */
static void batch_end(struct db_sqlite *sqlite)
{
    struct sqlite_batch *batch = sqlite->batch;
    struct error failure = batch->failure;
    bool must_commit = failure.kind == ERROR_NONE && batch->has_changes && !db_must_fail(&failure);
    if (must_commit && sqlite_exec(sqlite->writer, "COMMIT", &failure))
        atomic_fetch_add(&sqlite->db.commit_count, 1);
    /* Our trouble, whatever SQLite calls it, and it may pass. */
    if (failure.kind == ERROR_CONFLICT || failure.kind == ERROR_INTERNAL)
        failure.kind = ERROR_UNAVAILABLE;
    struct error ignored = { 0 };
    if (!sqlite3_get_autocommit(sqlite->writer->handle) &&
        !sqlite_exec(sqlite->writer, "ROLLBACK", &ignored)) {
        sqlite_disconnect(sqlite->writer);
        sqlite->writer = NULL;
    }
    sqlite->batch = NULL;

    (void)pthread_mutex_lock(&sqlite->batch_mutex);
    batch->failure = failure;
    batch->is_done = true;
    (void)pthread_cond_broadcast(&batch->done);
    (void)pthread_mutex_unlock(&sqlite->batch_mutex);
    gate_leave(&sqlite->writers);
}

/* Waits for the end of the batch and gives its failure.  Without a limit of time: the outcome of
 * what others are about to commit cannot be guessed, and bodies do nothing but SQL. */
static struct error batch_result(struct db_sqlite *sqlite, struct sqlite_batch *batch)
{
    (void)pthread_mutex_lock(&sqlite->batch_mutex);
    while (!batch->is_done)
        (void)pthread_cond_wait(&batch->done, &sqlite->batch_mutex);
    struct error failure = batch->failure;
    bool is_last = --batch->member_count == 0;
    (void)pthread_mutex_unlock(&sqlite->batch_mutex);
    if (is_last)
        batch_free(batch);
    return failure;
}

bool sqlite_write(struct db *db, struct arena *arena, db_body *body, void *context,
                  struct error *err)
{
    struct db_sqlite *sqlite = (struct db_sqlite *)db;
    int64_t deadline_ms = clock_monotonic_ms() + db->wait_ms;
    if (!gate_enter(&sqlite->writers, db->wait_ms)) {
        (void)error_set(err, ERROR_UNAVAILABLE, "too many others are writing to the database");
        err->retry_after_s = 1;
        return false;
    }
    struct sqlite_batch *batch = batch_join(sqlite, deadline_ms, err);
    if (!batch) {
        gate_leave(&sqlite->writers);
        return false;
    }
    struct error own = { 0 };
    bool ok = member_run(sqlite, arena, body, context, &own);
    bool may_go_on = batch->failure.kind == ERROR_NONE && batch->member_count < BATCH_MEMBER_MAX;
    if (!may_go_on || !gate_pass_on(&sqlite->writers))
        batch_end(sqlite);
    struct error failure = batch_result(sqlite, batch);
    if (failure.kind != ERROR_NONE)
        own = failure;
    if (own.kind == ERROR_NONE)
        return ok;
    *err = own;
    return false;
}
