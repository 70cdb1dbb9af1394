/* SPDX-License-Identifier: Apache-2.0 */
/* hub/recovery.h - what outlives the loss of the whole database.
 *
 * Blobs tell their digest, but not whose they are.  So a few seconds after a change a job writes
 * notes into the store (storage/blob_store.h), beside the blobs:
 *
 *     account/<name>                   kind, e-mail address, full name, administrator; no secrets
 *     repository/<namespace>/<name>    visibility, descriptions, manifests, tags
 *     manifest/<algorithm>/<2 digits>/<digits>   a document, byte for byte, once for all
 *
 * A push pays one row for that, in its own transaction; changes of one repository that follow each
 * other closely share it.  A job compares what it wrote with the database again when it is done, so
 * that of two nodes that write the same note the last one leaves the truth.
 *
 * Not copied: passwords, tokens, keys, teams, uploads in progress, histories of tags. */
#pragma once
#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "db/db.h"
#include "hub/hub.h"
#include "oci/digest.h"

#include <stdbool.h>
#include <stdint.h>

#define RECOVERY_JOB STR("recovery_copy")

/* In the transaction of what changed a repository (manifests, tags, texts) or an account. */
NODISCARD bool recovery_repository_changed(struct db_tx *tx, int64_t repository_id,
                                           struct error *err);
NODISCARD bool recovery_account_changed(struct db_tx *tx, struct str name, struct error *err);

/* The job: brings the note that is its subject up to date. */
struct job;
NODISCARD bool recovery_copy(struct hub *hub, struct arena *arena, const struct job *job,
                             struct error *err);

/* --- for the check -------------------------------------------------------------------------- */

/* Writes a note and its documents anew, whatever the store has. */
NODISCARD bool recovery_note_write(struct hub *hub, struct arena *arena, struct str note,
                                   struct error *err);
/* Does the note say what the database says?  Counts aside; true while its job waits. */
NODISCARD bool recovery_note_is_current(struct hub *hub, struct arena *arena, struct str note,
                                        bool *out, struct error *err);
/* Is there a job that will write the repository's note and its documents? */
NODISCARD bool recovery_job_waits(struct hub *hub, struct arena *arena, int64_t repository_id,
                                  bool *out, struct error *err);
/* Where a document lies. */
struct str recovery_document_note(struct arena *arena, const struct digest *digest);
/* The document if it is there and has this digest. */
NODISCARD bool recovery_document_read(struct hub *hub, struct arena *arena,
                                      const struct digest *digest, struct str *out, bool *found,
                                      struct error *err);
/* What a tag pointed to when the note was written. */
NODISCARD bool recovery_tag_read(struct hub *hub, struct arena *arena, struct str note,
                                 struct str tag, struct digest *out, bool *found,
                                 struct error *err);

/* --- rebuilding ----------------------------------------------------------------------------- */

enum recovery_phase { RECOVERY_BLOBS = 1, RECOVERY_ACCOUNTS, RECOVERY_REPOSITORIES, RECOVERY_END };

struct recovery_progress {
    enum recovery_phase phase;
    int64_t done;  /* blobs, accounts or repositories */
    int64_t bytes; /* of blobs that were read */
};

struct recovery_options {
    bool trust; /* believe the names of files instead of reading all of them */
    /* May be NULL.  Something that could not be rebuilt, and why. */
    void (*lost)(void *context, struct str what, struct str why);
    void (*progress)(void *context, const struct recovery_progress *progress); /* may be NULL */
    void *context;
};

struct recovery_result {
    int64_t accounts, repositories, manifests, tags, blobs;
    int64_t bytes; /* of those blobs */
    int64_t lost;  /* things that were told as lost */
    int64_t unneeded,
        unneeded_bytes; /* blobs that no manifest needs: their files were left alone */
};

/* Fills an empty database from the store.  ERROR_CONFLICT if it is not empty: nothing is changed
 * then.  After another failure begin again with an empty one. */
NODISCARD bool recovery_restore(struct hub *hub, const struct recovery_options *options,
                                struct recovery_result *out, struct error *err);
