/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/db/scratch.h - a new database with the tables of sample.sql in a folder of its own. */
#pragma once
#include "../check.h"
#include "db/db_internal.h"

#include "sample.sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct scratch {
    char folder[64], url[128], path[96];
    struct db *db;
    struct arena *arena;
    struct error err;
};

static const char sample_tables[] =
    "CREATE TABLE thing (id INTEGER PRIMARY KEY, number INTEGER, label TEXT UNIQUE, content BLOB,"
    " is_red INTEGER NOT NULL DEFAULT 0, address TEXT);"
    "CREATE TABLE part (thing_id INTEGER NOT NULL REFERENCES thing (id));"
    "CREATE TABLE late_part (thing_id INTEGER NOT NULL REFERENCES thing (id)"
    " DEFERRABLE INITIALLY DEFERRED);";

static inline bool run_script(struct db_tx *tx, void *context, struct error *err)
{
    return tx->db->ops->script(tx, context, err);
}

static inline struct db *scratch_open(struct scratch *scratch, unsigned wait_ms)
{
    struct db *db = NULL;
    struct db_options options = { .url = str_from(scratch->url),
                                  .reader_count = 4,
                                  .wait_ms = wait_ms };
    assert_true(db_open(&options, &db, &scratch->err));
    return db;
}

static inline int scratch_setup(void **state)
{
    struct scratch *scratch = calloc(1, sizeof(*scratch));
    assert_non_null(scratch);
    (void)snprintf(scratch->folder, sizeof(scratch->folder), "/tmp/berth-db-XXXXXX");
    assert_non_null(mkdtemp(scratch->folder));
    (void)snprintf(scratch->path, sizeof(scratch->path), "%s/berth.db", scratch->folder);
    (void)snprintf(scratch->url, sizeof(scratch->url), "sqlite:%s", scratch->path);
    scratch->arena = arena_new();
    scratch->db = scratch_open(scratch, 5000);
    char script[sizeof(sample_tables)];
    memcpy(script, sample_tables, sizeof(script));
    assert_true(db_write(scratch->db, scratch->arena, run_script, script, &scratch->err));
    *state = scratch;
    return 0;
}

static inline int scratch_teardown(void **state)
{
    struct scratch *scratch = *state;
    db_fail_nth_for_test(0);
    db_close(scratch->db);
    arena_free(scratch->arena);
    static const char *const endings[] = { "", "-wal", "-shm" };
    for (size_t i = 0; i < ARRAY_COUNT(endings); i++) {
        char path[128];
        (void)snprintf(path, sizeof(path), "%s%s", scratch->path, endings[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(scratch->folder), 0);
    free(scratch);
    return 0;
}

/* How many things there are, by a transaction of its own. */
static inline int64_t thing_count(struct scratch *scratch)
{
    struct db_tx *tx AUTO(db_tx_end) = db_read(scratch->db, scratch->arena, &scratch->err);
    struct thing_count_row row;
    assert_non_null(tx);
    assert_true(sql_thing_count(tx, &row, &scratch->err));
    return row.things;
}

#define SCRATCH_TEST(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)
