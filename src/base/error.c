/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include "base/str.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Drops half a character at the end of a message that was cut, and puts '?' for
 * what a terminal or a JSON reader could choke on: messages quote what clients sent. */
static void make_printable(char *message, size_t size)
{
    struct str rest = { message, strnlen(message, size) };
    bool was_cut = rest.len == size - 1;
    for (size_t at = 0; rest.len > 0;) {
        size_t length = str_utf8_length(rest);
        if (length == 0 && was_cut && rest.len < 4 && (unsigned char)rest.ptr[0] >= 0xC2) {
            message[at] = '\0';
            return;
        }
        if (length == 0 || (unsigned char)rest.ptr[0] < ' ' || rest.ptr[0] == 0x7F) {
            message[at] = '?';
            length = 1;
        }
        at += length;
        rest = str_after(rest, length);
    }
}

static PRINTF_LIKE(4, 0) void record(struct error *err, int about, enum error_kind kind,
                                     const char *format, va_list arguments)
{
    assert(err && err->kind == ERROR_NONE && kind != ERROR_NONE);
    (void)vsnprintf(err->message, sizeof(err->message), format, arguments);
    make_printable(err->message, sizeof(err->message));
    err->about = about;
    err->kind = kind;
}

bool error_set(struct error *err, enum error_kind kind, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    record(err, 0, kind, format, arguments);
    va_end(arguments);
    return false;
}

bool error_set_about(struct error *err, int about, enum error_kind kind, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    record(err, about, kind, format, arguments);
    va_end(arguments);
    return false;
}

bool error_set_errno(struct error *err, int errno_value, const char *format, ...)
{
    assert(err && err->kind == ERROR_NONE);
    char reason_space[96];
    const char *reason = strerror_r(errno_value, reason_space, sizeof(reason_space));
    size_t reserved = strlen(reason) + sizeof(": ");
    assert(reserved < sizeof(err->message));

    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(err->message, sizeof(err->message) - reserved + 1, format, arguments);
    va_end(arguments);
    make_printable(err->message, sizeof(err->message) - reserved + 1);
    size_t length = strlen(err->message);
    (void)snprintf(err->message + length, sizeof(err->message) - length, ": %s", reason);
    err->kind = errno_value == ENOSPC || errno_value == EDQUOT ? ERROR_NO_SPACE : ERROR_INTERNAL;
    return false;
}

void error_clear(struct error *err)
{
    *err = (struct error){ 0 };
}

const char *error_kind_name(enum error_kind kind)
{
    switch (kind) {
    case ERROR_NONE:
        return "none";
    case ERROR_INVALID:
        return "invalid";
    case ERROR_NOT_FOUND:
        return "not_found";
    case ERROR_CONFLICT:
        return "conflict";
    case ERROR_DENIED:
        return "denied";
    case ERROR_UNAUTHENTICATED:
        return "unauthenticated";
    case ERROR_TOO_LARGE:
        return "too_large";
    case ERROR_TOO_MANY:
        return "too_many";
    case ERROR_RANGE:
        return "range";
    case ERROR_UNSUPPORTED:
        return "unsupported";
    case ERROR_UNAVAILABLE:
        return "unavailable";
    case ERROR_NO_SPACE:
        return "no_space";
    case ERROR_INTERNAL:
        return "internal";
    }
    assert(false); /* every kind has its case above */
    return "unknown";
}

bool error_is_public(const struct error *err)
{
    return err->kind != ERROR_NONE && err->kind != ERROR_INTERNAL && err->kind != ERROR_UNAVAILABLE;
}
