/* SPDX-License-Identifier: Apache-2.0 */
/* Properties: a manifest that is taken without a declared type is taken with the
 * type that was found, is refused with every other, holds only whole descriptors
 * whose sizes do not overflow, and never both layers and manifests; a refusal says
 * what it is about.  Each input is read as a platform's config, too. */
#include "base/limits.h"
#include "oci/about.h"
#include "oci/manifest.h"

#include "fuzz.h"

static void require_descriptors(const struct descriptor *descriptors, size_t count)
{
    int64_t total = 0;
    REQUIRE(count <= MANIFEST_DESCRIPTOR_COUNT_MAX);
    for (size_t i = 0; i < count; i++) {
        REQUIRE(digest_is_set(&descriptors[i].digest));
        REQUIRE(media_type_is_valid(descriptors[i].media_type));
        REQUIRE(descriptors[i].size >= 0);
        REQUIRE(!__builtin_add_overflow(total, descriptors[i].size, &total));
        REQUIRE(!str_is_set(descriptors[i].annotations) || descriptors[i].annotations.len > 2);
    }
}

static void require_whole(const struct manifest *manifest)
{
    if (manifest->kind == MEDIA_IMAGE) {
        require_descriptors(&manifest->config, 1);
        REQUIRE(manifest->manifest_count == 0);
        REQUIRE(str_is_set(manifest->artifact_type));
    } else {
        REQUIRE(manifest->kind == MEDIA_INDEX);
        REQUIRE(manifest->layer_count == 0 && !digest_is_set(&manifest->config.digest));
    }
    require_descriptors(manifest->layers, manifest->layer_count);
    require_descriptors(manifest->manifests, manifest->manifest_count);
    require_descriptors(&manifest->subject, manifest->has_subject ? 1 : 0);
}

static void require_one_reading(struct arena *arena, struct str input,
                                const struct manifest *manifest)
{
    const struct str types[] = { MEDIA_OCI_MANIFEST, MEDIA_OCI_INDEX, MEDIA_DOCKER_MANIFEST,
                                 MEDIA_DOCKER_LIST };
    for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
        struct manifest again;
        struct error err = { 0 };
        bool is_taken = manifest_parse(arena, input, types[i], &again, &err);
        REQUIRE(is_taken == str_equal(types[i], manifest->media_type));
        REQUIRE(is_taken || (err.kind != ERROR_NONE && err.about == ABOUT_MANIFEST));
        if (is_taken)
            REQUIRE(again.layer_count == manifest->layer_count &&
                    again.manifest_count == manifest->manifest_count);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena AUTO(arena_free) = arena_new();
    struct str input = { (const char *)data, size };
    struct manifest manifest;
    struct platform platform;
    struct error err = { 0 };
    if (manifest_parse(arena, input, STR_NONE, &manifest, &err)) {
        require_whole(&manifest);
        require_one_reading(arena, input, &manifest);
    } else {
        REQUIRE(err.about == ABOUT_MANIFEST && err.message[0] != '\0');
    }
    platform_from_config(arena, input, &platform);
    return 0;
}
