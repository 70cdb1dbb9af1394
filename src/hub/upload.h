/* SPDX-License-Identifier: Apache-2.0 */
/* hub/upload.h - upload sessions: bytes on their way to become a blob.
 *
 *     start --> append* --> finish --> blob, claim
 *        \________\________ cancel, or swept UPLOAD_LIFE_S after the last byte
 *
 * A session belongs to one repository and one account; to anybody else it does not exist
 * (CVE-2026-32589). Its size and hash state change together, in one transaction, by compare-and-set
 * on the size: of two requests that append at once one wins, the other gets ERROR_RANGE, at
 * once if both are in this process (hub/upload_turn.h).  Bytes are durable before the database
 * knows of them.  A connection that breaks keeps what had arrived. Source: OCI distribution-spec,
 * "Pushing blobs". */
#pragma once
#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "hub/hub.h"
#include "oci/digest.h"

#include <stdbool.h>
#include <stdint.h>

/* Where the bytes come from: request_read() of a surface. Gives up to `size` bytes, 0 at the end,
 * -1 with *err. */
struct upload_source {
    int64_t (*read)(void *state, void *bytes, size_t size, struct error *err);
    void *state;
};

struct upload {
    struct str id;
    int64_t repository_id, account_id;
    int64_t size; /* bytes received and durable */
};

/* ERROR_TOO_MANY beyond UPLOADS_OPEN_PER_ACCOUNT_MAX.  `algorithm` is what will be announced at the
 * end; DIGEST_NONE: sha256. */
NODISCARD bool upload_start(struct hub *hub, struct arena *arena, int64_t repository_id,
                            int64_t account_id, enum digest_algorithm algorithm, struct upload *out,
                            struct error *err);

/* ERROR_NOT_FOUND about the upload, also for one of another repository or account. */
NODISCARD bool upload_find(struct hub *hub, struct arena *arena, struct str id,
                           int64_t repository_id, int64_t account_id, struct upload *out,
                           struct error *err);

/* Appends at `offset` (-1: wherever the session stands), updates upload->size.  `length_max` is
 * what the client announced, or -1. ERROR_RANGE if the session stands elsewhere. */
NODISCARD bool upload_append(struct hub *hub, struct arena *arena, struct upload *upload,
                             int64_t offset, int64_t length_max, struct upload_source source,
                             struct error *err);

/* Appends what is left in `source` (may be empty), checks the digest, makes the blob and the claim.
 * ERROR_INVALID about the digest if it does not match; the session is then gone.  True means:
 * survives power loss. */
NODISCARD bool upload_finish(struct hub *hub, struct arena *arena, struct upload *upload,
                             int64_t offset, struct upload_source source,
                             const struct digest *digest, struct error *err);

/* A blob in one request, without a session that others can see. */
NODISCARD bool upload_whole(struct hub *hub, struct arena *arena, int64_t repository_id,
                            int64_t account_id, struct upload_source source,
                            const struct digest *digest, struct error *err);

NODISCARD bool upload_cancel(struct hub *hub, struct arena *arena, const struct upload *upload,
                             struct error *err);

/* Removes sessions that nobody has touched for UPLOAD_LIFE_S, and files of uploads that no session
 * knows; *count of them. */
NODISCARD bool upload_sweep(struct hub *hub, struct arena *arena, int64_t *count,
                            struct error *err);
