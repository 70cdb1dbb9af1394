/* SPDX-License-Identifier: Apache-2.0 */
/* oci/reference.h - repository names, tags and references.
 *
 * Berth's repositories have exactly two parts as on Docker Hub, namespace and
 * name; a single part is the official image of that name, in the namespace
 * `library`.  Grammar of each part: OCI distribution-spec, "Pulling manifests".
 * Values borrow the text that they were parsed from.  Pure; any thread. */
#pragma once
#include "base/cleanup.h"
#include "base/error.h"
#include "base/str.h"
#include "oci/digest.h"

#include <stdbool.h>

struct repository_name {
    struct str owner; /* the namespace; "library" when there was one part only */
    struct str name;
};

#define OFFICIAL_OWNER STR("library")

/* One part: [a-z0-9]+ ((\.|_|__|-+) [a-z0-9]+)*  */
bool name_component_is_valid(struct str text);

/* ERROR_INVALID says which rule is broken (upper case, depth, length, characters). */
NODISCARD bool repository_name_parse(struct str text, struct repository_name *out,
                                     struct error *err);
bool repository_name_is_official(struct repository_name name);

/* [a-zA-Z0-9_][a-zA-Z0-9._-]{0,127} */
bool tag_is_valid(struct str text);

/* A tag or a digest, as in /v2/<name>/manifests/<reference>. */
struct reference {
    struct str tag;       /* absent if it is a digest */
    struct digest digest; /* not set if it is a tag */
};

NODISCARD bool reference_parse(struct str text, struct reference *out, struct error *err);
