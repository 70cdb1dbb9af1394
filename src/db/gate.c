/* SPDX-License-Identifier: Apache-2.0 */
#include "db/gate.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

struct gate_waiter {
    struct gate_waiter *next;
    pthread_cond_t turn;
    bool is_let_in;
};

/* The calls of pthread that are checked here fail only if misused. */
static void must(int result)
{
    assert(result == 0);
}

void gate_init(struct gate *gate, unsigned places)
{
    *gate = (struct gate){ .free_count = places };
    must(pthread_mutex_init(&gate->mutex, NULL));
}

void gate_release(struct gate *gate)
{
    assert(!gate->first);
    must(pthread_mutex_destroy(&gate->mutex));
}

static void turn_init(pthread_cond_t *turn)
{
    pthread_condattr_t attributes;
    must(pthread_condattr_init(&attributes));
    must(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC));
    must(pthread_cond_init(turn, &attributes));
    must(pthread_condattr_destroy(&attributes));
}

static struct timespec deadline_in(int64_t wait_ms)
{
    struct timespec at;
    must(clock_gettime(CLOCK_MONOTONIC, &at));
    at.tv_sec += (time_t)(wait_ms / 1000);
    at.tv_nsec += (long)(wait_ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

static void append(struct gate *gate, struct gate_waiter *waiter)
{
    if (gate->last)
        gate->last->next = waiter;
    else
        gate->first = waiter;
    gate->last = waiter;
}

static void drop(struct gate *gate, const struct gate_waiter *waiter)
{
    struct gate_waiter *before = NULL, *at = gate->first;
    while (at && at != waiter) {
        before = at;
        at = at->next;
    }
    assert(at);
    if (before)
        before->next = at->next;
    else
        gate->first = at->next;
    if (gate->last == at)
        gate->last = before;
}

bool gate_enter(struct gate *gate, int64_t wait_ms)
{
    must(pthread_mutex_lock(&gate->mutex));
    if (gate->free_count > 0) {
        gate->free_count--;
        must(pthread_mutex_unlock(&gate->mutex));
        return true;
    }
    struct gate_waiter waiter = { .is_let_in = false };
    turn_init(&waiter.turn);
    append(gate, &waiter);
    struct timespec deadline = deadline_in(wait_ms > 0 ? wait_ms : 0);
    int result = 0;
    while (!waiter.is_let_in && result == 0)
        result = pthread_cond_timedwait(&waiter.turn, &gate->mutex, &deadline);
    assert(result == 0 || result == ETIMEDOUT);
    if (!waiter.is_let_in)
        drop(gate, &waiter);
    must(pthread_mutex_unlock(&gate->mutex));
    must(pthread_cond_destroy(&waiter.turn));
    return waiter.is_let_in;
}

/* With the mutex held: hands a place to the first who waits. */
static bool let_next_in(struct gate *gate)
{
    struct gate_waiter *waiter = gate->first;
    if (!waiter)
        return false;
    gate->first = waiter->next;
    if (!gate->first)
        gate->last = NULL;
    waiter->is_let_in = true;
    must(pthread_cond_signal(&waiter->turn));
    return true;
}

void gate_leave(struct gate *gate)
{
    must(pthread_mutex_lock(&gate->mutex));
    if (!let_next_in(gate))
        gate->free_count++;
    must(pthread_mutex_unlock(&gate->mutex));
}

bool gate_pass_on(struct gate *gate)
{
    must(pthread_mutex_lock(&gate->mutex));
    bool is_passed = let_next_in(gate);
    must(pthread_mutex_unlock(&gate->mutex));
    return is_passed;
}
