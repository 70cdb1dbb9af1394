/* SPDX-License-Identifier: Apache-2.0 */
/* hub/page.h - how long a page of a list may be.
 *
 * One more than PAGE_SIZE_MAX: a surface asks for one entry beyond its page to learn whether there
 * is another.  Pure. */
#pragma once
#include "base/limits.h"

#include <stdint.h>

static inline int64_t page_size(int limit)
{
    if (limit < 0)
        return 0;
    return limit > PAGE_SIZE_MAX ? PAGE_SIZE_MAX + 1 : limit;
}
