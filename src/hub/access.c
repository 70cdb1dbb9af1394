/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/access.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/random.h"
#include "hub/access.sql.h"
#include "hub/access_cache.h"
#include "hub/authorization.h"
#include "hub/keys.h"
#include "hub/login.h"
#include "oci/about.h"

/* Who signs and who is meant: one installation, under whatever addresses. */
#define TOKEN_ISSUER STR("berth")
#define TOKEN_PURPOSE "registry"
#define CATALOG STR("catalog")

/* ---- the decision ---- */

struct rights access_rights(const struct account *account, const struct access_subject *subject)
{
    bool is_somebody = account->id != 0 && account->is_active;
    bool is_admin = is_somebody && account->is_admin;
    bool is_owner = is_somebody && subject->owner_exists && account->id == subject->owner_id;
    bool rules = subject->owner_exists && (is_admin || (is_owner && !subject->is_official));
    bool sees = subject->owner_exists && (rules || !subject->is_private);
    if (!subject->repository_exists)
        return (struct rights){ .can_push = rules };
    return (struct rights){
        .can_see = sees,
        .can_pull = sees,
        .can_push = rules,
        .can_delete = rules,
        .can_administer = rules,
    };
}

/* ---- who asks ---- */

static bool refuse_token(struct error *err)
{
    return error_set_about(err, ABOUT_CREDENTIALS, ERROR_UNAUTHENTICATED,
                           "the token is not valid any more: log in again");
}

struct action {
    const char *name;
    enum scope_type type;
    unsigned actions;
};

/* How actions stand in a token.  The catalog's "*" comes first: it holds "search". */
static const struct action actions[] = {
    { "pull", SCOPE_REPOSITORY, SCOPE_PULL },
    { "push", SCOPE_REPOSITORY, SCOPE_PUSH },
    { "delete", SCOPE_REPOSITORY, SCOPE_DELETE },
    { "*", SCOPE_REGISTRY, SCOPE_CATALOG | SCOPE_SEARCH },
    { "search", SCOPE_REGISTRY, SCOPE_SEARCH },
};

static struct scope scope_from_claim(struct arena *arena, const json_t *claim)
{
    struct scope scope = { .name = arena_copy(arena, json_get_str(claim, "name")) };
    struct str type = json_get_str(claim, "type");
    if (str_equal(type, STR("repository")))
        scope.type = SCOPE_REPOSITORY;
    else if (str_equal(type, STR("registry")))
        scope.type = SCOPE_REGISTRY;

    size_t index;
    json_t *name;
    json_array_foreach(json_get_array(claim, "actions"), index, name)
    {
        struct str text = str_from(json_string_value(name));
        for (size_t i = 0; i < ARRAY_COUNT(actions); i++) {
            if (actions[i].type == scope.type && str_equal(text, str_from(actions[i].name)))
                scope.actions |= actions[i].actions;
        }
    }
    return scope;
}

static bool verify_token(struct request *request, struct str token, int64_t now_ms,
                         struct token_claims *out, struct error *err)
{
    json_t *claims AUTO(json_decref) = NULL;
    if (!keys_verify(access_hub(request)->keys, request->arena, TOKEN_PURPOSE, token, now_ms,
                     &claims, err))
        return false;
    const json_t *list = json_get_array(claims, "access");
    if (!str_equal(json_get_str(claims, "iss"), TOKEN_ISSUER) ||
        !str_equal(json_get_str(claims, "aud"), TOKEN_ISSUER) || !list ||
        !json_get_i64(claims, "aid", &out->account_id) ||
        !json_get_i64(claims, "gen", &out->credential_generation) ||
        !json_get_i64(claims, "exp", &out->expires_s))
        return refuse_token(err);

    size_t count = json_array_size(list);
    struct scope *scopes = arena_alloc(request->arena, (count + 1) * sizeof(*scopes));
    for (size_t i = 0; i < count; i++)
        scopes[i] = scope_from_claim(request->arena, json_array_get(list, i));
    out->scopes = scopes;
    out->scope_count = count;
    return true;
}

