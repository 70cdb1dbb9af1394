/* SPDX-License-Identifier: Apache-2.0 */
#include "cli_fixture.h"

static void test_command_gc__shows_every_reason(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(bench_run(bench, "", "migrate"), 0);
    assert_int_equal(bench_run(bench, "", "gc"), 0);
    assert_int_equal(text_lines(bench->out), 6);
    const char *words[] = { "KEPT", "tagged", "untagged", "history", "leased", "free", "0 B" };
    for (size_t i = 0; i < ARRAY_COUNT(words); i++)
        check_has(bench->out, words[i]);
    assert_int_equal(bench_run(bench, "", "gc --json"), 0);
    check_str(bench->out, "{\"tagged\":{\"blobs\":0,\"bytes\":0},"
                          "\"untagged\":{\"blobs\":0,\"bytes\":0},"
                          "\"history\":{\"blobs\":0,\"bytes\":0},"
                          "\"leased\":{\"blobs\":0,\"bytes\":0},"
                          "\"free\":{\"blobs\":0,\"bytes\":0},\"removals_waiting\":0}\n");
}

static void test_command_gc__runs_and_purges_without_a_terminal(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(bench_run(bench, "", "migrate"), 0);
    assert_int_equal(bench_run(bench, "", "gc --run"), 0);
    check_has(bench->out, "Collected 0 manifests and 0 blobs of 0 bytes.\n");
    assert_int_equal(bench_run(bench, "", "gc --purge"), 0);
    check_has(bench->out, "Collected 0 manifests and 0 blobs of 0 bytes.\n");
    assert_int_equal(bench_run(bench, "", "gc --purge --yes --json"), 0);
    assert_int_equal(text_lines(bench->out), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLI_TEST(test_command_gc__shows_every_reason),
        CLI_TEST(test_command_gc__runs_and_purges_without_a_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
