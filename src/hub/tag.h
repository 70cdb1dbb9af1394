/* SPDX-License-Identifier: Apache-2.0 */
/* hub/tag.h - moving tags, with their history, inside the transactions of hub/manifest.c.
 *
 * A tag that moves to another manifest, or goes, leaves a row of what it was: that keeps its old
 * content alive for a while, and can bring it back. */
#pragma once
#include "base/error.h"
#include "base/str.h"
#include "db/db.h"

#include <stdbool.h>
#include <stdint.h>

struct tag_target {
    int64_t repository_id, manifest_id;
    int64_t account_id; /* 0: nobody in particular */
    int64_t now_ms;
};

/* ERROR_INVALID about the tag, with the rule. */
NODISCARD bool tag_check(struct str name, struct error *err);

/* Makes the tag, moves it, or notes that it was pushed again. */
NODISCARD bool tag_point(struct db_tx *tx, const struct tag_target *target, struct str name,
                         struct error *err);

/* *removed is false if there is no such tag. */
NODISCARD bool tag_remove(struct db_tx *tx, int64_t repository_id, struct str name, int64_t now_ms,
                          bool *removed, struct error *err);
NODISCARD bool tag_remove_all_of(struct db_tx *tx, int64_t manifest_id, int64_t now_ms,
                                 struct error *err);
