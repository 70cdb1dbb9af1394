/* SPDX-License-Identifier: Apache-2.0 */
#include "web/csrf.h"

#include "base/hex.h"
#include "base/random.h"
#include "hub/access.h"
#include "hub/keys.h"

static struct str cookie_name(const struct request *request)
{
    return request->is_https ? STR("__Host-berth_csrf") : STR("berth_csrf");
}

/* The value of our cookie; absent unless it has the form that we give out. */
static struct str cookie_value(struct request *request)
{
    struct str rest = request_header_joined(request, "Cookie");
    struct str wanted = cookie_name(request), part;
    while (str_split(&rest, ';', &part)) {
        part = str_trim(part);
        size_t equals = str_find(part, '=');
        if (!str_equal(str_slice(part, 0, equals), wanted))
            continue;
        struct str value = str_after(part, equals + 1);
        uint8_t bytes[16];
        return hex_decode(value, bytes, sizeof(bytes)) ? value : STR_NONE;
    }
    return STR_NONE;
}

static struct str field_for(struct request *request, struct str cookie)
{
    uint8_t hash[KEYED_HASH_BYTES];
    keys_hash(access_hub(request)->keys, "csrf", cookie, hash);
    char *text = arena_alloc(request->arena, 2 * sizeof(hash) + 1);
    hex_encode(hash, sizeof(hash), text);
    return str_from(text);
}

struct str csrf_field(struct request *request, struct response *response)
{
    struct str cookie = cookie_value(request);
    if (!str_is_set(cookie)) {
        char id[RANDOM_ID_TEXT];
        random_id(id);
        cookie = arena_copy(request->arena, str_from(id));
        response_header_format(
            response, "Set-Cookie", "%.*s=%.*s; Path=/; HttpOnly; SameSite=Strict%s",
            STR_ARG(cookie_name(request)), STR_ARG(cookie), request->is_https ? "; Secure" : "");
    }
    return field_for(request, cookie);
}

/* As the request came in, or as BERTH_URL has it: behind a proxy that ends https, and need not say
 * so, only the latter is what browsers know. */
static bool is_ours(struct request *request, struct str origin)
{
    struct str url = access_hub(request)->url;
    return str_equal(origin, request_origin(request)) ||
           (str_is_set(url) && str_equal(origin, url));
}

bool csrf_check(struct request *request, struct str field, struct error *err)
{
    struct str origin = request_header(request, "Origin");
    if (str_is_set(origin) && !is_ours(request, origin))
        return error_set(err, ERROR_DENIED,
                         "this form was sent from another site; open it here and send it again");
    struct str cookie = cookie_value(request);
    if (!str_is_set(cookie) || !str_equal_secret(field, field_for(request, cookie)))
        return error_set(err, ERROR_DENIED,
                         "this form has expired or your browser sent no cookie; allow cookies for "
                         "this site, open the form again and send it");
    return true;
}
