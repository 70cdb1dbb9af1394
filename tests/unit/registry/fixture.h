/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/registry/fixture.h - the three surfaces over a hub of their own: an empty
 * database, keys in a new folder, blobs in memory, requests without a socket.
 *
 * Accounts: alice (owns what most tests use), bobby (a stranger), captain (an administrator).  The
 * password of each is the name and "-password". */
#pragma once
#include "../check.h"
#include "../database.h"
#include "base/json.h"
#include "hub/account.h"
#include "hub/hub.h"
#include "net/loopback.h"
#include "oci/digest.h"

#include <stdio.h>
#include <string.h>

struct fixture {
    char folder[64];
    struct str database; /* its URL */
    struct hub *hub;
    struct router *router;
    struct arena *arena;
    struct kept *kept; /* what tests got and need not free */
};

int fixture_setup(void **state);
int fixture_setup_open(void **state);  /* with BERTH_SIGNUP=open */
int fixture_setup_files(void **state); /* with blobs in files */
int fixture_teardown(void **state);

#define REGISTRY_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
#define REGISTRY_TEST_OPEN(test)                                                                   \
    cmocka_unit_test_setup_teardown(test, fixture_setup_open, fixture_teardown)
#define REGISTRY_TEST_FILES(test)                                                                  \
    cmocka_unit_test_setup_teardown(test, fixture_setup_files, fixture_teardown)

/* Asks as somebody: NULL (no credentials), an account's name (Basic), or a whole Authorization
 * value, which has a blank.  `headers` are lines with their ends; `body` may be absent.  Replies
 * live as long as the fixture. */
struct loopback_response *ask_with(struct fixture *fixture, const char *as, const char *method,
                                   const char *target, const char *headers, struct str body);
struct loopback_response *ask(struct fixture *fixture, const char *as, const char *method,
                              const char *target);
/* What a test writes out byte for byte. */
struct loopback_response *ask_raw(struct fixture *fixture, struct str bytes);

/* "Bearer ..." with a token for these scopes, NULL for none; `as` as above. */
const char *bearer(struct fixture *fixture, const char *as, const char *scopes);

/* printf into the fixture's arena. */
const char *text(struct fixture *fixture, const char *format, ...) PRINTF_LIKE(2, 3);
const char *digest_text(struct fixture *fixture, struct str bytes);

/* The body as JSON; released with the fixture. */
json_t *reply_json(struct fixture *fixture, const struct loopback_response *from);

#define check_status(from, expected) check_status_at((from), (expected), __FILE__, __LINE__)
void check_status_at(const struct loopback_response *from, int expected, const char *file,
                     int line);

/* An OCI error with this status and code, and a message for people. */
#define check_refused(fixture, from, status, code)                                                 \
    check_refused_at((fixture), (from), (status), (code), __FILE__, __LINE__)
void check_refused_at(struct fixture *fixture, const struct loopback_response *from, int status,
                      const char *code, const char *file, int line);

#define check_header(from, name, expected)                                                         \
    check_str_at(__FILE__, __LINE__, loopback_header((from), (name)), (expected))
bool holds(struct str text, const char *part);

/* Pushes as an account; the digest of what was pushed.  Fail the test if refused. */
const char *push_blob(struct fixture *fixture, const char *as, const char *name, struct str bytes);
const char *push_manifest(struct fixture *fixture, const char *as, const char *name,
                          const char *reference, const char *media_type, struct str body);
/* An image manifest with one layer of these bytes, whose blobs are pushed; its text. */
struct str make_image(struct fixture *fixture, const char *as, const char *name, const char *layer);
/* make_image() pushed under a tag; its digest. */
const char *push_image(struct fixture *fixture, const char *as, const char *name, const char *tag,
                       const char *layer);
/* Runs SQL beside the hub; for a SELECT, the first column of its first row. */
int64_t fixture_sql(struct fixture *fixture, const char *sql);
void make_private(struct fixture *fixture, const char *owner, const char *name);

#define TYPE_IMAGE "application/vnd.oci.image.manifest.v1+json"
#define TYPE_INDEX "application/vnd.oci.image.index.v1+json"
