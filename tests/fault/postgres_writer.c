/* SPDX-License-Identifier: Apache-2.0 */
/* Writes numbered rows with several threads and tells of each what became of it, until its standard
 * input ends, into the table of postgres_restart.py, which takes the server away meanwhile.
 *
 *     made 17          acknowledged
 *     failed 18 text   not, and why
 *     read 17          so many rows were seen */
#include "db/db.h"

#include "postgres_rows.sql.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { WRITERS = 6, WAIT_MS = 15000 };

static struct db *db;
static atomic_int_fast64_t next_number;
static atomic_bool is_over;

static bool add_row(struct db_tx *tx, void *context, struct error *err)
{
    return sql_row_add(tx, *(const int64_t *)context, err);
}

static void *write_rows(void *context)
{
    while (!atomic_load(&is_over)) {
        struct arena *arena AUTO(arena_free) = arena_new();
        struct error err = { 0 };
        int64_t number = atomic_fetch_add(&next_number, 1);
        if (db_write(db, arena, add_row, &number, &err))
            printf("made %lld\n", (long long)number);
        else
            printf("failed %lld %s\n", (long long)number, err.message);
    }
    return context;
}

static void *read_rows(void *context)
{
    while (!atomic_load(&is_over)) {
        struct arena *arena AUTO(arena_free) = arena_new();
        struct error err = { 0 };
        struct row_count_row row = { 0 };
        struct db_tx *tx = db_read(db, arena, &err);
        if (tx && sql_row_count(tx, &row, &err))
            printf("read %lld\n", (long long)row.total);
        else
            printf("unread %s\n", err.message);
        db_tx_end(tx);
    }
    return context;
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 1 << 16);
    const char *url = getenv("BERTH_TEST_DATABASE");
    struct db_options options = { .url = str_from(url), .wait_ms = WAIT_MS };
    struct error err = { 0 };
    if (!db_open(&options, &db, &err)) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    pthread_t threads[WRITERS + 1];
    for (int i = 0; i <= WRITERS; i++)
        if (pthread_create(&threads[i], NULL, i < WRITERS ? write_rows : read_rows, NULL) != 0)
            abort();
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    atomic_store(&is_over, true);
    for (int i = 0; i <= WRITERS; i++)
        (void)pthread_join(threads[i], NULL);
    db_close(db);
    return 0;
}
