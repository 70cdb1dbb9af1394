/* SPDX-License-Identifier: Apache-2.0 */
#include "net/router.h"

#include "oci/about.h"

#include "base/buf.h"
#include "base/log.h"

#include <stdlib.h>
#include <string.h>

enum { SEGMENT_COUNT_MAX = 16, PATH_SEGMENT_COUNT_MAX = 192 };

/* In the order in which rows that fit are tried. */
enum segment_kind {
    SEGMENT_LITERAL = 0,
    SEGMENT_DIGEST,
    SEGMENT_SESSION,
    SEGMENT_REFERENCE,
    SEGMENT_NAME,
    SEGMENT_REPOSITORY,
};

struct segment {
    enum segment_kind kind;
    struct str text; /* of a literal */
};

/* One row, taken apart.  With a {repository}, the segments behind it are matched from the end. */
struct compiled_route {
    const struct route *route;
    const struct surface *surface;
    size_t surface_index;
    struct segment segments[SEGMENT_COUNT_MAX];
    size_t count;
    size_t head_count; /* segments before {repository}; all if there is none */
    bool has_repository;
};

struct router {
    const struct surface *const *surfaces;
    size_t surface_count;
    authorize_function *authorize;
    struct compiled_route *routes; /* in the order in which they are tried */
    size_t route_count;
};

struct path_segments {
    struct str items[PATH_SEGMENT_COUNT_MAX];
    size_t count;
};

static bool segment_compile(struct str text, struct segment *out)
{
    static const struct {
        struct str text;
        enum segment_kind kind;
    } captures[] = {
        { { "{repository}", 12 }, SEGMENT_REPOSITORY },
        { { "{reference}", 11 }, SEGMENT_REFERENCE },
        { { "{digest}", 8 }, SEGMENT_DIGEST },
        { { "{session}", 9 }, SEGMENT_SESSION },
        { { "{name}", 6 }, SEGMENT_NAME },
    };
    for (size_t i = 0; i < ARRAY_COUNT(captures); i++) {
        if (str_equal(text, captures[i].text)) {
            *out = (struct segment){ .kind = captures[i].kind };
            return true;
        }
    }
    *out = (struct segment){ .kind = SEGMENT_LITERAL, .text = text };
    return text.len > 0 && str_find(text, '{') == text.len && str_find(text, '}') == text.len;
}

static bool pattern_compile(struct compiled_route *compiled)
{
    struct str pattern = str_from(compiled->route->pattern), segment;
    size_t name_count = 0;
    if (!str_starts(pattern, STR("/")))
        return false;
    struct str rest = str_after(pattern, 1);
    while (str_split(&rest, '/', &segment)) {
        if (segment.len == 0 && !str_is_set(rest))
            break; /* a final slash */
        if (compiled->count == SEGMENT_COUNT_MAX ||
            !segment_compile(segment, &compiled->segments[compiled->count]))
            return false;
        enum segment_kind kind = compiled->segments[compiled->count].kind;
        if (kind == SEGMENT_NAME && ++name_count > CAPTURE_NAME_COUNT_MAX)
            return false;
        if (kind == SEGMENT_REPOSITORY && compiled->has_repository)
            return false; /* which one would be greedy? */
        if (kind == SEGMENT_REPOSITORY) {
            compiled->has_repository = true;
            compiled->head_count = compiled->count;
        }
        compiled->count++;
    }
    if (!compiled->has_repository)
        compiled->head_count = compiled->count;
    return true;
}

static int compare_segments(const struct segment *a, const struct segment *b)
{
    if (a->kind != b->kind)
        return (int)a->kind - (int)b->kind;
    return a->kind == SEGMENT_LITERAL ? str_compare(a->text, b->text) : 0;
}

static int compare_patterns(const struct compiled_route *a, const struct compiled_route *b)
{
    for (size_t i = 0; i < a->count && i < b->count; i++) {
        int order = compare_segments(&a->segments[i], &b->segments[i]);
        if (order != 0)
            return order;
    }
    return (a->count < b->count) - (a->count > b->count); /* the longer one first */
}

