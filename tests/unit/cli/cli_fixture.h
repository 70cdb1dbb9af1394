/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/cli/cli_fixture.h - the command line in a folder of its own, without a process.
 *
 *     struct bench *bench = *state;
 *     assert_int_equal(bench_run(bench, "", "user list --json"), 0);
 *     check_str(bench->out, "[]\n");
 *
 * Words are split at spaces; "@" at the start of a word stands for the folder. */
#pragma once
#include "../check.h"
#include "base/arena.h"
#include "cli/cli.h"

struct bench {
    char folder[64];
    struct arena *arena;
    char *const *variables; /* the environment of the next run; NULL: BERTH_DATA only */
    bool (*serve)(const struct serve_plan *plan, struct error *err);
    struct str out, err; /* of the last run */
};

int bench_setup(void **state);
int bench_teardown(void **state);

/* Runs "berth <words>" with `in` as standard input; the exit code. */
int bench_run(struct bench *bench, const char *in, const char *words);

const char *bench_path(struct bench *bench, const char *name);
void bench_write(struct bench *bench, const char *name, const char *text);
bool text_has(struct str text, const char *part);
size_t text_lines(struct str text);

#define check_has(text, part)                                                                      \
    do {                                                                                           \
        if (!text_has((text), (part)))                                                             \
            fail_msg("'%.*s' has no '%s'", STR_ARG(text), (part));                                 \
    } while (0)

#define CLI_TEST(test) cmocka_unit_test_setup_teardown(test, bench_setup, bench_teardown)
