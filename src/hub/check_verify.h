/* SPDX-License-Identifier: Apache-2.0 */
/* hub/check_verify.h - does a stored blob have the bytes that its digest and size promise?
 *
 * Used by the check and by the rebuilding of a lost database.  Any thread. */
#pragma once
#include "hub/hub.h"

#include <stdbool.h>
#include <stdint.h>

enum verdict {
    VERDICT_GOOD = 1,
    VERDICT_MISSING,    /* no such file */
    VERDICT_BROKEN,     /* other bytes, or another number of them */
    VERDICT_UNREADABLE, /* the store failed: nothing is known about the bytes */
};

enum { VERIFY_DETAIL_MAX = 400 };

struct verify_source {
    struct hub *hub;
    bool quick;                                 /* look at the size only */
    void (*read)(void *context, int64_t bytes); /* after each piece; may wait to keep a rate */
    void *context;
};

/* `detail` says what is wrong, in words for people; it is set unless the verdict is GOOD. */
enum verdict blob_verify(const struct verify_source *source, const struct blob_place *place,
                         int64_t size, char detail[static VERIFY_DETAIL_MAX]);