static bool read_token(struct request *request, struct str token, struct caller *caller,
                       struct token_claims *claims, struct error *err)
{
    struct cache *cache = access_hub(request)->cache;
    struct cache_moment moment;
    int64_t now_ms = clock_now_ms();
    if (!access_cache_find_token(cache, request->arena, token, now_ms, claims, &moment)) {
        if (!verify_token(request, token, now_ms, claims, err))
            return false;
        access_cache_keep_token(cache, request->arena, token, claims, &moment);
    }
    caller->credential = CREDENTIAL_REGISTRY_TOKEN;
    caller->has_ceiling = true;
    caller->scopes = claims->scopes;
    caller->scope_count = claims->scope_count;
    return true;
}

/* The part that needs no transaction of the caller's, and the only one that is slow. */
static bool read_credentials(struct request *request, struct caller *caller,
                             struct token_claims *claims, struct error *err)
{
    size_t header_count = 0;
    for (size_t i = 0; i < request->header_count; i++)
        header_count += str_equal_ignore_case(request->headers[i].name, STR("authorization"));
    if (header_count > 1)
        return error_set_about(err, ABOUT_CREDENTIALS, ERROR_UNAUTHENTICATED,
                               "there is more than one Authorization header");

    struct authorization authorization;
    if (!authorization_parse(request->arena, request_header(request, "authorization"),
                             &authorization, err))
        return false;
    switch (authorization.scheme) {
    case AUTHORIZATION_NONE:
        return true;
    case AUTHORIZATION_BEARER:
        return read_token(request, authorization.token, caller, claims, err);
    case AUTHORIZATION_BASIC:
        caller->credential = CREDENTIAL_PASSWORD;
        return login_check(access_hub(request), request->arena, authorization.name,
                           authorization.secret, request->client_address, &caller->account, err);
    }
    assert(false); /* every scheme has its case above */
    return false;
}

/* A token holds as long as the account is the one that it was made for. */
static bool take_holder(const struct token_claims *claims, const struct account *account,
                        struct caller *caller, struct error *err)
{
    if (claims->account_id == 0)
        return true;
    if (account->id == 0 || !account->is_active ||
        account->credential_generation != claims->credential_generation)
        return refuse_token(err);
    caller->account = *account;
    return true;
}

bool access_identify(struct request *request, struct caller *out, struct error *err)
{
    struct caller caller = { 0 };
    struct token_claims claims = { 0 };
    if (!read_credentials(request, &caller, &claims, err))
        return false;
    if (claims.account_id != 0) {
        struct account account;
        struct db_tx *tx AUTO(db_tx_end) = db_read(access_hub(request)->db, request->arena, err);
        if (!tx || !account_find_by_id(tx, claims.account_id, &account, err) ||
            !take_holder(&claims, &account, &caller, err))
            return false;
    }
    *out = caller;
    return true;
}

/* ---- places ---- */

static bool find_place(struct db_tx *tx, struct repository_name name,
                       struct access_subject *subject, int64_t *repository_id, struct error *err)
{
    struct access_place_row row = { 0 };
    bool found;
    if (!sql_access_place(tx, name.name, name.owner, &row, &found, err))
        return false;
    *subject = (struct access_subject){
        .owner_exists = found,
        .owner_id = row.owner_id,
        .is_official = repository_name_is_official(name),
        .repository_exists = row.repository_id != 0,
        .is_private = row.is_private,
    };
    *repository_id = row.repository_id;
    return true;
}

