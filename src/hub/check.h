/* SPDX-License-Identifier: Apache-2.0 */
/* hub/check.h - is what the database says true, and is everything in the store known to it?
 *
 * Works beside running servers and takes no lock that a push would wait for.  Nothing is reported
 * that a push, a removal or a job could be in the middle of: what seems wrong is read once more,
 * and files that are younger than `grace_ms` are left alone.  Memory is bounded: rows and the
 * listing of the store come in pages, both by digest, and are merged.
 *
 * Looked at, in this order:
 *   uploads     each session has its bytes; each file of an upload has a session
 *   blobs       each row has a file with the digest and size that it says (`quick`: the size only);
 *               each file has a row
 *   claims      each is about a blob that is there
 *   manifests   the document has its digest; rows say what it says; its repository has a claim on
 *               each of its blobs, but for foreign layers; its copy for recovery is there
 *   tags        each points to a manifest of its repository
 *   repositories   search index and recovery notes
 *
 * Repairing never removes content that has the right bytes and that something refers to.  What is
 * lost is taken out of the database, so that the next push of the image brings it back. */
#pragma once
#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "hub/hub.h"

#include <stdbool.h>
#include <stdint.h>

enum check_kind {
    CHECK_UPLOAD_LOST = 1, /* a session without its bytes */
    CHECK_UPLOAD_UNKNOWN,  /* bytes of an upload without a session */
    CHECK_BLOB_MISSING,    /* a row without a file */
    CHECK_BLOB_BROKEN,     /* other bytes than the row says */
    CHECK_BLOB_UNREADABLE, /* the store fails at it */
    CHECK_BLOB_UNKNOWN,    /* something refers to a digest that has a file and no row */
    CHECK_FILE_UNKNOWN,    /* a file that no row points to and nothing needs */
    CHECK_CLAIM_DANGLING,  /* a claim on a blob that has no row */
    CHECK_MANIFEST_BROKEN, /* a document without the digest under which it is stored */
    CHECK_MANIFEST_ROWS,   /* rows that say something else than their document */
    CHECK_MANIFEST_LACKS,  /* a manifest whose repository does not have all of its blobs */
    CHECK_TAG_DANGLING,    /* a tag that points to nothing */
    CHECK_SEARCH_INDEX,    /* words of a repository that differ from its texts */
    CHECK_RECOVERY_NOTE,   /* a copy for recovery that is missing or wrong */
};
const char *check_kind_name(enum check_kind kind); /* "blob-broken" */

enum check_outcome {
    CHECK_REPAIRABLE = 1, /* found without `repair`; with it, it would be mended */
    CHECK_REPAIRED,
    CHECK_LEFT, /* cannot be mended here: somebody must push, or see to the store */
};
const char *check_outcome_name(enum check_outcome outcome);

struct check_finding {
    enum check_kind kind;
    enum check_outcome outcome;
    struct str what;   /* a digest, an upload's id, "alice/app:1.0" */
    struct str where;  /* the file, the repositories or images concerned; may be empty */
    struct str detail; /* what is wrong */
    struct str repair; /* what was or would be done */
};

enum check_phase {
    CHECK_PHASE_BLOBS = 1, /* with uploads */
    CHECK_PHASE_CLAIMS,
    CHECK_PHASE_MANIFESTS,
    CHECK_PHASE_TAGS,
    CHECK_PHASE_REPOSITORIES,
};
const char *check_phase_name(enum check_phase phase);

struct check_progress {
    enum check_phase phase;
    int64_t done;               /* rows of this phase */
    int64_t total;              /* of them; 0: not known */
    int64_t bytes, bytes_total; /* read of all blobs */
};

enum { CHECK_GRACE_MS_DEFAULT = 3600 * 1000 };

struct check_options {
    bool repair, quick;
    int64_t rate;     /* bytes that are read in a second; 0: as fast as it goes */
    int64_t grace_ms; /* files that changed since are taken for running pushes */
    void (*found)(void *context, const struct check_finding *finding);      /* texts are borrowed */
    void (*progress)(void *context, const struct check_progress *progress); /* may be NULL */
    void *context;
};

struct check_result {
    int64_t blobs, bytes; /* looked at; bytes that were read */
    int64_t files, claims, manifests, tags, repositories;
    int64_t repairable, repaired, left; /* findings */
};

/* ERROR_CONFLICT if `repair` is asked for and the store has no blob at all though there are rows:
 * it is then not mounted rather than empty, and nothing is changed. */
NODISCARD bool check_run(struct hub *hub, const struct check_options *options,
                         struct check_result *out, struct error *err);
