/* SPDX-License-Identifier: Apache-2.0 */
/* net/peers.h - how many connections and running handlers each client address has.
 *
 * An IPv6 client is counted by its /64, which is what one customer gets.  Entries exist while
 * someone holds them.  Any thread. */
#pragma once
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

enum { PEER_BUCKET_COUNT = 1024 };

struct peer {
    uint8_t address[16];
    unsigned holds; /* guarded by peers.lock */
    atomic_uint connections, handlers;
    struct peer *next;
};

struct peers {
    pthread_mutex_t lock;
    uint64_t seed; /* so that clients cannot choose addresses that share a bucket */
    struct peer *buckets[PEER_BUCKET_COUNT];
};

void peers_init(struct peers *peers);
void peers_release(struct peers *peers); /* all holds have ended */

struct peer *peers_hold(struct peers *peers, const uint8_t address[static 16]);
void peers_let_go(struct peers *peers, struct peer *peer); /* accepts NULL */