/* Do the scopes of the caller's token reach this far? */
static bool covers(const struct caller *caller, struct repository_name name, unsigned action)
{
    if (!caller->has_ceiling)
        return true;
    for (size_t i = 0; i < caller->scope_count; i++) {
        const struct scope *scope = &caller->scopes[i];
        struct repository_name scope_name;
        struct error ignored = { 0 }; /* a name that is none covers nothing */
        if (scope->type == SCOPE_REPOSITORY && (scope->actions & action) != 0 &&
            repository_name_parse(scope->name, &scope_name, &ignored) &&
            str_equal(scope_name.owner, name.owner) && str_equal(scope_name.name, name.name))
            return true;
    }
    return false;
}

static bool covers_catalog(const struct caller *caller)
{
    for (size_t i = 0; i < caller->scope_count; i++) {
        const struct scope *scope = &caller->scopes[i];
        if (scope->type == SCOPE_REGISTRY && (scope->actions & SCOPE_CATALOG) != 0 &&
            str_equal(scope->name, CATALOG))
            return true;
    }
    return !caller->has_ceiling;
}

/* ---- refusing ---- */

enum { SHOWN_NAME_MAX = 60 }; /* bytes of a name in a message, which has little room */

/* The repository as people type it: "alice/app", "centos". */
static struct str shown(const struct request *request)
{
    struct repository_name name = request->captures.repository;
    struct str text =
        repository_name_is_official(name)
            ? name.name
            : arena_format(request->arena, "%.*s/%.*s", STR_ARG(name.owner), STR_ARG(name.name));
    return str_slice(text, 0, SHOWN_NAME_MAX);
}

static bool refuse_hidden(const struct request *request, const struct caller *caller,
                          struct error *err)
{
    struct str name = shown(request);
    if (caller->account.id == 0)
        return error_set_about(err, ABOUT_REPOSITORY, ERROR_UNAUTHENTICATED,
                               "the repository %.*s does not exist or needs a login: "
                               "docker login %.*s",
                               STR_ARG(name), STR_ARG(str_slice(request->host, 0, SHOWN_NAME_MAX)));
    return error_set_about(err, ABOUT_REPOSITORY, ERROR_NOT_FOUND,
                           "the repository %.*s does not exist, or %.*s may not see it",
                           STR_ARG(name), STR_ARG(caller->account.name));
}

static bool refuse_push(const struct request *request, const struct caller *caller,
                        const struct access_subject *subject, struct error *err)
{
    struct repository_name name = request->captures.repository;
    struct str full = shown(request), last = str_slice(name.name, 0, SHOWN_NAME_MAX);
    struct str owner = str_slice(name.owner, 0, SHOWN_NAME_MAX), self = caller->account.name;
    if (caller->account.id == 0)
        return error_set_about(err, ABOUT_REPOSITORY, ERROR_UNAUTHENTICATED,
                               "pushing to %.*s needs a login: docker login %.*s", STR_ARG(full),
                               STR_ARG(str_slice(request->host, 0, SHOWN_NAME_MAX)));
    if (caller->account.is_admin && !subject->owner_exists)
        return error_set_about(err, ABOUT_REPOSITORY, ERROR_DENIED,
                               "there is no account '%.*s' to push %.*s for: add it first, or push "
                               "to %.*s/%.*s instead",
                               STR_ARG(owner), STR_ARG(full), STR_ARG(self), STR_ARG(last));
    if (subject->is_official)
        return error_set_about(err, ABOUT_REPOSITORY, ERROR_DENIED,
                               "only administrators push official images; push to %.*s/%.*s "
                               "instead",
                               STR_ARG(self), STR_ARG(last));
    return error_set_about(err, ABOUT_REPOSITORY, ERROR_DENIED,
                           "namespace '%.*s' is not yours; push to %.*s/%.*s instead",
                           STR_ARG(owner), STR_ARG(self), STR_ARG(last));
}

