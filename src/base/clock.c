/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

enum { MS_PER_S = 1000, S_PER_DAY = 86400 };

/* Of tests only (clock.h). */
static _Atomic int64_t shift_ms;

static int64_t read_us(clockid_t id)
{
    struct timespec now;
    int result = clock_gettime(id, &now);
    assert(result == 0);
    (void)result;
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_now_ms(void)
{
    return read_us(CLOCK_REALTIME) / 1000 + atomic_load(&shift_ms);
}

int64_t clock_monotonic_ms(void)
{
    return clock_monotonic_us() / 1000;
}

int64_t clock_monotonic_us(void)
{
    return read_us(CLOCK_MONOTONIC) + atomic_load(&shift_ms) * 1000;
}

void clock_shift_for_test(int64_t by_ms)
{
    atomic_fetch_add(&shift_ms, by_ms);
}

int64_t clock_shift(void)
{
    return atomic_load(&shift_ms);
}

struct moment {
    unsigned year, month, day, hour, minute, second, ms;
    unsigned weekday; /* 0 is Sunday */
};

static int64_t divide_down(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

/* The proleptic Gregorian calendar, counted from the first of March of year 0 in
 * eras of 400 years, so that a leap day is the last of its year. */
static struct moment moment_from(int64_t time_ms)
{
    static const int64_t first_ms = -62167219200000; /* 0000-01-01T00:00:00.000Z */
    static const int64_t last_ms = 253402300799999;  /* 9999-12-31T23:59:59.999Z */
    static const int64_t march_0000 = -719468;       /* days before 1970 */
    if (time_ms < first_ms)
        time_ms = first_ms;
    if (time_ms > last_ms)
        time_ms = last_ms;
    int64_t seconds = divide_down(time_ms, MS_PER_S);
    int64_t days = divide_down(seconds, S_PER_DAY);
    unsigned of_day = (unsigned)(seconds - days * S_PER_DAY);

    int64_t since = days - march_0000;
    int64_t era = divide_down(since, 146097);
    unsigned of_era = (unsigned)(since - era * 146097);
    unsigned year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned month_from_march = (5 * of_year + 2) / 153;
    unsigned month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    return (struct moment){
        .year = (unsigned)(era * 400 + year_of_era + (month <= 2)),
        .month = month,
        .day = of_year - (153 * month_from_march + 2) / 5 + 1,
        .hour = of_day / 3600,
        .minute = of_day / 60 % 60,
        .second = of_day % 60,
        .ms = (unsigned)(time_ms - seconds * MS_PER_S),
        .weekday = (unsigned)(((days + 4) % 7 + 7) % 7),
    };
}

static char *put_digits(char *at, unsigned value, int width)
{
    for (int i = width - 1; i >= 0; i--) {
        at[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return at + width;
}

static char *put_text(char *at, const char *text, size_t count)
{
    memcpy(at, text, count);
    return at + count;
}

static char *put_char(char *at, char c)
{
    *at = c;
    return at + 1;
}

static char *put_time_of_day(char *at, const struct moment *moment)
{
    at = put_char(put_digits(at, moment->hour, 2), ':');
    at = put_char(put_digits(at, moment->minute, 2), ':');
    return put_digits(at, moment->second, 2);
}

struct str clock_format_rfc3339(int64_t time_ms, char text[static CLOCK_TEXT_MAX])
{
    struct moment moment = moment_from(time_ms);
    char *at = put_char(put_digits(text, moment.year, 4), '-');
    at = put_char(put_digits(at, moment.month, 2), '-');
    at = put_char(put_digits(at, moment.day, 2), 'T');
    at = put_char(put_time_of_day(at, &moment), '.');
    at = put_char(put_digits(at, moment.ms, 3), 'Z');
    *at = '\0';
    return (struct str){ text, (size_t)(at - text) };
}

struct str clock_format_http(int64_t time_ms, char text[static CLOCK_TEXT_MAX])
{
    static const char weekdays[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct moment moment = moment_from(time_ms);
    size_t weekday_at = (size_t)3 * moment.weekday, month_at = (size_t)3 * (moment.month - 1);
    char *at = put_text(text, weekdays + weekday_at, 3);
    at = put_text(at, ", ", 2);
    at = put_char(put_digits(at, moment.day, 2), ' ');
    at = put_char(put_text(at, months + month_at, 3), ' ');
    at = put_char(put_digits(at, moment.year, 4), ' ');
    at = put_text(put_time_of_day(at, &moment), " GMT", 4);
    *at = '\0';
    return (struct str){ text, (size_t)(at - text) };
}
