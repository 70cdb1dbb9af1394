/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include "../check.h"

static void test_str_from__tells_absent_from_empty(void **state)
{
    (void)state;
    assert_false(str_is_set(str_from(NULL)));
    assert_true(str_is_set(str_from("")));
    assert_true(str_equal(STR_NONE, STR("")));
    check_str(str_from("abc"), "abc");
}

static void test_str_equal__compares_all_bytes(void **state)
{
    (void)state;
    assert_true(str_equal(STR("a\0b"), STR("a\0b")));
    assert_false(str_equal(STR("a\0b"), STR("a\0c")));
    assert_false(str_equal(STR("a"), STR("ab")));
    assert_true(str_equal_ignore_case(STR("Content-TYPE"), STR("content-type")));
    assert_false(str_equal_ignore_case(STR("@["), STR("`{"))); /* letters only */
}

static void test_str_compare__orders_by_bytes(void **state)
{
    (void)state;
    assert_int_equal(str_compare(STR("a"), STR("a")), 0);
    assert_int_equal(str_compare(STR("a"), STR("aa")), -1);
    assert_int_equal(str_compare(STR("b"), STR("aa")), 1);
    assert_int_equal(str_compare(STR("z"), STR("\xC3\xA9")), -1); /* bytes are unsigned */
    assert_int_equal(str_compare(STR_NONE, STR("")), 0);
}

static void test_str_starts__and_ends(void **state)
{
    (void)state;
    assert_true(str_starts(STR("sha256:ab"), STR("sha256:")));
    assert_false(str_starts(STR("sha"), STR("sha256:")));
    assert_true(str_starts(STR("x"), STR("")));
    assert_true(str_ends(STR("list.json"), STR(".json")));
    assert_false(str_ends(STR("json"), STR(".json")));
}

static void test_str_slice__clamps(void **state)
{
    (void)state;
    check_str(str_slice(STR("abcdef"), 1, 3), "bc");
    check_str(str_slice(STR("abc"), 2, 99), "c");
    check_str(str_slice(STR("abc"), 9, 99), "");
    check_str(str_slice(STR("abc"), 2, 1), "");
    check_str(str_after(STR("abc"), 1), "bc");
    assert_false(str_is_set(str_slice(STR_NONE, 0, 4)));
}

static void test_str_trim__takes_blanks_of_both_ends(void **state)
{
    (void)state;
    check_str(str_trim(STR(" \ta b\t ")), "a b");
    check_str(str_trim(STR(" \t ")), "");
    check_str(str_trim(STR("\na")), "\na");
}

static void test_str_find__gives_the_length_when_absent(void **state)
{
    (void)state;
    assert_int_equal(str_find(STR("a:b:c"), ':'), 1);
    assert_int_equal(str_find_last(STR("a:b:c"), ':'), 3);
    assert_int_equal(str_find(STR("abc"), ':'), 3);
    assert_int_equal(str_find_last(STR("abc"), ':'), 3);
    assert_int_equal(str_find(STR_NONE, ':'), 0);
    assert_int_equal(str_find_text(STR("a--b"), STR("--")), 1);
    assert_int_equal(str_find_text(STR("a-b"), STR("--")), 3);
    assert_int_equal(str_find_text(STR("ab"), STR("")), 0);
}

static void test_str_split__gives_each_part_once(void **state)
{
    (void)state;
    struct str rest = STR("a,,b,"), part;
    const char *expected[] = { "a", "", "b", "" };
    for (size_t i = 0; i < ARRAY_COUNT(expected); i++) {
        assert_true(str_split(&rest, ',', &part));
        check_str(part, expected[i]);
    }
    assert_false(str_split(&rest, ',', &part));

    rest = STR("");
    assert_true(str_split(&rest, ',', &part));
    check_str(part, "");
    assert_false(str_split(&rest, ',', &part));
}

static void test_str_to_u64__takes_digits_only(void **state)
{
    (void)state;
    uint64_t value = 7;
    assert_true(str_to_u64(STR("18446744073709551615"), UINT64_MAX, &value));
    assert_true(value == UINT64_MAX);
    assert_true(str_to_u64(STR("007"), 10, &value));
    assert_int_equal(value, 7);
    const struct str refused[] = { STR(""),   STR("+1"),  STR("-1"), STR(" 1"),
                                   STR("1a"), STR("0x1"), STR("11"), STR("18446744073709551616") };
    for (size_t i = 0; i < ARRAY_COUNT(refused); i++)
        assert_false(str_to_u64(refused[i], 10, &value));
    assert_false(str_to_u64(STR("18446744073709551616"), UINT64_MAX, &value));
    assert_false(str_to_u64(STR("99999999999999999999"), UINT64_MAX, &value));
    assert_int_equal(value, 7);
}

static void test_str_equal_secret__sees_each_byte(void **state)
{
    (void)state;
    assert_true(str_equal_secret(STR("secret"), STR("secret")));
    assert_false(str_equal_secret(STR("secret"), STR("secreT")));
    assert_false(str_equal_secret(STR("Secret"), STR("secret")));
    assert_false(str_equal_secret(STR("secret"), STR("secre")));
    assert_true(str_equal_secret(STR(""), STR_NONE));
}

static void test_str_is_utf8__refuses_what_unicode_refuses(void **state)
{
    (void)state;
    assert_true(str_is_utf8(STR("")));
    assert_true(str_is_utf8(STR("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x90\xB3")));
    assert_true(str_is_utf8(STR("\xF4\x8F\xBF\xBF")));
    const struct str refused[] = {
        STR("a\0b"),
        STR("\x80"),
        STR("\xC3"),
        STR("\xC0\xAF"),
        STR("\xC1\xBF"),
        STR("\xE0\x80\xAF"),
        STR("\xED\xA0\x80"),
        STR("\xF0\x80\x80\xAF"),
        STR("\xF4\x90\x80\x80"),
        STR("\xE2\x82\x28"),
        STR("\xF5\x80\x80\x80"),
        STR("\xE2\x82"),
        STR("\xF0\x9F\x90."),
    };
    for (size_t i = 0; i < ARRAY_COUNT(refused); i++)
        assert_false(str_is_utf8(refused[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_str_from__tells_absent_from_empty),
        cmocka_unit_test(test_str_equal__compares_all_bytes),
        cmocka_unit_test(test_str_compare__orders_by_bytes),
        cmocka_unit_test(test_str_starts__and_ends),
        cmocka_unit_test(test_str_slice__clamps),
        cmocka_unit_test(test_str_trim__takes_blanks_of_both_ends),
        cmocka_unit_test(test_str_find__gives_the_length_when_absent),
        cmocka_unit_test(test_str_split__gives_each_part_once),
        cmocka_unit_test(test_str_to_u64__takes_digits_only),
        cmocka_unit_test(test_str_equal_secret__sees_each_byte),
        cmocka_unit_test(test_str_is_utf8__refuses_what_unicode_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
