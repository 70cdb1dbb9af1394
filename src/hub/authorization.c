/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/authorization.h"

#include "base/hex.h"
#include "oci/about.h"

static bool refuse(struct error *err)
{
    return error_set_about(err, ABOUT_CREDENTIALS, ERROR_UNAUTHENTICATED,
                           "the Authorization header is neither Basic with name and password nor "
                           "Bearer with a token");
}

static bool parse_basic(struct arena *arena, struct str encoded, struct authorization *out,
                        struct error *err)
{
    struct str text;
    if (!base64_decode(arena, encoded, &text))
        return refuse(err);
    size_t colon = str_find(text, ':');
    if (colon == text.len)
        return refuse(err);
    struct authorization basic = {
        .scheme = text.len > 1 ? AUTHORIZATION_BASIC : AUTHORIZATION_NONE,
        .name = str_slice(text, 0, colon), /* a name has no colon, a password may */
        .secret = str_after(text, colon + 1),
    };
    *out = basic.scheme == AUTHORIZATION_NONE ? (struct authorization){ 0 } : basic;
    return true;
}

/* token68 of RFC 9110 11.2. */
static bool is_token(struct str text)
{
    while (str_ends(text, STR("=")))
        text.len--;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_plain && str_find(STR("-._~+/"), c) == 6)
            return false;
    }
    return text.len > 0;
}

bool authorization_parse(struct arena *arena, struct str value, struct authorization *out,
                         struct error *err)
{
    if (!str_is_set(value)) {
        *out = (struct authorization){ 0 };
        return true;
    }
    size_t blank = str_find(value, ' ');
    struct str scheme = str_slice(value, 0, blank), rest = str_trim(str_after(value, blank));
    if (str_equal_ignore_case(scheme, STR("basic")))
        return parse_basic(arena, rest, out, err);
    if (!str_equal_ignore_case(scheme, STR("bearer")) || !is_token(rest))
        return refuse(err);
    *out = (struct authorization){ .scheme = AUTHORIZATION_BEARER, .token = rest };
    return true;
}
