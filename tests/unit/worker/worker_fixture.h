/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/worker/worker_fixture.h - a hub in a new folder, and waiting for what threads do. */
#pragma once
#include "../check.h"
#include "../database.h"
#include "base/clock.h"
#include "hub/hub.h"
#include "hub/job.h"

#include <ftw.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct yard {
    char folder[64];
    struct str database; /* its URL */
    struct arena *arena;
    struct hub *hub;
};

static inline int yard_setup(void **state)
{
    struct yard *yard = calloc(1, sizeof(*yard));
    struct error err = { 0 };
    assert_non_null(yard);
    (void)snprintf(yard->folder, sizeof(yard->folder), "/tmp/berth-work-XXXXXX");
    assert_non_null(mkdtemp(yard->folder));
    yard->arena = arena_new();
    yard->database = test_database_new(yard->arena, yard->folder);
    struct hub_options options = {
        .database = yard->database,
        .storage = STR("memory:"),
        .keys = arena_format(yard->arena, "%s/keys", yard->folder),
        .migrate = true,
    };
    if (!hub_open(&options, &yard->hub, &err))
        fail_msg("%s", err.message);
    *state = yard;
    return 0;
}

static inline int yard_entry_remove(const char *path, const struct stat *status, int kind,
                                    struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

static inline int yard_teardown(void **state)
{
    struct yard *yard = *state;
    db_fail_nth_for_test(0);
    hub_close(yard->hub);
    test_database_end(yard->database);
    arena_free(yard->arena);
    (void)nftw(yard->folder, yard_entry_remove, 16, FTW_DEPTH | FTW_PHYS);
    free(yard);
    return 0;
}

static inline void wait_ms(int64_t time_ms)
{
    const struct timespec pause = { time_ms / 1000, (time_ms % 1000) * 1000000 };
    (void)nanosleep(&pause, NULL);
}

/* Waits until the counter has reached `least`, at most five seconds. */
static inline bool reaches(atomic_int *counter, int least)
{
    for (int i = 0; i < 1000 && atomic_load(counter) < least; i++)
        wait_ms(5);
    return atomic_load(counter) >= least;
}

#define WORKER_TEST(test) cmocka_unit_test_setup_teardown(test, yard_setup, yard_teardown)
/* With a setup of the test's own, which calls yard_setup(). */
#define WORKER_TEST_AFTER(setup, test) cmocka_unit_test_setup_teardown(test, setup, yard_teardown)
