/* SPDX-License-Identifier: Apache-2.0 */
/* oci/digest.h - the content address of a blob or manifest, and its computing.
 *
 * A digest is a value: copy it freely.  It is valid by construction:
 * digest_parse() and digest_hasher_finish() are the only ways to make one.
 * Source: OCI image-spec, descriptor.md, "Digests"; both registered algorithms.
 *
 * A hasher is plain data as well.  digest_hasher_save() gives its state in a
 * format of our own with a version, so that an upload goes on after a restart or
 * on another node (never a memory image: see THREAT_MODEL.md). Pure; any thread. */
#pragma once
#include "base/cleanup.h"
#include "base/error.h"
#include "base/str.h"

#include <nettle/sha2.h>
#include <stdbool.h>
#include <stdint.h>

enum digest_algorithm { DIGEST_NONE = 0, DIGEST_SHA256, DIGEST_SHA512 };

enum {
    DIGEST_BYTES_MAX = 64,
    DIGEST_TEXT_MAX = 7 + 2 * DIGEST_BYTES_MAX + 1, /* with a final NUL */
    DIGEST_STATE_MAX = 224,
};

struct digest {
    enum digest_algorithm algorithm; /* DIGEST_NONE: not set */
    uint8_t bytes[DIGEST_BYTES_MAX]; /* 32 or 64 of them; the rest is zero */
};

/* "sha256:" and 64 hexadecimal digits in lower case, or "sha512:" and 128. */
NODISCARD bool digest_parse(struct str text, struct digest *out, struct error *err);
struct str digest_format(const struct digest *digest, char text[static DIGEST_TEXT_MAX]);
struct str digest_hex(const struct digest *digest, char text[static DIGEST_TEXT_MAX]);
bool digest_equal(const struct digest *a, const struct digest *b);
static inline bool digest_is_set(const struct digest *digest)
{
    return digest->algorithm != DIGEST_NONE;
}

/* DIGEST_NONE for a name that we do not know. */
enum digest_algorithm digest_algorithm_from(struct str name);
struct str digest_algorithm_name(enum digest_algorithm algorithm);
size_t digest_size(enum digest_algorithm algorithm);

/* The digest of bytes at hand. */
struct digest digest_of(enum digest_algorithm algorithm, struct str bytes);

struct digest_hasher {
    enum digest_algorithm algorithm;
    union {
        struct sha256_ctx sha256;
        struct sha512_ctx sha512;
    } state;
};

void digest_hasher_init(struct digest_hasher *hasher, enum digest_algorithm algorithm);
void digest_hasher_update(struct digest_hasher *hasher, struct str bytes);
/* Gives the digest of all bytes so far; the hasher may go on. */
struct digest digest_hasher_digest(const struct digest_hasher *hasher);

/* The state as bytes (returns how many) and back; false for anything that
 * digest_hasher_save() of a known version did not write. */
size_t digest_hasher_save(const struct digest_hasher *hasher, uint8_t out[static DIGEST_STATE_MAX]);
NODISCARD bool digest_hasher_load(struct digest_hasher *hasher, struct str saved);
