/* SPDX-License-Identifier: Apache-2.0 */
/* base/buf.h - a growing byte buffer with a limit.
 *
 * Appending never reports.  Going beyond the limit latches `failed`, later
 * appends do nothing, and buf_finish() tells once.  One owner, one thread. */
#pragma once
#include "base/cleanup.h"
#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
    char *data;
    size_t len, capacity, limit;
    bool failed;
};

void buf_init(struct buf *buf, size_t limit);
void buf_release(struct buf *buf); /* accepts NULL and a zeroed buf */
static inline void buf_release_auto(struct buf *buf)
{
    buf_release(buf);
}

void buf_append(struct buf *buf, struct str bytes);
void buf_append_byte(struct buf *buf, char byte);
void buf_append_u64(struct buf *buf, uint64_t value);
void buf_append_i64(struct buf *buf, int64_t value);
void buf_format(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
void buf_append_url(struct buf *buf, struct str text); /* percent-encodes all but unreserved */
void buf_clear(struct buf *buf);           /* empties it and forgets a failure, keeps the memory */
struct str buf_str(const struct buf *buf); /* what is in it, borrowed */

NODISCARD bool buf_finish(struct buf *buf, struct str *out, struct error *err);
