/* SPDX-License-Identifier: Apache-2.0 */
/* Properties: a part lies inside the size and is not empty; a part written as a range again is the
 * same part; a chunk's range has its ends in order; an entity tag is found only in a value that
 * holds it. The first 8 bytes are the size, the rest is the header's value. */
#include "base/arena.h"
#include "net/range.h"

#include "fuzz.h"

#include <string.h>

static void check_part(uint64_t size, uint64_t offset, uint64_t length)
{
    uint64_t again_offset, again_length;
    REQUIRE(length > 0 && offset < size && length <= size - offset);
    struct arena *arena AUTO(arena_free) = arena_new();
    struct str text = arena_format(arena, "bytes=%llu-%llu", (unsigned long long)offset,
                                   (unsigned long long)(offset + length - 1));
    REQUIRE(range_parse(text, size, &again_offset, &again_length) == RANGE_PART);
    REQUIRE(again_offset == offset && again_length == length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t total, offset = 0, length = 0, first, last;
    if (size < sizeof(total))
        return 0;
    memcpy(&total, data, sizeof(total));
    struct str value = { (const char *)data + sizeof(total), size - sizeof(total) };
    if (range_parse(value, total, &offset, &length) == RANGE_PART)
        check_part(total, offset, length);
    else
        REQUIRE(offset == 0 && length == 0);
    if (content_range_parse(value, &first, &last))
        REQUIRE(first <= last && last <= INT64_MAX);
    struct str etag = STR("sha256:ab");
    if (etag_matches(value, etag))
        REQUIRE(str_equal(str_trim(value), STR("*")) ||
                str_find_text(value, STR("\"sha256:ab\"")) < value.len);
    return 0;
}
