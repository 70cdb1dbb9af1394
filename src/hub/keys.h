/* SPDX-License-Identifier: Apache-2.0 */
/* hub/keys.h - the secrets of this installation and what is signed with them.
 *
 * BERTH_KEYS is a folder (mode 0700) of files <id>.key, mode 0600, 32 random bytes in hexadecimal;
 * the first is made at the first start.  Ids are [a-zA-Z0-9_-]{1,64} and order the keys: the newest
 * is the last by bytes.  It signs, all verify, so that keys rotate with overlap.  A key file that
 * others may read, or a folder that others may write to, is refused.
 *
 * Purposes never share a key: each use derives its own with HMAC-SHA256(key, purpose).  Loaded at
 * the start, by keys_reload(), and at most once a second when a token names an id that is not
 * known, so that a rotation on one node reaches the others by itself.  Any thread.
 *
 * Tokens are JWTs (RFC 7519, 7515) of one kind only: alg HS256, typ JWT and a `kid` of this folder.
 * Whatever else a header says (alg none, jwk, x5c) is refused unread (CVE-2025-24976). */
#pragma once
#include "base/arena.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct keys;

/* ERROR_INVALID says which file or folder is wrong, and the command that puts it right. */
NODISCARD bool keys_open(const char *folder, struct keys **out, struct error *err);
void keys_close(struct keys *keys);
DEFINE_AUTO(struct keys, keys_close);
/* Reads the folder again; on failure the keys stay as they are. */
NODISCARD bool keys_reload(struct keys *keys, struct error *err);
/* Adds a key, which signs from then on. */
NODISCARD bool keys_rotate(struct keys *keys, struct error *err);

enum { KEYED_HASH_BYTES = 32 };
/* HMAC-SHA256 under the key for `purpose` of the oldest key file, for marks that must stay equal.
 */
void keys_hash(const struct keys *keys, const char *purpose, struct str text,
               uint8_t out[static KEYED_HASH_BYTES]);

/* Signs the claims (a JSON object); `purpose` goes into the key, so that a token for one thing is
 * none for another. */
struct str keys_sign(const struct keys *keys, struct arena *arena, const char *purpose,
                     struct str claims);
/* The claims of a token that we signed for this purpose; ERROR_UNAUTHENTICATED otherwise, also
 * beyond TOKEN_BYTES_MAX.  Times (exp, which must be there, and nbf) are checked with `now_ms`, 30
 * seconds of clock difference allowed on nbf only.  Release with json_decref(). */
NODISCARD bool keys_verify(const struct keys *keys, struct arena *arena, const char *purpose,
                           struct str token, int64_t now_ms, json_t **claims, struct error *err);
