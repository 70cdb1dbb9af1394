/* SPDX-License-Identifier: Apache-2.0 */
/* db/gate.h - lets a number of threads through at a time, first come, first served.
 *
 * A place that becomes free goes straight to whoever waits longest; nobody who comes later can
 * snatch it.  Waiting is bounded.  Any thread. */
#pragma once
#include "base/cleanup.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct gate_waiter;

struct gate {
    pthread_mutex_t mutex;
    struct gate_waiter *first, *last;
    unsigned free_count; /* > 0 only while nobody waits */
};

void gate_init(struct gate *gate, unsigned places);
void gate_release(struct gate *gate); /* nobody may be inside or waiting */

/* False if no place became free within `wait_ms`. */
NODISCARD bool gate_enter(struct gate *gate, int64_t wait_ms);
void gate_leave(struct gate *gate);

/* Gives the caller's place to whoever waits longest; false, and the caller keeps it, if nobody
 * waits. */
NODISCARD bool gate_pass_on(struct gate *gate);
