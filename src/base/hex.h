/* SPDX-License-Identifier: Apache-2.0 */
/* base/hex.h - lower-case hexadecimal and the two base64 alphabets (RFC 4648).
 * Pure; any thread. */
#pragma once
#include "base/arena.h"
#include "base/cleanup.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void hex_encode(const uint8_t *bytes, size_t count, char *out); /* writes 2 * count characters */
/* Exactly 2 * count characters of [0-9a-f]; upper case is refused. */
NODISCARD bool hex_decode(struct str text, uint8_t *out, size_t count);

/* The value of one digit of either case; -1 if it is none. */
int hex_digit_value(char digit);

/* URL alphabet without padding, as JWTs use it. */
struct str base64url_encode(struct arena *arena, struct str bytes);
NODISCARD bool base64url_decode(struct arena *arena, struct str text, struct str *out);

/* Standard alphabet with padding, as HTTP Basic uses it; missing padding is accepted. */
NODISCARD bool base64_decode(struct arena *arena, struct str text, struct str *out);
struct str base64_encode(struct arena *arena, struct str bytes);
