/* SPDX-License-Identifier: Apache-2.0 */
#include "database.h"

#include "check.h"

#include <libpq-fe.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DATABASE_COUNT_MAX = 8, URL_SIZE = 512 };

/* Databases of this program: making one costs a tenth of a second, emptying one far less. */
static struct {
    char url[URL_SIZE];
    bool is_used;
} databases[DATABASE_COUNT_MAX];
static int database_count;
static pid_t owner;

static const char *server(void)
{
    const char *url = getenv("BERTH_TEST_DATABASE");
    return url && url[0] ? url : NULL;
}

bool test_database_is_postgres(void)
{
    return server() != NULL;
}

static PGconn *connect_to(const char *url)
{
    PGconn *connection = PQconnectdb(url);
    if (PQstatus(connection) != CONNECTION_OK) {
        print_error("%s", PQerrorMessage(connection));
        PQfinish(connection);
        return NULL;
    }
    PQclear(PQexec(connection, "SET client_min_messages = error"));
    return connection;
}

static struct str postgres_text(struct arena *arena, const char *url, const char *sql)
{
    PGconn *connection = connect_to(url);
    assert_non_null(connection);
    PGresult *result = PQexec(connection, sql);
    ExecStatusType status = PQresultStatus(result);
    struct str text = STR("0");
    if (status == PGRES_TUPLES_OK && PQntuples(result) > 0 && PQnfields(result) > 0)
        text = arena_copy(arena, str_from(PQgetvalue(result, 0, 0)));
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
        fail_msg("%s: %s", sql, PQresultErrorMessage(result));
    PQclear(result);
    PQfinish(connection);
    return str_equal(text, STR("t")) ? STR("1") : text;
}

static int64_t postgres_run(const char *url, const char *sql)
{
    struct arena *arena AUTO(arena_free) = arena_new();
    return strtoll(arena_c(arena, postgres_text(arena, url, sql)), NULL, 10);
}

/* The server's URL with another database in it: postgres://user@host/DATABASE?options */
static void url_of(const char *name, char out[URL_SIZE])
{
    const char *url = server();
    const char *authority = strstr(url, "://");
    assert_non_null(authority);
    size_t head = strcspn(authority + 3, "/?") + (size_t)(authority + 3 - url);
    const char *options = strchr(url, '?');
    int size = snprintf(out, URL_SIZE, "%.*s/%s%s", (int)head, url, name, options ? options : "");
    assert_true(size > 0 && size < URL_SIZE);
}

static void drop_all(void)
{
    if (getpid() != owner)
        return;
    PGconn *connection = connect_to(server());
    for (int i = 0; connection && i < database_count; i++) {
        char sql[128];
        (void)snprintf(sql, sizeof(sql), "DROP DATABASE IF EXISTS berth_test_%ld_%d WITH (FORCE)",
                       (long)owner, i);
        PQclear(PQexec(connection, sql));
    }
    PQfinish(connection);
}

static int postgres_new(void)
{
    if (database_count == 0) {
        owner = getpid();
        assert_int_equal(atexit(drop_all), 0);
    }
    assert_true(database_count < DATABASE_COUNT_MAX);
    int index = database_count;
    char name[64], sql[256];
    (void)snprintf(name, sizeof(name), "berth_test_%ld_%d", (long)owner, index);
    (void)snprintf(sql, sizeof(sql), "CREATE DATABASE %s TEMPLATE template0 ENCODING 'UTF8'", name);
    char leftover[128]; /* of a process of the same number, on a server that outlives them */
    (void)snprintf(leftover, sizeof(leftover), "DROP DATABASE IF EXISTS %s", name);
    (void)postgres_run(server(), leftover);
    (void)postgres_run(server(), sql);
    url_of(name, databases[index].url);
    database_count++;
    return index;
}

static struct str postgres_take(void)
{
    int index = 0;
    while (index < database_count && databases[index].is_used)
        index++;
    if (index == database_count)
        index = postgres_new();
    else
        (void)postgres_run(databases[index].url,
                           "DROP SCHEMA public CASCADE; CREATE SCHEMA public");
    databases[index].is_used = true;
    return str_from(databases[index].url);
}

struct str test_database_new(struct arena *arena, const char *folder)
{
    if (server())
        return postgres_take();
    return arena_format(arena, "sqlite:%s/berth.db", folder);
}

void test_database_end(struct str url)
{
    for (int i = 0; i < database_count; i++)
        if (str_equal(url, str_from(databases[i].url)))
            databases[i].is_used = false;
}

static struct str sqlite_text(struct arena *arena, const char *path, const char *sql)
{
    sqlite3 *handle = NULL;
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    (void)sqlite3_busy_timeout(handle, 5000);
    if (sqlite3_prepare_v2(handle, sql, -1, &statement, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(handle));
    int result = sqlite3_step(statement);
    if (result != SQLITE_ROW && result != SQLITE_DONE)
        fail_msg("%s: %s", sql, sqlite3_errmsg(handle));
    struct str text = STR("0");
    if (result == SQLITE_ROW)
        text = arena_copy(arena, str_from((const char *)sqlite3_column_text(statement, 0)));
    (void)sqlite3_finalize(statement);
    (void)sqlite3_close(handle);
    return text;
}

struct str test_database_text(struct arena *arena, struct str url, const char *sql)
{
    struct str sqlite = STR("sqlite:");
    if (str_starts(url, sqlite))
        return sqlite_text(arena, arena_c(arena, str_after(url, sqlite.len)), sql);
    return postgres_text(arena, arena_c(arena, url), sql);
}

int64_t test_database_run(struct str url, const char *sql)
{
    struct arena *arena AUTO(arena_free) = arena_new();
    struct str text = test_database_text(arena, url, sql);
    return str_is_set(text) ? strtoll(arena_c(arena, text), NULL, 10) : 0;
}

const char *test_database_byte(void)
{
    return server() ? "'\\x00'::bytea" : "x'00'";
}

void test_only_sqlite(void)
{
    if (test_database_is_postgres())
        skip();
}

void test_only_postgres(void)
{
    if (!test_database_is_postgres())
        skip();
}
