/* SPDX-License-Identifier: Apache-2.0 */
/* cli/nearest.h - which known word did somebody mean?  Pure; any thread. */
#pragma once
#include "base/str.h"

/* Insertions, removals, replacements and swaps of neighbours that make `a` into `b`; words beyond
 * 64 bytes are as far as they are long. */
unsigned word_distance(struct str a, struct str b);

/* Is `known` near enough to suggest it for `typed`? */
bool word_is_near(struct str typed, struct str known);
