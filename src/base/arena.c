/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ONE_PIECE_PER_BLOCK 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(ONE_PIECE_PER_BLOCK)
#define ONE_PIECE_PER_BLOCK 1
#endif
#if !defined(ONE_PIECE_PER_BLOCK)
#define ONE_PIECE_PER_BLOCK 0
#endif

enum {
    BLOCK_BYTES_MIN = 16 * 1024,
    BLOCK_BYTES_MAX = 1024 * 1024,
    PIECE_ALIGN = _Alignof(max_align_t),
};

struct block {
    struct block *next;
    size_t size, used; /* bytes of data[] */
    _Alignas(max_align_t) unsigned char data[];
};

struct arena {
    struct block *blocks; /* the newest first; pieces come from it */
    size_t next_size;     /* of the next block */
};

static struct block *block_new(size_t size)
{
    if (size > SIZE_MAX / 2)
        abort();
    struct block *block = malloc(sizeof(*block) + size);
    if (!block)
        abort(); /* base/error.h: small allocations abort, large ones met a limit before */
    *block = (struct block){ .size = size };
    return block;
}

static void blocks_free(struct block *block)
{
    while (block) {
        struct block *next = block->next;
        free(block);
        block = next;
    }
}

struct arena *arena_new(void)
{
    struct arena *arena = malloc(sizeof(*arena));
    if (!arena)
        abort();
    *arena = (struct arena){ .next_size = BLOCK_BYTES_MIN };
    return arena;
}

void arena_free(struct arena *arena)
{
    if (!arena)
        return;
    blocks_free(arena->blocks);
    free(arena);
}

static struct block *arena_push_block(struct arena *arena, size_t size)
{
    struct block *block = block_new(size);
    block->next = arena->blocks;
    arena->blocks = block;
    return block;
}

/* A piece larger than a quarter of a block gets one of its own behind the
 * newest, so that the free rest of the newest stays in use. */
static struct block *arena_own_block(struct arena *arena, size_t size)
{
    struct block *block = block_new(size);
    if (arena->blocks) {
        block->next = arena->blocks->next;
        arena->blocks->next = block;
    } else {
        arena->blocks = block;
    }
    return block;
}

static struct block *arena_block_for(struct arena *arena, size_t size)
{
    if (ONE_PIECE_PER_BLOCK)
        return arena_push_block(arena, size);
    struct block *newest = arena->blocks;
    if (newest && newest->size - newest->used >= size)
        return newest;
    if (size > arena->next_size / 4)
        return arena_own_block(arena, size);
    newest = arena_push_block(arena, arena->next_size);
    if (arena->next_size < BLOCK_BYTES_MAX)
        arena->next_size *= 2;
    return newest;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    assert(arena);
    if (size > SIZE_MAX / 4)
        abort();
    /* Under ASan the block ends with the piece, so that not even padding hides an overrun. */
    size_t padded =
        ONE_PIECE_PER_BLOCK ? size : (size + PIECE_ALIGN - 1) / PIECE_ALIGN * PIECE_ALIGN;
    struct block *block = arena_block_for(arena, padded);
    unsigned char *piece = block->data + block->used;
    block->used += padded;
    memset(piece, 0, size);
    return piece;
}

struct str arena_copy(struct arena *arena, struct str text)
{
    if (!text.ptr)
        return STR_NONE;
    char *copy = arena_alloc(arena, text.len + 1);
    memcpy(copy, text.ptr, text.len);
    return (struct str){ copy, text.len };
}

const char *arena_c(struct arena *arena, struct str text)
{
    char *copy = arena_alloc(arena, text.len + 1);
    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    return copy;
}

struct str arena_format(struct arena *arena, const char *format, ...)
{
    assert(arena && format);
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    assert(length >= 0);
    char *text = arena_alloc(arena, (size_t)length + 1);
    (void)vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return (struct str){ text, (size_t)length };
}

void arena_reset(struct arena *arena)
{
    assert(arena);
    struct block *kept = NULL, *block = arena->blocks;
    while (block) {
        struct block *next = block->next;
        if (!kept && !ONE_PIECE_PER_BLOCK && block->size == BLOCK_BYTES_MIN)
            kept = block;
        else
            free(block);
        block = next;
    }
    if (kept) {
        kept->next = NULL;
        kept->used = 0;
    }
    arena->blocks = kept;
    arena->next_size = kept ? (size_t)2 * BLOCK_BYTES_MIN : BLOCK_BYTES_MIN;
}
