/* SPDX-License-Identifier: Apache-2.0 */
#include "db/postgres_internal.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

/* What a SQLSTATE means for the caller and for the transaction.  The longest prefix that fits
 * stands first. */
static const struct meaning {
    const char *prefix;
    enum error_kind kind;
    enum postgres_trouble trouble;
} meanings[] = {
    { "40", ERROR_UNAVAILABLE, POSTGRES_CONFLICT },  /* serialization failure, deadlock */
    { "23", ERROR_CONFLICT, POSTGRES_VIOLATION },    /* a constraint */
    { "22021", ERROR_INVALID, POSTGRES_FAILED },     /* no UTF-8, or a NUL in a text */
    { "53100", ERROR_NO_SPACE, POSTGRES_FAILED },    /* disk full */
    { "53", ERROR_UNAVAILABLE, POSTGRES_FAILED },    /* no memory, too many connections */
    { "55P03", ERROR_UNAVAILABLE, POSTGRES_FAILED }, /* lock_timeout */
    { "57014", ERROR_UNAVAILABLE, POSTGRES_FAILED }, /* statement_timeout */
    { "57P", ERROR_UNAVAILABLE, POSTGRES_LOST },     /* the server shuts down or starts */
    { "08", ERROR_UNAVAILABLE, POSTGRES_LOST },      /* connection */
    { "25006", ERROR_UNAVAILABLE, POSTGRES_LOST },   /* it has become a standby */
    { "25P03", ERROR_UNAVAILABLE, POSTGRES_LOST },   /* idle_in_transaction_session_timeout */
    { "26000", ERROR_UNAVAILABLE, POSTGRES_LOST },   /* somebody dropped what we had prepared */
    { "0A000", ERROR_UNAVAILABLE, POSTGRES_LOST },   /* a migration changed what a plan gives */
    { "25P02", ERROR_UNAVAILABLE, POSTGRES_FAILED }, /* an earlier statement has failed */
};

static const struct meaning *meaning_of(const char *state)
{
    static const struct meaning unknown = { "", ERROR_INTERNAL, POSTGRES_FAILED };
    static const struct meaning gone = { "", ERROR_UNAVAILABLE, POSTGRES_LOST };
    if (!state)
        return &gone; /* libpq tells by itself that nobody answers */
    for (size_t i = 0; i < ARRAY_COUNT(meanings); i++)
        if (strncmp(state, meanings[i].prefix, strlen(meanings[i].prefix)) == 0)
            return &meanings[i];
    return &unknown;
}

bool postgres_in_trouble(struct postgres_connection *connection, enum postgres_trouble trouble,
                         const struct error *err)
{
    if (connection->trouble == POSTGRES_FINE)
        connection->failure = *err;
    if (connection->trouble < trouble)
        connection->trouble = trouble;
    return false;
}

/* The first line of what libpq says. */
static struct str first_line(const char *text)
{
    struct str line = str_from(text);
    return str_slice(line, 0, str_find(line, '\n'));
}

bool postgres_lost(struct postgres_connection *connection, const char *why, struct error *err)
{
    struct str line = first_line(why);
    (void)error_set(err, ERROR_UNAVAILABLE, "lost the connection to the database: %.*s",
                    STR_ARG(line));
    err->retry_after_s = 1;
    return postgres_in_trouble(connection, POSTGRES_LOST, err);
}

static bool fail(struct postgres_connection *connection, const PGresult *result, const char *what,
                 struct error *err)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (!state)
        return postgres_lost(connection, PQresultErrorMessage(result), err);
    const struct meaning *meaning = meaning_of(state);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (!message)
        message = "";
    /* Written for a person, since these are shown to clients. */
    if (meaning->kind == ERROR_CONFLICT)
        (void)error_set(err, ERROR_CONFLICT, "this does not fit what is stored: %s", message);
    else if (meaning->kind == ERROR_INVALID)
        (void)error_set(err, ERROR_INVALID, "a text must be UTF-8 without NUL");
    else
        (void)error_set(err, meaning->kind, "%s: %s (PostgreSQL %s)", what, message, state);
    if (err->kind == ERROR_UNAVAILABLE)
        err->retry_after_s = 1;
    return postgres_in_trouble(connection, meaning->trouble, err);
}

bool postgres_poll(PGconn *handle, short events, int64_t deadline_ms)
{
    for (;;) {
        struct pollfd socket = { .fd = PQsocket(handle), .events = events };
        int64_t left_ms = deadline_ms - clock_monotonic_ms();
        if (socket.fd < 0)
            return true; /* libpq will say what is wrong */
        if (left_ms <= 0)
            return false;
        int ready = poll(&socket, 1, left_ms > INT32_MAX ? INT32_MAX : (int)left_ms);
        if (ready > 0 || (ready < 0 && errno != EINTR))
            return true;
    }
}

/* Sends what is queued and waits until PQgetResult() would not block. */
static bool wait_for_answer(PGconn *handle, int64_t deadline_ms)
{
    for (;;) {
        int unsent = PQflush(handle);
        if (unsent < 0 || !PQisBusy(handle))
            return true;
        if (!postgres_poll(handle, unsent > 0 ? POLLIN | POLLOUT : POLLIN, deadline_ms))
            return false;
        if (!PQconsumeInput(handle))
            return true;
    }
}

