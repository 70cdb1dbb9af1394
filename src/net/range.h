/* SPDX-License-Identifier: Apache-2.0 */
/* net/range.h - Range, Content-Range and conditional requests (RFC 9110 13, 14).  Pure. */
#pragma once
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum range_verdict {
    RANGE_WHOLE = 0,     /* no Range, another unit, several ranges or nonsense: send it all (200) */
    RANGE_PART,          /* 206 */
    RANGE_UNSATISFIABLE, /* 416 with Content-Range: bytes the size; behind the end, or backwards */
};

/* `value` is the Range header, absent allowed.  On RANGE_PART, offset and length lie inside
 * `size` and length is not 0. */
enum range_verdict range_parse(struct str value, uint64_t size, uint64_t *offset, uint64_t *length);

/* Content-Range of an upload chunk as the OCI distribution-spec writes it: "<first>-<last>", with
 * or without "bytes " in front and "/total" or "/" and a star behind.  False if it is none.  Both
 * positions, and the number of bytes, fit into int64_t. */
bool content_range_parse(struct str value, uint64_t *first, uint64_t *last);

/* Does an If-None-Match value ("*", or a list of entity tags, weak or strong) hold this strong
 * entity tag, given without quotes? */
bool etag_matches(struct str if_none_match, struct str etag);
