/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/digest.h"

#include "base/hex.h"
#include "oci/about.h"

#include <assert.h>
#include <string.h>

enum {
    TEXT_SHOWN_MAX = 80, /* of a client's text in a message */

    STATE_VERSION = 1,
    STATE_SHA256_BYTES = 2 + SHA256_DIGEST_SIZE + 8 + 1 + SHA256_BLOCK_SIZE,
    STATE_SHA512_BYTES = 2 + SHA512_DIGEST_SIZE + 16 + 1 + SHA512_BLOCK_SIZE,
};
static_assert((int)STATE_SHA256_BYTES <= (int)DIGEST_STATE_MAX, "a saved state fits");
static_assert((int)STATE_SHA512_BYTES <= (int)DIGEST_STATE_MAX, "a saved state fits");

enum digest_algorithm digest_algorithm_from(struct str name)
{
    if (str_equal(name, STR("sha256")))
        return DIGEST_SHA256;
    if (str_equal(name, STR("sha512")))
        return DIGEST_SHA512;
    return DIGEST_NONE;
}

struct str digest_algorithm_name(enum digest_algorithm algorithm)
{
    switch (algorithm) {
    case DIGEST_SHA256:
        return STR("sha256");
    case DIGEST_SHA512:
        return STR("sha512");
    case DIGEST_NONE:
        break;
    }
    assert(algorithm == DIGEST_NONE);
    return STR_NONE;
}

size_t digest_size(enum digest_algorithm algorithm)
{
    switch (algorithm) {
    case DIGEST_SHA256:
        return SHA256_DIGEST_SIZE;
    case DIGEST_SHA512:
        return SHA512_DIGEST_SIZE;
    case DIGEST_NONE:
        break;
    }
    assert(algorithm == DIGEST_NONE);
    return 0;
}

bool digest_parse(struct str text, struct digest *out, struct error *err)
{
    struct str shown = str_slice(text, 0, TEXT_SHOWN_MAX);
    size_t colon = str_find(text, ':');
    if (colon == text.len)
        return error_set_about(err, ABOUT_DIGEST, ERROR_INVALID,
                               "'%.*s' is not a digest, which is algorithm:hexadecimal digits",
                               STR_ARG(shown));
    struct str name = str_slice(text, 0, colon);
    struct digest digest = { .algorithm = digest_algorithm_from(name) };
    if (!digest_is_set(&digest))
        return error_set_about(err, ABOUT_DIGEST, ERROR_INVALID,
                               "the digest algorithm '%.*s' is not known, use sha256 or sha512",
                               STR_ARG(str_slice(name, 0, TEXT_SHOWN_MAX)));
    if (!hex_decode(str_after(text, colon + 1), digest.bytes, digest_size(digest.algorithm)))
        return error_set_about(err, ABOUT_DIGEST, ERROR_INVALID,
                               "the digest '%.*s' must have %zu hexadecimal digits in lower case",
                               STR_ARG(shown), 2 * digest_size(digest.algorithm));
    *out = digest;
    return true;
}

struct str digest_format(const struct digest *digest, char text[static DIGEST_TEXT_MAX])
{
    struct str name = digest_algorithm_name(digest->algorithm);
    size_t size = digest_size(digest->algorithm);
    assert(size > 0);
    memcpy(text, name.ptr, name.len);
    text[name.len] = ':';
    hex_encode(digest->bytes, size, text + name.len + 1);
    size_t length = name.len + 1 + 2 * size;
    text[length] = '\0';
    return (struct str){ text, length };
}

struct str digest_hex(const struct digest *digest, char text[static DIGEST_TEXT_MAX])
{
    size_t size = digest_size(digest->algorithm);
    assert(size > 0);
    hex_encode(digest->bytes, size, text);
    text[2 * size] = '\0';
    return (struct str){ text, 2 * size };
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
    return a->algorithm == b->algorithm &&
           memcmp(a->bytes, b->bytes, digest_size(a->algorithm)) == 0;
}

struct digest digest_of(enum digest_algorithm algorithm, struct str bytes)
{
    struct digest_hasher hasher;
    digest_hasher_init(&hasher, algorithm);
    digest_hasher_update(&hasher, bytes);
    return digest_hasher_digest(&hasher);
}

void digest_hasher_init(struct digest_hasher *hasher, enum digest_algorithm algorithm)
{
    assert(algorithm == DIGEST_SHA256 || algorithm == DIGEST_SHA512);
    *hasher = (struct digest_hasher){ .algorithm = algorithm };
    if (algorithm == DIGEST_SHA256)
        sha256_init(&hasher->state.sha256);
    else
        sha512_init(&hasher->state.sha512);
}

void digest_hasher_update(struct digest_hasher *hasher, struct str bytes)
{
    if (bytes.len == 0)
        return;
    if (hasher->algorithm == DIGEST_SHA256)
        sha256_update(&hasher->state.sha256, bytes.len, (const uint8_t *)bytes.ptr);
    else
        sha512_update(&hasher->state.sha512, bytes.len, (const uint8_t *)bytes.ptr);
}

