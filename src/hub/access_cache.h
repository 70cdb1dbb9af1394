/* SPDX-License-Identifier: Apache-2.0 */
/* hub/access_cache.h - what hub/access.c keeps in hub/cache.h: facts, never decisions.
 *
 * Decisions are made anew at each request, from facts that are half a second old at most: what a
 * token says, and who the account is and what stands at a place.  That there is nothing at a place
 * is kept as well, since a hidden repository and none at all must answer alike in time too. */
#pragma once
#include "hub/access.h"
#include "hub/cache.h"

/* What a registry token says, once its signature was found good. */
struct token_claims {
    int64_t account_id; /* 0: nobody */
    int64_t credential_generation;
    int64_t expires_s; /* since 1970 */
    const struct scope *scopes;
    size_t scope_count;
};

/* Only what has not expired at `now_ms` is found. */
bool access_cache_find_token(struct cache *cache, struct arena *arena, struct str token,
                             int64_t now_ms, struct token_claims *out, struct cache_moment *moment);
void access_cache_keep_token(struct cache *cache, struct arena *arena, struct str token,
                             const struct token_claims *claims, const struct cache_moment *moment);

/* An account and a place, read in one snapshot. */
struct standing {
    struct account account; /* id 0: none */
    struct access_subject subject;
    int64_t repository_id;
};

bool access_cache_find_standing(struct cache *cache, struct arena *arena, int64_t account_id,
                                struct repository_name name, struct standing *out,
                                struct cache_moment *moment);
void access_cache_keep_standing(struct cache *cache, struct arena *arena, int64_t account_id,
                                struct repository_name name, const struct standing *standing,
                                const struct cache_moment *moment);
