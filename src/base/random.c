/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"

#include "base/hex.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

void random_bytes(void *out, size_t count)
{
    unsigned char *at = out;
    while (count > 0) {
        ssize_t got = getrandom(at, count, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            abort();
        at += got;
        count -= (size_t)got;
    }
}

uint64_t random_u64(void)
{
    uint64_t value;
    random_bytes(&value, sizeof(value));
    return value;
}

void random_id(char out[static RANDOM_ID_TEXT])
{
    uint8_t bytes[(RANDOM_ID_TEXT - 1) / 2];
    random_bytes(bytes, sizeof(bytes));
    hex_encode(bytes, sizeof(bytes), out);
    out[RANDOM_ID_TEXT - 1] = '\0';
}
