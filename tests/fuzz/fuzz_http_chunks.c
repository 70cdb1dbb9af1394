/* SPDX-License-Identifier: Apache-2.0 */
/* Property: the content and the verdict of a chunked body do not depend on the pieces in which
 * it arrives; nothing is used beyond its end; content never grows beyond the input. */
#include "net/http_parse.h"

#include "fuzz.h"

#include <string.h>

struct result {
    enum parse_status status;
    size_t used, content;
    uint64_t hash;
};

static struct result decode(const uint8_t *data, size_t size, size_t piece)
{
    struct result result = { .status = PARSE_MORE };
    struct chunk_decoder decoder;
    chunk_decoder_init(&decoder);
    while (result.status == PARSE_MORE && result.used < size) {
        size_t used, content, count = size - result.used < piece ? size - result.used : piece;
        const uint8_t *input = data + result.used;
        result.status = chunk_decode(&decoder, (const char *)input, count, &used, &content);
        REQUIRE(used <= count && content <= used);
        REQUIRE(used > 0);
        for (size_t i = used - content; i < used && result.status != PARSE_BAD; i++)
            result.hash = (result.hash ^ input[i]) * UINT64_C(0x100000001b3);
        result.used += used;
        result.content += content;
    }
    REQUIRE(result.content <= size);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct result whole = decode(data, size, SIZE_MAX);
    for (size_t piece = 1; piece < 9; piece += 3) {
        struct result pieces = decode(data, size, piece);
        REQUIRE(pieces.status == whole.status && pieces.used == whole.used);
        REQUIRE(pieces.content == whole.content && pieces.hash == whole.hash);
    }
    if (whole.status == PARSE_DONE)
        REQUIRE(whole.used >= 5 && memcmp(data + whole.used - 2, "\r\n", 2) == 0);
    return 0;
}
