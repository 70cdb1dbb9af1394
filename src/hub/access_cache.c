/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/access_cache.h"

#include "hub/cache_pack.h"

#include <string.h>

/* Which texts a packed account carries, is written down twice below: a new one must go there. */
static_assert(sizeof(struct account) == 96, "look at the texts of struct account");
static_assert(sizeof(struct scope) == 32, "look at the texts of struct scope");

/* ---- tokens ---- */

/* The claims, all scopes, the names of the scopes. */
void access_cache_keep_token(struct cache *cache, struct arena *arena, struct str token,
                             const struct token_claims *claims, const struct cache_moment *moment)
{
    size_t list_size = claims->scope_count * sizeof(*claims->scopes), size = list_size;
    for (size_t i = 0; i < claims->scope_count; i++)
        size += claims->scopes[i].name.len;
    struct cache_pack pack = cache_pack_begin(arena, claims, sizeof(*claims), size);
    cache_pack_text(&pack, (struct str){ (const char *)claims->scopes, list_size });
    for (size_t i = 0; i < claims->scope_count; i++)
        cache_pack_text(&pack, claims->scopes[i].name);
    cache_keep(cache, CACHE_TOKEN, token, cache_pack_bytes(&pack), moment);
}

bool access_cache_find_token(struct cache *cache, struct arena *arena, struct str token,
                             int64_t now_ms, struct token_claims *out, struct cache_moment *moment)
{
    struct str packed;
    struct token_claims claims;
    if (!cache_find(cache, CACHE_TOKEN, token, arena, &packed, moment))
        return false;
    struct str rest = cache_unpack_begin(packed, &claims, sizeof(claims));
    if (now_ms / 1000 >= claims.expires_s)
        return false;
    size_t list_size = claims.scope_count * sizeof(struct scope);
    struct scope *scopes = arena_alloc(arena, list_size + 1);
    rest = cache_unpack_begin(rest, scopes, list_size);
    for (size_t i = 0; i < claims.scope_count; i++)
        cache_unpack_text(&rest, &scopes[i].name);
    claims.scopes = scopes;
    *out = claims;
    return true;
}

/* ---- standings ---- */

enum { PLACE_KEY_MAX = 8 + 2 * 512 };

/* Names that a path can hold fit; others are not kept. */
static struct str place_key(int64_t account_id, struct repository_name name,
                            char room[static PLACE_KEY_MAX])
{
    size_t size = sizeof(account_id) + name.owner.len + 1 + name.name.len;
    if (size > PLACE_KEY_MAX)
        return STR_NONE;
    char *at = room;
    memcpy(at, &account_id, sizeof(account_id));
    at += sizeof(account_id);
    memcpy(at, name.owner.ptr, name.owner.len);
    at += name.owner.len;
    *at++ = '/';
    memcpy(at, name.name.ptr, name.name.len);
    return (struct str){ room, size };
}

bool access_cache_find_standing(struct cache *cache, struct arena *arena, int64_t account_id,
                                struct repository_name name, struct standing *out,
                                struct cache_moment *moment)
{
    char room[PLACE_KEY_MAX];
    struct str key = place_key(account_id, name, room), packed;
    if (!str_is_set(key) || !cache_find(cache, CACHE_STANDING, key, arena, &packed, moment))
        return false;
    struct str rest = cache_unpack_begin(packed, out, sizeof(*out));
    cache_unpack_text(&rest, &out->account.name);
    cache_unpack_text(&rest, &out->account.email);
    cache_unpack_text(&rest, &out->account.full_name);
    return true;
}

void access_cache_keep_standing(struct cache *cache, struct arena *arena, int64_t account_id,
                                struct repository_name name, const struct standing *standing,
                                const struct cache_moment *moment)
{
    char room[PLACE_KEY_MAX];
    struct str key = place_key(account_id, name, room);
    const struct account *account = &standing->account;
    if (!str_is_set(key))
        return;
    struct cache_pack pack =
        cache_pack_begin(arena, standing, sizeof(*standing),
                         account->name.len + account->email.len + account->full_name.len);
    cache_pack_text(&pack, account->name);
    cache_pack_text(&pack, account->email);
    cache_pack_text(&pack, account->full_name);
    cache_keep(cache, CACHE_STANDING, key, cache_pack_bytes(&pack), moment);
}
