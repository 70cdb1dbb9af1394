/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include <string.h>

struct str str_from(const char *text)
{
    return text ? (struct str){ text, strlen(text) } : STR_NONE;
}

bool str_is_set(struct str text)
{
    return text.ptr != NULL;
}

bool str_equal(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

bool str_equal_ignore_case(struct str a, struct str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.ptr[i]) != lower(b.ptr[i]))
            return false;
    }
    return true;
}

int str_compare(struct str a, struct str b)
{
    size_t shared = a.len < b.len ? a.len : b.len;
    int order = shared > 0 ? memcmp(a.ptr, b.ptr, shared) : 0;
    if (order != 0)
        return order < 0 ? -1 : 1;
    return (a.len > b.len) - (a.len < b.len);
}

bool str_starts(struct str text, struct str prefix)
{
    return text.len >= prefix.len && str_equal(str_slice(text, 0, prefix.len), prefix);
}

bool str_ends(struct str text, struct str suffix)
{
    return text.len >= suffix.len && str_equal(str_after(text, text.len - suffix.len), suffix);
}

struct str str_slice(struct str text, size_t from, size_t to)
{
    if (to > text.len)
        to = text.len;
    if (from > to)
        from = to;
    return text.ptr ? (struct str){ text.ptr + from, to - from } : STR_NONE;
}

struct str str_after(struct str text, size_t from)
{
    return str_slice(text, from, text.len);
}

struct str str_trim(struct str text)
{
    size_t from = 0, to = text.len;
    while (from < to && (text.ptr[from] == ' ' || text.ptr[from] == '\t'))
        from++;
    while (to > from && (text.ptr[to - 1] == ' ' || text.ptr[to - 1] == '\t'))
        to--;
    return str_slice(text, from, to);
}

size_t str_find(struct str text, char byte)
{
    const char *found = text.len > 0 ? memchr(text.ptr, byte, text.len) : NULL;
    return found ? (size_t)(found - text.ptr) : text.len;
}

size_t str_find_last(struct str text, char byte)
{
    const char *found = text.len > 0 ? memrchr(text.ptr, byte, text.len) : NULL;
    return found ? (size_t)(found - text.ptr) : text.len;
}

size_t str_find_text(struct str text, struct str needle)
{
    if (needle.len == 0)
        return 0;
    const char *found = text.len > 0 ? memmem(text.ptr, text.len, needle.ptr, needle.len) : NULL;
    return found ? (size_t)(found - text.ptr) : text.len;
}

bool str_split(struct str *rest, char separator, struct str *part)
{
    if (!rest->ptr)
        return false;
    size_t at = str_find(*rest, separator);
    *part = str_slice(*rest, 0, at);
    *rest = at < rest->len ? str_after(*rest, at + 1) : STR_NONE;
    return true;
}

bool str_to_u64(struct str text, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    if (text.len == 0)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        uint64_t digit = (uint64_t)(text.ptr[i] - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    if (value > max)
        return false;
    *out = value;
    return true;
}

bool str_equal_secret(struct str a, struct str b)
{
    if (a.len != b.len)
        return false;
    volatile unsigned char difference = 0; /* volatile: the compiler may not leave early */
    for (size_t i = 0; i < a.len; i++)
        difference = (unsigned char)(difference | (a.ptr[i] ^ b.ptr[i]));
    return difference == 0;
}

/* The bounds of the second byte shut out overlong forms, surrogates and what is
 * beyond U+10FFFF (Unicode 15, table 3-7). */
size_t str_utf8_length(struct str text)
{
    if (text.len == 0)
        return 0;
    const unsigned char *byte = (const unsigned char *)text.ptr;
    unsigned char first = byte[0], low = 0x80, high = 0xBF;
    size_t length;
    if (first < 0x80)
        return 1;
    if (first < 0xC2 || first > 0xF4)
        return 0;
    if (first < 0xE0) {
        length = 2;
    } else if (first < 0xF0) {
        length = 3;
        low = first == 0xE0 ? 0xA0 : low;
        high = first == 0xED ? 0x9F : high;
    } else {
        length = 4;
        low = first == 0xF0 ? 0x90 : low;
        high = first == 0xF4 ? 0x8F : high;
    }
    if (text.len < length || byte[1] < low || byte[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++) {
        if (byte[i] < 0x80 || byte[i] > 0xBF)
            return 0;
    }
    return length;
}

bool str_is_utf8(struct str text)
{
    while (text.len > 0) {
        size_t length = str_utf8_length(text);
        if (length == 0 || text.ptr[0] == '\0')
            return false;
        text = str_after(text, length);
    }
    return true;
}
