/* SPDX-License-Identifier: Apache-2.0 */
#include "web_fixture.h"

#include "../database.h"
#include "hub/access.h"
#include "web/web.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const struct surface *const surfaces[] = { &web_surface };

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

struct site *site_new(enum signup signup)
{
    struct site *site = calloc(1, sizeof(*site));
    assert_non_null(site);
    (void)snprintf(site->folder, sizeof(site->folder), "/tmp/berth-web-XXXXXX");
    assert_non_null(mkdtemp(site->folder));
    struct arena *arena AUTO(arena_free) = arena_new();
    site->texts = arena_new();
    site->database = test_database_new(site->texts, site->folder);
    struct hub_options options = {
        .database = site->database,
        .storage = STR("memory:"),
        .keys = arena_format(arena, "%s/keys", site->folder),
        .signup = signup,
        .migrate = true,
    };
    struct error err = { 0 };
    if (!hub_open(&options, &site->hub, &err))
        fail_msg("%s", err.message);
    site->router = router_new(surfaces, 1, access_authorize, &err);
    assert_non_null(site->router);
    return site;
}

void site_free(struct site *site)
{
    if (!site)
        return;
    router_free(site->router);
    hub_close(site->hub);
    test_database_end(site->database);
    arena_free(site->texts);
    (void)nftw(site->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(site);
}

struct loopback_response *site_ask(struct site *site, const char *method, const char *target,
                                   const char *headers, const char *body)
{
    struct arena *arena AUTO(arena_free) = arena_new();
    struct str bytes = arena_format(
        arena, "%s %s HTTP/1.1\r\nHost: localhost:5000\r\n%sContent-Length: %zu\r\n\r\n%s", method,
        target, headers, strlen(body), body);
    return loopback_request(site->router, site->hub, bytes);
}

bool site_shows(const struct loopback_response *response, const char *text)
{
    return str_find_text(response->body, str_from(text)) < response->body.len;
}

struct str site_between(const struct loopback_response *response, const char *before,
                        const char *after)
{
    size_t from = str_find_text(response->body, str_from(before));
    assert_true(from < response->body.len);
    struct str rest = str_after(response->body, from + strlen(before));
    return str_slice(rest, 0, str_find_text(rest, str_from(after)));
}
