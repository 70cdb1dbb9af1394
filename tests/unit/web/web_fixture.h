/* SPDX-License-Identifier: Apache-2.0 */
/* A site with an empty database and its pages, without sockets. */
#pragma once
#include "hub/hub.h"
#include "net/loopback.h"

struct site {
    struct hub *hub;
    struct router *router;
    char folder[64];
    struct arena *texts;
    struct str database; /* its URL */
};

struct site *site_new(enum signup signup);
void site_free(struct site *site);
DEFINE_AUTO(struct site, site_free);

/* One request; `headers` are whole lines ending in CRLF, `body` a URL-encoded form or "". */
struct loopback_response *site_ask(struct site *site, const char *method, const char *target,
                                   const char *headers, const char *body);

/* The text between `before` and the next `after` in the body; asserts that it is there. */
struct str site_between(const struct loopback_response *response, const char *before,
                        const char *after);
bool site_shows(const struct loopback_response *response, const char *text);
