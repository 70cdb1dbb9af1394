/* SPDX-License-Identifier: Apache-2.0 */
#include "cli_fixture.h"

#include "cli/command.h"

static const struct cli_option options[] = {
    { "--email", "ADDRESS", "", true, false },
    { "--name", "HOST", "", false, true },
    { "--admin", NULL, "", false, false },
    { "--active", "yes|no", "", false, false },
    { 0 },
};

static const struct cli_command command = { .name = "test",
                                            .arguments = "A [B]",
                                            .argument_min = 1,
                                            .argument_max = 2,
                                            .summary = "",
                                            .options = options,
                                            .uses_settings = true };

static bool parse(struct cli *cli, const char *const *words, struct error *err)
{
    char *argv[CLI_VALUE_COUNT_MAX * 2 + 4];
    int argc = 0;
    for (; words[argc]; argc++) {
        argv[argc] = arena_alloc(cli->arena, 100);
        (void)snprintf(argv[argc], 100, "%s", words[argc]);
    }
    return cli_parse(cli, argc, argv, err);
}

#define PARSE(...) parse(&cli, (const char *const[]){ __VA_ARGS__, NULL }, &err)

static struct cli fresh(struct bench *bench)
{
    return (struct cli){ .command = &command, .arena = bench->arena, .err = stderr };
}

static void test_cli_parse__takes_both_forms_of_values(void **state)
{
    struct cli cli = fresh(*state);
    struct error err = { 0 };
    assert_true(PARSE("one", "--email=a=b", "--name", "x", "--admin", "--name=y", "two"));
    check_str(cli_get(&cli, "--email"), "a=b");
    check_str(cli_get_nth(&cli, "--name", 0), "x");
    check_str(cli_get_nth(&cli, "--name", 1), "y");
    assert_false(str_is_set(cli_get_nth(&cli, "--name", 2)));
    assert_true(cli_has(&cli, "--admin"));
    assert_false(cli_has(&cli, "--active"));
    assert_int_equal(cli.argument_count, 2);
    check_str(cli.arguments[1], "two");
}

static void test_cli_parse__takes_a_value_that_looks_like_an_option(void **state)
{
    struct cli cli = fresh(*state);
    struct error err = { 0 };
    assert_true(PARSE("one", "--email", "--admin"));
    check_str(cli_get(&cli, "--email"), "--admin");
    assert_false(cli_has(&cli, "--admin"));
}

static void test_cli_parse__ends_options_at_two_dashes(void **state)
{
    struct cli cli = fresh(*state);
    struct error err = { 0 };
    assert_true(PARSE("--email", "e", "--", "--admin", "-"));
    assert_int_equal(cli.argument_count, 2);
    check_str(cli.arguments[0], "--admin");
    check_str(cli.arguments[1], "-");
}

static void test_cli_parse__tells_each_mistake(void **state)
{
    struct error err = { 0 };
    struct cli cli = fresh(*state);
    assert_false(PARSE("one", "--emial", "e"));
    check_error(&err, ERROR_INVALID, "unknown option --emial; did you mean --email?");
    cli = fresh(*state);
    assert_false(PARSE("one", "--dta", "e"));
    check_error(&err, ERROR_INVALID, "did you mean --data?");
    cli = fresh(*state);
    assert_false(PARSE("one", "-q"));
    check_error(&err, ERROR_INVALID, "unknown option -q");
    cli = fresh(*state);
    assert_false(PARSE("one", "--email"));
    check_error(&err, ERROR_INVALID, "--email needs a value: --email ADDRESS");
    cli = fresh(*state);
    assert_false(PARSE("one", "--admin=yes"));
    check_error(&err, ERROR_INVALID, "--admin takes no value");
    cli = fresh(*state);
    assert_false(PARSE("one", "--email", "a", "--email", "b"));
    check_error(&err, ERROR_INVALID, "--email is given twice");
    cli = fresh(*state);
    assert_false(PARSE("one"));
    check_error(&err, ERROR_INVALID, "missing: --email ADDRESS");
    cli = fresh(*state);
    assert_false(PARSE("--email", "e"));
    check_error(&err, ERROR_INVALID, "missing: A [B]");
    cli = fresh(*state);
    assert_false(PARSE("one", "two", "three", "--email", "e"));
    check_error(&err, ERROR_INVALID, "unexpected: three");
}

static void test_cli_parse__bounds_the_number_of_options(void **state)
{
    struct error err = { 0 };
    struct cli cli = fresh(*state);
    const char *words[CLI_VALUE_COUNT_MAX + 2] = { 0 };
    for (int i = 0; i <= CLI_VALUE_COUNT_MAX; i++)
        words[i] = "--name=x";
    assert_false(parse(&cli, words, &err));
    check_error(&err, ERROR_INVALID, "too many options");
}

static void test_cli_parse__help_needs_nothing_else(void **state)
{
    struct error err = { 0 };
    struct cli cli = fresh(*state);
    assert_true(PARSE("--help"));
    assert_true(cli.wants_help);
    cli = fresh(*state);
    assert_true(PARSE("one", "-h"));
    assert_true(cli.wants_help);
}

static void test_cli_get_yes_no__takes_these_two_words(void **state)
{
    struct error err = { 0 };
    struct cli cli = fresh(*state);
    bool value = false, is_given = true;
    assert_true(PARSE("one", "--email", "e"));
    assert_true(cli_get_yes_no(&cli, "--active", &value, &is_given));
    assert_false(is_given);
    cli = fresh(*state);
    assert_true(PARSE("one", "--email", "e", "--active", "yes"));
    assert_true(cli_get_yes_no(&cli, "--active", &value, &is_given));
    assert_true(is_given && value);
    cli = fresh(*state);
    assert_true(PARSE("one", "--email", "e", "--active", "no"));
    assert_true(cli_get_yes_no(&cli, "--active", &value, &is_given));
    assert_true(is_given && !value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLI_TEST(test_cli_parse__takes_both_forms_of_values),
        CLI_TEST(test_cli_parse__takes_a_value_that_looks_like_an_option),
        CLI_TEST(test_cli_parse__ends_options_at_two_dashes),
        CLI_TEST(test_cli_parse__tells_each_mistake),
        CLI_TEST(test_cli_parse__bounds_the_number_of_options),
        CLI_TEST(test_cli_parse__help_needs_nothing_else),
        CLI_TEST(test_cli_get_yes_no__takes_these_two_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
