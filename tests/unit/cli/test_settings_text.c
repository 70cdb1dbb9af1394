/* SPDX-License-Identifier: Apache-2.0 */
#include "cli_fixture.h"

#include "base/file.h"
#include "cli/settings.h"

static void check_shown(struct bench *bench, const char *value, const char *shown)
{
    check_str(setting_value_shown(bench->arena, str_from(value)), shown);
}

static void test_setting_value_shown__hides_passwords(void **state)
{
    struct bench *bench = *state;
    check_shown(bench, "postgres://u:geheim@h:5432/d", "postgres://u:***@h:5432/d");
    check_shown(bench, "postgres://u:a:b@c/d?e@h/d", "postgres://u:***@h/d");
    check_shown(bench, "postgres://u@h/d?password=x&sslmode=require",
                "postgres://u@h/d?password=***&sslmode=require");
    check_shown(bench, "s3://b?endpoint=http://h:80&secret_key=k&region=r",
                "s3://b?endpoint=http://h:80&secret_key=***&region=r");
}

static void test_setting_value_shown__leaves_the_rest(void **state)
{
    struct bench *bench = *state;
    check_shown(bench, "sqlite:./data/berth.db", "sqlite:./data/berth.db");
    check_shown(bench, "postgres://h:5432/d", "postgres://h:5432/d");
    check_shown(bench, "localhost:5000, [::1]:80", "localhost:5000, [::1]:80");
    check_shown(bench, "a?b", "a?b");
    check_shown(bench, "", "");
    assert_false(str_is_set(setting_value_shown(bench->arena, STR_NONE)));
}

static void test_settings_help_write__names_every_setting(void **state)
{
    struct bench *bench = *state;
    struct buf out AUTO(buf_release);
    buf_init(&out, 1024 * 1024);
    settings_help_write(&out);
    for (int id = 0; id < SETTING_COUNT; id++) {
        struct str variable = setting_environment_name(bench->arena, (enum setting_id)id);
        check_has(buf_str(&out), arena_c(bench->arena, variable));
        check_has(buf_str(&out), setting_table[id].help);
    }
}

static void test_settings_manual_write__equals_the_manual(void **state)
{
    struct bench *bench = *state;
    struct error err = { 0 };
    struct str manual = STR_NONE;
    struct buf out AUTO(buf_release);
    buf_init(&out, 1024 * 1024);
    settings_manual_write(&out);
    if (!file_read_all(bench->arena, SOURCE_ROOT "/doc/manual/settings.md", 1024 * 1024, &manual,
                       &err))
        fail_msg("%s", err.message);
    if (!str_equal(manual, buf_str(&out)))
        fail_msg("run: berth settings --manual > doc/manual/settings.md");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLI_TEST(test_setting_value_shown__hides_passwords),
        CLI_TEST(test_setting_value_shown__leaves_the_rest),
        CLI_TEST(test_settings_help_write__names_every_setting),
        CLI_TEST(test_settings_manual_write__equals_the_manual),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
