/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/manifest_cache.h"

#include "base/limits.h"
#include "hub/cache_pack.h"

#include <string.h>

/* Which texts a packed document carries, is written down twice below: a new one must go there. */
static_assert(sizeof(struct manifest_document) == 120, "look at the texts of the document");

struct key {
    int64_t repository_id;
    bool with_body;
    char text[TAG_CHARS_MAX + DIGEST_TEXT_MAX];
};

/* A digest has a colon and a tag has none: they never meet. */
static struct str key_make(struct key *key, int64_t repository_id,
                           const struct reference *reference, bool with_body)
{
    memset(key, 0, sizeof(*key));
    key->repository_id = repository_id;
    key->with_body = with_body;
    size_t size = 0;
    if (!str_is_set(reference->tag)) {
        size = digest_format(&reference->digest, key->text).len;
    } else if (reference->tag.len <= TAG_CHARS_MAX) {
        size = reference->tag.len;
        memcpy(key->text, reference->tag.ptr, size);
    }
    if (size == 0)
        return STR_NONE;
    return (struct str){ (const char *)key, offsetof(struct key, text) + size };
}

bool manifest_cache_find(struct cache *cache, struct arena *arena, int64_t repository_id,
                         const struct reference *reference, bool with_body,
                         struct manifest_document *out, struct cache_moment *moment)
{
    struct key room;
    struct str key = key_make(&room, repository_id, reference, with_body), packed;
    if (!str_is_set(key) || !cache_find(cache, CACHE_MANIFEST, key, arena, &packed, moment))
        return false;
    struct str rest = cache_unpack_begin(packed, out, sizeof(*out));
    cache_unpack_text(&rest, &out->media_type);
    cache_unpack_text(&rest, &out->body);
    return true;
}

void manifest_cache_keep(struct cache *cache, struct arena *arena, int64_t repository_id,
                         const struct reference *reference,
                         const struct manifest_document *document,
                         const struct cache_moment *moment)
{
    struct key room;
    bool has_body = str_is_set(document->body);
    struct str key = key_make(&room, repository_id, reference, has_body);
    if (!str_is_set(key) || document->body.len > MANIFEST_CACHED_BYTES_MAX)
        return;
    struct cache_pack pack = cache_pack_begin(arena, document, sizeof(*document),
                                              document->media_type.len + document->body.len);
    cache_pack_text(&pack, document->media_type);
    cache_pack_text(&pack, document->body);
    cache_keep(cache, CACHE_MANIFEST, key, cache_pack_bytes(&pack), moment);
}