struct digest digest_hasher_digest(const struct digest_hasher *hasher)
{
    struct digest_hasher copy = *hasher; /* nettle's own starts anew when it gives a digest */
    struct digest digest = { .algorithm = copy.algorithm };
    if (copy.algorithm == DIGEST_SHA256)
        sha256_digest(&copy.state.sha256, SHA256_DIGEST_SIZE, digest.bytes);
    else
        sha512_digest(&copy.state.sha512, SHA512_DIGEST_SIZE, digest.bytes);
    return digest;
}

static uint8_t *put_word(uint8_t *at, uint64_t word, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (uint8_t)(word >> 8 * (bytes - 1 - i));
    return at + bytes;
}

static uint64_t take_word(const uint8_t **at, unsigned bytes)
{
    uint64_t word = 0;
    for (unsigned i = 0; i < bytes; i++)
        word = word << 8 | *(*at)++;
    return word;
}

/* How far the block is filled, then the block; what is behind the filled part is
 * left over from earlier blocks and does not go out. */
static uint8_t *put_block(uint8_t *at, const uint8_t *block, unsigned filled, size_t size)
{
    assert(filled < size);
    at = put_word(at, filled, 1);
    memcpy(at, block, filled);
    memset(at + filled, 0, size - filled);
    return at + size;
}

static bool take_block(const uint8_t *at, uint8_t *block, unsigned *filled, size_t size)
{
    *filled = (unsigned)take_word(&at, 1);
    if (*filled >= size)
        return false;
    for (size_t i = *filled; i < size; i++) {
        if (at[i] != 0)
            return false;
    }
    memcpy(block, at, size);
    return true;
}

/* Version 1: version, algorithm (one byte each); the chaining words; the number
 * of whole blocks so far (8 bytes, sha512 16); how far the block in work is filled
 * (1); that block, zeros behind the filled part.  All numbers big-endian. */
size_t digest_hasher_save(const struct digest_hasher *hasher, uint8_t out[static DIGEST_STATE_MAX])
{
    uint8_t *at = put_word(out, STATE_VERSION, 1);
    at = put_word(at, hasher->algorithm, 1);
    if (hasher->algorithm == DIGEST_SHA256) {
        const struct sha256_ctx *state = &hasher->state.sha256;
        for (size_t i = 0; i < ARRAY_COUNT(state->state); i++)
            at = put_word(at, state->state[i], 4);
        at = put_word(at, state->count, 8);
        at = put_block(at, state->block, state->index, SHA256_BLOCK_SIZE);
    } else {
        assert(hasher->algorithm == DIGEST_SHA512);
        const struct sha512_ctx *state = &hasher->state.sha512;
        for (size_t i = 0; i < ARRAY_COUNT(state->state); i++)
            at = put_word(at, state->state[i], 8);
        at = put_word(at, state->count_high, 8);
        at = put_word(at, state->count_low, 8);
        at = put_block(at, state->block, state->index, SHA512_BLOCK_SIZE);
    }
    return (size_t)(at - out);
}

/* No upload has more bytes than an int64_t counts. */
static bool is_plausible_count(uint64_t blocks, unsigned block_size)
{
    return blocks <= INT64_MAX / block_size;
}

static bool load_sha256(struct sha256_ctx *state, const uint8_t *at)
{
    for (size_t i = 0; i < ARRAY_COUNT(state->state); i++)
        state->state[i] = (uint32_t)take_word(&at, 4);
    state->count = take_word(&at, 8);
    return is_plausible_count(state->count, SHA256_BLOCK_SIZE) &&
           take_block(at, state->block, &state->index, SHA256_BLOCK_SIZE);
}

static bool load_sha512(struct sha512_ctx *state, const uint8_t *at)
{
    for (size_t i = 0; i < ARRAY_COUNT(state->state); i++)
        state->state[i] = take_word(&at, 8);
    state->count_high = take_word(&at, 8);
    state->count_low = take_word(&at, 8);
    return state->count_high == 0 && is_plausible_count(state->count_low, SHA512_BLOCK_SIZE) &&
           take_block(at, state->block, &state->index, SHA512_BLOCK_SIZE);
}

bool digest_hasher_load(struct digest_hasher *hasher, struct str saved)
{
    const uint8_t *at = (const uint8_t *)saved.ptr;
    if (saved.len < 2 || at[0] != STATE_VERSION)
        return false;
    struct digest_hasher loaded = { 0 };
    if (at[1] == DIGEST_SHA256 && saved.len == STATE_SHA256_BYTES) {
        loaded.algorithm = DIGEST_SHA256;
        if (!load_sha256(&loaded.state.sha256, at + 2))
            return false;
    } else if (at[1] == DIGEST_SHA512 && saved.len == STATE_SHA512_BYTES) {
        loaded.algorithm = DIGEST_SHA512;
        if (!load_sha512(&loaded.state.sha512, at + 2))
            return false;
    } else {
        return false;
    }
    *hasher = loaded;
    return true;
}
