/* SPDX-License-Identifier: Apache-2.0 */
#include "net/router.h"

#include "../check.h"

#include "net/loopback.h"

#include <stdio.h>
#include <string.h>

/* What was called last, and with which captures. */
struct seen {
    const char *handler;
    struct captures captures;
    unsigned access;
    bool refuses;
    enum error_kind refusal;
    char repository[128], name[128], names[128];
    char repository_text[128]; /* of what was refused */
};

static void note(struct request *request, const char *handler)
{
    struct seen *seen = request->app;
    const struct captures *captures = &request->captures;
    seen->handler = handler;
    seen->captures = *captures;
    snprintf(seen->repository, sizeof(seen->repository), "%.*s/%.*s",
             STR_ARG(captures->repository.owner), STR_ARG(captures->repository.name));
    snprintf(seen->name, sizeof(seen->name), "%.*s", STR_ARG(captures->name));
    seen->names[0] = 0;
    for (size_t i = 0; i < captures->name_count; i++) {
        size_t used = strlen(seen->names);
        snprintf(seen->names + used, sizeof(seen->names) - used, "%.*s;",
                 STR_ARG(captures->names[i]));
    }
}

#define HANDLER(name)                                                                              \
    static bool name(struct request *request, struct response *response, struct error *err)        \
    {                                                                                              \
        (void)err;                                                                                 \
        note(request, #name);                                                                      \
        response_status(response, 200);                                                            \
        return true;                                                                               \
    }                                                                                              \
    static_assert(1, "takes a semicolon")

HANDLER(version_get);
HANDLER(manifest_get);
HANDLER(manifest_put);
HANDLER(blob_get);
HANDLER(upload_start);
HANDLER(upload_append);
HANDLER(tags_get);
HANDLER(hub_tag_get);
HANDLER(hub_repository_get);
HANDLER(hub_search);
HANDLER(page_get);
HANDLER(home_get);

static bool failing(struct request *request, struct response *response, struct error *err)
{
    note(request, "failing");
    response_header(response, "X-Void", STR("1"));
    response_memory(response, "text/plain", STR("void"));
    return error_set(err, ERROR_CONFLICT, "it changed");
}

static bool forgetful(struct request *request, struct response *response, struct error *err)
{
    (void)response;
    (void)err;
    note(request, "forgetful");
    return true;
}

static bool authorize(struct request *request, struct error *err)
{
    struct seen *seen = request->app;
    seen->access = request->route->access;
    return seen->refuses ? error_set(err, ERROR_DENIED, "not you") : true;
}

static void refuse_as(const char *surface, struct request *request, struct response *response,
                      const struct error *err)
{
    struct seen *seen = request->app;
    seen->captures = request->captures;
    snprintf(seen->repository_text, sizeof(seen->repository_text), "%.*s",
             STR_ARG(request->captures.repository_text));
    seen->refusal = err->kind;
    if (response->status == 0)
        response_status(response, err->kind == ERROR_NOT_FOUND ? 404 : 400);
    response_memory(response, "text/plain",
                    arena_format(request->arena, "%s: %s", surface, err->message));
}

static void refuse_registry(struct request *request, struct response *response,
                            const struct error *err)
{
    refuse_as("registry", request, response, err);
}

static void refuse_api(struct request *request, struct response *response, const struct error *err)
{
    refuse_as("api", request, response, err);
}

static void refuse_web(struct request *request, struct response *response, const struct error *err)
{
    refuse_as("web", request, response, err);
}

/* clang-format off */
static const struct route registry_routes[] = {
    { METHOD_GET,   "/v2/",                                     1, version_get,   "" },
    { METHOD_GET,   "/v2/{repository}/blobs/{digest}",          2, blob_get,      "" },
    { METHOD_GET,   "/v2/{repository}/manifests/{reference}",   2, manifest_get,  "" },
    { METHOD_PUT,   "/v2/{repository}/manifests/{reference}",   3, manifest_put,  "" },
    { METHOD_POST,  "/v2/{repository}/blobs/uploads/",          3, upload_start,  "" },
    { METHOD_PATCH, "/v2/{repository}/blobs/uploads/{session}", 3, upload_append, "" },
    { METHOD_GET,   "/v2/{repository}/tags/list",               2, tags_get,      "" },
    { 0 },
};
static const struct route api_routes[] = {
    { METHOD_GET,   "/v2/namespaces/{name}/repositories/{name}/tags/{name}", 2, hub_tag_get, "" },
    { METHOD_GET,   "/v2/repositories/{repository}/",           2, hub_repository_get, "" },
    { METHOD_GET,   "/v2/search/repositories",                  1, hub_search, "" },
    { METHOD_POST,  "/v2/failing",                              1, failing, "" },
    { METHOD_POST,  "/v2/forgetful",                            1, forgetful, "" },
    { 0 },
};
static const struct route web_routes[] = {
    { METHOD_GET,   "/u/{name}",                                1, page_get, "" },
    { METHOD_GET,   "/u/me",                                    1, home_get, "" },
    { METHOD_GET,   "/",                                        1, home_get, "" },
    { 0 },
};
/* clang-format on */
static const struct surface registry = {
    .name = "registry", .prefix = "/v2/", .routes = registry_routes, .refuse = refuse_registry
};
static const struct surface api = {
    .name = "api", .prefix = "/v2/repositories/", .routes = api_routes, .refuse = refuse_api
};
static const struct surface web = {
    .name = "web", .prefix = "/", .routes = web_routes, .refuse = refuse_web
};
static const struct surface *const surfaces[] = { &registry, &api, &web };

static struct router *make_router(void)
{
    struct error err = { 0 };
    struct router *router = router_new(surfaces, ARRAY_COUNT(surfaces), authorize, &err);
    assert_non_null(router);
    return router;
}

/* Asks; returns the status. */
static int ask(const struct router *router, struct seen *seen, const char *method_and_path)
{
    char text[512];
    int size = snprintf(text, sizeof(text), "%s HTTP/1.1\r\nHost: a\r\n\r\n", method_and_path);
    bool refuses = seen->refuses;
    *seen = (struct seen){ .handler = "", .refuses = refuses };
    struct loopback_response *response AUTO(loopback_free) =
        loopback_request(router, seen, (struct str){ text, (size_t)size });
    return response->status;
}

static void test_router_handle__takes_the_longest_repository(void **state)
{
    (void)state;
    struct router *router AUTO(router_free) = make_router();
    struct seen seen = { 0 };
    assert_int_equal(ask(router, &seen, "GET /v2/alice/web/manifests/latest"), 200);
    assert_string_equal(seen.handler, "manifest_get");
    assert_string_equal(seen.repository, "alice/web");
    /* Legal by the grammar of names, though Berth's names have two parts. */
    assert_int_equal(ask(router, &seen, "GET /v2/manifests/b/manifests/latest"), 200);
    assert_string_equal(seen.repository, "manifests/b");
    assert_int_equal(ask(router, &seen, "GET /v2/a/manifests/manifests/latest"), 200);
    assert_string_equal(seen.repository, "a/manifests");
    assert_int_equal(ask(router, &seen, "GET /v2/a/manifests/b/manifests/latest"), 400);
    assert_string_equal(seen.handler,
                        ""); /* three parts: oci/reference.h says how that is refused */
    assert_int_not_equal(seen.refusal, ERROR_NOT_FOUND);
    assert_int_equal(ask(router, &seen, "GET /v2/nginx/tags/list"), 200);
    assert_string_equal(seen.repository, "library/nginx");
    assert_int_equal(ask(router, &seen, "GET /v2/tags/tags/list"), 200);
    assert_string_equal(seen.repository, "library/tags");
}

static void test_router_handle__puts_literals_before_captures(void **state)
{
    (void)state;
    struct router *router AUTO(router_free) = make_router();
    struct seen seen = { 0 };
    assert_int_equal(ask(router, &seen, "POST /v2/a/b/blobs/uploads/"), 200);
    assert_string_equal(seen.handler, "upload_start");
    assert_int_equal(ask(router, &seen, "GET /u/me"), 200);
    assert_string_equal(seen.handler, "home_get");
    assert_int_equal(ask(router, &seen, "GET /u/you"), 200);
    assert_string_equal(seen.handler, "page_get");
    assert_string_equal(seen.name, "you");
    assert_int_equal(ask(router, &seen, "GET /v2/search/repositories?q=x"), 200);
    assert_string_equal(seen.handler, "hub_search");
}

static void test_router_handle__tries_the_next_row_when_captures_do_not_parse(void **state)
{
    (void)state;
    struct router *router AUTO(router_free) = make_router();
    struct seen seen = { 0 };
    assert_int_equal(ask(router, &seen, "GET /v2/namespaces/a/repositories/b/tags/list"), 200);
    assert_string_equal(seen.handler, "hub_tag_get");
    assert_string_equal(seen.names, "a;b;list;");
    assert_string_equal(seen.name, "a");
}

static void test_router_handle__does_not_mind_a_final_slash(void **state)
{
    (void)state;
    struct router *router AUTO(router_free) = make_router();
    struct seen seen = { 0 };
    const char *alike[] = { "GET /v2/",
                            "GET /v2",
                            "GET /v2/repositories/a/b",
                            "GET /v2/repositories/a/b/",
                            "POST /v2/a/blobs/uploads",
                            "GET /v2/a/tags/list/",
                            "GET /" };
    for (size_t i = 0; i < ARRAY_COUNT(alike); i++)
        assert_int_equal(ask(router, &seen, alike[i]), 200);
}

static void test_router_handle__parses_typed_captures(void **state)
{
    (void)state;
    struct router *router AUTO(router_free) = make_router();
    struct seen seen = { 0 };
#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    assert_int_equal(ask(router, &seen, "GET /v2/a/blobs/sha256:" HEX64), 200);
    assert_int_equal(seen.captures.digest.algorithm, DIGEST_SHA256);
    assert_int_equal(ask(router, &seen, "GET /v2/a/blobs/sha256:123"), 400);
    assert_string_equal(seen.handler, "");
    assert_int_equal(ask(router, &seen, "GET /v2/a/manifests/sha256:" HEX64), 200);
    assert_int_equal(seen.captures.reference.digest.algorithm, DIGEST_SHA256);
    assert_int_equal(
        ask(router, &seen, "PATCH /v2/a/blobs/uploads/0123456789abcdef0123456789abcdef"), 200);
    const char *no_sessions[] = { "PATCH /v2/a/blobs/uploads/0123456789abcdef0123456789abcde",
                                  "PATCH /v2/a/blobs/uploads/0123456789ABCDEF0123456789abcdef",
                                  "PATCH /v2/a/blobs/uploads/0123456789abcdef0123456789abcdef0" };
    for (size_t i = 0; i < ARRAY_COUNT(no_sessions); i++)
        assert_int_equal(ask(router, &seen, no_sessions[i]), 404);
}

static void test_router_handle__shows_a_refusal_the_name_that_was_meant(void **state)
{
    (void)state;
    struct router *router AUTO(router_free) = make_router();
    struct seen seen = { 0 };
    assert_int_equal(ask(router, &seen, "POST /v2/a/q/w/blobs/uploads/"), 400);
    assert_string_equal(seen.repository_text, "a/q/w");
    assert_false(str_is_set(seen.captures.repository.name));
}

static void test_router_handle__lets_head_follow_get(void **state)
{
    (void)state;
    struct router *router AUTO(router_free) = make_router();
    struct seen seen = { 0 };
    assert_int_equal(ask(router, &seen, "HEAD /v2/a/manifests/x"), 200);
    assert_string_equal(seen.handler, "manifest_get");
}

static void test_router_handle__says_405_with_allow(void **state)
{
    (void)state;
    struct router *router AUTO(router_free) = make_router();
    struct seen seen = { 0 };
    struct loopback_response *response AUTO(loopback_free) = loopback_request(
        router, &seen, STR("DELETE /v2/a/manifests/x HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_int_equal(response->status, 405);
    check_str(loopback_header(response, "allow"), "GET, HEAD, PUT");
    assert_int_equal(seen.refusal, ERROR_UNSUPPORTED);
    check_str(response->body, "registry: DELETE is not possible here; only GET, HEAD, PUT");
    /* The other surface's row has the method. */
    assert_int_equal(ask(router, &seen, "POST /v2/failing"), 400);
}

static void test_router_handle__answers_unknown_paths_by_their_surface(void **state)
{
    (void)state;
    struct router *router AUTO(router_free) = make_router();
    const struct {
        const char *path, *surface;
    } rows[] = { { "/v2/x/y/z", "registry" },
                 { "/v2x", "web" },
                 { "/v2", "registry" },
                 { "/v2/repositories/a/b/c", "api" },
                 { "/nothing", "web" } };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_string_equal(router_surface(router, str_from(rows[i].path))->name, rows[i].surface);
    struct seen seen = { 0 };
    assert_int_equal(ask(router, &seen, "GET /v2/x/y/z"), 404);
    assert_int_equal(ask(router, &seen, "GET /nothing"), 404);
    assert_int_equal(seen.refusal, ERROR_NOT_FOUND);
    char deep[500] = "GET /";
    for (size_t i = 5; i < 480; i += 2)
        memcpy(deep + i, "a/", 3);
    assert_int_equal(ask(router, &seen, deep), 404);
}

static void test_router_handle__asks_before_it_calls(void **state)
{
    (void)state;
    struct router *router AUTO(router_free) = make_router();
    struct seen seen = { .refuses = true };
    assert_int_equal(ask(router, &seen, "PUT /v2/a/manifests/x"), 400);
    assert_int_equal(seen.refusal, ERROR_DENIED);
    assert_int_equal(seen.access, 3);
    assert_string_equal(seen.handler, "");
}

static void test_router_handle__voids_what_a_failed_handler_began(void **state)
{
    (void)state;
    struct router *router AUTO(router_free) = make_router();
    struct seen seen = { 0 };
    struct loopback_response *response AUTO(loopback_free) =
        loopback_request(router, &seen, STR("POST /v2/failing HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_int_equal(response->status, 400);
    assert_false(str_is_set(loopback_header(response, "X-Void")));
    check_str(response->body, "api: it changed");
    assert_int_equal(ask(router, &seen, "POST /v2/forgetful"), 500);
}

static void test_router_handle__answers_options_of_the_server(void **state)
{
    (void)state;
    struct router *router AUTO(router_free) = make_router();
    struct seen seen = { 0 };
    assert_int_equal(ask(router, &seen, "OPTIONS *"), 204);
}

static void check_broken(const struct route *routes, const char *part)
{
    struct error err = { 0 };
    const struct surface broken = {
        .name = "x", .prefix = "/", .routes = routes, .refuse = refuse_web
    };
    const struct surface *const list[] = { &broken };
    assert_null(router_new(list, 1, authorize, &err));
    check_error(&err, ERROR_INVALID, part);
}

static void test_router_new__refuses_broken_rows(void **state)
{
    (void)state;
    check_broken((struct route[]){ { METHOD_GET, "/a", 0, home_get, "" }, { 0 } }, "access");
    check_broken((struct route[]){ { METHOD_GET, "/a", 1, NULL, "" }, { 0 } }, "no handler");
    check_broken((struct route[]){ { 0, "/a", 1, home_get, "" }, { 0 } }, "no method");
    const char *malformed[] = { "a",  "/{nmae}", "/a{name}", "/a//b", "/{repository}/{repository}",
                                "/a}" };
    for (size_t i = 0; i < ARRAY_COUNT(malformed); i++)
        check_broken((struct route[]){ { METHOD_GET, malformed[i], 1, home_get, "" }, { 0 } },
                     "malformed");
    check_broken((struct route[]){ { METHOD_GET, "/a", 1, home_get, "" },
                                   { METHOD_PUT, "/a", 1, home_get, "" },
                                   { METHOD_GET, "/a/", 1, page_get, "" },
                                   { 0 } },
                 "twice");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_router_handle__takes_the_longest_repository),
        cmocka_unit_test(test_router_handle__puts_literals_before_captures),
        cmocka_unit_test(test_router_handle__tries_the_next_row_when_captures_do_not_parse),
        cmocka_unit_test(test_router_handle__does_not_mind_a_final_slash),
        cmocka_unit_test(test_router_handle__parses_typed_captures),
        cmocka_unit_test(test_router_handle__shows_a_refusal_the_name_that_was_meant),
        cmocka_unit_test(test_router_handle__lets_head_follow_get),
        cmocka_unit_test(test_router_handle__says_405_with_allow),
        cmocka_unit_test(test_router_handle__answers_unknown_paths_by_their_surface),
        cmocka_unit_test(test_router_handle__asks_before_it_calls),
        cmocka_unit_test(test_router_handle__voids_what_a_failed_handler_began),
        cmocka_unit_test(test_router_handle__answers_options_of_the_server),
        cmocka_unit_test(test_router_new__refuses_broken_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
