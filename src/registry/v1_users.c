/* SPDX-License-Identifier: Apache-2.0 */
/* What `docker login` of docker up to 1.10 talks to.  It always tries to sign up first: with 201 it
 * says that the account was made, with 400 and exactly the text below it goes on to log in,
 * with 400 and anything else it prints that and stops. */
#include "registry/registry_internal.h"

#include "base/json.h"
#include "base/limits.h"
#include "hub/access.h"
#include "hub/account.h"

#define ACCOUNT_EXISTS STR("\"Username or email already exists\"")

bool v1_users_get(struct request *request, struct response *response, struct error *err)
{
    (void)request;
    (void)err;
    response_header(response, "Cache-Control", STR("no-store"));
    response_status(response, 200);
    response_memory(response, "application/json", STR("\"OK\""));
    return true;
}

static void answer_text(struct response *response, int status, struct str body)
{
    response_header(response, "Cache-Control", STR("no-store"));
    response_status(response, status);
    response_memory(response, "application/json", body);
}

/* What the client shows to the person. */
static void answer_sentence(struct response *response, const char *sentence)
{
    struct buf body AUTO(buf_release);
    buf_init(&body, sizeof(((struct error *)NULL)->message) * 6 + 2);
    struct json json;
    json_init(&json, &body);
    json_str(&json, str_from(sentence));
    answer_text(response, 400, arena_copy(response->arena, buf_str(&body)));
}

static bool sign_up(struct request *request, const json_t *form, struct error *err)
{
    struct account_new from = {
        .name = json_get_str(form, "username"),
        .email = json_get_str(form, "email"),
        .password = json_get_str(form, "password"),
    };
    struct account made;
    if (!str_is_set(from.name) || !str_is_set(from.email) || !str_is_set(from.password))
        return error_set(err, ERROR_INVALID, "username, email and password are needed");
    return account_add(access_hub(request), request->arena, &from, &made, err);
}

bool v1_users_post(struct request *request, struct response *response, struct error *err)
{
    struct str body;
    if (!request_read_all(request, HTTP_SMALL_BODY_BYTES_MAX, &body, err))
        return false;
    json_t *form __attribute__((cleanup(json_decref_auto))) = json_parse_object(body, err);
    if (!form)
        return false;
    struct error refusal = { 0 };
    if (sign_up(request, form, &refusal)) {
        answer_text(response, 201, STR("\"User Created\""));
        return true;
    }
    switch ((int)refusal.kind) {
    case ERROR_CONFLICT:
        answer_text(response, 400, ACCOUNT_EXISTS);
        return true;
    case ERROR_INVALID:
    case ERROR_DENIED: /* sign-up is closed; a status of its own would not be shown */
        answer_sentence(response, refusal.message);
        return true;
    default:
        *err = refusal;
        return false;
    }
}
