/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/database.h - an empty database for a test, on the engine that the run is for.
 *
 * Without BERTH_TEST_DATABASE it is a SQLite file in the test's folder.  With it (a URL of a
 * PostgreSQL server, see tests/with_postgres.py) it is a database there; a program makes a few and
 * empties them between its tests.
 *
 *     struct str url = test_database_new(arena, folder);
 *     ...
 *     test_database_end(url);       when nobody is connected any more */
#pragma once
#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>

bool test_database_is_postgres(void);

/* Fails the test if it cannot be made. */
struct str test_database_new(struct arena *arena, const char *folder);
void test_database_end(struct str url);

/* Runs one SQL statement beside the program; of a SELECT, the first column of the first row as a
 * number, otherwise 0.  A truth value is 0 or 1. */
int64_t test_database_run(struct str url, const char *sql);
/* The same as text, in the arena. */
struct str test_database_text(struct arena *arena, struct str url, const char *sql);
/* One byte, as such statements write it. */
const char *test_database_byte(void);

/* Skips the test on one of the engines. */
void test_only_sqlite(void);
void test_only_postgres(void);
