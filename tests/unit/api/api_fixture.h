/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/api/api_fixture.h - the health surfaces over a hub in a new folder, without sockets.
 */
#pragma once
#include "../check.h"
#include "../database.h"
#include "api/health.h"
#include "db/db.h"
#include "hub/access.h"
#include "hub/hub.h"
#include "net/loopback.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

static const struct surface *const surfaces[] = { &health_surface, &readiness_surface,
                                                  &metrics_surface };

struct site {
    char folder[64];
    struct str database; /* its URL */
    struct arena *arena;
    struct hub *hub;
    struct router *router;
};

static inline int site_setup(void **state)
{
    struct site *site = calloc(1, sizeof(*site));
    struct error err = { 0 };
    assert_non_null(site);
    (void)snprintf(site->folder, sizeof(site->folder), "/tmp/berth-api-XXXXXX");
    assert_non_null(mkdtemp(site->folder));
    site->arena = arena_new();
    site->database = test_database_new(site->arena, site->folder);
    struct hub_options options = {
        .database = site->database,
        .storage = arena_format(site->arena, "file:%s/blobs", site->folder),
        .keys = arena_format(site->arena, "%s/keys", site->folder),
        .migrate = true,
    };
    if (!hub_open(&options, &site->hub, &err))
        fail_msg("%s", err.message);
    site->router = router_new(surfaces, ARRAY_COUNT(surfaces), access_authorize, &err);
    assert_non_null(site->router);
    *state = site;
    return 0;
}

static inline int site_entry_remove(const char *path, const struct stat *status, int kind,
                                    struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

static inline int site_teardown(void **state)
{
    struct site *site = *state;
    db_fail_nth_for_test(0);
    router_free(site->router);
    hub_close(site->hub);
    test_database_end(site->database);
    arena_free(site->arena);
    (void)nftw(site->folder, site_entry_remove, 16, FTW_DEPTH | FTW_PHYS);
    free(site);
    return 0;
}

static inline struct loopback_response *ask(struct site *site, const char *method, const char *path)
{
    struct str head =
        arena_format(site->arena, "%s %s HTTP/1.1\r\nHost: localhost\r\n\r\n", method, path);
    return loopback_request(site->router, site->hub, head);
}

#define HEALTH_TEST(test) cmocka_unit_test_setup_teardown(test, site_setup, site_teardown)
