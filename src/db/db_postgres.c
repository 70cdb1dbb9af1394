/* SPDX-License-Identifier: Apache-2.0 */
#include "db/postgres_internal.h"

#include "base/clock.h"
#include "base/random.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PAUSE_MS_FIRST = 4, PAUSE_MS_MAX = 250 };

/* ---- the pool ---- */

void postgres_pause(unsigned attempt, int64_t deadline_ms)
{
    int64_t most_ms = attempt < 6 ? (int64_t)PAUSE_MS_FIRST << attempt : PAUSE_MS_MAX;
    int64_t left_ms = deadline_ms - clock_monotonic_ms();
    if (most_ms > left_ms)
        most_ms = left_ms;
    if (most_ms <= 0)
        return;
    /* Jitter, so that those who met once do not meet again. */
    int64_t pause_us = (int64_t)(random_u64() % (uint64_t)(most_ms * 1000));
    const struct timespec pause = { pause_us / 1000000, (pause_us % 1000000) * 1000 };
    (void)nanosleep(&pause, NULL);
}

static struct postgres_connection *take_idle(struct db_postgres *postgres)
{
    (void)pthread_mutex_lock(&postgres->idle_mutex);
    struct postgres_connection *connection = postgres->idle;
    if (connection)
        postgres->idle = connection->next_idle;
    (void)pthread_mutex_unlock(&postgres->idle_mutex);
    return connection;
}

void postgres_put(struct db_postgres *postgres, struct postgres_connection *connection)
{
    (void)pthread_mutex_lock(&postgres->idle_mutex);
    connection->next_idle = postgres->idle;
    postgres->idle = connection;
    (void)pthread_mutex_unlock(&postgres->idle_mutex);
}

struct postgres_connection *postgres_take(struct db_postgres *postgres, int64_t deadline_ms,
                                          struct error *err)
{
    struct postgres_connection *connection;
    while ((connection = take_idle(postgres))) {
        if (postgres_is_usable(connection, deadline_ms))
            return connection;
        postgres_disconnect(connection);
    }
    for (unsigned attempt = 0;; attempt++) {
        struct error failure = { 0 };
        bool may_pass = false;
        connection = postgres_connect(postgres, deadline_ms, &may_pass, &failure);
        if (connection)
            return connection;
        if (!may_pass || clock_monotonic_ms() >= deadline_ms) {
            *err = failure;
            return NULL;
        }
        postgres_pause(attempt, deadline_ms);
    }
}

/* ---- reading ---- */

static bool postgres_read(struct db_tx *tx, struct error *err)
{
    struct db_postgres *postgres = (struct db_postgres *)tx->db;
    int64_t deadline_ms = clock_monotonic_ms() + tx->db->wait_ms;
    if (!gate_enter(&postgres->places, tx->db->wait_ms)) {
        (void)error_set(err, ERROR_UNAVAILABLE, "all connections to the database are busy");
        err->retry_after_s = 1;
        return false;
    }
    struct postgres_connection *connection = postgres_take(postgres, deadline_ms, err);
    if (!connection) {
        gate_leave(&postgres->places);
        return false;
    }
    connection->wait_until_ms = deadline_ms;
    tx->connection = connection;
    return true;
}

static void postgres_end(struct db_tx *tx)
{
    struct db_postgres *postgres = (struct db_postgres *)tx->db;
    struct postgres_connection *connection = tx->connection;
    postgres_roll_back(connection);
    if (connection->trouble == POSTGRES_LOST)
        postgres_disconnect(connection);
    else
        postgres_put(postgres, connection);
    gate_leave(&postgres->places);
}

/* ---- opening and closing ---- */

static void postgres_close(struct db *db)
{
    struct db_postgres *postgres = (struct db_postgres *)db;
    struct postgres_connection *connection;
    while ((connection = take_idle(postgres)))
        postgres_disconnect(connection);
    gate_release(&postgres->places);
    gate_release(&postgres->writers);
    (void)pthread_mutex_destroy(&postgres->idle_mutex);
    /* It may hold a password. */
    explicit_bzero(postgres->url, strlen(postgres->url));
    free(postgres->url);
    free(postgres);
}

static const struct db_engine_ops postgres_ops = {
    .engine = DB_POSTGRES,
    .close = postgres_close,
    .read = postgres_read,
    .end = postgres_end,
    .write = postgres_write,
    .now_ms = postgres_now_ms,
    .script = postgres_script,
    .start = postgres_start,
    .bind_null = postgres_bind_null,
    .bind_int = postgres_bind_int,
    .bind_text = postgres_bind_text,
    .bind_bytes = postgres_bind_bytes,
    .bind_bool = postgres_bind_bool,
    .step = postgres_step,
    .column_is_null = postgres_column_is_null,
    .column_is = postgres_column_is,
    .column_int = postgres_column_int,
    .column_text = postgres_column_text,
    .changed = postgres_changed,
    .finish = postgres_finish,
    .check = postgres_check,
};

bool db_postgres_open(struct str url, const struct db_options *options, struct db **out,
                      struct error *err)
{
    if (str_find(url, '\0') < url.len)
        return error_set(err, ERROR_INVALID, "the database setting has a NUL in it");
    struct db_postgres *postgres = calloc(1, sizeof(*postgres));
    char *copy = strndup(url.ptr, url.len);
    if (!postgres || !copy)
        abort();
    postgres->db.ops = &postgres_ops;
    postgres->db.wait_ms = options->wait_ms;
    postgres->url = copy;
    gate_init(&postgres->places, options->reader_count);
    gate_init(&postgres->writers, options->reader_count > 1 ? options->reader_count / 2 : 1);
    (void)pthread_mutex_init(&postgres->idle_mutex, NULL);

    struct db *db AUTO(db_close) = &postgres->db;
    if (!postgres_url_check(postgres->url, err))
        return false;
    struct postgres_connection *connection AUTO(postgres_disconnect) =
        postgres_take(postgres, clock_monotonic_ms() + options->wait_ms, err);
    if (!connection || !postgres_make_tokens(connection, err))
        return false;
    postgres_put(postgres, TAKE(connection));
    *out = TAKE(db);
    return true;
}
