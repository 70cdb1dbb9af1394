/* SPDX-License-Identifier: Apache-2.0 */
/* Writing transactions are SERIALIZABLE: whatever runs at the same time, the result is as if one
 * had run after the other.  The price is that PostgreSQL refuses some of them; then the body runs
 * again, which is the one retry loop of the program.
 *
 * What became of a commit whose answer never came?  Each transaction that writes also inserts a
 * random token.  Afterwards, on another connection, the same token is inserted again:
 *
 *     refused, it is there    the transaction was committed
 *     inserted                it was not, and never will be: its token would not be unique
 *     waits                   the server has not noticed the loss yet; it will
 *
 * Transaction numbers (pg_xact_status) would not do: after a crash PostgreSQL may give out again
 * those whose traces never reached the disk. */
#include "db/postgres_internal.h"

#include "base/clock.h"
#include "base/random.h"

#include <stdio.h>

enum {
    VIOLATION_RUNS_MAX =
        3, /* of a body whose statement broke a constraint, which may be a conflict */
    SWEEP_EVERY_MS = 60000,
    TYPE_UUID = 2950,
    LOCK_WAIT_MS = 600000, /* for another node that migrates */
    SCRIPT_MS_MAX = 3600000,
};

/* Of pg_advisory_lock(): "berth" and a version, in bytes. */
#define MIGRATION_LOCK "7234314968905810177"

/* ---- tokens ---- */

bool postgres_make_tokens(struct postgres_connection *connection, struct error *err)
{
    struct postgres_answer answer;
    if (!postgres_queue(connection, "SELECT 1 WHERE to_regclass('commit_token') IS NOT NULL"))
        return postgres_lost(connection, PQerrorMessage(connection->handle), err);
    bool ok = postgres_answers(connection, "commit_token", &answer, err);
    bool is_there = ok && PQntuples(answer.last) == 1;
    PQclear(answer.last);
    /* Two nodes at once would stumble over each other's CREATE. */
    return ok &&
           (is_there || postgres_script_run(
                            connection,
                            "BEGIN; SELECT pg_advisory_xact_lock(" MIGRATION_LOCK ");"
                            "CREATE TABLE IF NOT EXISTS commit_token ("
                            "token UUID PRIMARY KEY, made_at TIMESTAMPTZ NOT NULL DEFAULT now());"
                            "COMMIT",
                            connection->answer_ms, err));
}

static bool queue_with_token(struct postgres_connection *connection, const char *sql)
{
    const Oid type = TYPE_UUID;
    const char *value = (const char *)connection->token;
    const int size = POSTGRES_TOKEN_SIZE, format = 1;
    return PQsendQueryParams(connection->handle, sql, 1, &type, &value, &size, &format, 1) == 1;
}

bool postgres_queue_token(struct postgres_connection *connection)
{
    random_bytes(connection->token, sizeof(connection->token));
    return queue_with_token(connection, "INSERT INTO commit_token (token) VALUES ($1)");
}

/* Old tokens tell nothing any more: whoever asks for one does so within seconds. */
static void sweep_tokens(struct db_postgres *postgres, struct postgres_connection *connection)
{
    int64_t now_ms = clock_monotonic_ms();
    int64_t due_ms = atomic_load(&postgres->sweep_at_ms);
    if (now_ms < due_ms ||
        !atomic_compare_exchange_strong(&postgres->sweep_at_ms, &due_ms, now_ms + SWEEP_EVERY_MS))
        return;
    struct error ignored = { 0 };
    bool ok = postgres_script_run(
        connection, "DELETE FROM commit_token WHERE made_at < now() - INTERVAL '1 hour'",
        connection->answer_ms, &ignored);
    if (!ok && connection->trouble != POSTGRES_LOST)
        postgres_forget(connection); /* the next sweep will do */
}

/* ---- what became of a commit ---- */

/* True: *is_committed is known. */
static bool ask_for_token(struct postgres_connection *connection, bool *is_committed)
{
    struct postgres_answer answer;
    struct error ignored = { 0 };
    if (!queue_with_token(connection,
                          "INSERT INTO commit_token (token) VALUES ($1) ON CONFLICT DO NOTHING"))
        return postgres_lost(connection, PQerrorMessage(connection->handle), &ignored);
    bool ok = postgres_answers(connection, "commit_token", &answer, &ignored);
    if (ok)
        *is_committed = str_equal(str_from(PQcmdTuples(answer.last)), STR("0"));
    PQclear(answer.last);
    return ok;
}

