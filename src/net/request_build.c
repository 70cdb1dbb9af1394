/* SPDX-License-Identifier: Apache-2.0 */
#include "net/request_build.h"

#include "net/address.h"
#include "net/form.h"

#include <string.h>

/* The target without scheme and authority. */
static struct str origin_form(struct str target)
{
    if (target.len == 0 || target.ptr[0] == '/' || target.ptr[0] == '*')
        return target;
    struct str rest = str_after(target, str_find_text(target, STR("://")) + 3);
    size_t at = 0;
    while (at < rest.len && rest.ptr[at] != '/' && rest.ptr[at] != '?')
        at++;
    return str_after(rest, at);
}

static bool segments_are_normal(struct str path)
{
    struct str rest = str_after(path, 1), segment;
    while (str_split(&rest, '/', &segment)) {
        bool is_last = !str_is_set(rest);
        if (segment.len == 0 && !is_last)
            return false;
        if (str_equal(segment, STR(".")) || str_equal(segment, STR("..")))
            return false;
    }
    return true;
}

/* Two readings of a path are an attack on whoever checks it first, so whatever another program
 * might clean up is refused. */
static bool path_build(struct arena *arena, struct str text, struct str *path, const char **reason)
{
    if (text.len == 0)
        text = STR("/"); /* http://host?query */
    for (size_t i = 0; i + 2 < text.len; i++) {
        if (text.ptr[i] == '%' && text.ptr[i + 1] == '2' && (text.ptr[i + 2] | 0x20) == 'f') {
            *reason = "the path holds an encoded slash";
            return false;
        }
    }
    if (str_find(text, '%') == text.len) {
        *path = text;
    } else if (!url_decode(arena, text, path)) {
        *reason = "the path is not properly percent-encoded UTF-8";
        return false;
    }
    if (!segments_are_normal(*path)) {
        *reason = "the path holds an empty, '.' or '..' segment";
        return false;
    }
    return true;
}

void request_client_address(const struct request *request, const struct request_origin_facts *facts,
                            uint8_t out[static 16])
{
    memcpy(out, facts->peer, 16);
    /* From right to left, line by line: each entry was added by the host that we trust so far. */
    for (size_t i = request->header_count; i-- > 0;) {
        if (!str_equal_ignore_case(request->headers[i].name, STR("X-Forwarded-For")))
            continue;
        struct str left = request->headers[i].value;
        while (str_is_set(left)) {
            if (!address_is_in(facts->trusted_proxies, facts->trusted_proxy_count, out))
                return;
            size_t comma = str_find_last(left, ',');
            bool is_only = comma == left.len;
            struct str entry = str_trim(is_only ? left : str_after(left, comma + 1));
            if (!address_parse(entry, out))
                return;
            left = is_only ? STR_NONE : str_slice(left, 0, comma);
        }
    }
}

/* The last entry of the last such line: what the nearest proxy said. */
static struct str forwarded_last(const struct request *request, const char *name)
{
    struct str wanted = str_from(name);
    for (size_t i = request->header_count; i-- > 0;) {
        if (!str_equal_ignore_case(request->headers[i].name, wanted))
            continue;
        struct str value = request->headers[i].value;
        size_t comma = str_find_last(value, ',');
        return str_trim(comma == value.len ? value : str_after(value, comma + 1));
    }
    return STR_NONE;
}

static void apply_proxy(struct request *request)
{
    struct str proto = forwarded_last(request, "X-Forwarded-Proto");
    if (str_equal_ignore_case(proto, STR("https")))
        request->is_https = true;
    else if (str_equal_ignore_case(proto, STR("http")))
        request->is_https = false;
    struct str host = forwarded_last(request, "X-Forwarded-Host");
    if (host_is_valid(host))
        request->host = host;
}

bool request_build(struct request *request, const struct http_head *head,
                   const struct request_origin_facts *facts, const char **reason)
{
    request->method = head->method;
    request->target = head->target;
    request->headers = head->headers;
    request->header_count = head->header_count;
    request->content_length = head->content_length;
    request->is_https = facts->is_tls;
    request->host = str_is_set(head->host) ? head->host : facts->fallback_host;

    uint8_t client[16];
    memcpy(client, facts->peer, 16);
    if (address_is_in(facts->trusted_proxies, facts->trusted_proxy_count, facts->peer)) {
        apply_proxy(request);
        request_client_address(request, facts, client);
    }
    char text[ADDRESS_TEXT_MAX];
    request->client_address = arena_copy(request->arena, address_format(client, text));

    struct str origin = origin_form(head->target);
    size_t question = str_find(origin, '?');
    request->query = str_after(origin, question + 1);
    if (!str_is_set(request->query))
        request->query = STR("");
    return path_build(request->arena, str_slice(origin, 0, question), &request->path, reason);
}