/* For qsort: a total order, so that routing does not depend on the sort. */
static int compare_routes(const void *first, const void *second)
{
    const struct compiled_route *a = first, *b = second;
    if (a->surface_index != b->surface_index)
        return a->surface_index < b->surface_index ? -1 : 1;
    int order = compare_patterns(a, b);
    if (order != 0)
        return order;
    return (a->route > b->route) - (a->route < b->route);
}

static bool row_broken(const struct surface *surface, const struct route *route, const char *what,
                       struct error *err)
{
    return error_set(err, ERROR_INVALID, "route %.*s %s of surface %s: %s",
                     STR_ARG(method_name(route->method)), route->pattern, surface->name, what);
}

static bool row_compile(struct compiled_route *compiled, struct error *err)
{
    const struct route *route = compiled->route;
    if (route->method == METHOD_UNSET || route->method >= METHOD_OTHER)
        return row_broken(compiled->surface, route, "it has no method", err);
    if (route->access == ROUTE_ACCESS_UNSET)
        return row_broken(compiled->surface, route, "it does not say which access it needs", err);
    if (!route->handler)
        return row_broken(compiled->surface, route, "it has no handler", err);
    if (!pattern_compile(compiled))
        return row_broken(compiled->surface, route, "the pattern is malformed", err);
    return true;
}

/* The same method and path twice, in one surface or in two. */
static bool check_unique(const struct router *router, struct error *err)
{
    for (size_t i = 0; i < router->route_count; i++) {
        for (size_t j = i + 1; j < router->route_count; j++) {
            const struct compiled_route *a = &router->routes[i], *b = &router->routes[j];
            if (a->route->method == b->route->method && compare_patterns(a, b) == 0)
                return row_broken(b->surface, b->route, "it is there twice", err);
        }
    }
    return true;
}

static size_t count_routes(const struct surface *surface)
{
    size_t count = 0;
    while (surface->routes[count].pattern)
        count++;
    return count;
}

static bool compile_surface(struct router *router, size_t index, struct error *err)
{
    const struct surface *surface = router->surfaces[index];
    if (!surface->name || !surface->prefix || surface->prefix[0] != '/' || !surface->refuse)
        return error_set(err, ERROR_INVALID, "surface %zu lacks a name, a prefix or refuse()",
                         index);
    for (const struct route *route = surface->routes; route->pattern; route++) {
        struct compiled_route *compiled = &router->routes[router->route_count++];
        *compiled = (struct compiled_route){
            .route = route,
            .surface = surface,
            .surface_index = index,
        };
        if (!row_compile(compiled, err))
            return false;
    }
    return true;
}

struct router *router_new(const struct surface *const *surfaces, size_t surface_count,
                          authorize_function *authorize, struct error *err)
{
    assert(surface_count > 0 && authorize);
    struct router *router AUTO(router_free) = calloc(1, sizeof(*router));
    size_t total = 0;
    for (size_t i = 0; i < surface_count; i++)
        total += count_routes(surfaces[i]);
    if (!router)
        abort();
    router->surfaces = surfaces;
    router->surface_count = surface_count;
    router->authorize = authorize;
    router->routes = calloc(total + 1, sizeof(*router->routes));
    if (!router->routes)
        abort();
    for (size_t i = 0; i < surface_count; i++)
        if (!compile_surface(router, i, err))
            return NULL;
    qsort(router->routes, router->route_count, sizeof(*router->routes), compare_routes);
    if (!check_unique(router, err))
        return NULL;
    return TAKE(router);
}

void router_free(struct router *router)
{
    if (!router)
        return;
    free(router->routes);
    free(router);
}

const struct surface *router_surface(const struct router *router, struct str path)
{
    const struct surface *best = router->surfaces[router->surface_count - 1];
    size_t best_size = 0;
    for (size_t i = 0; i < router->surface_count; i++) {
        struct str prefix = str_from(router->surfaces[i]->prefix);
        if (str_ends(prefix, STR("/")))
            prefix = str_slice(prefix, 0, prefix.len - 1);
        bool is_under =
            str_starts(path, prefix) && (path.len == prefix.len || path.ptr[prefix.len] == '/');
        if (is_under && prefix.len > best_size) {
            best = router->surfaces[i];
            best_size = prefix.len;
        }
    }
    return best;
}

