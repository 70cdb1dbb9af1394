/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include "../check.h"

static void test_clock_format__known_moments(void **state)
{
    (void)state;
    const struct {
        int64_t time_ms;
        const char *rfc3339, *http;
    } vectors[] = {
        { 0, "1970-01-01T00:00:00.000Z", "Thu, 01 Jan 1970 00:00:00 GMT" },
        { 784111777000, "1994-11-06T08:49:37.000Z", "Sun, 06 Nov 1994 08:49:37 GMT" },
        { 951782399999, "2000-02-28T23:59:59.999Z", "Mon, 28 Feb 2000 23:59:59 GMT" },
        { 951782400000, "2000-02-29T00:00:00.000Z", "Tue, 29 Feb 2000 00:00:00 GMT" },
        { 4107542400000, "2100-03-01T00:00:00.000Z", "Mon, 01 Mar 2100 00:00:00 GMT" },
        { -1, "1969-12-31T23:59:59.999Z", "Wed, 31 Dec 1969 23:59:59 GMT" },
        { 1795354620123, "2026-11-22T13:37:00.123Z", "Sun, 22 Nov 2026 13:37:00 GMT" },
        { INT64_MAX, "9999-12-31T23:59:59.999Z", "Fri, 31 Dec 9999 23:59:59 GMT" },
        { INT64_MIN, "0000-01-01T00:00:00.000Z", "Sat, 01 Jan 0000 00:00:00 GMT" },
    };
    char text[CLOCK_TEXT_MAX];
    for (size_t i = 0; i < ARRAY_COUNT(vectors); i++) {
        check_str(clock_format_rfc3339(vectors[i].time_ms, text), vectors[i].rfc3339);
        check_str(clock_format_http(vectors[i].time_ms, text), vectors[i].http);
        assert_string_equal(text, vectors[i].http);
    }
}

static void test_clock_monotonic__never_goes_back(void **state)
{
    (void)state;
    int64_t before = clock_monotonic_us();
    for (int i = 0; i < 1000; i++) {
        int64_t now = clock_monotonic_us();
        assert_true(now >= before);
        before = now;
    }
    assert_true(clock_monotonic_ms() >= before / 1000);
}

static void test_clock_shift_for_test__moves_both(void **state)
{
    (void)state;
    enum { HOUR_MS = 3600 * 1000 };
    int64_t wall = clock_now_ms(), monotonic = clock_monotonic_ms();
    assert_true(wall > 1600000000000);
    clock_shift_for_test(HOUR_MS);
    assert_true(clock_now_ms() >= wall + HOUR_MS);
    assert_true(clock_monotonic_ms() >= monotonic + HOUR_MS);
    clock_shift_for_test(-HOUR_MS);
    assert_true(clock_monotonic_ms() < monotonic + HOUR_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clock_format__known_moments),
        cmocka_unit_test(test_clock_monotonic__never_goes_back),
        cmocka_unit_test(test_clock_shift_for_test__moves_both),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