static bool is_good(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
}

/* The answers to one synchronization point's questions, up to it. */
static bool read_answers(struct postgres_connection *connection, int64_t deadline_ms,
                         const char *what, struct postgres_answer *out, struct error *err)
{
    bool ok = true;
    for (unsigned empty_count = 0; empty_count < 2;) {
        if (!wait_for_answer(connection->handle, deadline_ms)) {
            struct error late = { 0 };
            (void)postgres_lost(connection, "it does not answer", ok ? err : &late);
            return false;
        }
        PGresult *result = PQgetResult(connection->handle);
        empty_count = result ? 0 : empty_count + 1; /* one NULL ends each question's answers */
        if (!result)
            continue;
        ExecStatusType status = PQresultStatus(result);
        if (is_good(result)) {
            PQclear(out->last);
            out->last = result;
            out->good_count++;
            continue;
        }
        if (ok && status != PGRES_PIPELINE_SYNC)
            ok = fail(connection, result, what, err);
        PQclear(result);
        if (status == PGRES_PIPELINE_SYNC)
            return ok;
    }
    if (ok)
        return postgres_lost(connection, PQerrorMessage(connection->handle), err);
    connection->trouble = POSTGRES_LOST;
    return false;
}

/* Reads the answers to what was sent before without waiting for them. */
static bool read_old_answers(struct postgres_connection *connection, int64_t deadline_ms,
                             struct error *err)
{
    while (connection->unread_count > 0) {
        struct postgres_answer ignored = { 0 };
        connection->unread_count--;
        bool ok = read_answers(connection, deadline_ms, "ROLLBACK", &ignored, err);
        PQclear(ignored.last);
        if (!ok)
            return false;
    }
    return true;
}

bool postgres_is_usable(struct postgres_connection *connection, int64_t deadline_ms)
{
    struct error ignored = { 0 };
    if (!read_old_answers(connection, deadline_ms, &ignored))
        return false;
    postgres_forget(connection);
    /* The server speaks unasked when it shuts down; then the socket stays readable. */
    for (int i = 0; i < 4; i++) {
        struct pollfd socket = { .fd = PQsocket(connection->handle), .events = POLLIN };
        if (socket.fd < 0)
            return false;
        if (poll(&socket, 1, 0) == 0)
            return PQstatus(connection->handle) == CONNECTION_OK;
        if (!PQconsumeInput(connection->handle))
            return false;
    }
    return false;
}

bool postgres_queue(struct postgres_connection *connection, const char *sql)
{
    return PQsendQueryParams(connection->handle, sql, 0, NULL, NULL, NULL, NULL, 1) == 1;
}

bool postgres_answers(struct postgres_connection *connection, const char *what,
                      struct postgres_answer *out, struct error *err)
{
    *out = (struct postgres_answer){ 0 };
    if (PQpipelineSync(connection->handle) != 1)
        return postgres_lost(connection, PQerrorMessage(connection->handle), err);
    int64_t deadline_ms = clock_monotonic_ms() + connection->answer_ms;
    return read_old_answers(connection, deadline_ms, err) &&
           read_answers(connection, deadline_ms, what, out, err);
}

static bool script_answers(struct postgres_connection *connection, int64_t deadline_ms,
                           struct error *err)
{
    bool ok = true;
    for (;;) {
        if (!wait_for_answer(connection->handle, deadline_ms)) {
            struct error late = { 0 };
            return postgres_lost(connection, "it does not answer", ok ? err : &late);
        }
        PGresult *result = PQgetResult(connection->handle);
        if (!result)
            return ok;
        if (ok && !is_good(result))
            ok = fail(connection, result, "database", err);
        PQclear(result);
    }
}

bool postgres_script_run(struct postgres_connection *connection, const char *text,
                         int64_t answer_ms, struct error *err)
{
    int64_t deadline_ms = clock_monotonic_ms() + answer_ms;
    if (!read_old_answers(connection, deadline_ms, err))
        return false;
    PGconn *handle = connection->handle;
    bool is_piped = PQpipelineStatus(handle) != PQ_PIPELINE_OFF;
    if ((is_piped && PQexitPipelineMode(handle) != 1) || PQsendQuery(handle, text) != 1)
        return postgres_lost(connection, PQerrorMessage(handle), err);
    bool ok = script_answers(connection, deadline_ms, err);
    if (is_piped && connection->trouble != POSTGRES_LOST && PQenterPipelineMode(handle) != 1)
        connection->trouble = POSTGRES_LOST;
    return ok;
}

void postgres_forget(struct postgres_connection *connection)
{
    connection->is_begun = false;
    connection->has_token = false;
    connection->trouble = POSTGRES_FINE;
    connection->failure = (struct error){ 0 };
}

void postgres_roll_back(struct postgres_connection *connection)
{
    if (connection->trouble == POSTGRES_LOST)
        return;
    bool is_sent = !connection->is_begun ||
                   (postgres_queue(connection, "ROLLBACK") &&
                    PQpipelineSync(connection->handle) == 1 && PQflush(connection->handle) == 0);
    if (connection->is_begun)
        connection->unread_count++;
    postgres_forget(connection);
    if (!is_sent)
        connection->trouble = POSTGRES_LOST;
}
