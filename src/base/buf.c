/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CAPACITY_MIN = 256 };

void buf_init(struct buf *buf, size_t limit)
{
    *buf = (struct buf){ .limit = limit };
}

void buf_release(struct buf *buf)
{
    if (!buf)
        return;
    free(buf->data);
    *buf = (struct buf){ .limit = buf->limit };
}

/* Makes room for `more` bytes; false, latched, if the limit forbids it. */
static bool buf_reserve(struct buf *buf, size_t more)
{
    if (buf->failed)
        return false;
    if (more > buf->limit || buf->len > buf->limit - more) {
        buf->failed = true;
        return false;
    }
    size_t wanted = buf->len + more;
    if (wanted <= buf->capacity)
        return true;
    size_t capacity = buf->capacity > CAPACITY_MIN ? buf->capacity : CAPACITY_MIN;
    while (capacity < wanted)
        capacity = capacity > SIZE_MAX / 2 ? wanted : capacity * 2;
    if (capacity > buf->limit)
        capacity = buf->limit;
    char *data = realloc(buf->data, capacity);
    if (!data)
        abort();
    buf->data = data;
    buf->capacity = capacity;
    return true;
}

void buf_append(struct buf *buf, struct str bytes)
{
    if (bytes.len == 0 || !buf_reserve(buf, bytes.len))
        return;
    memcpy(buf->data + buf->len, bytes.ptr, bytes.len);
    buf->len += bytes.len;
}

void buf_append_byte(struct buf *buf, char byte)
{
    if (!buf_reserve(buf, 1))
        return;
    buf->data[buf->len++] = byte;
}

void buf_append_u64(struct buf *buf, uint64_t value)
{
    char digits[20]; /* 2^64 - 1 has 20 */
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    buf_append(buf, (struct str){ digits + at, sizeof(digits) - at });
}

void buf_append_i64(struct buf *buf, int64_t value)
{
    if (value >= 0) {
        buf_append_u64(buf, (uint64_t)value);
        return;
    }
    /* One append, so that the limit never leaves a lone minus sign behind. */
    char digits[21];
    size_t at = sizeof(digits);
    uint64_t rest = 0 - (uint64_t)value;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    digits[--at] = '-';
    buf_append(buf, (struct str){ digits + at, sizeof(digits) - at });
}

void buf_format(struct buf *buf, const char *format, ...)
{
    char small[256];
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(small, sizeof(small), format, arguments);
    va_end(arguments);
    assert(length >= 0);
    size_t count = (size_t)length;
    if (count < sizeof(small)) {
        buf_append(buf, (struct str){ small, count });
    } else if (buf_reserve(buf, count)) {
        /* vsnprintf wants room for a NUL that the limit may not have. */
        char *large = malloc(count + 1);
        if (!large)
            abort();
        (void)vsnprintf(large, count + 1, format, again);
        buf_append(buf, (struct str){ large, count });
        free(large);
    }
    va_end(again);
}

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void buf_append_url(struct buf *buf, struct str text)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];
        if (is_unreserved(text.ptr[i])) {
            buf_append_byte(buf, text.ptr[i]);
            continue;
        }
        const char escaped[3] = { '%', digits[byte >> 4], digits[byte & 15] };
        buf_append(buf, (struct str){ escaped, sizeof(escaped) });
    }
}

void buf_clear(struct buf *buf)
{
    buf->len = 0;
    buf->failed = false;
}

struct str buf_str(const struct buf *buf)
{
    /* An empty text, not an absent one, before the first append. */
    return buf->data ? (struct str){ buf->data, buf->len } : STR("");
}

bool buf_finish(struct buf *buf, struct str *out, struct error *err)
{
    if (buf->failed)
        return error_set(err, ERROR_TOO_LARGE, "more than %zu bytes", buf->limit);
    *out = buf_str(buf);
    return true;
}
