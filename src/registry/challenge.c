/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/registry_internal.h"

#include "hub/access.h"
#include "oci/about.h"

struct str registry_origin(struct request *request)
{
    const struct hub *hub = access_hub(request);
    return str_is_set(hub->url) ? hub->url : request_origin(request);
}

/* What a token must allow for this route; absent if it need not allow anything.  The name is the
 * one in the path, since clients look for the scope that they would have asked for themselves. */
static struct str scope_needed(struct request *request)
{
    static const char *const actions[ACCESS_COUNT] = {
        [ACCESS_PULL] = "pull",
        [ACCESS_LOOK] = "pull",
        [ACCESS_PUSH] = "pull,push",
        [ACCESS_DELETE] = "delete",
    };
    if (!request->route)
        return STR_NONE;
    unsigned access = request->route->access;
    if (access == ACCESS_CATALOG)
        return STR("registry:catalog:*");
    if (access >= ACCESS_COUNT || !actions[access])
        return STR_NONE;
    return arena_format(request->arena, "repository:%.*s:%s",
                        STR_ARG(request->captures.repository_text), actions[access]);
}

/* Clients ask for a new token once if they are told what was wrong with the one they sent, and stop
 * at the second time; without a word some would go round in circles. */
static const char *token_problem(const struct request *request, const struct error *err)
{
    struct str authorization = request_header(request, "Authorization");
    if (!str_equal_ignore_case(str_slice(authorization, 0, 7), STR("Bearer ")))
        return NULL;
    return err->about == ABOUT_CREDENTIALS ? "invalid_token" : "insufficient_scope";
}

void challenge_add(struct request *request, struct response *response, const struct error *err)
{
    struct str scope = scope_needed(request), origin = registry_origin(request);
    const char *problem = token_problem(request, err);
    response_header_format(response, "WWW-Authenticate",
                           "Bearer realm=\"%.*s/token\",service=\"" REGISTRY_SERVICE
                           "\"%s%.*s%s%s%s%s",
                           STR_ARG(origin), str_is_set(scope) ? ",scope=\"" : "", STR_ARG(scope),
                           str_is_set(scope) ? "\"" : "", problem ? ",error=\"" : "",
                           problem ? problem : "", problem ? "\"" : "");
}
