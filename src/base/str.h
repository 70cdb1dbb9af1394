/* SPDX-License-Identifier: Apache-2.0 */
/* base/str.h - text as a slice: a pointer and a length, passed by value.
 *
 * A struct str borrows its bytes; it never owns them.  It may hold any byte,
 * NUL included, and is not terminated: NUL exists only at system-call borders.
 * The empty string has len 0; "absent" (a NULL column, a missing header) has a
 * NULL ptr, which str_is_set() tells apart.  Pure; any thread. */
#pragma once
#include "base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
    const char *ptr;
    size_t len;
};

#define STR(literal) ((struct str){ "" literal "", sizeof(literal) - 1 })
#define STR_NONE ((struct str){ NULL, 0 })

/* printf("%.*s", STR_ARG(name)) */
#define STR_ARG(text) (int)(text).len, (text).ptr ? (text).ptr : ""

struct str str_from(const char *text); /* NULL gives STR_NONE */
bool str_is_set(struct str text);      /* not absent; may be empty */
bool str_equal(struct str a, struct str b);
bool str_equal_ignore_case(struct str a, struct str b); /* ASCII */
int str_compare(struct str a, struct str b);            /* by bytes, as the databases do */
bool str_starts(struct str text, struct str prefix);
bool str_ends(struct str text, struct str suffix);
struct str str_slice(struct str text, size_t from, size_t to); /* clamped */
struct str str_after(struct str text, size_t from);            /* clamped */
struct str str_trim(struct str text);                          /* spaces and tabs */

/* Position of the byte or text; text.len if it is not there. */
size_t str_find(struct str text, char byte);
size_t str_find_last(struct str text, char byte);
size_t str_find_text(struct str text, struct str needle);

/* Takes the part before the separator off the front of *rest and returns it
 * in *part.  False when *rest is absent.  The last part has no separator behind
 * it and leaves *rest absent, so "a,,b" gives "a", "", "b" and "" gives "". */
bool str_split(struct str *rest, char separator, struct str *part);

/* 1*DIGIT and nothing else; false on overflow or above `max`. */
NODISCARD bool str_to_u64(struct str text, uint64_t max, uint64_t *out);

/* Compares secrets of equal length in constant time; the length is not hidden. */
bool str_equal_secret(struct str a, struct str b);

/* Bytes of the well-formed UTF-8 character that the text starts with; 0 if it does not. */
size_t str_utf8_length(struct str text);
/* No NUL, well-formed UTF-8 without surrogates. */
bool str_is_utf8(struct str text);
