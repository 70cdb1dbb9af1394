/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/registry_internal.h"

#include "base/json.h"
#include "base/limits.h"
#include "hub/access.h"
#include "hub/manifest.h"

enum { TAGS_BODY_BYTES_MAX = REPOSITORY_NAME_CHARS_MAX + 64 + PAGE_SIZE_MAX * (TAG_CHARS_MAX + 3) };

/* Is there a tag behind this one?  Only asked when a page is full. */
static bool has_more(struct request *request, struct str last, bool *out, struct error *err)
{
    struct str *names;
    size_t count;
    if (!tag_list(access_hub(request), request->arena, access_caller(request)->repository_id, last,
                  1, &names, &count, err))
        return false;
    *out = count > 0;
    return true;
}

bool registry_tags_get(struct request *request, struct response *response, struct error *err)
{
    struct form query;
    struct page page;
    struct str *names = NULL;
    size_t count = 0;
    bool is_full = false;
    if (!registry_query(request, &query, err) || !page_parse(&query, &page, err))
        return false;
    if (page.limit > 0 &&
        !tag_list(access_hub(request), request->arena, access_caller(request)->repository_id,
                  page.last, page.limit, &names, &count, err))
        return false;
    if (count > 0 && count == (size_t)page.limit &&
        !has_more(request, names[count - 1], &is_full, err))
        return false;

    registry_header(response);
    registry_cache_header(request, response, false);
    if (is_full)
        page_link(request, response, &page, names[count - 1], STR(""));
    struct buf body AUTO(buf_release);
    buf_init(&body, TAGS_BODY_BYTES_MAX);
    struct json json;
    json_init(&json, &body);
    json_object(&json);
    json_key_str(&json, "name", request->captures.repository_text);
    json_key(&json, "tags");
    json_array(&json);
    for (size_t i = 0; i < count; i++)
        json_str(&json, names[i]);
    json_end(&json);
    json_end(&json);
    return registry_json(response, 200, &body, err);
}
