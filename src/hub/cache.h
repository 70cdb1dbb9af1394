/* SPDX-License-Identifier: Apache-2.0 */
/* hub/cache.h - what was read from the database a moment ago, for those who ask the same again.
 *
 * Bytes by key, a copy in and a copy out.  An entry holds while
 *   - no writing transaction of this process has ended since (db_generation), so that our own
 *     changes are seen at once, and
 *   - it is younger than CACHE_LIFE_MS by the monotonic clock, so that what another process, the
 *     command line or another node has changed is seen within a second.
 * Both are noted by cache_find(), before its caller reads the database; so an entry is never newer
 * in name than in content.  What does not come from the database (a verified signature) may say so
 * and then holds for its time alone.
 *
 * Sharded by key, bounded in bytes and entries: a full shard makes room by dropping others. Whoever
 * finds nothing loads for himself; nobody waits for another's load.  Any thread. */
#pragma once
#include "base/arena.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "db/db.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    CACHE_LIFE_MS = 500,
    CACHE_KEY_MAX = 9 * 1024,    /* the longest: a token */
    CACHE_VALUE_MAX = 68 * 1024, /* a manifest of 64 KB and what is known about it */
    CACHE_BYTES_MAX = 16 * 1024 * 1024,
};

struct cache;
struct cache *cache_new(const struct db *db); /* which must live longer */
void cache_free(struct cache *cache);
DEFINE_AUTO(struct cache, cache_free);

/* What is kept, and whether changes of the database end it.  Keys of different kinds never meet. */
enum cache_kind {
    CACHE_TOKEN = 1, /* not by the database */
    CACHE_STANDING,
    CACHE_MANIFEST,
    CACHE_CHILD,
};

/* The moment of a look, which comes before the load. */
struct cache_moment {
    uint64_t generation, epoch;
    int64_t at_ms;
};

/* True: *value is a copy in the arena, aligned for any type.  False: load it, and hand *moment on
 * to cache_keep(). */
bool cache_find(struct cache *cache, enum cache_kind kind, struct str key, struct arena *arena,
                struct str *value, struct cache_moment *moment);
/* Too long a key or value is not kept, which is no failure. */
void cache_keep(struct cache *cache, enum cache_kind kind, struct str key, struct str value,
                const struct cache_moment *moment);
/* Everything that was looked for before this call is void: for changes that no writing transaction
 * of ours has made. */
void cache_forget(struct cache *cache);

struct cache_figures {
    uint64_t hits, misses;
    size_t bytes, entries;
};
struct cache_figures cache_figures(struct cache *cache);
