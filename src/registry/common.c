/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/registry_internal.h"

#include "base/limits.h"
#include "hub/access.h"
#include "hub/repository.h"
#include "oci/about.h"

#include <inttypes.h>

bool registry_head_needs_token(const struct request *request, struct error *err)
{
    return request->method != METHOD_HEAD ||
           access_caller(request)->credential != CREDENTIAL_NONE ||
           error_set(err, ERROR_UNAUTHENTICATED, "authentication required");
}

/* Does the token, if it is one, name this repository for pushing?  `centos` is `library/centos`. */
static bool ceiling_has_push(const struct caller *caller, struct repository_name name)
{
    if (!caller->has_ceiling)
        return true;
    for (size_t i = 0; i < caller->scope_count; i++) {
        const struct scope *scope = &caller->scopes[i];
        struct repository_name named;
        struct error ignored = { 0 };
        if (scope->type == SCOPE_REPOSITORY && (scope->actions & SCOPE_PUSH) &&
            repository_name_parse(scope->name, &named, &ignored) &&
            str_equal(named.owner, name.owner) && str_equal(named.name, name.name))
            return true;
    }
    return false;
}

bool registry_is_push_check(struct request *request, bool *out, struct error *err)
{
    const struct caller *caller = access_caller(request);
    *out = false;
    if (request->method != METHOD_HEAD || caller->account.id == 0 ||
        !ceiling_has_push(caller, request->captures.repository))
        return true;
    struct scope scope = {
        .type = SCOPE_REPOSITORY,
        .name = request->captures.repository_text,
        .actions = SCOPE_PUSH,
    };
    if (!access_grant(access_hub(request), request->arena, &caller->account, &scope, 1, err))
        return false;
    *out = (scope.actions & SCOPE_PUSH) != 0;
    return true;
}

void registry_header(struct response *response)
{
    response_header(response, "Docker-Distribution-Api-Version", STR("registry/2.0"));
}

void registry_digest_header(struct response *response, const struct digest *digest)
{
    char text[DIGEST_TEXT_MAX];
    response_header(response, "Docker-Content-Digest", digest_format(digest, text));
}

void registry_cache_header(const struct request *request, struct response *response, bool by_digest)
{
    if (access_caller(request)->repository_is_private) {
        response_header(response, "Cache-Control", STR("private, no-store"));
    } else if (by_digest) {
        response_header(response, "Cache-Control", STR("public, max-age=31536000, immutable"));
    } else {
        response_header(response, "Cache-Control", STR("no-cache"));
        response_header(response, "Vary", STR("Accept, Authorization"));
    }
}

void registry_location(struct request *request, struct response *response, const char *kind,
                       struct str what)
{
    response_header_format(response, "Location", "/v2/%.*s/%s/%.*s",
                           STR_ARG(request->captures.repository_text), kind, STR_ARG(what));
}

bool registry_repository(struct request *request, int64_t *id, struct error *err)
{
    const struct caller *caller = access_caller(request);
    if (caller->repository_id > 0) {
        *id = caller->repository_id;
        return true;
    }
    return repository_ensure(access_hub(request), request->arena, request->captures.repository, id,
                             err);
}

bool registry_query(struct request *request, struct form *out, struct error *err)
{
    return form_parse(request->arena, request->query, out, err);
}

bool registry_json(struct response *response, int status, struct buf *json, struct error *err)
{
    struct str text;
    if (!buf_finish(json, &text, err))
        return false;
    response_status(response, status);
    response_memory(response, "application/json", arena_copy(response->arena, text));
    return true;
}

static int64_t nothing_read(void *state, void *bytes, size_t size, struct error *err)
{
    (void)state;
    (void)bytes;
    (void)size;
    error_set(err, ERROR_INTERNAL, "the body of an answer to HEAD was asked for");
    return -1;
}

static void nothing_close(void *state)
{
    (void)state;
}

void registry_head_body(struct response *response, uint64_t length)
{
    struct body_source nothing = { .read = nothing_read, .close = nothing_close };
    response_source(response, nothing, length);
}

void registry_upload_headers(struct request *request, struct response *response, struct str id,
                             int64_t size)
{
    registry_location(request, response, "blobs/uploads", id);
    response_header(response, "Docker-Upload-UUID", id);
    /* The form has no way to say "nothing yet"; by custom that is 0-0 as well. */
    response_header_format(response, "Range", "0-%" PRId64, size > 0 ? size - 1 : 0);
}

bool page_parse(const struct form *query, struct page *out, struct error *err)
{
    struct str n = form_get(query, "n");
    uint64_t limit = PAGE_SIZE_DEFAULT;
    if (str_is_set(n) && !str_to_u64(n, INT64_MAX, &limit))
        return error_set_about(err, ABOUT_PAGE, ERROR_INVALID,
                               "n must be a number of entries, 0 or more");
    *out = (struct page){
        .limit = limit > PAGE_SIZE_MAX ? PAGE_SIZE_MAX : (int)limit,
        .last = form_get(query, "last"),
    };
    return true;
}

void page_link(struct request *request, struct response *response, const struct page *page,
               struct str last, struct str extra)
{
    struct buf link AUTO(buf_release);
    buf_init(&link, HTTP_TARGET_BYTES_MAX * 4);
    buf_append_url(&link, last);
    response_header_format(response, "Link", "<%.*s?n=%d&last=%.*s%.*s>; rel=\"next\"",
                           STR_ARG(request->path), page->limit, STR_ARG(buf_str(&link)),
                           STR_ARG(extra));
}
