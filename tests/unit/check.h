/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/check.h - cmocka with its preconditions, and checks in the terms of base. */
#pragma once
#include "base/error.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Equal bytes; `expected` is a literal or a C string. */
#define check_str(...) check_str_at(__FILE__, __LINE__, __VA_ARGS__)

static inline void check_str_at(const char *file, int line, struct str actual, const char *expected)
{
    if (str_equal(actual, str_from(expected)))
        return;
    print_error("'%.*s' is not '%s'\n", STR_ARG(actual), expected);
    _fail(file, line);
}

/* The call failed in this way and says so; forgets the failure. */
#define check_error(err, expected_kind, part)                                                      \
    check_error_at((err), (expected_kind), (part), __FILE__, __LINE__)

static inline void check_error_at(struct error *err, enum error_kind kind, const char *part,
                                  const char *file, int line)
{
    if (err->kind != kind ||
        str_find_text(str_from(err->message), str_from(part)) == str_from(err->message).len) {
        print_error("error '%s: %s' is not '%s' with '%s'\n", error_kind_name(err->kind),
                    err->message, error_kind_name(kind), part);
        _fail(file, line);
    }
    error_clear(err);
}
