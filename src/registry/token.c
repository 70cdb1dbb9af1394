/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/registry_internal.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "hub/access.h"
#include "hub/login.h"
#include "oci/about.h"

#include <stdio.h>
#include <string.h>

enum { TOKEN_BODY_BYTES_MAX = 65536, SCOPE_TEXT_BYTES_MAX = 32768 };

/* Who wants a token for what. */
struct token_wish {
    struct account account; /* id 0: nobody */
    struct scope *scopes;
    size_t scope_count;
    bool wants_refresh_token;
    struct str client;
};

/* ?scope=a&scope=b (GET), scope=a+b (POST); both forms are taken from both.  What we do not know is
 * left out: a smaller grant is no failure. */
static bool scopes_parse(struct request *request, const struct form *form, struct token_wish *wish,
                         struct error *err)
{
    wish->scopes = arena_alloc(request->arena, TOKEN_SCOPE_COUNT_MAX * sizeof(*wish->scopes));
    for (size_t nth = 0;; nth++) {
        struct str rest = form_get_nth(form, "scope", nth), word;
        if (!str_is_set(rest))
            return true;
        while (str_split(&rest, ' ', &word)) {
            struct scope scope;
            if (!scope_parse(word, &scope) || scope.type == SCOPE_UNKNOWN)
                continue;
            if (wish->scope_count == TOKEN_SCOPE_COUNT_MAX)
                return error_set(err, ERROR_TOO_LARGE,
                                 "more than %d scopes in one request, ask for fewer",
                                 TOKEN_SCOPE_COUNT_MAX);
            wish->scopes[wish->scope_count++] = scope;
        }
    }
}

/* Keeps of the wish what the account may have. */
static bool grant(struct request *request, struct token_wish *wish, struct error *err)
{
    if (!access_grant(access_hub(request), request->arena, &wish->account, wish->scopes,
                      wish->scope_count, err))
        return false;
    size_t kept = 0;
    for (size_t i = 0; i < wish->scope_count; i++)
        if (wish->scopes[i].actions != 0)
            wish->scopes[kept++] = wish->scopes[i];
    wish->scope_count = kept;
    return true;
}

static void append_scope(struct buf *text, const struct scope *scope)
{
    static const struct {
        unsigned action;
        const char *name;
    } names[] = {
        { SCOPE_PULL, "pull" }, { SCOPE_PUSH, "push" },     { SCOPE_DELETE, "delete" },
        { SCOPE_CATALOG, "*" }, { SCOPE_SEARCH, "search" },
    };
    bool is_repository = scope->type == SCOPE_REPOSITORY;
    buf_format(text, "%s%s:%.*s:", text->len > 0 ? " " : "",
               is_repository ? "repository" : "registry", STR_ARG(scope->name));
    const char *comma = "";
    bool has_all = (scope->actions & SCOPE_CATALOG) != 0; /* searching is part of it */
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (!(scope->actions & names[i].action) || (has_all && names[i].action == SCOPE_SEARCH))
            continue;
        buf_format(text, "%s%s", comma, names[i].name);
        comma = ",";
    }
}

static bool write_scopes(struct json *json, const struct token_wish *wish, struct error *err)
{
    struct buf text AUTO(buf_release);
    struct str finished;
    buf_init(&text, SCOPE_TEXT_BYTES_MAX);
    for (size_t i = 0; i < wish->scope_count; i++)
        append_scope(&text, &wish->scopes[i]);
    if (!buf_finish(&text, &finished, err))
        return false;
    json_key_str(json, "scope", str_is_set(finished) ? finished : STR(""));
    return true;
}

static bool answer(struct request *request, struct response *response, struct token_wish *wish,
                   struct error *err)
{
    struct hub *hub = access_hub(request);
    struct str token, refresh_token = STR_NONE;
    int64_t issued_ms;
    if (!grant(request, wish, err) ||
        !access_token_issue(hub, request->arena, &wish->account, wish->scopes, wish->scope_count,
                            &token, &issued_ms, err))
        return false;
    if (wish->wants_refresh_token && wish->account.id > 0 &&
        !refresh_token_issue(hub, request->arena, &wish->account, wish->client, &refresh_token,
                             err))
        return false;

