/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/hub/hub_fixture.h - a hub of its own for each test: an empty database, keys in a new
 * folder, blobs in memory. */
#pragma once
#include "../check.h"
#include "../database.h"
#include "base/clock.h"
#include "base/file.h"
#include "hub/account.h"
#include "hub/cache.h"
#include "hub/hub.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct hub_fixture {
    char folder[64];
    struct str database; /* its URL */
    struct hub *hub;
    struct arena *arena;
    int64_t shift_ms; /* of the clock, in all */
    struct error err;
};

static inline void hub_fixture_later(struct hub_fixture *fixture, int64_t by_ms)
{
    fixture->shift_ms += by_ms;
    clock_shift_for_test(by_ms);
}

static inline struct hub_options hub_fixture_options(struct hub_fixture *fixture)
{
    return (struct hub_options){
        .database = fixture->database,
        .storage = STR("memory:"),
        .keys = arena_format(fixture->arena, "%s/keys", fixture->folder),
        .migrate = true,
    };
}

static inline int hub_fixture_setup(void **state)
{
    struct hub_fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    (void)snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/berth-hub-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    fixture->arena = arena_new();
    fixture->database = test_database_new(fixture->arena, fixture->folder);
    struct hub_options options = hub_fixture_options(fixture);
    if (!hub_open(&options, &fixture->hub, &fixture->err))
        fail_msg("hub_open: %s", fixture->err.message);
    *state = fixture;
    return 0;
}

static inline int hub_fixture_remove(const char *path, const struct stat *status, int kind,
                                     struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

static inline int hub_fixture_teardown(void **state)
{
    struct hub_fixture *fixture = *state;
    clock_shift_for_test(-fixture->shift_ms);
    db_fail_nth_for_test(0);
    file_fail_nth_for_test(0, 0);
    hub_close(fixture->hub);
    test_database_end(fixture->database);
    arena_free(fixture->arena);
    assert_int_equal(nftw(fixture->folder, hub_fixture_remove, 8, FTW_DEPTH | FTW_PHYS), 0);
    free(fixture);
    return 0;
}

/* Runs SQL beside the hub; for a SELECT, the first column of the first row as a number. */
static inline int64_t hub_fixture_sql(struct hub_fixture *fixture, const char *sql)
{
    int64_t result = test_database_run(fixture->database, sql);
    cache_forget(fixture->hub->cache); /* tests do not wait for what other processes may see late */
    return result;
}

/* A user, made by an administrator: the password is the name and "-password". */
static inline struct account hub_fixture_user(struct hub_fixture *fixture, const char *name,
                                              bool is_admin)
{
    struct account account;
    struct account_new from = {
        .name = str_from(name),
        .email = arena_format(fixture->arena, "%s@example.org", name),
        .password = arena_format(fixture->arena, "%s-password", name),
        .is_admin = is_admin,
        .by_administrator = true,
    };
    if (!account_add(fixture->hub, fixture->arena, &from, &account, &fixture->err))
        fail_msg("account_add %s: %s", name, fixture->err.message);
    return account;
}

#define HUB_TEST(test)                                                                             \
    cmocka_unit_test_setup_teardown(test, hub_fixture_setup, hub_fixture_teardown)