/* Until the database is back and says it, within a waiting time of its own. */
static bool find_out(struct db_postgres *postgres, const struct postgres_connection *lost,
                     bool *is_committed)
{
    int64_t deadline_ms = clock_monotonic_ms() + postgres->db.wait_ms;
    bool is_known = false;
    for (unsigned attempt = 0; !is_known; attempt++) {
        struct error ignored = { 0 };
        struct postgres_connection *connection AUTO(postgres_disconnect) =
            postgres_take(postgres, deadline_ms, &ignored);
        if (!connection)
            return false;
        for (int i = 0; i < POSTGRES_TOKEN_SIZE; i++)
            connection->token[i] = lost->token[i];
        is_known = ask_for_token(connection, is_committed);
        if (is_known)
            postgres_put(postgres, TAKE(connection));
        else if (clock_monotonic_ms() >= deadline_ms)
            return false;
        else
            postgres_pause(attempt, deadline_ms);
    }
    return true;
}

/* ---- one attempt ---- */

/* AGAIN_SOMETIMES: a few times. */
enum outcome { COMMITTED, FAILED, AGAIN, AGAIN_SOMETIMES };

static enum outcome outcome_of(enum postgres_trouble trouble)
{
    switch (trouble) {
    case POSTGRES_CONFLICT:
    case POSTGRES_LOST:
        return AGAIN;
    case POSTGRES_VIOLATION:
        return AGAIN_SOMETIMES;
    case POSTGRES_FINE:
    case POSTGRES_FAILED:
    default:
        return FAILED;
    }
}

/* The answer to COMMIT did not come. */
static enum outcome after_lost_commit(struct db_postgres *postgres,
                                      const struct postgres_connection *connection,
                                      struct error *err)
{
    bool is_committed = false;
    if (!connection->has_token)
        return AGAIN; /* it had written nothing */
    if (find_out(postgres, connection, &is_committed))
        return is_committed ? COMMITTED : AGAIN;
    error_clear(err);
    (void)error_set(err, ERROR_UNAVAILABLE,
                    "the connection to the database was lost during a commit, and the database did "
                    "not come back to say whether it was made");
    err->retry_after_s = 1;
    return FAILED;
}

static enum outcome commit(struct db_postgres *postgres, struct postgres_connection *connection,
                           struct error *err)
{
    if (db_must_fail(err))
        return FAILED;
    if (!connection->is_begun)
        return COMMITTED;
    struct postgres_answer answer = { 0 };
    bool ok = postgres_queue(connection, "COMMIT")
                  ? postgres_answers(connection, "COMMIT", &answer, err)
                  : postgres_lost(connection, PQerrorMessage(connection->handle), err);
    /* A transaction that has failed answers ROLLBACK. */
    bool is_committed = ok && str_equal(str_from(PQcmdStatus(answer.last)), STR("COMMIT"));
    PQclear(answer.last);
    if (!ok && connection->trouble == POSTGRES_LOST)
        return after_lost_commit(postgres, connection, err);
    if (!ok)
        return outcome_of(connection->trouble);
    connection->is_begun = false;
    if (is_committed)
        return COMMITTED;
    (void)error_set(err, ERROR_UNAVAILABLE, "the database has rolled the transaction back");
    return FAILED;
}

struct job {
    struct arena *arena;
    db_body *body;
    void *context;
    int64_t deadline_ms;
};

static enum outcome run_body(struct db_postgres *postgres, struct postgres_connection *connection,
                             const struct job *job, struct error *err)
{
    struct db_tx tx = {
        .db = &postgres->db, .arena = job->arena, .is_writing = true, .connection = connection
    };
    bool ok = job->body(&tx, job->context, err);
    assert(ok == (err->kind == ERROR_NONE));
    enum postgres_trouble trouble = connection->trouble;
    if (trouble == POSTGRES_FINE)
        return ok ? commit(postgres, connection, err) : FAILED;
    /* The transaction has failed whatever the body says.  It may have put a failure into words of
     * its own, which hold unless the reason lies with the database. */
    if (ok || trouble == POSTGRES_CONFLICT || trouble == POSTGRES_LOST)
        *err = connection->failure;
    return outcome_of(trouble);
}

