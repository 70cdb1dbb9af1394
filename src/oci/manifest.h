/* SPDX-License-Identifier: Apache-2.0 */
/* oci/manifest.h - reading and checking image manifests and indexes.
 *
 * manifest_parse() reads what the registry must know of a document: what it
 * refers to and what it is.  The bytes themselves are stored and served as they
 * came; nothing is ever written back.
 *
 * Checked here: size, depth and counts (limits.def), media type against content,
 * no document that can be read as both image and index (CVE-2021-41190),
 * well-formed descriptors (digest, size >= 0, media type), duplicate keys, and keys that
 * differ from a known one in case only, since Go clients read them as that one.
 * Not checked here: whether the blobs exist (hub/manifest.h).
 *
 * Messages name the place ("layers[3].digest"); every error is ABOUT_MANIFEST.
 * Sources: OCI image-spec manifest.md, image-index.md, descriptor.md; Docker
 * image manifest version 2, schema 2.  Pure; everything lives in the arena. */
#pragma once
#include "base/arena.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/str.h"
#include "oci/digest.h"
#include "oci/media_type.h"

#include <stdbool.h>
#include <stdint.h>

struct platform {
    struct str os, architecture, variant, os_version; /* each may be absent */
};

struct descriptor {
    struct str media_type;
    struct digest digest;
    int64_t size;             /* bytes */
    struct str artifact_type; /* absent unless given */
    struct platform platform; /* of a manifest in an index */
    struct str annotations;   /* compact JSON object, absent unless given */
    bool is_foreign;          /* a layer whose bytes need not be here */
};

struct manifest {
    enum media_kind kind; /* MEDIA_IMAGE or MEDIA_INDEX */
    struct str media_type;
    struct str artifact_type;  /* artifactType, else of an image its config's media type */
    struct descriptor config;  /* images only */
    struct descriptor *layers; /* images only */
    size_t layer_count;
    struct descriptor *manifests; /* indexes only */
    size_t manifest_count;
    bool has_subject;
    struct descriptor subject;
    struct str annotations; /* compact JSON object, absent if there are none */
};

/* `content_type` is what the client declared; absent means: look into the document.  A
 * declared type that contradicts the document's mediaType is ERROR_INVALID; schema 1 is
 * ERROR_UNSUPPORTED with a hint. */
NODISCARD bool manifest_parse(struct arena *arena, struct str bytes, struct str content_type,
                              struct manifest *out, struct error *err);

/* What an image config tells of its platform; absent fields if it does not, or is none. */
void platform_from_config(struct arena *arena, struct str config, struct platform *out);
