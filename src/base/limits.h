/* SPDX-License-Identifier: Apache-2.0 */
/* base/limits.h - the named limits of limits.def as constants, and as a table
 * for documentation and tests.  HTTP_HEAD_BYTES_MAX and so on. */
#pragma once
#include <stdint.h>

enum limit_value {
#define LIMIT(name, value, unit, why) name = (value),
#include "base/limits.def"
};

struct limit {
    const char *name;
    int64_t value;
    const char *unit, *why;
};

/* Ends with a row whose name is NULL. */
extern const struct limit limit_table[];