    char time[CLOCK_TEXT_MAX];
    struct buf body AUTO(buf_release);
    buf_init(&body, TOKEN_BODY_BYTES_MAX);
    struct json json;
    json_init(&json, &body);
    json_object(&json);
    json_key_str(&json, "token", token); /* one name is Docker's, the other OAuth's */
    json_key_str(&json, "access_token", token);
    json_key_i64(&json, "expires_in", TOKEN_LIFE_S);
    json_key_str(&json, "issued_at", clock_format_rfc3339(issued_ms, time));
    if (request->method == METHOD_POST && !write_scopes(&json, wish, err))
        return false;
    if (str_is_set(refresh_token))
        json_key_str(&json, "refresh_token", refresh_token);
    json_end(&json);
    response_header(response, "Cache-Control", STR("no-store"));
    return registry_json(response, 200, &body, err);
}

static struct str client_of(struct request *request, const struct form *form)
{
    struct str client = form_get(form, "client_id");
    return client.len > 0 ? client : request_header(request, "User-Agent");
}

/* One token is not to be had for another: it would outlive it. */
static bool identify_by_password(struct request *request, struct account *out, struct error *err)
{
    struct caller caller;
    if (!access_identify(request, &caller, err))
        return false;
    if (caller.credential == CREDENTIAL_REGISTRY_TOKEN)
        return error_set_about(err, ABOUT_CREDENTIALS, ERROR_UNAUTHENTICATED,
                               "a registry token gives no other one, log in with your password");
    *out = caller.account;
    return true;
}

bool token_get(struct request *request, struct response *response, struct error *err)
{
    struct form query;
    struct token_wish wish = { 0 };
    if (!registry_query(request, &query, err) ||
        !identify_by_password(request, &wish.account, err) ||
        !scopes_parse(request, &query, &wish, err))
        return false;
    wish.wants_refresh_token = str_equal(form_get(&query, "offline_token"), STR("true")) ||
                               str_equal(form_get(&query, "access_type"), STR("offline"));
    wish.client = client_of(request, &query);
    return answer(request, response, &wish, err);
}

/* What to type then: docker shows the sentence as it is. */
static bool say_where(const struct request *request, struct error *err)
{
    enum { SHOWN_HOST_MAX = 100 };
    if (err->kind == ERROR_UNAUTHENTICATED) {
        size_t used = strlen(err->message);
        (void)snprintf(err->message + used, sizeof(err->message) - used, " %.*s",
                       STR_ARG(str_slice(request->host, 0, SHOWN_HOST_MAX)));
    }
    return false;
}

static bool log_in(struct request *request, const struct form *form, struct token_wish *wish,
                   struct error *err)
{
    struct hub *hub = access_hub(request);
    struct str grant_type = form_get(form, "grant_type");
    if (str_equal(grant_type, STR("refresh_token")))
        return refresh_token_check(hub, request->arena, form_get(form, "refresh_token"),
                                   &wish->account, err) ||
               say_where(request, err);
    if (!str_equal(grant_type, STR("password")))
        return error_set(err, ERROR_INVALID, "grant_type must be password or refresh_token");
    struct str name = form_get(form, "username"), password = form_get(form, "password");
    if (!str_is_set(name) || !str_is_set(password))
        return error_set(err, ERROR_INVALID, "username and password are needed");
    /* Who logs in by an identity token has one already. */
    wish->wants_refresh_token = str_equal(form_get(form, "access_type"), STR("offline")) ||
                                str_equal(form_get(form, "offline_token"), STR("true"));
    return login_check(hub, request->arena, name, password, request->client_address, &wish->account,
                       err);
}

bool token_post(struct request *request, struct response *response, struct error *err)
{
    struct str body;
    struct form form;
    struct token_wish wish = { 0 };
    if (!request_read_all(request, HTTP_SMALL_BODY_BYTES_MAX, &body, err) ||
        !form_parse(request->arena, body, &form, err) || !log_in(request, &form, &wish, err) ||
        !scopes_parse(request, &form, &wish, err))
        return false;
    wish.client = client_of(request, &form);
    return answer(request, response, &wish, err);
}
