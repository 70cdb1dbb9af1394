/* SPDX-License-Identifier: Apache-2.0 */
/* net/form.h - query strings and URL-encoded forms (WHATWG URL,
 * "application/x-www-form-urlencoded").
 *
 * Values are decoded into the arena: "+" is a space, %XX a byte.  A broken escape, a NUL or
 * text that is not UTF-8 is ERROR_INVALID, never passed on. */
#pragma once
#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>

enum { FORM_FIELD_COUNT_MAX = 128 };

struct form_field {
    struct str name, value;
};

struct form {
    struct form_field *fields;
    size_t count;
};

NODISCARD bool form_parse(struct arena *arena, struct str text, struct form *out,
                          struct error *err);
/* The first value of that name; absent if there is none. */
struct str form_get(const struct form *form, const char *name);
/* The value number `nth` (from 0) of that name. */
struct str form_get_nth(const struct form *form, const char *name, size_t nth);

/* Percent-decodes one path.  False for a broken escape, a NUL, or text that is not UTF-8. */
NODISCARD bool url_decode(struct arena *arena, struct str text, struct str *out);
