/* SPDX-License-Identifier: Apache-2.0 */
#include "cli_fixture.h"

#include "cli/command.h"

#include <string.h>

static void test_cli_commands__each_row_is_whole(void **state)
{
    (void)state;
    for (const struct cli_command *command = cli_commands; command->name; command++) {
        assert_non_null(command->run);
        assert_non_null(command->summary);
        assert_non_null(command->arguments);
        assert_true(command->argument_min <= command->argument_max);
        assert_true(command->argument_max <= CLI_ARGUMENT_COUNT_MAX);
        assert_true((command->argument_max > 0) == (command->arguments[0] != '\0'));
        for (const struct cli_option *option = command->options; option && option->name; option++) {
            assert_int_equal(strncmp(option->name, "--", 2), 0);
            assert_true(option->help[0] != '\0');
            assert_false(option->is_required && !option->value);
        }
    }
}

static void test_cli_commands__each_has_help(void **state)
{
    struct bench *bench = *state;
    for (const struct cli_command *command = cli_commands; command->name; command++) {
        struct str words = arena_format(bench->arena, "%s --help", command->name);
        assert_int_equal(bench_run(bench, "", words.ptr), 0);
        check_has(bench->out, command->summary);
        check_has(bench->out, "--help");
        assert_int_equal(bench->err.len, 0);
    }
}

static void test_cli_commands__those_that_list_have_json(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(bench_run(bench, "", "migrate"), 0);
    for (const struct cli_command *command = cli_commands; command->name; command++) {
        if (!str_ends(str_from(command->name), STR(" list")))
            continue;
        struct str words = arena_format(bench->arena, "%s --json", command->name);
        assert_int_equal(bench_run(bench, "", words.ptr), 0);
        assert_int_equal(bench->out.ptr[0], '[');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLI_TEST(test_cli_commands__each_row_is_whole),
        CLI_TEST(test_cli_commands__each_has_help),
        CLI_TEST(test_cli_commands__those_that_list_have_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
