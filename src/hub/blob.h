/* SPDX-License-Identifier: Apache-2.0 */
/* hub/blob.h - blobs as a repository sees them: through its claims.
 *
 * A repository reads only what it has a claim to (CVE-2024-39897).  A claim comes from an upload or
 * a mount, and is kept by manifests that refer to the blob and for CLAIM_LEASE_S after a push last
 * looked at it. */
#pragma once
#include "base/arena.h"
#include "base/error.h"
#include "hub/account.h"
#include "hub/hub.h"
#include "oci/digest.h"

#include <stdbool.h>
#include <stdint.h>

struct blob {
    struct blob_place place;
    int64_t size; /* bytes */
};

/* ERROR_NOT_FOUND about the blob.  `renew` sees to it that the lease lasts CLAIM_LEASE_S from now:
 * for callers that may push, who will refer to it. */
NODISCARD bool blob_find(struct hub *hub, struct arena *arena, int64_t repository_id,
                         const struct digest *digest, bool renew, struct blob *out,
                         struct error *err);

/* Opens the bytes of what blob_find() found.  Collection may remove a file between the two, and a
 * push bring the same content under another name: so it is looked up once more.  ERROR_NOT_FOUND
 * about the blob if it has gone, ERROR_INTERNAL if the database says that it is there. */
NODISCARD bool blob_open_found(struct hub *hub, struct arena *arena, int64_t repository_id,
                               const struct blob *blob, struct blob_reader **out,
                               struct error *err);

/* Lets `repository_id` claim what `from_repository_id` has.  *mounted is false if it has none;
 * `from` 0 means any repository that `account` (NULL: nobody) may read (OCI distribution-spec,
 * mounting without from). */
NODISCARD bool blob_mount(struct hub *hub, struct arena *arena, int64_t repository_id,
                          int64_t from_repository_id, const struct account *account,
                          const struct digest *digest, bool *mounted, struct error *err);

/* Gives up the claim.  ERROR_DENIED naming a manifest that still refers to it. */
NODISCARD bool blob_forget(struct hub *hub, struct arena *arena, int64_t repository_id,
                           const struct digest *digest, struct error *err);
