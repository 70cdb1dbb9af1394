/* SPDX-License-Identifier: Apache-2.0 */
/* cli/certificate.h - a local authority and a certificate that it signs.
 *
 * Files in one folder: ca.crt, ca.key, server.crt, server.key; keys are 0600.  The authority (ECDSA
 * P-256, ten years) is made once and used again while it lasts longer than a new certificate; the
 * certificate (397 days, the longest that browsers accept) and its key are made anew at each call.
 * The authority may sign no further authorities. */
#pragma once
#include "base/arena.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CERTIFICATE_DAYS = 397, AUTHORITY_DAYS = 3650, CERTIFICATE_NAMES_MAX = 64 };

struct certificate_request {
    const char *folder; /* exists */
    const struct str *names;
    size_t name_count;
};

struct certificate_files {
    const char *authority, *authority_key, *certificate, *key;
    bool authority_is_new;
};

/* The names of a certificate that is there already; none if there is no such file, or none that can
 * be read.  At most `max`; the count. */
size_t certificate_names(struct arena *arena, const char *path, struct str *out, size_t max);

/* A DNS name or an address, without a port. */
bool certificate_name_is_valid(struct str name);

NODISCARD bool certificate_make(const struct certificate_request *request, struct arena *arena,
                                struct certificate_files *out, struct error *err);
