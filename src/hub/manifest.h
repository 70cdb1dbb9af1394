/* SPDX-License-Identifier: Apache-2.0 */
/* hub/manifest.h - manifests and the tags that name them.
 *
 * A document is stored and served byte for byte.  An image is accepted only if the repository
 * claims its config and every layer (but foreign ones); the error names the first digest that is
 * missing.  An index may name children that are not here (sparse, as the OCI specification allows).
 * A subject need not exist.
 *
 * Putting makes the manifest, its references, its tags, the history of those, the repository's
 * counters and the jobs that follow in one transaction. Sources: OCI distribution-spec, "Pushing
 * manifests", "Listing referrers". */
#pragma once
#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "hub/hub.h"
#include "oci/manifest.h"
#include "oci/reference.h"

#include <stdbool.h>
#include <stdint.h>

struct manifest_put {
    int64_t repository_id, account_id;
    struct str content_type; /* as declared; absent allowed */
    struct str body;
    const struct digest *expected; /* when pushed by digest; NULL otherwise */
    enum digest_algorithm
        algorithm; /* of the digest to store it under when pushed by tag; NONE: sha256 */
    const struct str *tags;
    size_t tag_count;
};

struct manifest_put_result {
    struct digest digest;
    bool has_subject;
    struct digest subject;
};

/* ERROR_INVALID about manifest, digest or tag; ERROR_NOT_FOUND about MANIFEST_BLOB. */
NODISCARD bool manifest_put(struct hub *hub, struct arena *arena, const struct manifest_put *put,
                            struct manifest_put_result *out, struct error *err);

struct manifest_document {
    int64_t id;
    struct digest digest;
    struct str media_type;
    struct str body;
    int64_t size;
};

/* By tag or digest; ERROR_NOT_FOUND about the manifest, naming what was asked for.  `with_body`
 * false leaves the body absent (HEAD). */
NODISCARD bool manifest_get(struct hub *hub, struct arena *arena, int64_t repository_id,
                            const struct reference *reference, bool with_body,
                            struct manifest_document *out, struct error *err);

/* Does an index of the repository list this manifest? */
NODISCARD bool manifest_is_child(struct hub *hub, struct arena *arena, int64_t repository_id,
                                 const struct digest *digest, bool *out, struct error *err);

/* Renews the lease of a manifest that a push was told to be here: while it lasts, the manifest does
 * not go with an index that lists it.  ERROR_NOT_FOUND if it has gone meanwhile. */
NODISCARD bool manifest_lease(struct hub *hub, struct arena *arena, int64_t repository_id,
                              const struct digest *digest, struct error *err);

/* By tag: the tag goes, its content stays.  By digest: the manifest and all of its tags go;
 * ERROR_DENIED while an index in the repository refers to it. */
NODISCARD bool manifest_delete(struct hub *hub, struct arena *arena, int64_t repository_id,
                               int64_t account_id, const struct reference *reference,
                               struct error *err);

/* Names of the tags, by bytes, from behind `after`. */
NODISCARD bool tag_list(struct hub *hub, struct arena *arena, int64_t repository_id,
                        struct str after, int limit, struct str **names, size_t *count,
                        struct error *err);

struct referrer {
    struct digest digest;
    struct str media_type, artifact_type, annotations;
    int64_t size;
};

struct referrer_query {
    int64_t repository_id;
    const struct digest *subject;
    struct str artifact_type; /* absent: all */
    struct str after;         /* digest to start behind; absent: from the first */
    int limit;                /* clamped to a page */
};
/* Manifests of the repository with this subject, by digest.  No such subject is an empty list. */
NODISCARD bool referrer_list(struct hub *hub, struct arena *arena,
                             const struct referrer_query *query, struct referrer **out,
                             size_t *count, struct error *err);
