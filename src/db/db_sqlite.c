/* SPDX-License-Identifier: Apache-2.0 */
#include "db/sqlite_internal.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { DATABASE_MODE = 0600, WAL_RETRY_MS = 10 };

static bool is_full(sqlite3 *handle, int code)
{
    int reason = (code & 0xff) == SQLITE_IOERR ? sqlite3_system_errno(handle) : 0;
    return (code & 0xff) == SQLITE_FULL || reason == ENOSPC || reason == EDQUOT;
}

bool sqlite_fail(sqlite3 *handle, int code, struct error *err, const char *what)
{
    enum error_kind kind = ERROR_INTERNAL;
    switch (code & 0xff) {
    case SQLITE_NOMEM:
        abort(); /* base/error.h: running out of memory aborts */
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_INTERRUPT:
        kind = ERROR_UNAVAILABLE;
        break;
    case SQLITE_CONSTRAINT:
        /* Written for a person, since conflicts are shown to clients. */
        return error_set(err, ERROR_CONFLICT, "this does not fit what is stored: %s",
                         sqlite3_errmsg(handle));
    case SQLITE_NOTADB: {
        const char *file = sqlite3_db_filename(handle, "main");
        return error_set(err, ERROR_INVALID, "database: the file %s is not a database of SQLite",
                         file ? file : "");
    }
    default:
        break;
    }
    if (is_full(handle, code))
        kind = ERROR_NO_SPACE;
    (void)error_set(err, kind, "%s: %s (SQLite %d)", what, sqlite3_errmsg(handle), code);
    if (kind == ERROR_UNAVAILABLE)
        err->retry_after_s = 1;
    return false;
}

bool sqlite_exec(struct sqlite_connection *connection, const char *sql, struct error *err)
{
    int code = sqlite3_exec(connection->handle, sql, NULL, NULL, NULL);
    return code == SQLITE_OK || sqlite_fail(connection->handle, code, err, "database");
}

void sqlite_disconnect(struct sqlite_connection *connection)
{
    if (!connection)
        return;
    sqlite_cache_release(connection);
    int code = sqlite3_close(connection->handle);
    assert(code == SQLITE_OK); /* anything else: a statement was not finished */
    free(connection);
}

struct sqlite_connection *sqlite_connect(struct db_sqlite *sqlite, bool is_writing,
                                         struct error *err)
{
    struct sqlite_connection *connection AUTO(sqlite_disconnect) = calloc(1, sizeof(*connection));
    if (!connection)
        abort();
    int code =
        sqlite3_open_v2(sqlite->path, &connection->handle,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    sqlite3 *handle = connection->handle;
    if (!handle)
        abort(); /* no memory for it */
    if (code != SQLITE_OK) {
        (void)sqlite_fail(handle, code, err, sqlite->path);
        return NULL;
    }
    (void)sqlite3_busy_timeout(handle, (int)sqlite->db.wait_ms);
    (void)sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    /* As in PostgreSQL, "x" is a column and never a text. */
    (void)sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    (void)sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    if (!sqlite_exec(connection,
                     "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF;"
                     "PRAGMA mmap_size=67108864; PRAGMA journal_size_limit=67108864",
                     err))
        return NULL;
    if (!is_writing && !sqlite_exec(connection, "PRAGMA query_only=ON", err))
        return NULL;
    return TAKE(connection);
}

/* The write-ahead log: readers and the writer do not wait for each other. */
static bool switch_to_wal(struct sqlite_connection *connection, unsigned wait_ms, struct error *err)
{
    int64_t deadline_ms = clock_monotonic_ms() + wait_ms;
    sqlite3_stmt *statement = NULL;
    int code;
    for (;;) {
        code =
            sqlite3_prepare_v2(connection->handle, "PRAGMA journal_mode=WAL", -1, &statement, NULL);
        if (code == SQLITE_OK)
            code = sqlite3_step(statement);
        /* SQLite does not wait by itself when two processes switch at the same moment. */
        if ((code & 0xff) != SQLITE_BUSY || clock_monotonic_ms() >= deadline_ms)
            break;
        (void)sqlite3_finalize(statement);
        (void)nanosleep(&(struct timespec){ .tv_nsec = WAL_RETRY_MS * 1000000L }, NULL);
    }
    bool is_wal = false;
    if (code == SQLITE_ROW)
        is_wal = strcmp((const char *)sqlite3_column_text(statement, 0), "wal") == 0;
    else
        (void)sqlite_fail(connection->handle, code, err, "could not open the database");
    (void)sqlite3_finalize(statement);
    if (code == SQLITE_ROW && !is_wal)
        return error_set(err, ERROR_INVALID,
                         "the file system of the database cannot share memory between processes, "
                         "which SQLite's write-ahead log needs; use a local disk");
    return is_wal;
}

/* Makes the file first, since SQLite would make it readable for everybody.  Only if it is new:
 * closing a descriptor of a database that is in use would drop SQLite's locks on it. */
static bool make_file(const char *path, struct error *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, DATABASE_MODE);
    if (fd < 0 && errno != EEXIST)
        return error_set(err, ERROR_INVALID, "could not make the database %s: %s", path,
                         strerrordesc_np(errno));
    if (fd >= 0)
        (void)close(fd);
    return true;
}