static enum outcome attempt(struct db_postgres *postgres, const struct job *job, struct error *err)
{
    struct postgres_connection *connection AUTO(postgres_disconnect) =
        postgres_take(postgres, job->deadline_ms, err);
    if (!connection)
        return FAILED;
    enum outcome outcome = run_body(postgres, connection, job, err);
    if (outcome == COMMITTED)
        error_clear(err);
    bool has_written = connection->has_token;
    if (outcome == COMMITTED && has_written)
        atomic_fetch_add(&postgres->db.commit_count, 1);
    postgres_roll_back(connection);
    if (outcome == COMMITTED && has_written && connection->trouble != POSTGRES_LOST)
        sweep_tokens(postgres, connection);
    /* The lock of migrations goes with the connection. */
    if (connection->trouble != POSTGRES_LOST && !connection->has_lock)
        postgres_put(postgres, TAKE(connection));
    return outcome;
}

/* ---- the retry loop ---- */

static bool try_until_done(struct db_postgres *postgres, const struct job *job, struct error *err)
{
    unsigned violation_count = 0;
    for (unsigned attempt_count = 0;; attempt_count++) {
        struct error own = { 0 };
        enum outcome outcome = attempt(postgres, job, &own);
        if (outcome == COMMITTED)
            return true;
        bool is_over = outcome == FAILED || clock_monotonic_ms() >= job->deadline_ms;
        if (outcome == AGAIN_SOMETIMES && ++violation_count == VIOLATION_RUNS_MAX)
            is_over = true;
        if (is_over) {
            *err = own;
            return false;
        }
        postgres_pause(attempt_count, job->deadline_ms);
    }
}

static bool busy(struct error *err, const char *message)
{
    (void)error_set(err, ERROR_UNAVAILABLE, "%s", message);
    err->retry_after_s = 1;
    return false;
}

bool postgres_write(struct db *db, struct arena *arena, db_body *body, void *context,
                    struct error *err)
{
    struct db_postgres *postgres = (struct db_postgres *)db;
    const struct job job = { arena, body, context, clock_monotonic_ms() + db->wait_ms };
    if (!gate_enter(&postgres->writers, db->wait_ms))
        return busy(err, "too many others are writing to the database");
    bool ok = gate_enter(&postgres->places, job.deadline_ms - clock_monotonic_ms());
    if (ok) {
        ok = try_until_done(postgres, &job, err);
        gate_leave(&postgres->places);
    } else {
        (void)busy(err, "all connections to the database are busy");
    }
    gate_leave(&postgres->writers);
    return ok;
}

/* ---- scripts ---- */

/* Before the transaction begins, so that its snapshot shows what the other node has done. */
static bool take_lock(struct postgres_connection *connection, unsigned wait_ms, struct error *err)
{
    char again[64];
    (void)snprintf(again, sizeof(again), "SET lock_timeout = %u", wait_ms);
    if (!postgres_script_run(connection, "SET statement_timeout = 0; SET lock_timeout = 0",
                             connection->answer_ms, err))
        return false;
    connection->has_lock = true;
    return postgres_script_run(connection, "SELECT pg_advisory_lock(" MIGRATION_LOCK ")",
                               LOCK_WAIT_MS, err) &&
           postgres_script_run(connection, again, connection->answer_ms, err);
}

bool postgres_script(struct db_tx *tx, const char *text, struct error *err)
{
    struct postgres_connection *connection = tx->connection;
    if (connection->trouble != POSTGRES_FINE) {
        *err = connection->failure;
        return false;
    }
    if (!connection->is_begun) {
        if (!take_lock(connection, tx->db->wait_ms, err) ||
            !postgres_script_run(connection, "BEGIN ISOLATION LEVEL SERIALIZABLE READ WRITE",
                                 connection->answer_ms, err))
            return false;
        connection->is_begun = true;
    }
    if (!postgres_script_run(connection, text, SCRIPT_MS_MAX, err))
        return false;
    if (PQtransactionStatus(connection->handle) == PQTRANS_INTRANS)
        return true;
    (void)error_set(err, ERROR_INTERNAL, "a migration must not commit or roll back");
    return postgres_in_trouble(connection, POSTGRES_FAILED, err);
}
