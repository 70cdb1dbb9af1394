/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/registry_internal.h"

#include "base/json.h"
#include "base/limits.h"
#include "hub/access.h"
#include "hub/search.h"
#include "oci/about.h"

enum { SEARCH_BODY_BYTES_MAX = 1048576, SEARCH_PAGE_MAX = 100000 };

/* docker search asks this first, and takes the server for one that it can ask if it answers. */
bool v1_ping_get(struct request *request, struct response *response, struct error *err)
{
    (void)request;
    (void)err;
    response_header(response, "X-Docker-Registry-Version", STR("0.6.0"));
    response_header(response, "X-Docker-Registry-Standalone", STR("true"));
    response_status(response, 200);
    response_memory(response, "application/json", STR("true"));
    return true;
}

static bool number_in(const struct form *query, const char *name, uint64_t max, int *out,
                      struct error *err)
{
    struct str text = form_get(query, name);
    uint64_t value;
    if (!str_is_set(text))
        return true;
    if (!str_to_u64(text, max, &value) || value == 0)
        return error_set_about(err, ABOUT_PAGE, ERROR_INVALID, "%s must be between 1 and %llu",
                               name, (unsigned long long)max);
    *out = (int)value;
    return true;
}

/* A token for something else than searching finds what anybody does. */
static const struct account *viewer_of(const struct caller *caller, const struct account *nobody)
{
    if (!caller->has_ceiling)
        return &caller->account;
    for (size_t i = 0; i < caller->scope_count; i++)
        if (caller->scopes[i].type == SCOPE_REGISTRY &&
            (caller->scopes[i].actions & (SCOPE_SEARCH | SCOPE_CATALOG)))
            return &caller->account;
    return nobody;
}

/* People write library/centos for what is shown as centos. */
static struct str wanted_text(struct str q)
{
    struct str prefix = STR("library/");
    return str_starts(q, prefix) ? str_after(q, prefix.len) : q;
}

static void write_result(struct json *json, const struct search_result *result)
{
    json_object(json);
    json_key_str(json, "name", result->name);
    json_key_str(json, "description",
                 str_is_set(result->description) ? result->description : STR(""));
    json_key_i64(json, "star_count", result->star_count);
    json_key_bool(json, "is_official", result->is_official);
    json_key_bool(json, "is_automated", result->is_automated);
    json_key_bool(json, "is_trusted", result->is_automated); /* its name of 2014 */
    json_end(json);
}

static bool search_parse(struct request *request, struct search_query *out, struct str *q,
                         struct error *err)
{
    struct form query;
    if (!registry_query(request, &query, err) ||
        !number_in(&query, "n", SEARCH_RESULT_COUNT_MAX, &out->limit, err) ||
        !number_in(&query, "page", SEARCH_PAGE_MAX, &out->page, err))
        return false;
    *q = form_get(&query, "q");
    if (!str_is_set(*q))
        *q = STR("");
    if (q->len > SEARCH_QUERY_BYTES_MAX)
        return error_set(err, ERROR_INVALID, "the search text is longer than %d bytes",
                         SEARCH_QUERY_BYTES_MAX);
    out->text = wanted_text(*q);
    return true;
}

bool v1_search_get(struct request *request, struct response *response, struct error *err)
{
    const struct account nobody = { 0 };
    struct search_query query = {
        .viewer = viewer_of(access_caller(request), &nobody),
        .limit = SEARCH_RESULT_COUNT_DEFAULT,
        .page = 1,
    };
    struct search_result *results;
    struct str q;
    size_t count;
    int64_t total;
    if (!search_parse(request, &query, &q, err) ||
        !search_find(access_hub(request), request->arena, &query, &results, &count, &total, err))
        return false;

    struct buf body AUTO(buf_release);
    buf_init(&body, SEARCH_BODY_BYTES_MAX);
    struct json json;
    json_init(&json, &body);
    json_object(&json);
    json_key_i64(&json, "num_pages", (total + query.limit - 1) / query.limit);
    json_key_i64(&json, "num_results", total);
    json_key(&json, "results");
    json_array(&json);
    for (size_t i = 0; i < count; i++)
        write_result(&json, &results[i]);
    json_end(&json);
    json_key_i64(&json, "page_size", query.limit);
    json_key_str(&json, "query", q);
    json_key_i64(&json, "page", query.page);
    json_end(&json);
    /* What one finds depends on who one is. */
    response_header(response, "Cache-Control", STR("private, no-store"));
    return registry_json(response, 200, &body, err);
}