static bool refuse_delete(const struct request *request, const struct caller *caller,
                          const struct access_subject *subject, struct error *err)
{
    struct str name = shown(request);
    if (caller->account.id == 0)
        return error_set_about(err, ABOUT_REPOSITORY, ERROR_UNAUTHENTICATED,
                               "deleting from %.*s needs a login: docker login %.*s", STR_ARG(name),
                               STR_ARG(str_slice(request->host, 0, SHOWN_NAME_MAX)));
    if (subject->is_official)
        return error_set_about(err, ABOUT_REPOSITORY, ERROR_DENIED,
                               "only administrators delete official images");
    return error_set_about(err, ABOUT_REPOSITORY, ERROR_DENIED,
                           "you may not delete from %.*s: only %.*s can", STR_ARG(name),
                           STR_ARG(request->captures.repository.owner));
}

static bool refuse_ceiling(const struct request *request, const char *action, struct error *err)
{
    return error_set_about(err, ABOUT_REPOSITORY, ERROR_UNAUTHENTICATED,
                           "the token does not cover %s of %.*s: ask for one that does", action,
                           STR_ARG(shown(request)));
}

static bool refuse_nobody(const struct request *request, struct error *err)
{
    return error_set(err, ERROR_UNAUTHENTICATED, "this needs a login: docker login %.*s",
                     STR_ARG(str_slice(request->host, 0, SHOWN_NAME_MAX)));
}

/* ---- authorizing ---- */

static bool allow_in_repository(const struct request *request, const struct caller *caller,
                                const struct access_subject *subject, struct error *err)
{
    struct rights rights = access_rights(&caller->account, subject);
    struct repository_name name = request->captures.repository;
    switch ((enum access)request->route->access) {
    case ACCESS_PULL:
    case ACCESS_LOOK:
        if (!rights.can_pull && !(rights.can_push && request->route->access == ACCESS_LOOK))
            return refuse_hidden(request, caller, err);
        return covers(caller, name, SCOPE_PULL) || refuse_ceiling(request, "pull", err);
    case ACCESS_PUSH:
        if (!rights.can_push)
            return refuse_push(request, caller, subject, err);
        return covers(caller, name, SCOPE_PUSH) || refuse_ceiling(request, "push", err);
    case ACCESS_DELETE:
        if (!rights.can_see)
            return refuse_hidden(request, caller, err);
        if (!rights.can_delete)
            return refuse_delete(request, caller, subject, err);
        return covers(caller, name, SCOPE_DELETE) || refuse_ceiling(request, "delete", err);
    case ACCESS_UNSET:
    case ACCESS_PUBLIC:
    case ACCESS_ANYBODY:
    case ACCESS_SIGNED_IN:
    case ACCESS_CATALOG:
    case ACCESS_ADMIN:
    case ACCESS_COUNT:
        break;
    }
    assert(false); /* authorize_in_repository() is called for four kinds only */
    return false;
}

/* Account and repository in one snapshot, which may be a moment old. */
static bool find_standing(struct request *request, int64_t account_id, struct standing *out,
                          struct error *err)
{
    struct hub *hub = access_hub(request);
    struct arena *arena = request->arena;
    struct repository_name name = request->captures.repository;
    struct cache_moment moment;
    if (access_cache_find_standing(hub->cache, arena, account_id, name, out, &moment))
        return true;
    struct standing standing = { 0 };
    struct db_tx *tx AUTO(db_tx_end) = db_read(hub->db, arena, err);
    if (!tx || (account_id != 0 && !account_find_by_id(tx, account_id, &standing.account, err)) ||
        !find_place(tx, name, &standing.subject, &standing.repository_id, err))
        return false;
    access_cache_keep_standing(hub->cache, arena, account_id, name, &standing, &moment);
    *out = standing;
    return true;
}

static bool authorize_in_repository(struct request *request, struct caller *caller,
                                    struct error *err)
{
    struct token_claims claims = { 0 };
    struct standing standing;
    if (!read_credentials(request, caller, &claims, err) ||
        !find_standing(request, claims.account_id, &standing, err) ||
        !take_holder(&claims, &standing.account, caller, err))
        return false;
    caller->repository_id = standing.repository_id;
    caller->repository_is_private = standing.subject.is_private;
    return allow_in_repository(request, caller, &standing.subject, err);
}

