/* SPDX-License-Identifier: Apache-2.0 */
/* hub/check_internal.h - what the parts of the check share.  One thread. */
#pragma once
#include "hub/check.h"
#include "hub/check_verify.h"

enum {
    CHECK_PAGE = 500,        /* rows or entries at once */
    CHECK_REMEMBERED = 1024, /* digests or sessions that are kept in mind */
    CHECK_IMAGES_NAMED = 20, /* in one finding */
};

struct check {
    struct hub *hub;
    const struct check_options *options;
    struct check_result result;
    struct check_progress progress;
    int64_t started_us; /* of the reading, for the rate */

    /* Blobs that were taken out in this run: that their images lack them is told already. */
    struct digest gone[CHECK_REMEMBERED];
    size_t gone_count;
};

/* Counts a finding and hands it out. */
void check_tell(struct check *check, const struct check_finding *finding);
void check_show(struct check *check);
/* REPAIRED or REPAIRABLE, for what can be mended. */
enum check_outcome check_mended(const struct check *check);

void check_remember_gone(struct check *check, const struct digest *digest);
bool check_is_gone(const struct check *check, const struct digest *digest);

/* Verifies at the rate that was asked for. */
enum verdict check_verify(struct check *check, const struct blob_place *place, int64_t size,
                          bool quick, char detail[static VERIFY_DETAIL_MAX]);

/* The images that have this blob, "alice/app:1.0, bob/x@sha256:...", at most CHECK_IMAGES_NAMED. */
NODISCARD bool check_images_of(struct check *check, struct arena *arena,
                               const struct digest *digest, struct str *out, struct error *err);

/* Everything that the store and the database say about one digest. */
enum { CHECK_FILES_MAX = 64 }; /* of one digest that are looked at in one run */
struct check_blob {
    struct digest digest;
    bool has_row;
    int64_t size;
    struct blob_place place; /* of the row */
    struct blob_entry files[CHECK_FILES_MAX];
    size_t file_count;
};

/* check_blob.c */
NODISCARD bool check_blob(struct check *check, struct check_blob *blob, struct error *err);
/* check_store.c */
NODISCARD bool check_store(struct check *check, struct error *err);
/* check_manifest.c */
NODISCARD bool check_manifests(struct check *check, struct error *err);
/* check_rows.c */
NODISCARD bool check_claims(struct check *check, struct error *err);
NODISCARD bool check_tags(struct check *check, struct error *err);
NODISCARD bool check_repositories(struct check *check, struct error *err);
