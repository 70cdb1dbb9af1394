/* SPDX-License-Identifier: Apache-2.0 */
#include "net/form.h"

#include "../check.h"

#include <string.h>

static void test_form_parse__decodes_fields_in_order(void **state)
{
    (void)state;
    struct arena *arena AUTO(arena_free) = arena_new();
    struct error err = { 0 };
    struct form form;
    assert_true(form_parse(arena, STR("a=1&b=x+y%26%3D&&scope=r%C3%A4&a=2&flag&=v"), &form, &err));
    assert_int_equal(form.count, 6);
    check_str(form_get(&form, "a"), "1");
    check_str(form_get_nth(&form, "a", 1), "2");
    check_str(form_get(&form, "b"), "x y&=");
    check_str(form_get(&form, "scope"), "r\xc3\xa4");
    check_str(form_get(&form, "flag"), "");
    assert_true(str_is_set(form_get(&form, "flag")));
    assert_false(str_is_set(form_get(&form, "none")));
    assert_false(str_is_set(form_get_nth(&form, "a", 2)));
}

static void test_form_parse__takes_nothing_as_no_field(void **state)
{
    (void)state;
    struct arena *arena AUTO(arena_free) = arena_new();
    struct error err = { 0 };
    struct form form;
    assert_true(form_parse(arena, STR(""), &form, &err));
    assert_int_equal(form.count, 0);
    assert_true(form_parse(arena, STR_NONE, &form, &err));
    assert_int_equal(form.count, 0);
}

static void test_form_parse__refuses_broken_text(void **state)
{
    (void)state;
    struct arena *arena AUTO(arena_free) = arena_new();
    const struct str refused[] = { STR("a=%"),   STR("a=%4"),   STR("a=%zz"),
                                   STR("a=%00"), STR("a=%ff"),  STR("%=1"),
                                   STR("a=\0"),  STR("a=\xc3"), STR("b=1&a=%c3%28") };
    for (size_t i = 0; i < ARRAY_COUNT(refused); i++) {
        struct error err = { 0 };
        struct form form = { .count = 77 };
        assert_false(form_parse(arena, refused[i], &form, &err));
        check_error(&err, ERROR_INVALID, "percent-encoded");
        assert_int_equal(form.count, 77);
    }
}

static void test_form_parse__bounds_the_number_of_fields(void **state)
{
    (void)state;
    struct arena *arena AUTO(arena_free) = arena_new();
    struct error err = { 0 };
    struct form form;
    char text[2 * FORM_FIELD_COUNT_MAX + 1];
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = i % 2 ? '&' : 'a';
    assert_true(form_parse(arena, (struct str){ text, sizeof(text) - 2 }, &form, &err));
    assert_int_equal(form.count, FORM_FIELD_COUNT_MAX);
    assert_false(form_parse(arena, (struct str){ text, sizeof(text) }, &form, &err));
    check_error(&err, ERROR_TOO_LARGE, "form fields");
}

static void test_url_decode__leaves_the_plus_alone(void **state)
{
    (void)state;
    struct arena *arena AUTO(arena_free) = arena_new();
    struct str out;
    assert_true(url_decode(arena, STR("/a+b%2Bc%2f"), &out));
    check_str(out, "/a+b+c/");
    assert_false(url_decode(arena, STR("/%e4"), &out));
    assert_false(url_decode(arena, STR("/%0"), &out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_form_parse__decodes_fields_in_order),
        cmocka_unit_test(test_form_parse__takes_nothing_as_no_field),
        cmocka_unit_test(test_form_parse__refuses_broken_text),
        cmocka_unit_test(test_form_parse__bounds_the_number_of_fields),
        cmocka_unit_test(test_url_decode__leaves_the_plus_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
