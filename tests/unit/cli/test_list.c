/* SPDX-License-Identifier: Apache-2.0 */
#include "cli_fixture.h"

#include "cli/list.h"

static void test_list_time__is_short_and_in_utc(void **state)
{
    struct bench *bench = *state;
    check_str(list_time(bench->arena, 1795354663123), "2026-11-22 13:37");
    check_str(list_time(bench->arena, 0), "-");
}

static void test_list_number__is_decimal(void **state)
{
    struct bench *bench = *state;
    check_str(list_number(bench->arena, INT64_MAX), "9223372036854775807");
    check_str(list_number(bench->arena, -1), "-1");
}

static void test_list_size__has_one_decimal_and_a_unit(void **state)
{
    struct bench *bench = *state;
    check_str(list_size(bench->arena, 0), "0 B");
    check_str(list_size(bench->arena, 999), "999 B");
    check_str(list_size(bench->arena, 1000), "1.0 kB");
    check_str(list_size(bench->arena, 999949), "999.9 kB");
    check_str(list_size(bench->arena, 999950), "1.0 MB");
    check_str(list_size(bench->arena, 3456789012), "3.5 GB");
    check_str(list_size(bench->arena, INT64_MAX), "9.2 EB");
}

static void test_list_end__an_empty_table_has_its_head(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(bench_run(bench, "", "migrate"), 0);
    assert_int_equal(bench_run(bench, "", "repo list"), 0);
    check_has(bench->out, "REPOSITORY  VISIBILITY");
    assert_int_equal(text_lines(bench->out), 1);
}

static void test_list_end__an_empty_json_list_is_an_array(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(bench_run(bench, "", "migrate"), 0);
    assert_int_equal(bench_run(bench, "", "repo list --json"), 0);
    check_str(bench->out, "[]\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLI_TEST(test_list_time__is_short_and_in_utc),
        CLI_TEST(test_list_number__is_decimal),
        CLI_TEST(test_list_size__has_one_decimal_and_a_unit),
        CLI_TEST(test_list_end__an_empty_table_has_its_head),
        CLI_TEST(test_list_end__an_empty_json_list_is_an_array),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
