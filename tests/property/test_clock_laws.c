/* SPDX-License-Identifier: Apache-2.0 */
/* Laws of base/clock: our calendar agrees with the C library's at any moment of
 * its range, and texts order as their moments do. */
#include "base/clock.h"

#include "generate.h"

#include <time.h>

enum { MS_PER_S = 1000 };

static int64_t generate_time_ms(struct generator *generator)
{
    const int64_t first_ms = -62167219200000, last_ms = 253402300799999;
    uint64_t span = (uint64_t)(last_ms - first_ms) + 1;
    return first_ms + (int64_t)(generate_u64(generator) % span);
}

static void check_moment(int64_t time_ms)
{
    int64_t ms = (time_ms % MS_PER_S + MS_PER_S) % MS_PER_S;
    time_t seconds = (time_t)((time_ms - ms) / MS_PER_S);
    struct tm tm;
    char text[CLOCK_TEXT_MAX], expected[64];
    assert_non_null(gmtime_r(&seconds, &tm));
    (void)snprintf(expected, sizeof(expected), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
                   tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                   (int)ms);
    assert_string_equal(clock_format_rfc3339(time_ms, text).ptr, expected);
    /* strftime does not pad years before 1000, so the year goes in by itself. */
    char day[32], time_of_day[32];
    assert_true(strftime(day, sizeof(day), "%a, %d %b", &tm) > 0);
    assert_true(strftime(time_of_day, sizeof(time_of_day), "%H:%M:%S GMT", &tm) > 0);
    (void)snprintf(expected, sizeof(expected), "%.15s %04d %.15s", day, tm.tm_year + 1900,
                   time_of_day);
    assert_string_equal(clock_format_http(time_ms, text).ptr, expected);
}

static void test_clock_format__agrees_with_the_c_library(void **state)
{
    (void)state;
    struct generator generator = generator_new();
    for (int round = 0; round < 20000; round++)
        check_moment(generate_time_ms(&generator));
}

static void test_clock_format__agrees_at_the_end_of_each_year(void **state)
{
    (void)state;
    for (int64_t year = 0, day = -719528; year < 9999; year++) {
        bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        int64_t march_ms = (day + 59 + is_leap) * 86400 * MS_PER_S;
        check_moment(march_ms - 1);
        check_moment(march_ms);
        day += 365 + is_leap;
        check_moment(day * 86400 * MS_PER_S - 1);
        check_moment(day * 86400 * MS_PER_S);
    }
}

static void test_clock_format__orders_as_the_moments(void **state)
{
    (void)state;
    struct generator generator = generator_new();
    for (int round = 0; round < 5000; round++) {
        char text_a[CLOCK_TEXT_MAX], text_b[CLOCK_TEXT_MAX];
        int64_t a = generate_time_ms(&generator), b = generate_time_ms(&generator);
        int order = str_compare(clock_format_rfc3339(a, text_a), clock_format_rfc3339(b, text_b));
        assert_int_equal(order, (a > b) - (a < b));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clock_format__agrees_with_the_c_library),
        cmocka_unit_test(test_clock_format__agrees_at_the_end_of_each_year),
        cmocka_unit_test(test_clock_format__orders_as_the_moments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
