/* SPDX-License-Identifier: Apache-2.0 */
#include "cli_fixture.h"

#include "cli/settings.h"

static bool is_allowed(enum setting_id id, const char *value)
{
    struct str normal = STR_NONE;
    return setting_check(id, str_from(value), &normal);
}

static void test_setting_check__url_has_scheme_and_host_only(void **state)
{
    (void)state;
    struct str normal = STR_NONE;
    assert_true(setting_check(SETTING_URL, STR("https://hub.example.com:8443/"), &normal));
    check_str(normal, "https://hub.example.com:8443");
    assert_true(is_allowed(SETTING_URL, "http://[::1]:5000"));
    assert_false(is_allowed(SETTING_URL, "https://"));
    assert_false(is_allowed(SETTING_URL, "https:///"));
    assert_false(is_allowed(SETTING_URL, "ftp://h"));
    assert_false(is_allowed(SETTING_URL, "https://u@h"));
    assert_false(is_allowed(SETTING_URL, "https://h/path"));
    assert_false(is_allowed(SETTING_URL, "https://h?x"));
}

static void test_setting_check__listen_takes_lists(void **state)
{
    (void)state;
    assert_true(is_allowed(SETTING_LISTEN, "localhost:5000, [::1]:80 ,0.0.0.0:443"));
    assert_true(is_allowed(SETTING_LISTEN, ":5000"));
    assert_false(is_allowed(SETTING_LISTEN, "localhost:5000, what"));
    assert_false(is_allowed(SETTING_LISTEN, "localhost:99999"));
}

static void test_setting_check__numbers_have_bounds(void **state)
{
    (void)state;
    assert_true(is_allowed(SETTING_LIMIT_STOP_TIMEOUT_S, "1"));
    assert_true(is_allowed(SETTING_LIMIT_STOP_TIMEOUT_S, "3600"));
    assert_false(is_allowed(SETTING_LIMIT_STOP_TIMEOUT_S, "0"));
    assert_false(is_allowed(SETTING_LIMIT_STOP_TIMEOUT_S, "3601"));
    assert_false(is_allowed(SETTING_LIMIT_STOP_TIMEOUT_S, "-1"));
    assert_false(is_allowed(SETTING_LIMIT_STOP_TIMEOUT_S, "10s"));
    assert_false(is_allowed(SETTING_LIMIT_STOP_TIMEOUT_S, "99999999999999999999"));
}

static void test_setting_check__allows_each_default(void **state)
{
    (void)state;
    struct str normal = STR_NONE;
    for (int id = 0; id < SETTING_COUNT; id++) {
        const char *fallback = setting_table[id].fallback;
        if (fallback[0])
            assert_true(setting_check((enum setting_id)id, str_from(fallback), &normal));
    }
}

static void test_setting_check__databases_and_stores_need_a_place(void **state)
{
    (void)state;
    assert_true(is_allowed(SETTING_DATABASE, "sqlite:x"));
    assert_true(is_allowed(SETTING_DATABASE, "postgres://h/d"));
    assert_true(is_allowed(SETTING_DATABASE, "postgresql://h/d"));
    assert_false(is_allowed(SETTING_DATABASE, "sqlite:"));
    assert_false(is_allowed(SETTING_DATABASE, "postgres://"));
    assert_true(is_allowed(SETTING_STORAGE, "s3://bucket?region=x"));
    assert_false(is_allowed(SETTING_STORAGE, "s3://"));
    assert_false(is_allowed(SETTING_STORAGE, "file:"));
    assert_false(is_allowed(SETTING_STORAGE, "memory:"));
}

static void test_settings_list__splits_and_trims(void **state)
{
    struct bench *bench = *state;
    struct settings settings;
    struct str *list = NULL;
    size_t count = 0;
    settings_init(&settings);
    settings.values[SETTING_LISTEN].text = STR(" :1, :2,, :3 ");
    settings_list(&settings, bench->arena, SETTING_LISTEN, &list, &count);
    assert_int_equal(count, 3);
    check_str(list[0], ":1");
    check_str(list[2], ":3");
    settings_list(&settings, bench->arena, SETTING_OUTBOUND_ALLOW, &list, &count);
    assert_int_equal(count, 0);
}

static void test_settings_ranges__gives_each_range(void **state)
{
    struct bench *bench = *state;
    struct settings settings;
    struct address_range *ranges = NULL;
    size_t count = 0;
    settings_init(&settings);
    settings.values[SETTING_PROXY_TRUSTED].text = STR("10.0.0.0/8, ::1/128");
    settings_ranges(&settings, bench->arena, SETTING_PROXY_TRUSTED, &ranges, &count);
    assert_int_equal(count, 2);
    const uint8_t inside[16] = { [10] = 0xff, 0xff, 10, 1, 2, 3 };
    assert_true(address_range_holds(&ranges[0], inside));
    assert_false(address_range_holds(&ranges[1], inside));
}

static void test_settings_choice__is_the_place_in_the_list(void **state)
{
    (void)state;
    struct settings settings;
    settings_init(&settings);
    assert_int_equal(settings_choice(&settings, SETTING_SIGNUP), 0);
    assert_int_equal(settings_choice(&settings, SETTING_LOG_LEVEL), 1);
    settings.values[SETTING_LOG_FORMAT].text = STR("json");
    assert_int_equal(settings_choice(&settings, SETTING_LOG_FORMAT), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLI_TEST(test_setting_check__url_has_scheme_and_host_only),
        CLI_TEST(test_setting_check__listen_takes_lists),
        CLI_TEST(test_setting_check__numbers_have_bounds),
        CLI_TEST(test_setting_check__allows_each_default),
        CLI_TEST(test_setting_check__databases_and_stores_need_a_place),
        CLI_TEST(test_settings_list__splits_and_trims),
        CLI_TEST(test_settings_ranges__gives_each_range),
        CLI_TEST(test_settings_choice__is_the_place_in_the_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
