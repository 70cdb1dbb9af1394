/* SPDX-License-Identifier: Apache-2.0 */
/* oci/media_type.h - the media types that decide how a document is read.
 * Sources: OCI image-spec media-types.md; Docker image manifest v2 schema 2. */
#pragma once
#include "base/str.h"

#define MEDIA_OCI_MANIFEST STR("application/vnd.oci.image.manifest.v1+json")
#define MEDIA_OCI_INDEX STR("application/vnd.oci.image.index.v1+json")
#define MEDIA_OCI_EMPTY STR("application/vnd.oci.empty.v1+json")
#define MEDIA_OCI_CONFIG STR("application/vnd.oci.image.config.v1+json")
#define MEDIA_DOCKER_MANIFEST STR("application/vnd.docker.distribution.manifest.v2+json")
#define MEDIA_DOCKER_LIST STR("application/vnd.docker.distribution.manifest.list.v2+json")
#define MEDIA_DOCKER_CONFIG STR("application/vnd.docker.container.image.v1+json")
#define MEDIA_JSON STR("application/json")
#define MEDIA_OCTETS STR("application/octet-stream")

enum media_kind { MEDIA_OTHER = 0, MEDIA_IMAGE, MEDIA_INDEX, MEDIA_SCHEMA1 };

/* What a manifest of this media type is; parameters (";charset=...") and case are ignored. */
enum media_kind media_kind_of(struct str media_type);

/* The type and subtype: without parameters and the blanks around them.  Borrowed. */
struct str media_type_essence(struct str media_type);

/* Does an Accept header value (all of its lines joined by commas) take this media type?  An
 * absent header and any wildcard that covers it do. */
bool media_accepts(struct str accept, struct str media_type);

/* A layer that clients fetch from elsewhere ("foreign", "nondistributable"): its blob may be
 * absent here. */
bool media_is_foreign_layer(struct str media_type);

/* Syntax of a media type by RFC 6838 4.2: type "/" subtype. */
bool media_type_is_valid(struct str text);
