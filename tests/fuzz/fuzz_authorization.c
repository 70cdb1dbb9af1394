/* SPDX-License-Identifier: Apache-2.0 */
/* Properties: what is taken has the parts that its scheme needs, and written anew from them it is
 * read as the same. */
#include "base/hex.h"
#include "hub/authorization.h"

#include "fuzz.h"

static struct str write_anew(struct arena *arena, const struct authorization *parts)
{
    if (parts->scheme == AUTHORIZATION_BEARER)
        return arena_format(arena, "Bearer %.*s", STR_ARG(parts->token));
    /* By hand: a name may hold a NUL, which arena_format() would stop at. */
    size_t length = parts->name.len + 1 + parts->secret.len;
    char *pair = arena_alloc(arena, length);
    for (size_t i = 0; i < parts->name.len; i++)
        pair[i] = parts->name.ptr[i];
    pair[parts->name.len] = ':';
    for (size_t i = 0; i < parts->secret.len; i++)
        pair[parts->name.len + 1 + i] = parts->secret.ptr[i];
    struct str encoded = base64_encode(arena, (struct str){ pair, length });
    return arena_format(arena, "Basic %.*s", STR_ARG(encoded));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = { (const char *)data, size };
    struct arena *arena AUTO(arena_free) = arena_new();
    struct authorization parts, again;
    struct error err = { 0 };
    if (!authorization_parse(arena, input, &parts, &err)) {
        REQUIRE(err.kind == ERROR_UNAUTHENTICATED);
        return 0;
    }
    if (parts.scheme == AUTHORIZATION_NONE)
        return 0;
    REQUIRE(parts.scheme == AUTHORIZATION_BASIC || parts.token.len > 0);
    REQUIRE(parts.scheme == AUTHORIZATION_BEARER || str_find(parts.name, ':') == parts.name.len);
    REQUIRE(authorization_parse(arena, write_anew(arena, &parts), &again, &err));
    REQUIRE(again.scheme == parts.scheme && str_equal(again.token, parts.token));
    REQUIRE(str_equal(again.name, parts.name) && str_equal(again.secret, parts.secret));
    return 0;
}