static bool authorize_signed_in(struct request *request, struct caller *caller, struct error *err)
{
    if (!access_identify(request, caller, err))
        return false;
    if (caller->account.id == 0)
        return refuse_nobody(request, err);
    bool only_looks = request->method == METHOD_GET || request->method == METHOD_HEAD;
    switch ((enum access)request->route->access) {
    case ACCESS_SIGNED_IN:
        return only_looks || !caller->has_ceiling ||
               error_set(err, ERROR_DENIED,
                         "a registry token does not cover this: log in with "
                         "name and password");
    case ACCESS_CATALOG:
        return covers_catalog(caller) ||
               error_set(err, ERROR_UNAUTHENTICATED,
                         "the token does not cover the catalog: ask for one with the scope "
                         "registry:catalog:*");
    case ACCESS_ADMIN:
        if (!caller->account.is_admin)
            return error_set(err, ERROR_DENIED, "only administrators can do this");
        return !caller->has_ceiling ||
               error_set(err, ERROR_DENIED,
                         "a registry token does not cover this: log in with "
                         "name and password");
    case ACCESS_UNSET:
    case ACCESS_PUBLIC:
    case ACCESS_ANYBODY:
    case ACCESS_PULL:
    case ACCESS_LOOK:
    case ACCESS_PUSH:
    case ACCESS_DELETE:
    case ACCESS_COUNT:
        break;
    }
    assert(false); /* access_authorize() sends no other kind here */
    return false;
}

static bool authorize(struct request *request, struct caller *caller, struct error *err)
{
    switch ((enum access)request->route->access) {
    case ACCESS_PUBLIC:
        return true;
    case ACCESS_ANYBODY:
        return access_identify(request, caller, err);
    case ACCESS_PULL:
    case ACCESS_LOOK:
    case ACCESS_PUSH:
    case ACCESS_DELETE:
        return authorize_in_repository(request, caller, err);
    case ACCESS_SIGNED_IN:
    case ACCESS_CATALOG:
    case ACCESS_ADMIN:
        return authorize_signed_in(request, caller, err);
    case ACCESS_UNSET:
    case ACCESS_COUNT:
        break;
    }
    return error_set(err, ERROR_INTERNAL, "the route %s does not say who may call it",
                     request->route->pattern);
}

bool access_authorize(struct request *request, struct error *err)
{
    struct caller *caller = arena_alloc(request->arena, sizeof(*caller));
    if (!authorize(request, caller, err))
        return false;
    request->caller = caller;
    return true;
}

const struct caller *access_caller(const struct request *request)
{
    assert(request->caller); /* set before any handler runs */
    return request->caller;
}

bool access_readable(struct hub *hub, struct arena *arena, const struct caller *caller,
                     struct repository_name name, int64_t *repository_id, struct error *err)
{
    struct db_tx *tx AUTO(db_tx_end) = db_read(hub->db, arena, err);
    struct access_subject subject;
    int64_t id;
    if (!tx || !find_place(tx, name, &subject, &id, err))
        return false;
    bool is_readable =
        access_rights(&caller->account, &subject).can_pull && covers(caller, name, SCOPE_PULL);
    *repository_id = is_readable ? id : 0;
    return true;
}

/* ---- tokens ---- */

static bool grant_repository(struct db_tx *tx, const struct account *account, struct scope *scope,
                             struct error *err)
{
    struct repository_name name;
    struct access_subject subject;
    struct error ignored = { 0 }; /* for a name that is none, nothing is granted */
    int64_t id;
    unsigned wanted = scope->actions;
    scope->actions = 0;
    if (wanted == 0 || !repository_name_parse(scope->name, &name, &ignored))
        return true;
    if (!find_place(tx, name, &subject, &id, err))
        return false;
    struct rights rights = access_rights(account, &subject);
    unsigned allowed = 0;
    if (rights.can_pull || rights.can_push)
        allowed |= SCOPE_PULL;
    if (rights.can_push)
        allowed |= SCOPE_PUSH;
    if (rights.can_delete)
        allowed |= SCOPE_DELETE;
    scope->actions = wanted & allowed;
    return true;
}

