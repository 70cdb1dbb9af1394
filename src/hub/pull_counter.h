/* SPDX-License-Identifier: Apache-2.0 */
/* hub/pull_counter.h - counts pulls without making them wait.
 *
 * A pull adds to a counter in memory; every few seconds the worker writes the sums (and the search
 * rank, where it moved).  A killed process loses the last seconds' counts, which nobody was
 * promised. Any thread. */
#pragma once
#include "base/arena.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "hub/hub.h"

#include <stdint.h>

struct pull_counter;
struct pull_counter *pull_counter_new(void);
void pull_counter_free(struct pull_counter *counter);

/* One manifest was served by GET to somebody who pulls (HEAD does not count, as on Docker
 * Hub, nor does what belongs to an index that was counted). */
void pull_counter_add(struct pull_counter *counter, int64_t repository_id);
NODISCARD bool pull_counter_flush(struct hub *hub, struct arena *arena, struct error *err);