static bool path_split(struct str path, struct path_segments *out)
{
    out->count = 0;
    struct str rest = str_after(path, 1), segment;
    while (str_split(&rest, '/', &segment)) {
        if (segment.len == 0 && !str_is_set(rest))
            break;
        if (out->count == PATH_SEGMENT_COUNT_MAX)
            return false;
        out->items[out->count++] = segment;
    }
    return true;
}

static bool literals_fit(const struct segment *segments, const struct str *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (segments[i].kind == SEGMENT_LITERAL && !str_equal(segments[i].text, items[i]))
            return false;
    return true;
}

/* How many segments stand behind the {repository}. */
static size_t tail_count(const struct compiled_route *compiled)
{
    return compiled->has_repository ? compiled->count - compiled->head_count - 1 : 0;
}

static bool route_fits(const struct compiled_route *compiled, const struct path_segments *path)
{
    size_t tail = tail_count(compiled);
    if (compiled->has_repository ? path->count < compiled->count : path->count != compiled->count)
        return false;
    return literals_fit(compiled->segments, path->items, compiled->head_count) &&
           literals_fit(compiled->segments + compiled->count - tail,
                        path->items + path->count - tail, tail);
}

static bool capture_session(struct str text, struct captures *captures, struct error *err)
{
    bool is_id = text.len == 32;
    for (size_t i = 0; is_id && i < text.len; i++)
        is_id = (text.ptr[i] >= '0' && text.ptr[i] <= '9') ||
                (text.ptr[i] >= 'a' && text.ptr[i] <= 'f');
    if (!is_id)
        return error_set_about(err, ABOUT_UPLOAD, ERROR_NOT_FOUND, "there is no such upload");
    captures->session = text;
    return true;
}

static bool capture(enum segment_kind kind, struct str text, struct captures *captures,
                    struct error *err)
{
    switch (kind) {
    case SEGMENT_LITERAL:
        return true;
    case SEGMENT_REPOSITORY:
        captures->repository_text = text;
        return repository_name_parse(text, &captures->repository, err);
    case SEGMENT_REFERENCE:
        captures->reference_text = text;
        return reference_parse(text, &captures->reference, err);
    case SEGMENT_DIGEST:
        return digest_parse(text, &captures->digest, err);
    case SEGMENT_SESSION:
        return capture_session(text, captures, err);
    case SEGMENT_NAME:
        if (captures->name_count == 0)
            captures->name = text;
        captures->names[captures->name_count++] = text;
        return true;
    }
    return false;
}

/* The stretch of the path that {repository} takes. */
static struct str repository_text(const struct compiled_route *compiled,
                                  const struct path_segments *path)
{
    struct str first = path->items[compiled->head_count];
    struct str last = path->items[path->count - tail_count(compiled) - 1];
    return (struct str){ first.ptr, (size_t)(last.ptr + last.len - first.ptr) };
}

static bool captures_take(const struct compiled_route *compiled, const struct path_segments *path,
                          struct captures *out, struct error *err)
{
    struct captures captures = { 0 };
    *out = captures;
    size_t skipped = path->count - compiled->count; /* more segments than the pattern has */
    for (size_t i = 0; i < compiled->count; i++) {
        enum segment_kind kind = compiled->segments[i].kind;
        bool is_behind = compiled->has_repository && i > compiled->head_count;
        struct str text = kind == SEGMENT_REPOSITORY ? repository_text(compiled, path)
                                                     : path->items[is_behind ? i + skipped : i];
        if (!capture(kind, text, &captures, err)) {
            out->repository_text = captures.repository_text;
            return false;
        }
    }
    *out = captures;
    return true;
}

static bool method_fits(enum method wanted, enum method offered)
{
    return wanted == offered || (wanted == METHOD_HEAD && offered == METHOD_GET);
}

