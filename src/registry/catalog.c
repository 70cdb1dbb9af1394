/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/registry_internal.h"

#include "base/json.h"
#include "base/limits.h"
#include "hub/access.h"
#include "hub/repository.h"

enum { CATALOG_BODY_BYTES_MAX = 64 + PAGE_SIZE_MAX * (REPOSITORY_NAME_CHARS_MAX + 3) };

static struct str full_name(struct request *request, const struct repository *repository)
{
    return arena_format(request->arena, "%.*s/%.*s", STR_ARG(repository->name.owner),
                        STR_ARG(repository->name.name));
}

static bool list_page(struct request *request, struct str after, int limit, struct repository **out,
                      size_t *count, struct error *err)
{
    struct repository_list_query query = {
        .viewer = &access_caller(request)->account,
        .after = after,
        .limit = limit,
    };
    return repository_list(access_hub(request), request->arena, &query, out, count, err);
}

static bool has_more(struct request *request, struct str last, bool *out, struct error *err)
{
    struct repository *repositories;
    size_t count;
    if (!list_page(request, last, 1, &repositories, &count, err))
        return false;
    *out = count > 0;
    return true;
}

bool registry_catalog_get(struct request *request, struct response *response, struct error *err)
{
    struct form query;
    struct page page;
    struct repository *repositories = NULL;
    struct str last = STR_NONE;
    size_t count = 0;
    bool is_full = false;
    if (!registry_query(request, &query, err) || !page_parse(&query, &page, err))
        return false;
    if (page.limit > 0 && !list_page(request, page.last, page.limit, &repositories, &count, err))
        return false;

    struct buf body AUTO(buf_release);
    buf_init(&body, CATALOG_BODY_BYTES_MAX);
    struct json json;
    json_init(&json, &body);
    json_object(&json);
    json_key(&json, "repositories");
    json_array(&json);
    for (size_t i = 0; i < count; i++) {
        last = full_name(request, &repositories[i]);
        json_str(&json, last);
    }
    json_end(&json);
    json_end(&json);

    if (count > 0 && count == (size_t)page.limit && !has_more(request, last, &is_full, err))
        return false;
    registry_header(response);
    /* What one sees here depends on who one is. */
    response_header(response, "Cache-Control", STR("private, no-store"));
    if (is_full)
        page_link(request, response, &page, last, STR(""));
    return registry_json(response, 200, &body, err);
}
