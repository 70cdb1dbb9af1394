/* SPDX-License-Identifier: Apache-2.0 */
/* hub/manifest_rows.h - which rows a document gives: written by hub/manifest.c, compared with the
 * document by the check.  Pure. */
#pragma once
#include "oci/manifest.h"

#include <stddef.h>
#include <stdint.h>

/* What a manifest refers to, as stored. */
enum manifest_role { ROLE_CONFIG = 1, ROLE_LAYER, ROLE_CHILD };

/* In the order of the document, from 0: the position of the row. */
size_t manifest_reference_count(const struct manifest *manifest);
const struct descriptor *manifest_reference(const struct manifest *manifest, size_t position,
                                            enum manifest_role *role);

/* Bytes of config and layers together. */
int64_t manifest_content_size(const struct manifest *manifest);
