/* SPDX-License-Identifier: Apache-2.0 */
/* base/clock.h - the time.
 *
 * Wall-clock time is in milliseconds since 1970 UTC and may jump; deadlines use
 * the monotonic clock.  Tests shift both with clock_shift_for_test(), a state of the
 * whole process and of tests only.  Any thread. */
#pragma once
#include "base/str.h"

#include <stdint.h>

int64_t clock_now_ms(void);       /* wall clock */
int64_t clock_monotonic_ms(void); /* never goes back */
int64_t clock_monotonic_us(void);
void clock_shift_for_test(int64_t by_ms);
int64_t clock_shift(void); /* by how much tests have shifted the clocks: the database's follows */

enum { CLOCK_TEXT_MAX = 32 };
/* Times outside of the years 0 to 9999 are written as the nearest inside. */
/* RFC 3339 in UTC with milliseconds: 2026-11-22T13:37:00.123Z */
struct str clock_format_rfc3339(int64_t time_ms, char text[static CLOCK_TEXT_MAX]);
/* RFC 9110 HTTP-date: Sun, 06 Nov 1994 08:49:37 GMT */
struct str clock_format_http(int64_t time_ms, char text[static CLOCK_TEXT_MAX]);
