/* SPDX-License-Identifier: Apache-2.0 */
#include "cli_fixture.h"

#include <sys/stat.h>

#include "cli/command.h"

static void test_cli_run__without_words_shows_the_commands(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(bench_run(bench, "", ""), 2);
    check_has(bench->err, "Commands:\n  serve ");
    assert_int_equal(bench->out.len, 0);
    assert_int_equal(bench_run(bench, "", "--help"), 0);
    check_has(bench->out, "  user add ");
    assert_int_equal(bench_run(bench, "", "help"), 0);
    check_has(bench->out, "  user add ");
}

static void test_cli_run__suggests_the_nearest_command(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(bench_run(bench, "", "sevre"), 2);
    check_str(bench->err, "berth: unknown command \"sevre\"; did you mean \"berth serve\"?\n");
    assert_int_equal(bench_run(bench, "", "user lsit"), 2);
    check_str(bench->err,
              "berth: unknown command \"user lsit\"; did you mean \"berth user list\"?\n");
    assert_int_equal(bench_run(bench, "", "sevre --listen x"), 2);
    check_has(bench->err, "did you mean \"berth serve\"?");
    assert_int_equal(bench_run(bench, "", "frobnicate"), 2);
    check_str(bench->err, "berth: unknown command \"frobnicate\"; \"berth help\" lists all\n");
}

static void test_cli_run__shows_the_commands_of_a_group(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(bench_run(bench, "", "user"), 2);
    check_has(bench->err, "  user add ");
    assert_false(text_has(bench->err, "  serve "));
    assert_int_equal(bench_run(bench, "", "user --help"), 0);
    check_has(bench->out, "  user change ");
    assert_int_equal(bench_run(bench, "", "help user"), 0);
    check_has(bench->out, "  user change ");
}

static void test_cli_run__tells_a_usage_mistake_in_one_line(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(bench_run(bench, "", "user add alice"), 2);
    check_str(bench->err, "berth: missing: --email ADDRESS; see \"berth user add --help\"\n");
    assert_int_equal(bench_run(bench, "", "migrate now"), 2);
    check_str(bench->err, "berth: unexpected: now; see \"berth migrate --help\"\n");
}

static void test_cli_run__tells_a_wrong_setting_in_one_line(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(bench_run(bench, "", "settings --set signup=x"), 1);
    check_str(bench->err, "berth: flag --set: signup is 'x'; allowed: closed, open\n");
    assert_int_equal(bench_run(bench, "", "settings --set signup"), 2);
    check_str(bench->err, "berth: --set signup: write NAME=VALUE; see \"berth settings --help\"\n");
    assert_int_equal(bench_run(bench, "", "settings --config @/none"), 1);
    assert_int_equal(text_lines(bench->err), 1);
}

static void test_cli_run__prints_the_version(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(bench_run(bench, "", "--version"), 0);
    check_str(bench->out, "berth " BERTH_VERSION "\n");
    assert_int_equal(bench_run(bench, "", "version"), 0);
    check_str(bench->out, "berth " BERTH_VERSION "\n");
}

static void test_cli_run__takes_turned_words_for_what_was_meant(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(bench_run(bench, "", "add user"), 2);
    check_str(bench->err,
              "berth: unknown command \"add user\"; did you mean \"berth user add\"?\n");
    assert_int_equal(bench_run(bench, "", "user"), 2);
    check_has(bench->err, "Usage: berth user COMMAND ");
}

static void test_cli_run__tells_of_a_setting_without_a_value_how_to_write_it(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(bench_run(bench, "", "user list --set signup"), 2);
    check_has(bench->err, "--set signup: write NAME=VALUE");
}

static void test_command_help__keeps_to_its_columns(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(bench_run(bench, "", "user change --help"), 0);
    check_has(bench->out, "  --default-visibility public|private\n"
                          "                               of repositories that a push creates\n");
}

static void test_command_help__explains_one_command(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(bench_run(bench, "", "help serve"), 0);
    check_has(bench->out, "Usage: berth serve [options]");
    check_has(bench->out, "BERTH_LIMIT_WORKERS");
    assert_int_equal(bench_run(bench, "", "help user add"), 0);
    check_has(bench->out, "--email ADDRESS");
    check_has(bench->out, "(required)");
    assert_int_equal(bench_run(bench, "", "help nothing"), 2);
}

static void test_cli_quote__makes_words_that_a_shell_reads_back(void **state)
{
    struct bench *bench = *state;
    check_str(cli_quote(bench->arena, STR("/srv/berth-1")), "/srv/berth-1");
    check_str(cli_quote(bench->arena, STR("")), "''");
    check_str(cli_quote(bench->arena, STR("a b$c")), "'a b$c'");
    check_str(cli_quote(bench->arena, STR("it's")), "'it'\\''s'");
}

static void test_cli_hub_open__makes_the_data_folder(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(bench_run(bench, "", "migrate --data @/deep/data"), 0);
    struct stat status;
    assert_int_equal(stat(bench_path(bench, "deep"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    assert_int_equal(bench_run(bench, "", "migrate --data /dev/null/x"), 1);
    assert_int_equal(text_lines(bench->err), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLI_TEST(test_cli_run__without_words_shows_the_commands),
        CLI_TEST(test_cli_run__suggests_the_nearest_command),
        CLI_TEST(test_cli_run__shows_the_commands_of_a_group),
        CLI_TEST(test_cli_run__tells_a_usage_mistake_in_one_line),
        CLI_TEST(test_cli_run__tells_a_wrong_setting_in_one_line),
        CLI_TEST(test_cli_run__prints_the_version),
        CLI_TEST(test_cli_run__takes_turned_words_for_what_was_meant),
        CLI_TEST(test_cli_run__tells_of_a_setting_without_a_value_how_to_write_it),
        CLI_TEST(test_command_help__keeps_to_its_columns),
        CLI_TEST(test_command_help__explains_one_command),
        CLI_TEST(test_cli_quote__makes_words_that_a_shell_reads_back),
        CLI_TEST(test_cli_hub_open__makes_the_data_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
