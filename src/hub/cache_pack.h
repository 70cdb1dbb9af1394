/* SPDX-License-Identifier: Apache-2.0 */
/* hub/cache_pack.h - structs with texts as one piece of bytes, for hub/cache.h.
 *
 * The struct comes first, the bytes of its texts behind it in an order that packing and unpacking
 * share.  A packed text's pointer says only whether the text is there; unpacking sets it anew. */
#pragma once
#include "base/arena.h"
#include "base/str.h"

#include <assert.h>
#include <string.h>

struct cache_pack {
    char *start, *at;
};

static inline struct cache_pack cache_pack_begin(struct arena *arena, const void *object,
                                                 size_t size, size_t text_size)
{
    struct cache_pack pack = { .start = arena_alloc(arena, size + text_size) };
    memcpy(pack.start, object, size);
    pack.at = pack.start + size;
    return pack;
}

static inline void cache_pack_text(struct cache_pack *pack, struct str text)
{
    if (text.len > 0)
        memcpy(pack->at, text.ptr, text.len);
    pack->at += text.len;
}

static inline struct str cache_pack_bytes(const struct cache_pack *pack)
{
    return (struct str){ pack->start, (size_t)(pack->at - pack->start) };
}

/* The other way: copies the struct out and gives what is behind it. */
static inline struct str cache_unpack_begin(struct str packed, void *object, size_t size)
{
    assert(packed.len >= size);
    memcpy(object, packed.ptr, size);
    return str_after(packed, size);
}

static inline void cache_unpack_text(struct str *rest, struct str *text)
{
    assert(text->len <= rest->len);
    if (text->ptr)
        text->ptr = rest->ptr;
    *rest = str_after(*rest, text->len);
}
