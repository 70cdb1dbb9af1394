/* SPDX-License-Identifier: Apache-2.0 */
/* hub/job.h - what must follow a change: rows written in the change's own transaction.
 *
 * No event is lost, none is sent for a change that was rolled back.  Any node takes a due job under
 * a lease by the database's clock, longer than the job's own time limit, with a fencing number that
 * is checked at its end: a holder that was too slow finds ERROR_CONFLICT and its result is dropped.
 * Jobs may run twice; their work must stand that.
 *
 *     due --lease--> running --done--> gone
 *      ^________retry with backoff________|  (at most 20 times, then kept as failed: due_ms =
 * never) */
#pragma once
#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "db/db.h"
#include "hub/hub.h"

#include <stdbool.h>
#include <stdint.h>

struct job {
    int64_t id;
    struct str kind, subject, payload;
    int64_t attempt_count; /* this one included */
    int64_t fence;
};

NODISCARD bool job_enqueue(struct db_tx *tx, struct str kind, struct str subject,
                           struct str payload, int64_t delay_ms, struct error *err);

/* Leases the job of one of these kinds that has been due longest; out->id is 0 if there is none. */
NODISCARD bool job_lease(struct hub *hub, struct arena *arena, const struct str *kinds,
                         size_t kind_count, int64_t lease_ms, struct job *out, struct error *err);
NODISCARD bool job_done(struct hub *hub, struct arena *arena, const struct job *job,
                        struct error *err);
NODISCARD bool job_retry(struct hub *hub, struct arena *arena, const struct job *job,
                         struct str reason, struct error *err);
