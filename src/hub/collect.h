/* SPDX-License-Identifier: Apache-2.0 */
/* hub/collect.h - giving back the space of content that nothing keeps any more, while pushes go on.
 *
 * What keeps content:
 *   - A manifest: being there.  It goes by DELETE, by its namespace's policy for untagged
 * manifests, or with the index or subject that it belonged to and that has gone - unless a tag, a
 * tag's history inside its window, another living index or (for children) a lease keeps it.
 *   - A claim (a repository's right to a blob): a manifest of that repository that refers to it,
 * its lease, or an upload into the repository that is under way when the lease ends.
 *   - A blob: a claim of any repository.
 *
 * A manifest that was deleted but that a tag's history still names is hidden, not gone, until the
 * window (BERTH_HISTORY_DAYS, 7 by default) closes; putting it again brings it back.  An index goes
 * with its children and a subject with its referrers in one transaction: never half.
 *
 * How it is found: nothing scans.  Whatever takes a reason away, or gives one for a time only,
 * writes a row in table `candidate` with the time at which to look (in the transaction of the
 * change).  The worker looks at what is due, every few seconds, in small transactions.  A row that
 * is still needed is dropped or put off.
 *
 * Why no push can be hit: removing a claim or blob row and making one are transactions on the same
 * rows, so one of them is first; the file that is removed afterwards bears the name of one upload
 * and is never used again (storage/blob_store.h).  Files go by a job written in the same
 * transaction as the row's end, so that a crash forgets none. */
#pragma once
#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "db/db.h"
#include "hub/hub.h"
#include "oci/digest.h"

#include <stdbool.h>
#include <stdint.h>

/* The claim of this blob may be without a reason from `due_ms` on. */
NODISCARD bool collect_claim_later(struct db_tx *tx, int64_t repository_id,
                                   const struct digest *digest, int64_t due_ms, struct error *err);

/* The manifest may be without a reason from `due_ms` on. */
NODISCARD bool collect_manifest_later(struct db_tx *tx, int64_t repository_id,
                                      const struct digest *digest, int64_t due_ms,
                                      struct error *err);

/* The policy of this account for manifests without a tag is another one now. */
NODISCARD bool collect_policy_changed(struct db_tx *tx, int64_t account_id, struct error *err);

struct collect_result {
    int64_t manifests, claims, blobs; /* ended */
    int64_t bytes;                    /* of those blobs */
    bool is_more;                     /* due candidates are left */
};

/* Looks at due candidates, at most a few hundred. */
NODISCARD bool collect_step(struct hub *hub, struct arena *arena, struct collect_result *out,
                            struct error *err);

/* The job "blob_remove": removes the files of ended blobs. */
#define COLLECT_JOB STR("blob_remove")
struct job;
NODISCARD bool collect_remove_files(struct hub *hub, struct arena *arena, const struct job *job,
                                    struct error *err);

/* Why content stays, for `berth gc`: bytes counted once, under the strongest reason. */
enum collect_reason {
    COLLECT_TAGGED = 0, /* reached from a tag */
    COLLECT_UNTAGGED,   /* reached only from a manifest without a tag */
    COLLECT_HISTORY,    /* reached only from what a tag pointed to inside the window */
    COLLECT_LEASED,     /* pushed or mounted a while ago, no manifest yet */
    COLLECT_FREE,       /* nothing: goes within a minute */
    COLLECT_REASON_COUNT,
};
const char *collect_reason_text(enum collect_reason reason);

struct collect_report {
    int64_t blobs[COLLECT_REASON_COUNT], bytes[COLLECT_REASON_COUNT];
    int64_t files_waiting; /* jobs that remove files, up to 64 each, and are yet to be done */
};
NODISCARD bool collect_explain(struct hub *hub, struct arena *arena, struct collect_report *out,
                               struct error *err);

/* Closes all windows at once (`berth gc --purge`): history is forgotten, hidden manifests go.
 * Leases stay, since pushes hold them. */
NODISCARD bool collect_purge(struct hub *hub, struct arena *arena, struct error *err);

/* Does one waiting job, for commands, which have no worker; *ran is false if none is due. */
NODISCARD bool collect_run_job(struct hub *hub, struct arena *arena, bool *ran, struct error *err);
/* Jobs that are not done yet. */
NODISCARD bool collect_waiting(struct hub *hub, struct arena *arena, int64_t *jobs,
                               struct error *err);
