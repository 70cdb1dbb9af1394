/* SPDX-License-Identifier: Apache-2.0 */
/* base/arena.h - memory that lives as long as one request or job.
 *
 * Pieces are never freed singly and never NULL; the whole arena goes at once.
 * An arena belongs to one thread at a time.  Under AddressSanitizer each piece
 * is an allocation of its own, so that overruns are seen. */
#pragma once
#include "base/cleanup.h"
#include "base/str.h"

#include <stddef.h>

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *arena);
DEFINE_AUTO(struct arena, arena_free);

void *arena_alloc(struct arena *arena, size_t size);         /* zeroed, aligned for any type */
struct str arena_copy(struct arena *arena, struct str text); /* absent stays absent; NUL follows */
const char *arena_c(struct arena *arena, struct str text);   /* a NUL-terminated copy */
struct str arena_format(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);

/* Forgets all pieces and keeps one block for the next request. */
void arena_reset(struct arena *arena);
