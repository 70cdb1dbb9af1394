/* SPDX-License-Identifier: Apache-2.0 */
#include "net/reaper.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/socket.h>

void reaper_init(struct reaper *reaper, size_t capacity)
{
    pthread_mutex_init(&reaper->lock, NULL);
    /* Zeroed pages that are not touched cost nothing, so the whole table is made at once. */
    reaper->slots = calloc(capacity, sizeof(*reaper->slots));
    if (!reaper->slots)
        abort();
    reaper->capacity = capacity;
    reaper->free = NULL;
    atomic_init(&reaper->reached, 0);
    atomic_init(&reaper->count, 0);
}

void reaper_release(struct reaper *reaper)
{
    pthread_mutex_destroy(&reaper->lock);
    free(reaper->slots);
}

struct slot *reaper_add(struct reaper *reaper, int fd)
{
    pthread_mutex_lock(&reaper->lock);
    struct slot *slot = reaper->free;
    size_t reached = atomic_load_explicit(&reaper->reached, memory_order_relaxed);
    if (slot) {
        reaper->free = slot->next_free;
    } else if (reached < reaper->capacity) {
        slot = &reaper->slots[reached];
        atomic_store_explicit(&slot->deadline_ms, SLOT_NO_DEADLINE, memory_order_relaxed);
        atomic_store_explicit(&reaper->reached, reached + 1, memory_order_release);
    }
    if (slot) {
        slot->fd = fd;
        atomic_fetch_add(&reaper->count, 1); /* ordered: connection_open() relies on it */
    }
    pthread_mutex_unlock(&reaper->lock);
    return slot;
}

void reaper_remove(struct reaper *reaper, struct slot *slot)
{
    pthread_mutex_lock(&reaper->lock);
    assert(slot->fd >= 0);
    slot->fd = -1;
    atomic_store_explicit(&slot->deadline_ms, SLOT_NO_DEADLINE, memory_order_relaxed);
    atomic_store_explicit(&slot->is_idle, false, memory_order_relaxed);
    slot->next_free = reaper->free;
    reaper->free = slot;
    pthread_mutex_unlock(&reaper->lock);
    atomic_fetch_sub_explicit(&reaper->count, 1, memory_order_release);
}

void slot_park(struct slot *slot, int64_t deadline_ms, bool is_idle)
{
    atomic_store_explicit(&slot->is_idle, is_idle, memory_order_relaxed);
    atomic_store_explicit(&slot->deadline_ms, deadline_ms, memory_order_release);
}

void slot_take(struct slot *slot)
{
    atomic_exchange_explicit(&slot->deadline_ms, SLOT_NO_DEADLINE, memory_order_acq_rel);
    atomic_store_explicit(&slot->is_idle, false, memory_order_relaxed);
}

static bool is_due(struct slot *slot, enum reaper_choice choice, int64_t now_ms)
{
    if (choice == REAP_ALL)
        return true;
    if (choice == REAP_IDLE && atomic_load_explicit(&slot->is_idle, memory_order_relaxed))
        return true;
    return atomic_load_explicit(&slot->deadline_ms, memory_order_acquire) <= now_ms;
}

size_t reaper_tick(struct reaper *reaper, enum reaper_choice choice, int64_t now_ms)
{
    size_t reached = atomic_load_explicit(&reaper->reached, memory_order_acquire), ended = 0;
    for (size_t i = 0; i < reached; i++) {
        struct slot *slot = &reaper->slots[i];
        if (!is_due(slot, choice, now_ms))
            continue;
        /* Looked at again under the lock: it may have been taken up, or be another connection. */
        pthread_mutex_lock(&reaper->lock);
        if (slot->fd >= 0 && is_due(slot, choice, now_ms)) {
            shutdown(slot->fd, SHUT_RDWR);
            ended++;
            /* Once is enough; it wakes its worker by itself. */
            atomic_store_explicit(&slot->deadline_ms, SLOT_NO_DEADLINE, memory_order_relaxed);
        }
        pthread_mutex_unlock(&reaper->lock);
    }
    return ended;
}
