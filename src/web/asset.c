/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/access.h"
#include "net/range.h"
#include "web/web_internal.h"

static const struct embedded_file *asset_find(struct str name)
{
    for (const struct embedded_file *file = web_assets; file->name; file++)
        if (str_equal(str_from(file->name), name))
            return file;
    return NULL;
}

struct url asset_url(struct arena *arena, const char *name)
{
    const struct embedded_file *file = asset_find(str_from(name));
    assert(file);
    return (struct url){ arena_format(arena, "/assets/%s?%s", file->name, file->mark) };
}

static const char *content_type(struct str name)
{
    if (str_ends(name, STR(".css")))
        return "text/css; charset=utf-8";
    if (str_ends(name, STR(".js")))
        return "text/javascript; charset=utf-8";
    assert(str_ends(name, STR(".svg")));
    return "image/svg+xml";
}

bool asset_get(struct request *request, struct response *response, struct error *err)
{
    const struct embedded_file *file = asset_find(request->captures.name);
    if (!file)
        return error_set(err, ERROR_NOT_FOUND, "there is no such file");
    bool is_current = str_equal(request->query, str_from(file->mark));
    response_header(response, "Cache-Control",
                    is_current ? STR("public, max-age=31536000, immutable") : STR("no-cache"));
    response_header_format(response, "ETag", "\"%s\"", file->mark);
    response_header(response, "X-Content-Type-Options", STR("nosniff"));
    if (etag_matches(request_header(request, "If-None-Match"), str_from(file->mark))) {
        response_status(response, 304);
        return true;
    }
    response_status(response, 200);
    response_memory(response, content_type(request->captures.name),
                    (struct str){ (const char *)file->bytes, file->size });
    return true;
}
