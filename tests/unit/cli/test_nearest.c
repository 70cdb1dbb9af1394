/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "cli/nearest.h"

static void test_word_distance__counts_each_kind_of_slip(void **state)
{
    (void)state;
    assert_int_equal(word_distance(STR("serve"), STR("serve")), 0);
    assert_int_equal(word_distance(STR("serv"), STR("serve")), 1);
    assert_int_equal(word_distance(STR("serves"), STR("serve")), 1);
    assert_int_equal(word_distance(STR("sarve"), STR("serve")), 1);
    assert_int_equal(word_distance(STR("srvee"), STR("serve")), 2);
    assert_int_equal(word_distance(STR("sevre"), STR("serve")), 1);
    assert_int_equal(word_distance(STR(""), STR("abc")), 3);
    assert_int_equal(word_distance(STR("abc"), STR("")), 3);
}

static void test_word_distance__is_bounded_for_long_words(void **state)
{
    (void)state;
    char text[200] = { 0 };
    struct str word = { text, sizeof(text) };
    assert_int_equal(word_distance(word, STR("x")), 200);
    assert_int_equal(word_distance(str_slice(word, 0, 64), STR("x")), 64);
}

static void test_word_is_near__needs_more_than_a_common_letter(void **state)
{
    (void)state;
    assert_true(word_is_near(STR("sevre"), STR("serve")));
    assert_true(word_is_near(STR("user ad"), STR("user add")));
    assert_false(word_is_near(STR("push"), STR("serve")));
    assert_false(word_is_near(STR(""), STR("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_word_distance__counts_each_kind_of_slip),
        cmocka_unit_test(test_word_distance__is_bounded_for_long_words),
        cmocka_unit_test(test_word_is_near__needs_more_than_a_common_letter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
