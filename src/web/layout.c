/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "hub/access.h"
#include "web/web_internal.h"

struct str layout_origin(struct request *request)
{
    struct str url = access_hub(request)->url;
    return str_is_set(url) ? url : request_origin(request);
}

struct str layout_registry(struct request *request)
{
    struct str origin = layout_origin(request);
    return str_after(origin, str_find_text(origin, STR("://")) + 3);
}

struct layout layout_load(struct request *request, struct str title)
{
    return (struct layout){
        .title = title,
        .style_sheet = asset_url(request->arena, "berth.css"),
        .script = asset_url(request->arena, "berth.js"),
        .icon = asset_url(request->arena, "icon.svg"),
        .can_sign_up = access_hub(request)->signup == SIGNUP_OPEN,
    };
}

bool page_send(struct response *response, int status, struct html *page, struct error *err)
{
    struct str markup;
    if (!buf_finish(&page->buf, &markup, err))
        return false;
    response_status(response, status);
    response_header(response, "Content-Security-Policy",
                    STR("default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
                        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"));
    response_header(response, "X-Content-Type-Options", STR("nosniff"));
    response_header(response, "Referrer-Policy", STR("same-origin"));
    response_header(response, "Cache-Control", STR("no-store"));
    response_memory(response, "text/html; charset=utf-8", arena_copy(response->arena, markup));
    return true;
}

struct str page_sentence(struct arena *arena, const struct error *err)
{
    const char *message = err->message;
    char first =
        message[0] >= 'a' && message[0] <= 'z' ? (char)(message[0] - 'a' + 'A') : message[0];
    return first ? arena_format(arena, "%c%s.", first, message + 1) : STR("");
}

static int status_of(const struct request *request, const struct error *err)
{
    switch (err->kind) {
    case ERROR_NOT_FOUND:
        return 404;
    case ERROR_DENIED:
        return 403;
    case ERROR_UNAUTHENTICATED:
        return 401;
    case ERROR_TOO_LARGE:
        return 413;
    case ERROR_TOO_MANY:
        return 429;
    case ERROR_UNSUPPORTED:
        return request->route ? 400 : 405;
    case ERROR_UNAVAILABLE:
        return 503;
    case ERROR_NO_SPACE:
        return 507;
    case ERROR_CONFLICT:
        return 409;
    case ERROR_INVALID:
    case ERROR_RANGE:
        return 400;
    case ERROR_NONE:
    case ERROR_INTERNAL:
        break;
    }
    return 500;
}

static struct str heading_of(int status)
{
    if (status == 404)
        return STR("This page does not exist");
    if (status == 503)
        return STR("Not just now");
    return status >= 500 ? STR("Something went wrong here") : STR("That did not work");
}

/* Only if the page itself cannot be rendered, which its size makes impossible, is there plain text.
 */
void page_refuse(struct request *request, struct response *response, const struct error *err)
{
    int status = status_of(request, err);
    struct problem_page page = {
        .layout = layout_load(request, heading_of(status)),
        .status = status,
        .heading = heading_of(status),
        .explanation = error_is_public(err) ? page_sentence(request->arena, err)
                                            : STR("Please try again. If it stays, tell the "
                                                  "administrator the request number below."),
        .request_id = request->id,
    };
    if (err->retry_after_s)
        response_header_format(response, "Retry-After", "%u", err->retry_after_s);
    struct html html __attribute__((cleanup(html_release_auto)));
    html_init(&html);
    html_problem(&html, &page);
    struct error trouble = { 0 };
    if (!page_send(response, status, &html, &trouble)) {
        response_status(response, status);
        response_memory(response, "text/plain; charset=utf-8", page.explanation);
    }
}
