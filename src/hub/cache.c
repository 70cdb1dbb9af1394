/* SPDX-License-Identifier: Apache-2.0 */
/* Each shard is a table of sets of WAYS places under one mutex.  An entry goes to a place of the
 * set that its hash names: a free or outdated one, or else that of the oldest.  The hash has a
 * random seed, so that nobody can aim at a set, nor tell from times how much of a token was right.
 */
#include "hub/cache.h"

#include "base/clock.h"
#include "base/random.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    SHARD_COUNT = 16, /* powers of two, all three */
    SET_COUNT = 256,
    WAYS = 4,
    SHARD_BYTES_MAX = CACHE_BYTES_MAX / SHARD_COUNT,
};

struct entry {
    uint64_t hash;
    struct cache_moment moment;
    enum cache_kind kind;
    size_t key_size, value_size;
    char bytes[]; /* key, value */
};

struct shard {
    pthread_mutex_t lock;
    struct entry *places[SET_COUNT * WAYS];
    size_t hand; /* the next place to be robbed when there are too many bytes */
    size_t bytes, entries;
    uint64_t hits, misses;
};

struct cache {
    const struct db *db;
    atomic_uint_fast64_t epoch;
    uint64_t seed;
    struct shard shards[SHARD_COUNT];
};

struct cache *cache_new(const struct db *db)
{
    struct cache *cache = calloc(1, sizeof(*cache));
    if (!cache)
        abort();
    cache->db = db;
    cache->seed = random_u64();
    pthread_mutexattr_t attributes;
    (void)pthread_mutexattr_init(&attributes);
    /* Held for a copy: worth waiting for awake. */
    (void)pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ADAPTIVE_NP);
    for (size_t i = 0; i < SHARD_COUNT; i++)
        (void)pthread_mutex_init(&cache->shards[i].lock, &attributes);
    (void)pthread_mutexattr_destroy(&attributes);
    return cache;
}

void cache_free(struct cache *cache)
{
    if (!cache)
        return;
    for (size_t i = 0; i < SHARD_COUNT; i++) {
        struct shard *shard = &cache->shards[i];
        for (size_t at = 0; at < SET_COUNT * WAYS; at++)
            free(shard->places[at]);
        (void)pthread_mutex_destroy(&shard->lock);
    }
    free(cache);
}

/* --- hashing --------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t hash_of(const struct cache *cache, enum cache_kind kind, struct str key)
{
    static const uint64_t odd = 0x9E3779B97F4A7C15u;
    uint64_t hash = mix(cache->seed ^ key.len, odd ^ (uint64_t)kind), word = 0;
    size_t at = 0;
    for (; key.len - at >= sizeof(word); at += sizeof(word)) {
        memcpy(&word, key.ptr + at, sizeof(word));
        hash = mix(hash ^ word, odd ^ cache->seed);
    }
    word = 0;
    if (at < key.len)
        memcpy(&word, key.ptr + at, key.len - at);
    return mix(hash ^ word, odd);
}

static struct shard *shard_of(struct cache *cache, uint64_t hash)
{
    return &cache->shards[hash & (SHARD_COUNT - 1)];
}

/* The first of the WAYS places. */
static struct entry **set_of(struct shard *shard, uint64_t hash)
{
    return &shard->places[(hash >> 32 & (SET_COUNT - 1)) * WAYS];
}

/* --- entries --------------------------------------------------------------------------------- */

static struct cache_moment now(const struct cache *cache)
{
    return (struct cache_moment){
        .generation = db_generation(cache->db),
        .epoch = atomic_load(&cache->epoch),
        .at_ms = clock_monotonic_ms(),
    };
}

static bool holds(const struct entry *entry, const struct cache_moment *moment)
{
    int64_t age_ms = moment->at_ms - entry->moment.at_ms;
    return age_ms < CACHE_LIFE_MS && entry->moment.epoch == moment->epoch &&
           (entry->kind == CACHE_TOKEN || entry->moment.generation == moment->generation);
}

static size_t entry_size(const struct entry *entry)
{
    return sizeof(*entry) + entry->key_size + entry->value_size;
}

static bool is_for(const struct entry *entry, uint64_t hash, enum cache_kind kind, struct str key)
{
    return entry->hash == hash && entry->kind == kind && entry->key_size == key.len &&
           memcmp(entry->bytes, key.ptr, key.len) == 0;
}

