/* SPDX-License-Identifier: Apache-2.0 */
/* hub/manifest_cache.h - documents that hub/manifest.c keeps in hub/cache.h: by repository and tag
 * or digest, those of up to MANIFEST_CACHED_BYTES_MAX. */
#pragma once
#include "hub/cache.h"
#include "hub/manifest.h"

enum { MANIFEST_CACHED_BYTES_MAX = 64 * 1024 };

bool manifest_cache_find(struct cache *cache, struct arena *arena, int64_t repository_id,
                         const struct reference *reference, bool with_body,
                         struct manifest_document *out, struct cache_moment *moment);
/* With the body if the document has one. */
void manifest_cache_keep(struct cache *cache, struct arena *arena, int64_t repository_id,
                         const struct reference *reference,
                         const struct manifest_document *document,
                         const struct cache_moment *moment);
