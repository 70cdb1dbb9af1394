/* SPDX-License-Identifier: Apache-2.0 */
#include "cli_fixture.h"

#include <dirent.h>
#include <sys/stat.h>

static bool serve_well(const struct serve_plan *plan, struct error *err)
{
    (void)err;
    struct str listen = settings_text(plan->settings, SETTING_LISTEN);
    (void)fprintf(plan->out, "%s on %.*s\n", plan->program, STR_ARG(listen));
    return true;
}

static bool serve_badly(const struct serve_plan *plan, struct error *err)
{
    (void)plan;
    return error_set(err, ERROR_UNAVAILABLE, "the port is taken");
}

static void test_command_serve__gets_the_settings(void **state)
{
    struct bench *bench = *state;
    bench->serve = serve_well;
    assert_int_equal(bench_run(bench, "", "serve --listen :7"), 0);
    check_str(bench->out, "berth on :7\n");
}

static void test_command_serve__tells_why_it_does_not(void **state)
{
    struct bench *bench = *state;
    bench->serve = serve_badly;
    assert_int_equal(bench_run(bench, "", "serve"), 1);
    check_str(bench->err, "berth: the port is taken\n");
}

static void test_command_settings__shows_value_and_origin(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(bench_run(bench, "", "settings --set limit.workers=9"), 0);
    check_has(bench->out, "listen                         localhost:5000");
    check_has(bench->out, "  default\n");
    check_has(bench->out, "  flag --set\n");
    check_has(bench->out, "  environment\n");
    assert_int_equal(text_lines(bench->out), SETTING_COUNT + 1);
}

static void test_command_settings__hides_passwords(void **state)
{
    struct bench *bench = *state;
    const char *words = "settings --json --set database=postgres://u:geheim@h/d";
    assert_int_equal(bench_run(bench, "", words), 0);
    check_has(bench->out,
              "{\"name\":\"database\",\"value\":\"postgres://u:***@h/d\",\"from\":\"flag --set\"}");
    assert_false(text_has(bench->out, "geheim"));
    check_has(bench->out, "{\"name\":\"url\",\"value\":null,\"from\":\"default\"}");
}

static void test_command_settings__prints_the_manual(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(bench_run(bench, "", "settings --manual"), 0);
    check_has(bench->out, "# Settings\n");
}

static void test_command_migrate__brings_the_database_up_to_date(void **state)
{
    struct bench *bench = *state;
    bench_write(bench, "berth.db", ""); /* as a start leaves it that was killed at once */
    assert_int_equal(bench_run(bench, "", "migrate --status"), 0);
    check_has(bench->out, "Migration 0 of ");
    check_has(bench->out, "run \"berth migrate\"");
    assert_int_equal(bench_run(bench, "", "migrate"), 0);
    check_has(bench->out, ": up to date.\n");
    assert_int_equal(bench_run(bench, "", "migrate --status --json"), 0);
    check_has(bench->out, "{\"applied\":");
    assert_int_equal(bench_run(bench, "", "migrate --set database=sqlite:/dev/null/x"), 1);
    assert_int_equal(text_lines(bench->err), 1);
}

static int key_count(struct bench *bench)
{
    DIR *folder = opendir(bench_path(bench, "keys"));
    int count = 0;
    assert_non_null(folder);
    for (const struct dirent *entry = readdir(folder); entry; entry = readdir(folder))
        count += str_ends(str_from(entry->d_name), STR(".key"));
    (void)closedir(folder);
    return count;
}

static void test_command_key_rotate__adds_a_key(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(bench_run(bench, "", "migrate"), 0);
    assert_int_equal(bench_run(bench, "", "user list"), 0);
    assert_int_equal(key_count(bench), 1);
    assert_int_equal(bench_run(bench, "", "key rotate"), 0);
    check_has(bench->out, "Added a key to ");
    assert_int_equal(key_count(bench), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLI_TEST(test_command_serve__gets_the_settings),
        CLI_TEST(test_command_serve__tells_why_it_does_not),
        CLI_TEST(test_command_settings__shows_value_and_origin),
        CLI_TEST(test_command_settings__hides_passwords),
        CLI_TEST(test_command_settings__prints_the_manual),
        CLI_TEST(test_command_migrate__brings_the_database_up_to_date),
        CLI_TEST(test_command_key_rotate__adds_a_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
