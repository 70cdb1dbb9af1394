/* SPDX-License-Identifier: Apache-2.0 */
/* Properties: a token that is taken is, to the byte, the one that we would sign for its claims, and
 * it ends in the future; what we sign is taken or has no such claims, and with one bit changed it
 * never is.  An input that starts with { is signed as claims, any other is a token as it came. */
#include "base/file.h"
#include "base/hex.h"
#include "hub/keys.h"

#include "fuzz.h"

#include <string.h>
#include <unistd.h>

#define NOW_MS 1800000000000LL

/* A key that the corpus was signed with.  Its folder is gone again once it is read. */
static struct keys *open_keys(void)
{
    static struct keys *keys; /* for the whole run */
    if (keys)
        return keys;
    struct arena *arena AUTO(arena_free) = arena_new();
    struct error err = { 0 };
    char folder[] = "/tmp/berth-fuzz-XXXXXX";
    REQUIRE(mkdtemp(folder));
    const char *file = arena_format(arena, "%s/fuzz.key", folder).ptr;
    REQUIRE(file_write_all(
        file, STR("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"), 0600, &err));
    REQUIRE(keys_open(folder, &keys, &err));
    REQUIRE(unlink(file) == 0 && rmdir(folder) == 0);
    return keys;
}

static bool is_taken(struct arena *arena, struct str token)
{
    json_t *claims AUTO(json_decref) = NULL;
    struct error err = { 0 };
    if (!keys_verify(open_keys(), arena, "fuzz", token, NOW_MS, &claims, &err)) {
        REQUIRE(err.kind == ERROR_UNAUTHENTICATED && !claims);
        return false;
    }
    int64_t expires_s;
    REQUIRE(json_get_i64(claims, "exp", &expires_s) && expires_s > NOW_MS / 1000);
    return true;
}

static void check_token(struct arena *arena, struct str token)
{
    struct str rest = token, part, claims;
    if (!is_taken(arena, token))
        return;
    REQUIRE(str_split(&rest, '.', &part) && str_split(&rest, '.', &part));
    REQUIRE(base64url_decode(arena, part, &claims));
    REQUIRE(str_equal(token, keys_sign(open_keys(), arena, "fuzz", claims)));
}

static void check_claims(struct arena *arena, struct str claims)
{
    struct str token = keys_sign(open_keys(), arena, "fuzz", claims);
    (void)is_taken(arena, token);
    char *changed = arena_alloc(arena, token.len);
    memcpy(changed, token.ptr, token.len);
    changed[claims.len * 7919 % token.len] ^= (char)(1 << claims.len % 7);
    REQUIRE(!is_taken(arena, (struct str){ changed, token.len }));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena AUTO(arena_free) = arena_new();
    struct str input = { (const char *)data, size };
    if (str_starts(input, STR("{")))
        check_claims(arena, input);
    else
        check_token(arena, input);
    return 0;
}