bool access_grant(struct hub *hub, struct arena *arena, const struct account *account,
                  struct scope *scopes, size_t count, struct error *err)
{
    struct db_tx *tx AUTO(db_tx_end) = db_read(hub->db, arena, err);
    if (!tx)
        return false;
    bool is_somebody = account->id != 0 && account->is_active;
    for (size_t i = 0; i < count; i++) {
        struct scope *scope = &scopes[i];
        unsigned of_registry = is_somebody ? SCOPE_CATALOG | SCOPE_SEARCH : SCOPE_SEARCH;
        bool is_catalog = scope->type == SCOPE_REGISTRY && str_equal(scope->name, CATALOG);
        if (scope->type != SCOPE_REPOSITORY)
            scope->actions &= is_catalog ? of_registry : 0;
        else if (!grant_repository(tx, account, scope, err))
            return false;
    }
    return true;
}

static void write_scope(struct json *json, const struct scope *scope)
{
    json_object(json);
    json_key_str(json, "type",
                 scope->type == SCOPE_REPOSITORY ? STR("repository") : STR("registry"));
    json_key_str(json, "name", scope->name);
    json_key(json, "actions");
    json_array(json);
    unsigned left = scope->actions;
    for (size_t i = 0; i < ARRAY_COUNT(actions); i++) {
        if (actions[i].type != scope->type || (left & actions[i].actions) != actions[i].actions)
            continue;
        json_str(json, str_from(actions[i].name));
        left &= ~actions[i].actions;
    }
    json_end(json);
    json_end(json);
}

bool access_token_issue(struct hub *hub, struct arena *arena, const struct account *account,
                        const struct scope *granted, size_t granted_count, struct str *token,
                        int64_t *issued_ms, struct error *err)
{
    int64_t now_s = clock_now_ms() / 1000;
    char id[RANDOM_ID_TEXT];
    random_id(id);
    bool is_somebody = account->id != 0;

    struct buf buf AUTO(buf_release);
    buf_init(&buf, TOKEN_BYTES_MAX);
    struct json json;
    json_init(&json, &buf);
    json_object(&json);
    json_key_str(&json, "iss", TOKEN_ISSUER);
    json_key_str(&json, "sub", is_somebody ? account->name : STR(""));
    json_key_str(&json, "aud", TOKEN_ISSUER);
    json_key_i64(&json, "exp", now_s + TOKEN_LIFE_S);
    json_key_i64(&json, "nbf", now_s);
    json_key_i64(&json, "iat", now_s);
    json_key_str(&json, "jti", str_from(id));
    json_key_i64(&json, "aid", account->id);
    json_key_i64(&json, "gen", is_somebody ? account->credential_generation : 0);
    json_key(&json, "access");
    json_array(&json);
    for (size_t i = 0; i < granted_count; i++) {
        if (granted[i].actions != 0 && granted[i].type != SCOPE_UNKNOWN)
            write_scope(&json, &granted[i]);
    }
    json_end(&json);
    json_end(&json);

    struct str signed_token =
        buf.failed ? STR_NONE : keys_sign(hub->keys, arena, TOKEN_PURPOSE, buf_str(&buf));
    if (!str_is_set(signed_token) || signed_token.len > TOKEN_BYTES_MAX)
        return error_set(err, ERROR_TOO_LARGE,
                         "the token would be longer than %d bytes: ask for fewer scopes at once",
                         TOKEN_BYTES_MAX);
    *token = signed_token;
    *issued_ms = now_s * 1000;
    return true;
}