static void drop(struct shard *shard, struct entry **place)
{
    if (!*place)
        return;
    shard->bytes -= entry_size(*place);
    shard->entries--;
    free(*place);
    *place = NULL;
}

bool cache_find(struct cache *cache, enum cache_kind kind, struct str key, struct arena *arena,
                struct str *value, struct cache_moment *moment)
{
    *moment = now(cache);
    uint64_t hash = hash_of(cache, kind, key);
    struct shard *shard = shard_of(cache, hash);
    bool is_found = false;
    (void)pthread_mutex_lock(&shard->lock);
    struct entry **set = set_of(shard, hash);
    for (size_t i = 0; i < WAYS && !is_found; i++) {
        const struct entry *entry = set[i];
        is_found = entry && is_for(entry, hash, kind, key) && holds(entry, moment);
        if (is_found)
            *value = arena_copy(arena,
                                (struct str){ entry->bytes + entry->key_size, entry->value_size });
    }
    shard->hits += is_found;
    shard->misses += !is_found;
    (void)pthread_mutex_unlock(&shard->lock);
    return is_found;
}

/* Of the set: the place that this key has already, or the one that is missed least. */
static struct entry **place_for(struct entry **set, uint64_t hash, enum cache_kind kind,
                                struct str key)
{
    struct entry **oldest = &set[0];
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i] && is_for(set[i], hash, kind, key))
            return &set[i];
    }
    for (size_t i = 0; i < WAYS && *oldest; i++) {
        if (!set[i] || set[i]->moment.at_ms < (*oldest)->moment.at_ms)
            oldest = &set[i];
    }
    return oldest;
}

/* What does not hold any more goes first, then whatever comes under the hand. */
static void make_room(struct shard *shard, size_t size, const struct cache_moment *moment)
{
    for (size_t at = 0; at < SET_COUNT * WAYS && shard->bytes + size > SHARD_BYTES_MAX; at++) {
        if (shard->places[at] && !holds(shard->places[at], moment))
            drop(shard, &shard->places[at]);
    }
    while (shard->bytes + size > SHARD_BYTES_MAX) {
        drop(shard, &shard->places[shard->hand]);
        shard->hand = (shard->hand + 1) % ((size_t)SET_COUNT * WAYS);
    }
}

void cache_keep(struct cache *cache, enum cache_kind kind, struct str key, struct str value,
                const struct cache_moment *moment)
{
    if (key.len > CACHE_KEY_MAX || value.len > CACHE_VALUE_MAX)
        return;
    struct entry *entry = malloc(sizeof(*entry) + key.len + value.len);
    if (!entry)
        abort();
    *entry = (struct entry){
        .hash = hash_of(cache, kind, key),
        .moment = *moment,
        .kind = kind,
        .key_size = key.len,
        .value_size = value.len,
    };
    memcpy(entry->bytes, key.ptr, key.len);
    memcpy(entry->bytes + key.len, value.ptr, value.len);

    struct shard *shard = shard_of(cache, entry->hash);
    (void)pthread_mutex_lock(&shard->lock);
    struct entry **place = place_for(set_of(shard, entry->hash), entry->hash, kind, key);
    /* Somebody who looked later may have loaded faster. */
    bool is_late = *place && is_for(*place, entry->hash, kind, key) &&
                   ((*place)->moment.at_ms > moment->at_ms ||
                    (*place)->moment.generation > moment->generation);
    if (is_late) {
        free(entry);
    } else {
        drop(shard, place);
        make_room(shard, entry_size(entry), moment);
        *place = entry;
        shard->bytes += entry_size(entry);
        shard->entries++;
    }
    (void)pthread_mutex_unlock(&shard->lock);
}

void cache_forget(struct cache *cache)
{
    atomic_fetch_add(&cache->epoch, 1);
}

struct cache_figures cache_figures(struct cache *cache)
{
    struct cache_figures figures = { 0 };
    for (size_t i = 0; i < SHARD_COUNT; i++) {
        struct shard *shard = &cache->shards[i];
        (void)pthread_mutex_lock(&shard->lock);
        figures.hits += shard->hits;
        figures.misses += shard->misses;
        figures.bytes += shard->bytes;
        figures.entries += shard->entries;
        (void)pthread_mutex_unlock(&shard->lock);
    }
    return figures;
}