static void sqlite_close(struct db *db)
{
    struct db_sqlite *sqlite = (struct db_sqlite *)db;
    assert(!sqlite->batch);
    while (sqlite->idle) {
        struct sqlite_connection *connection = sqlite->idle;
        sqlite->idle = connection->next_idle;
        sqlite_disconnect(connection);
    }
    sqlite_disconnect(sqlite->writer);
    gate_release(&sqlite->readers);
    gate_release(&sqlite->writers);
    (void)pthread_mutex_destroy(&sqlite->idle_mutex);
    (void)pthread_mutex_destroy(&sqlite->batch_mutex);
    free(sqlite->path);
    free(sqlite);
}

/* A connection that nobody uses, or a new one. */
static struct sqlite_connection *take_reader(struct db_sqlite *sqlite, struct error *err)
{
    (void)pthread_mutex_lock(&sqlite->idle_mutex);
    struct sqlite_connection *connection = sqlite->idle;
    if (connection)
        sqlite->idle = connection->next_idle;
    (void)pthread_mutex_unlock(&sqlite->idle_mutex);
    return connection ? connection : sqlite_connect(sqlite, false, err);
}

static void put_reader(struct db_sqlite *sqlite, struct sqlite_connection *connection)
{
    (void)pthread_mutex_lock(&sqlite->idle_mutex);
    connection->next_idle = sqlite->idle;
    sqlite->idle = connection;
    (void)pthread_mutex_unlock(&sqlite->idle_mutex);
}

static bool sqlite_read(struct db_tx *tx, struct error *err)
{
    struct db_sqlite *sqlite = (struct db_sqlite *)tx->db;
    if (!gate_enter(&sqlite->readers, sqlite->db.wait_ms)) {
        (void)error_set(err, ERROR_UNAVAILABLE, "all connections to the database are busy");
        err->retry_after_s = 1;
        return false;
    }
    struct sqlite_connection *connection AUTO(sqlite_disconnect) = take_reader(sqlite, err);
    if (!connection || !sqlite_exec(connection, "BEGIN", err)) {
        gate_leave(&sqlite->readers);
        return false;
    }
    tx->connection = TAKE(connection);
    return true;
}

static void sqlite_end(struct db_tx *tx)
{
    struct db_sqlite *sqlite = (struct db_sqlite *)tx->db;
    struct sqlite_connection *connection = tx->connection;
    struct error ignored = { 0 };
    /* A failed read may have ended it already. */
    bool is_over =
        sqlite3_get_autocommit(connection->handle) || sqlite_exec(connection, "ROLLBACK", &ignored);
    if (is_over)
        put_reader(sqlite, connection);
    else
        sqlite_disconnect(connection);
    gate_leave(&sqlite->readers);
}

/* All that use this database run on this machine, so its clock is the database's. */
static bool sqlite_now_ms(struct db_tx *tx, int64_t *out, struct error *err)
{
    (void)tx;
    (void)err;
    *out = clock_now_ms();
    return true;
}

static bool sqlite_script(struct db_tx *tx, const char *text, struct error *err)
{
    struct sqlite_connection *connection = tx->connection;
    if (!sqlite_exec(connection, text, err))
        return false;
    if (sqlite3_get_autocommit(connection->handle))
        return error_set(err, ERROR_INTERNAL, "a migration must not commit or roll back");
    return true;
}

static const struct db_engine_ops sqlite_ops = {
    .engine = DB_SQLITE,
    .close = sqlite_close,
    .read = sqlite_read,
    .end = sqlite_end,
    .write = sqlite_write,
    .now_ms = sqlite_now_ms,
    .script = sqlite_script,
    .start = sqlite_start,
    .bind_null = sqlite_bind_null,
    .bind_int = sqlite_bind_int,
    .bind_text = sqlite_bind_text,
    .bind_bytes = sqlite_bind_bytes,
    .bind_bool = sqlite_bind_bool,
    .step = sqlite_step,
    .column_is_null = sqlite_column_is_null,
    .column_is = sqlite_column_is,
    .column_int = sqlite_column_int,
    .column_text = sqlite_column_text,
    .changed = sqlite_changed,
    .finish = sqlite_finish,
    .check = sqlite_check,
};

/* What went wrong at the start is the setting's fault, unless it passes by itself. */
static bool blame_setting(struct error *err)
{
    if (err->kind == ERROR_INTERNAL)
        err->kind = ERROR_INVALID;
    return false;
}

bool db_sqlite_open(struct str path, const struct db_options *options, struct db **out,
                    struct error *err)
{
    if (path.len == 0 || path.ptr[0] == ':' || str_find(path, '\0') < path.len)
        return error_set(err, ERROR_INVALID,
                         "the database setting needs the path of a file: sqlite:PATH");
    struct db_sqlite *sqlite = calloc(1, sizeof(*sqlite));
    char *copy = strndup(path.ptr, path.len);
    if (!sqlite || !copy)
        abort();
    sqlite->db.ops = &sqlite_ops;
    sqlite->db.wait_ms = options->wait_ms;
    sqlite->path = copy;
    gate_init(&sqlite->readers, options->reader_count);
    gate_init(&sqlite->writers, 1);
    (void)pthread_mutex_init(&sqlite->idle_mutex, NULL);
    (void)pthread_mutex_init(&sqlite->batch_mutex, NULL);

    struct db *db AUTO(db_close) = &sqlite->db;
    if (!make_file(sqlite->path, err))
        return false;
    sqlite->writer = sqlite_connect(sqlite, true, err);
    if (!sqlite->writer || !switch_to_wal(sqlite->writer, options->wait_ms, err))
        return blame_setting(err);
    *out = TAKE(db);
    return true;
}
