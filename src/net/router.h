/* SPDX-License-Identifier: Apache-2.0 */
/* net/router.h - from method and path to a handler, through tables.
 *
 * Each surface (registry, api, web, hooks) is one table of routes.  A row names
 * the access that it needs; a row without one keeps the server from starting.
 * The router parses the captures, asks the authorize function, and calls the
 * handler; whatever fails on the way is rendered by the surface, so that docker
 * gets OCI errors and browsers get pages.
 *
 * Patterns are literal text with typed captures:
 *   {repository}  one or more segments, as many as possible, each a name component;
 *                 oci/reference.h decides whether there are too many
 *   {reference}   a tag or digest     {digest}  a digest
 *   {session}     an upload session   {name}    any single segment, more than once if need be
 * So /v2/a/manifests/b/manifests/latest is the tag `latest` of `a/manifests/b`.
 * A segment that does not parse is answered with that capture's error, after
 * authorization could not even be asked.
 * A final slash of a pattern or path makes no difference.
 * Of several rows that fit, those of the earlier surface come first; within one, literal text
 * goes before a capture, and a single segment before {repository}, from left to right; the first
 * row whose captures parse is taken.  HEAD follows GET.  A path that is known with another
 * method is 405 with Allow.  Tables are constant; any thread. */
#pragma once
#include "net/http.h"

enum { ROUTE_ACCESS_UNSET = 0 };

typedef bool route_handler(struct request *request, struct response *response, struct error *err);

struct route {
    enum method method;
    const char *pattern;
    unsigned access; /* enum access of hub/access.h; 0 is refused at start */
    route_handler *handler;
    const char *summary; /* one line for documentation, metrics and tests */
};

struct surface {
    const char *name; /* metric label: "registry" */
    const char
        *prefix; /* unknown paths under it are answered by this surface; "/" for the last one */
    const struct route *routes; /* ends with a row whose pattern is NULL */

    /* Renders a failure.  Also called with request->route == NULL for unknown paths (NOT_FOUND)
     * and wrong methods (UNSUPPORTED; the Allow header is set already, answer 405). */
    void (*refuse)(struct request *request, struct response *response, const struct error *err);

    /* Its paths are secrets (callbacks, triggers): the log shows the route's pattern instead. */
    bool has_secret_paths;
};

/* Decides whether this request may call its route's handler, and sets request->caller. */
typedef bool authorize_function(struct request *request, struct error *err);

struct router;

/* The arrays are borrowed and live as long as the router.  ERROR_INVALID names a broken row: access
 * not set, no handler, an unknown capture, the same method and pattern twice. */
struct router *router_new(const struct surface *const *surfaces, size_t surface_count,
                          authorize_function *authorize, struct error *err);
void router_free(struct router *router);
DEFINE_AUTO(struct router, router_free);

/* Answers one request: always fills the response. */
void router_handle(const struct router *router, struct request *request, struct response *response);

/* The surface that would render a failure on this path (for errors before routing). */
const struct surface *router_surface(const struct router *router, struct str path);
