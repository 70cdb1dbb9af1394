/* SPDX-License-Identifier: Apache-2.0 */
#include "db/postgres_internal.h"

#include "base/clock.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ANSWER_MARGIN_MS: the server gives up first, and says so. */
enum { VERSION_LEAST = 130000, STATEMENT_MS_LEAST = 30000, ANSWER_MARGIN_MS = 5000 };

/* ---- the setting ---- */

static bool is_port_list(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!(text.ptr[i] >= '0' && text.ptr[i] <= '9') && text.ptr[i] != ',')
            return false;
    return true;
}

/* A password with an unescaped '/', '@' or '#' makes libpq take a part of it for a host, a port or
 * a database, and quote it when it complains. */
static bool part_is_plausible(const char *keyword, struct str value)
{
    if (strcmp(keyword, "port") == 0)
        return is_port_list(value);
    bool is_name = strcmp(keyword, "host") == 0 || strcmp(keyword, "dbname") == 0;
    return !is_name || str_find(value, '@') == value.len;
}

bool postgres_url_check(const char *url, struct error *err)
{
    char *complaint = NULL;
    PQconninfoOption *options = PQconninfoParse(url, &complaint);
    PQfreemem(complaint); /* it quotes the setting */
    if (!options)
        return error_set(
            err, ERROR_INVALID,
            "the database setting must read postgres://USER:PASSWORD@HOST/DATABASE; in "
            "a password, write %%40 for @, %%2F for /, %%3A for : and %%25 for %%");
    bool ok = true;
    for (const PQconninfoOption *option = options; option->keyword && ok; option++)
        ok = !option->val || part_is_plausible(option->keyword, str_from(option->val));
    PQconninfoFree(options);
    return ok || error_set(err, ERROR_INVALID,
                           "the database setting has an @, / or : where none can be; in a "
                           "password, write %%40 for @, %%2F for / and %%3A for :");
}

/* ---- connecting ---- */

/* Before the server is reached libpq tells its SQLSTATE only in the verbose form of the message:
 * "FATAL:  28P01: password authentication failed ...". */
static bool has_state(struct str message, const char *prefix)
{
    struct str rest = str_after(message, str_find_text(message, STR(":  ")));
    return str_starts(str_after(rest, 3), str_from(prefix));
}

static bool fail_to_connect(PGconn *handle, bool *may_pass, struct error *err)
{
    struct str message = str_from(PQerrorMessage(handle));
    struct str line = str_slice(message, 0, str_find(message, '\n'));
    *may_pass = !has_state(line, "28") && !has_state(line, "3D000") && !has_state(line, "42501");
    (void)error_set(err, *may_pass ? ERROR_UNAVAILABLE : ERROR_INVALID,
                    "could not connect to the database: %.*s", STR_ARG(line));
    if (*may_pass)
        err->retry_after_s = 1;
    return false;
}

static void ignore_notice(void *context, const PGresult *result)
{
    (void)context;
    (void)result;
}

/* What stands before the setting it may override, what stands behind it not. */
static PGconn *start(const char *url)
{
    static const char *const keywords[] = {
        "gssencmode",
        "keepalives_idle",
        "keepalives_interval",
        "keepalives_count",
        "tcp_user_timeout",
        "fallback_application_name",
        "dbname",
        "client_encoding",
        "target_session_attrs",
        NULL,
    };
    const char *const values[] = {
        "disable", "10", "5", "3", "15000", "berth", url, "UTF8", "read-write", NULL,
    };
    static_assert(ARRAY_COUNT(keywords) == ARRAY_COUNT(values), "pairs");
    return PQconnectStartParams(keywords, values, 1);
}

static bool shake_hands(PGconn *handle, int64_t deadline_ms, bool *may_pass, struct error *err)
{
    *may_pass = true;
    if (PQstatus(handle) == CONNECTION_BAD)
        return fail_to_connect(handle, may_pass, err);
    (void)PQsetErrorVerbosity(handle, PQERRORS_VERBOSE);
    (void)PQsetNoticeReceiver(handle, ignore_notice, NULL);
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;
    while (status != PGRES_POLLING_OK) {
        if (status == PGRES_POLLING_FAILED)
            return fail_to_connect(handle, may_pass, err);
        short events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        if (!postgres_poll(handle, events, deadline_ms)) {
            const char *host = PQhost(handle), *port = PQport(handle);
            (void)error_set(err, ERROR_UNAVAILABLE,
                            "the database on %s, port %s, does not answer; see the setting "
                            "\"database\"",
                            host ? host : "?", port ? port : "?");
            err->retry_after_s = 1;
            return false;
        }
        status = PQconnectPoll(handle);
    }
    (void)PQsetErrorVerbosity(handle, PQERRORS_DEFAULT);
    return true;
}

static bool server_is_fit(PGconn *handle, struct error *err)
{
    if (PQserverVersion(handle) < VERSION_LEAST)
        return error_set(err, ERROR_UNSUPPORTED,
                         "the database is PostgreSQL %d; version 13 or later is needed",
                         PQserverVersion(handle) / 10000);
    const char *encoding = PQparameterStatus(handle, "server_encoding");
    if (!encoding || strcmp(encoding, "UTF8") != 0)
        return error_set(err, ERROR_INVALID,
                         "the database is encoded as %s; create one with ENCODING 'UTF8'",
                         encoding ? encoding : "something unknown");
    return true;
}

/* jit: compiling pays off for long reports only.  synchronous_commit: what we have said is stored
 * must be, whatever the server's own setting. */
static bool set_up(struct postgres_connection *connection, unsigned wait_ms, struct error *err)
{
    int64_t statement_ms = wait_ms > STATEMENT_MS_LEAST ? wait_ms : STATEMENT_MS_LEAST;
    connection->answer_ms = statement_ms + ANSWER_MARGIN_MS;
    char text[512];
    int size = snprintf(text, sizeof(text),
                        "SET statement_timeout = %lld; SET lock_timeout = %u;"
                        "SET idle_in_transaction_session_timeout = %lld;"
                        "SET jit = off; SET client_min_messages = warning;"
                        "SELECT set_config('synchronous_commit', 'on', false)"
                        " WHERE current_setting('synchronous_commit') = 'off'",
                        (long long)statement_ms, wait_ms, (long long)statement_ms);
    assert(size > 0 && (size_t)size < sizeof(text));
    (void)size;
    if (PQsetnonblocking(connection->handle, 1) != 0)
        return postgres_lost(connection, PQerrorMessage(connection->handle), err);
    return postgres_script_run(connection, text, connection->answer_ms, err) &&
           (PQenterPipelineMode(connection->handle) == 1 ||
            postgres_lost(connection, PQerrorMessage(connection->handle), err));
}

struct postgres_connection *postgres_connect(struct db_postgres *postgres, int64_t deadline_ms,
                                             bool *may_pass, struct error *err)
{
    struct postgres_connection *connection AUTO(postgres_disconnect) =
        calloc(1, sizeof(*connection));
    if (!connection)
        abort();
    connection->handle = start(postgres->url);
    if (!connection->handle)
        abort(); /* no memory for it */
    if (!shake_hands(connection->handle, deadline_ms, may_pass, err))
        return NULL;
    *may_pass = false;
    if (!server_is_fit(connection->handle, err))
        return NULL;
    if (!set_up(connection, postgres->db.wait_ms, err)) {
        *may_pass = connection->trouble == POSTGRES_LOST;
        return NULL;
    }
    return TAKE(connection);
}

void postgres_disconnect(struct postgres_connection *connection)
{
    if (!connection)
        return;
    PQfinish(connection->handle);
    free(connection->prepared);
    free(connection);
}
