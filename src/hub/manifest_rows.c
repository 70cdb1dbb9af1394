/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/manifest_rows.h"

#include <assert.h>

/* Only images have a config. */
static size_t config_count(const struct manifest *manifest)
{
    return manifest->kind == MEDIA_IMAGE ? 1 : 0;
}

size_t manifest_reference_count(const struct manifest *manifest)
{
    return config_count(manifest) + manifest->layer_count + manifest->manifest_count;
}

const struct descriptor *manifest_reference(const struct manifest *manifest, size_t position,
                                            enum manifest_role *role)
{
    size_t layer = position - config_count(manifest);
    if (position < config_count(manifest)) {
        *role = ROLE_CONFIG;
        return &manifest->config;
    }
    if (layer < manifest->layer_count) {
        *role = ROLE_LAYER;
        return &manifest->layers[layer];
    }
    assert(layer - manifest->layer_count < manifest->manifest_count);
    *role = ROLE_CHILD;
    return &manifest->manifests[layer - manifest->layer_count];
}

/* Foreign layers can claim any size: the sum stays at its end instead of overflowing. */
int64_t manifest_content_size(const struct manifest *manifest)
{
    int64_t size = manifest->kind == MEDIA_IMAGE ? manifest->config.size : 0;
    for (size_t i = 0; i < manifest->layer_count; i++) {
        if (__builtin_add_overflow(size, manifest->layers[i].size, &size))
            return INT64_MAX;
    }
    return size;
}
