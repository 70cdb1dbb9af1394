/* SPDX-License-Identifier: Apache-2.0 */
#include "net/peers.h"

#include "base/random.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void peers_init(struct peers *peers)
{
    memset(peers->buckets, 0, sizeof(peers->buckets));
    pthread_mutex_init(&peers->lock, NULL);
    peers->seed = random_u64();
}

void peers_release(struct peers *peers)
{
    for (size_t i = 0; i < PEER_BUCKET_COUNT; i++)
        assert(!peers->buckets[i]);
    pthread_mutex_destroy(&peers->lock);
}

/* IPv4 (::ffff:a.b.c.d) whole, IPv6 without its lower half. */
static void make_key(const uint8_t address[static 16], uint8_t key[static 16])
{
    static const uint8_t v4_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
    memcpy(key, address, 16);
    if (memcmp(address, v4_prefix, sizeof(v4_prefix)) != 0)
        memset(key + 8, 0, 8);
}

static struct peer **bucket_of(struct peers *peers, const uint8_t key[static 16])
{
    uint64_t halves[2];
    memcpy(halves, key, sizeof(halves));
    uint64_t hash = (halves[0] ^ peers->seed) * UINT64_C(0x9e3779b97f4a7c15);
    hash = (hash ^ (hash >> 32) ^ halves[1]) * UINT64_C(0xbf58476d1ce4e5b9);
    return &peers->buckets[(hash >> 40) % PEER_BUCKET_COUNT];
}

struct peer *peers_hold(struct peers *peers, const uint8_t address[static 16])
{
    uint8_t key[16];
    make_key(address, key);
    pthread_mutex_lock(&peers->lock);
    struct peer **bucket = bucket_of(peers, key), *peer = *bucket;
    while (peer && memcmp(peer->address, key, 16) != 0)
        peer = peer->next;
    if (!peer) {
        peer = calloc(1, sizeof(*peer));
        if (!peer)
            abort();
        memcpy(peer->address, key, 16);
        peer->next = *bucket;
        *bucket = peer;
    }
    peer->holds++;
    pthread_mutex_unlock(&peers->lock);
    return peer;
}

void peers_let_go(struct peers *peers, struct peer *peer)
{
    if (!peer)
        return;
    pthread_mutex_lock(&peers->lock);
    assert(peer->holds > 0);
    if (--peer->holds == 0) {
        struct peer **link = bucket_of(peers, peer->address);
        while (*link != peer)
            link = &(*link)->next;
        *link = peer->next;
        free(peer);
    }
    pthread_mutex_unlock(&peers->lock);
}
