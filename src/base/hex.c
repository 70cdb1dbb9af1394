/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hex.h"

#include <string.h>

void hex_encode(const uint8_t *bytes, size_t count, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
}

int hex_digit_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

static bool is_lower_hex(char c)
{
    return hex_digit_value(c) >= 0 && !(c >= 'A' && c <= 'F');
}

bool hex_decode(struct str text, uint8_t *out, size_t count)
{
    if (text.len % 2 != 0 || text.len / 2 != count)
        return false;
    /* Look first: `out` is written on success only. */
    for (size_t i = 0; i < text.len; i++) {
        if (!is_lower_hex(text.ptr[i]))
            return false;
    }
    for (size_t i = 0; i < count; i++)
        out[i] =
            (uint8_t)(hex_digit_value(text.ptr[2 * i]) << 4 | hex_digit_value(text.ptr[2 * i + 1]));
    return true;
}

static const char alphabet_standard[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char alphabet_url[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static struct str encode(struct arena *arena, struct str bytes, const char *alphabet, bool pads)
{
    char *text = arena_alloc(arena, (bytes.len + 2) / 3 * 4 + 1);
    const uint8_t *in = (const uint8_t *)bytes.ptr;
    size_t length = 0;
    for (size_t at = 0; at < bytes.len; at += 3) {
        size_t have = bytes.len - at < 3 ? bytes.len - at : 3;
        uint32_t group = (uint32_t)in[at] << 16;
        if (have > 1)
            group |= (uint32_t)in[at + 1] << 8;
        if (have > 2)
            group |= in[at + 2];
        for (size_t i = 0; i <= have; i++)
            text[length++] = alphabet[group >> (18 - 6 * i) & 63];
        for (size_t i = have; pads && i < 3; i++)
            text[length++] = '=';
    }
    return (struct str){ text, length };
}

static int base64_value(char c, const char *alphabet)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == alphabet[62])
        return 62;
    return c == alphabet[63] ? 63 : -1;
}

/* Refuses bits that no encoder sets (RFC 4648 section 3.5): a text that decodes
 * is the only one for its bytes, so a signature has one form only. */
static bool decode(struct arena *arena, struct str text, const char *alphabet, struct str *out)
{
    if (text.len % 4 == 1)
        return false;
    uint8_t *bytes = arena_alloc(arena, text.len / 4 * 3 + 3);
    size_t length = 0;
    uint32_t group = 0;
    unsigned bits = 0;
    for (size_t i = 0; i < text.len; i++) {
        int value = base64_value(text.ptr[i], alphabet);
        if (value < 0)
            return false;
        group = group << 6 | (uint32_t)value;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            bytes[length++] = (uint8_t)(group >> bits);
            group &= (1u << bits) - 1;
        }
    }
    if (group != 0)
        return false;
    *out = (struct str){ (const char *)bytes, length };
    return true;
}

struct str base64url_encode(struct arena *arena, struct str bytes)
{
    return encode(arena, bytes, alphabet_url, false);
}

bool base64url_decode(struct arena *arena, struct str text, struct str *out)
{
    return decode(arena, text, alphabet_url, out);
}

struct str base64_encode(struct arena *arena, struct str bytes)
{
    return encode(arena, bytes, alphabet_standard, true);
}

bool base64_decode(struct arena *arena, struct str text, struct str *out)
{
    size_t padding = 0;
    while (padding < 2 && str_ends(str_slice(text, 0, text.len - padding), STR("=")))
        padding++;
    if (padding > 0 && text.len % 4 != 0)
        return false;
    return decode(arena, str_slice(text, 0, text.len - padding), alphabet_standard, out);
}
