/* SPDX-License-Identifier: Apache-2.0 */
/* hub/upload_turn.h - one writer at a time for each upload session.
 *
 * Compare-and-set on the size decides whose bytes count, but two requests that write at once would
 * mix their bytes in one file, and the hash of one would vouch for the bytes of both.  So who
 * writes takes a turn first; a turn is over when its holder ends, and nobody waits for one.
 *
 * Holds within a process.  Nodes that share a store need a lease in the session's row (issue "Many
 * nodes"). The turn lives in its holder's frame and must be left before that returns.  Any thread.
 */
#pragma once
#include "base/cleanup.h"
#include "base/str.h"

#include <stdbool.h>

struct upload_turns;

struct upload_turn {
    struct upload_turns *turns; /* NULL: not held */
    struct str id;              /* borrowed */
    struct upload_turn *next;
};

struct upload_turns *upload_turns_new(void);
void upload_turns_free(struct upload_turns *turns);

/* False if somebody else holds the turn of this session. */
NODISCARD bool upload_turn_enter(struct upload_turns *turns, struct str id,
                                 struct upload_turn *turn);
void upload_turn_leave(struct upload_turn *turn); /* also one that was not entered */

static inline void upload_turn_leave_auto(struct upload_turn *turn)
{
    upload_turn_leave(turn);
}
