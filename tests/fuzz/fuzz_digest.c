/* SPDX-License-Identifier: Apache-2.0 */
/* Properties: text that digest_parse() takes formats back to itself; a hasher
 * state that digest_hasher_load() takes saves back to the same bytes, and takes
 * further bytes without harm. */
#include "oci/digest.h"

#include "fuzz.h"

#include <string.h>

static void try_text(struct str input)
{
    struct digest digest = { 0 };
    struct error err = { 0 };
    char text[DIGEST_TEXT_MAX];
    if (!digest_parse(input, &digest, &err)) {
        REQUIRE(err.kind == ERROR_INVALID && err.message[0] != '\0');
        REQUIRE(!digest_is_set(&digest));
        return;
    }
    REQUIRE(err.kind == ERROR_NONE);
    REQUIRE(str_equal(digest_format(&digest, text), input));
}

static void try_state(struct str input)
{
    struct digest_hasher hasher;
    uint8_t saved[DIGEST_STATE_MAX];
    if (!digest_hasher_load(&hasher, input))
        return;
    size_t size = digest_hasher_save(&hasher, saved);
    REQUIRE(str_equal((struct str){ (const char *)saved, size }, input));
    for (int i = 0; i < 5; i++)
        digest_hasher_update(&hasher, STR("some bytes, of a length that crosses ends of blocks"));
    struct digest digest = digest_hasher_digest(&hasher);
    REQUIRE(digest_is_set(&digest));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = { (const char *)data, size };
    try_text(input);
    try_state(input);
    return 0;
}
