/* SPDX-License-Identifier: Apache-2.0 */
#include "cli_fixture.h"

#include <string.h>
#include <unistd.h>

static void add_alice(struct bench *bench)
{
    assert_int_equal(
        bench_run(bench, "alice-password\n", "user add alice --email a@b.c --password-stdin"), 0);
    assert_int_equal(bench_run(bench, "", "repo add alice/app --private yes"), 0);
}

static void test_command_check__says_that_nothing_is_wrong(void **state)
{
    struct bench *bench = *state;
    add_alice(bench);
    assert_int_equal(bench_run(bench, "", "check"), 0);
    check_has(bench->out, "Checked 0 blobs");
    check_has(bench->out, "1 repositories: nothing is wrong.");
    check_str(bench->err, "");
    assert_int_equal(bench_run(bench, "", "check --json --quick --rate 0"), 0);
    check_str(bench->out, "[]\n");
}

/* A file that no row knows; --grace 0 says that it is no running push. */
static void test_command_check__finds_and_repairs(void **state)
{
    struct bench *bench = *state;
    add_alice(bench);
    const char *stray = "blobs/uploads/0123456789abcdef0123456789abcdef";
    bench_write(bench, stray, "bytes");
    assert_int_equal(bench_run(bench, "", "check"), 0);
    usleep(20000); /* the file is then older than no time at all */
    assert_int_equal(bench_run(bench, "", "check --grace 0"), 1);
    check_has(bench->out, "KIND");
    check_has(bench->out, "upload-unknown  repairable  0123456789abcdef0123456789abcdef");
    check_has(bench->out, "1 findings, 0 repaired.");
    check_has(bench->out, "check --repair` would mend 1");
    assert_int_equal(bench_run(bench, "", "check --grace 0 --json"), 1);
    check_has(bench->out, "[{\"kind\":\"upload-unknown\",\"state\":\"repairable\"");
    assert_int_equal(access(bench_path(bench, stray), F_OK), 0);
    assert_int_equal(bench_run(bench, "", "check --grace 0 --repair"), 0);
    check_has(bench->out, "1 findings, 1 repaired.");
    assert_int_not_equal(access(bench_path(bench, stray), F_OK), 0);
    assert_int_equal(bench_run(bench, "", "check --grace 0"), 0);
}

static void test_command_check__refuses_what_is_no_number(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(bench_run(bench, "", "check --rate fast"), 2);
    check_has(bench->err, "--rate takes a whole number");
    assert_int_equal(bench_run(bench, "", "check --grace -1"), 2);
}

static void test_command_restore__needs_an_empty_database(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(bench_run(bench, "", "restore"), 2);
    check_has(bench->err, "--from-store");
    assert_int_equal(bench_run(bench, "", "restore --from-store"), 0);
    check_has(bench->out, "Restored 0 accounts");
    add_alice(bench);
    assert_int_equal(bench_run(bench, "", "restore --from-store"), 1);
    check_has(bench->err, "not empty");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLI_TEST(test_command_check__says_that_nothing_is_wrong),
        CLI_TEST(test_command_check__finds_and_repairs),
        CLI_TEST(test_command_check__refuses_what_is_no_number),
        CLI_TEST(test_command_restore__needs_an_empty_database),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
