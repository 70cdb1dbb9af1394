/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include "../check.h"

static void test_buf_append__puts_one_behind_the_other(void **state)
{
    (void)state;
    struct buf buf AUTO(buf_release);
    struct error err = { 0 };
    struct str out;
    buf_init(&buf, 1000);
    check_str(buf_str(&buf), "");
    assert_true(str_is_set(buf_str(&buf)));
    buf_append(&buf, STR("a"));
    buf_append(&buf, STR_NONE);
    buf_append_byte(&buf, ' ');
    buf_append_u64(&buf, UINT64_MAX);
    buf_append_byte(&buf, ' ');
    buf_append_i64(&buf, INT64_MIN);
    buf_append_i64(&buf, 0);
    buf_format(&buf, " %s", "end");
    assert_true(buf_finish(&buf, &out, &err));
    check_str(out, "a 18446744073709551615 -92233720368547758080 end");
}

static void test_buf_append__reaches_the_limit_and_not_beyond(void **state)
{
    (void)state;
    struct buf buf AUTO(buf_release);
    struct error err = { 0 };
    struct str out = STR("untouched");
    buf_init(&buf, 4);
    buf_append(&buf, STR("abcd"));
    assert_false(buf.failed);
    buf_append_byte(&buf, 'e');
    assert_true(buf.failed);
    assert_false(buf_finish(&buf, &out, &err));
    check_error(&err, ERROR_TOO_LARGE, "4 bytes");
    check_str(out, "untouched");
    check_str(buf_str(&buf), "abcd");
}

static void test_buf_append__failure_latches(void **state)
{
    (void)state;
    struct buf buf AUTO(buf_release);
    buf_init(&buf, 4);
    buf_append(&buf, STR("abcde"));
    buf_append(&buf, STR("a")); /* would fit, but the text would have a hole */
    assert_int_equal(buf.len, 0);
    buf_clear(&buf);
    buf_append(&buf, STR("a"));
    check_str(buf_str(&buf), "a");
}

static void test_buf_format__takes_long_texts(void **state)
{
    (void)state;
    struct buf buf AUTO(buf_release);
    buf_init(&buf, 5000);
    buf_format(&buf, "%255d", 1);
    buf_format(&buf, "%256d", 1);
    buf_format(&buf, "%4489d", 1);
    assert_false(buf.failed);
    assert_int_equal(buf.len, 5000);
    assert_int_equal(buf.data[4999], '1');
    buf_format(&buf, "%d", 1);
    assert_true(buf.failed);
}

static void test_buf_append_url__keeps_unreserved_only(void **state)
{
    (void)state;
    struct buf buf AUTO(buf_release);
    buf_init(&buf, 1000);
    buf_append_url(&buf, STR("aZ09-._~ /?&=+%\xC3\xA9"));
    check_str(buf_str(&buf), "aZ09-._~%20%2F%3F%26%3D%2B%25%C3%A9");
}

static void test_buf_release__accepts_null_and_zero(void **state)
{
    (void)state;
    struct buf zero = { 0 };
    buf_release(NULL);
    buf_release(&zero);
    buf_append(&zero, STR("a")); /* a limit of 0 takes nothing */
    assert_true(zero.failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buf_append__puts_one_behind_the_other),
        cmocka_unit_test(test_buf_append__reaches_the_limit_and_not_beyond),
        cmocka_unit_test(test_buf_append__failure_latches),
        cmocka_unit_test(test_buf_format__takes_long_texts),
        cmocka_unit_test(test_buf_append_url__keeps_unreserved_only),
        cmocka_unit_test(test_buf_release__accepts_null_and_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
