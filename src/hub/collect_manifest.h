/* SPDX-License-Identifier: Apache-2.0 */
/* hub/collect_manifest.h - how manifests go and come back, inside the transactions of others.
 *
 * Going has two steps.  A manifest and all that belongs to it (children of an index, referrers of a
 * subject, and theirs) is hidden in one transaction, however many they are.  What no history keeps
 * is ended then: in the same transaction, and beyond GOING_COUNT_MAX in the collector's next ones.
 * What is hidden together comes back together. */
#pragma once
#include "base/error.h"
#include "db/db.h"
#include "oci/digest.h"

#include <stdbool.h>
#include <stdint.h>

enum { GOING_COUNT_MAX = 256 }; /* manifests that one transaction ends */

enum candidate_kind { CANDIDATE_CLAIM = 1, CANDIDATE_MANIFEST, CANDIDATE_ORPHAN };

struct going {
    int64_t repository_id;
    int64_t now_ms, history_ms;
    int64_t ended_count; /* counted up */
};

/* Hides the manifest and what belongs to it, and ends what no history keeps.  Its tags must have
 * gone before. */
NODISCARD bool collect_take_down(struct db_tx *tx, struct going *going, int64_t manifest_id,
                                 const struct digest *digest, struct error *err);

/* The manifest was put: it is seen again if it was hidden at `deleted_ms` (DB_NULL_INT: it was
 * not), and so is what an index lists. */
NODISCARD bool collect_bring_back(struct db_tx *tx, const struct going *going, int64_t manifest_id,
                                  const struct digest *digest, int64_t deleted_ms,
                                  struct error *err);

/* A tag has left this manifest. */
NODISCARD bool collect_untagged(struct db_tx *tx, int64_t manifest_id, int64_t now_ms,
                                struct error *err);

/* A candidate of kind MANIFEST or ORPHAN is due; its row is gone already. */
NODISCARD bool collect_look_at_manifest(struct db_tx *tx, struct going *going,
                                        enum candidate_kind kind, const struct digest *digest,
                                        struct error *err);
