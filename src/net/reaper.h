/* SPDX-License-Identifier: Apache-2.0 */
/* net/reaper.h - deadlines of the connections that no thread holds.
 *
 * Each connection has a slot.  Who parks it writes its deadline there, who takes it up clears that;
 * both without a lock.  reaper_tick() walks over the slots, which lie side by side, and shuts down
 * the sockets whose time is up: the worker that then wakes frees the connection.  Nothing else ever
 * does. Writing and clearing order the memory of parker and taker (release, acquire). */
#pragma once
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLOT_NO_DEADLINE INT64_MAX

struct slot {
    _Atomic int64_t deadline_ms; /* monotonic */
    atomic_bool is_idle;         /* parked between two requests, or before the first */
    int fd;                      /* -1: free; guarded by reaper.lock */
    struct slot *next_free;      /* likewise */
};

struct reaper {
    pthread_mutex_t lock;
    struct slot *slots;
    size_t capacity;
    atomic_size_t reached; /* slots that were ever used */
    struct slot *free;
    atomic_size_t count; /* of connections */
};

void reaper_init(struct reaper *reaper, size_t capacity);
void reaper_release(struct reaper *reaper);

struct slot *reaper_add(struct reaper *reaper, int fd); /* NULL: full */
/* Before the socket is closed, so that its number cannot be another one's when it is shut down. */
void reaper_remove(struct reaper *reaper, struct slot *slot);

void slot_park(struct slot *slot, int64_t deadline_ms, bool is_idle);
void slot_take(struct slot *slot);

enum reaper_choice { REAP_EXPIRED = 0, REAP_IDLE, REAP_ALL };
/* Shuts sockets down: those whose time is up, those and the idle ones, or all.  Returns how many.
 */
size_t reaper_tick(struct reaper *reaper, enum reaper_choice choice, int64_t now_ms);