/* What was found for a request. */
struct match {
    const struct compiled_route *route;    /* takes it */
    const struct compiled_route *unparsed; /* would take it, but for *err */
    const struct compiled_route *other;    /* has the path, but not the method */
    bool is_allowed[METHOD_OTHER];
    struct captures captures; /* of `route`, or what is known of `unparsed` */
    struct error err;         /* of `unparsed` */
};

static void note_other_method(struct match *match, const struct compiled_route *route)
{
    if (!match->other)
        match->other = route;
    if (match->other->surface != route->surface)
        return;
    match->is_allowed[route->route->method] = true;
    if (route->route->method == METHOD_GET)
        match->is_allowed[METHOD_HEAD] = true;
}

static void find(const struct router *router, const struct request *request,
                 const struct path_segments *path, struct match *match)
{
    for (size_t i = 0; i < router->route_count && !match->route; i++) {
        const struct compiled_route *route = &router->routes[i];
        if (!route_fits(route, path))
            continue;
        struct captures captures;
        struct error err = { 0 };
        if (!method_fits(request->method, route->route->method)) {
            note_other_method(match, route);
        } else if (captures_take(route, path, &captures, &err)) {
            match->route = route;
            match->captures = captures;
        } else if (!match->unparsed) {
            match->unparsed = route;
            match->captures = captures;
            match->err = err;
        }
    }
}

static void refuse(const struct surface *surface, struct request *request,
                   struct response *response, const struct error *err)
{
    assert(err->kind != ERROR_NONE);
    surface->refuse(request, response, err);
    if (response->status == 0)
        response_status(response, 500);
}

static void refuse_method(const struct match *match, struct request *request,
                          struct response *response)
{
    struct error err = { 0 };
    char allow[64];
    size_t size = 0;
    for (enum method method = METHOD_GET; method < METHOD_OTHER; method++) {
        struct str name = method_name(method);
        if (!match->is_allowed[method])
            continue;
        if (size > 0) {
            memcpy(allow + size, ", ", 2);
            size += 2;
        }
        assert(size + name.len + 2 <= sizeof(allow));
        memcpy(allow + size, name.ptr, name.len);
        size += name.len;
    }
    response_header(response, "Allow", (struct str){ allow, size });
    response_status(response, 405);
    error_set(&err, ERROR_UNSUPPORTED, "%.*s is not possible here; only %.*s",
              STR_ARG(method_name(request->method)), (int)size, allow);
    refuse(match->other->surface, request, response, &err);
}

static void run(const struct router *router, const struct compiled_route *route,
                struct request *request, struct response *response)
{
    struct error err = { 0 };
    request->route = route->route;
    if (!router->authorize(request, &err)) {
        refuse(route->surface, request, response, &err);
        return;
    }
    if (route->route->handler(request, response, &err)) {
        if (response->status == 0) {
            /* A defect of the handler, which must not pass for success. */
            log_event(LOG_ERROR, "handler_set_no_status",
                      LOG_STR("pattern", str_from(route->route->pattern)));
            response_status(response, 500);
        }
        return;
    }
    /* What it had begun to fill in is void. */
    response_release(response);
    response_init(response, request->arena);
    refuse(route->surface, request, response, &err);
}

static void answer_options_of_server(struct response *response)
{
    response_status(response, 204);
    response_header(response, "Allow", STR("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"));
}

void router_handle(const struct router *router, struct request *request, struct response *response)
{
    struct path_segments path;
    struct match match = { 0 };
    if (str_equal(request->path, STR("*"))) {
        answer_options_of_server(response);
        return;
    }
    if (path_split(request->path, &path))
        find(router, request, &path, &match);
    request->captures = match.captures;
    if (match.route) {
        run(router, match.route, request, response);
    } else if (match.unparsed) {
        request->route = match.unparsed->route;
        refuse(match.unparsed->surface, request, response, &match.err);
    } else if (match.other) {
        refuse_method(&match, request, response);
    } else {
        struct error err = { 0 };
        error_set(&err, ERROR_NOT_FOUND, "there is nothing at this address");
        refuse(router_surface(router, request->path), request, response, &err);
    }
}
