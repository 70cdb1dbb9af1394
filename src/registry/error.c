/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/registry_internal.h"

#include "base/json.h"
#include "hub/access.h"
#include "hub/account.h"
#include "hub/upload.h"
#include "oci/about.h"

#include <inttypes.h>

enum { ERROR_BODY_BYTES_MAX = 16384 };

struct wire_row {
    enum error_kind kind;
    enum about about;
    int status;
    const char *code;
};

static const struct wire_row wire_rows[] = {
#define WIRE_ERROR(kind, about, status, code) { kind, about, status, #code },
#include "registry/error_codes.def"
};

/* What a failure is about if nobody said: broken framing of a body, a query that does not parse. */
static enum about about_of(const struct request *request, const struct error *err)
{
    if (err->about != ABOUT_NONE || !request->route)
        return (enum about)err->about;
    struct str pattern = str_from(request->route->pattern);
    if (str_find_text(pattern, STR("/manifests/")) < pattern.len)
        return ABOUT_MANIFEST;
    if (str_find_text(pattern, STR("/uploads/")) < pattern.len)
        return ABOUT_UPLOAD;
    return ABOUT_NONE;
}

static const struct wire_row *row_of(enum error_kind kind, enum about about)
{
    for (size_t i = 0; i < ARRAY_COUNT(wire_rows); i++) {
        const struct wire_row *row = &wire_rows[i];
        if (row->kind == kind && (row->about == about || row->about == ABOUT_NONE))
            return row;
    }
    return &wire_rows[ARRAY_COUNT(wire_rows) - 1]; /* ERROR_INTERNAL */
}

/* Who sent wrong credentials may be somebody without an account who does not know where to get one.
 */
static struct str sign_up_hint(struct request *request, struct str message)
{
    struct str address =
        account_signup_address(access_hub(request), request->arena, registry_origin(request));
    if (!str_is_set(address))
        return message;
    return arena_format(request->arena, "%.*s; no account yet? sign up at %.*s", STR_ARG(message),
                        STR_ARG(address));
}

static struct str message_of(struct request *request, const struct error *err)
{
    if (err->kind == ERROR_UNAVAILABLE)
        return arena_format(request->arena,
                            "the server cannot do this just now, try again in a moment "
                            "(request %.*s)",
                            STR_ARG(request->id));
    if (err->kind == ERROR_NO_SPACE)
        return arena_format(request->arena,
                            "the server's disk is full, ask its administrator to make room "
                            "(request %.*s)",
                            STR_ARG(request->id));
    if (!error_is_public(err))
        return arena_format(request->arena,
                            "something broke on the server, try again; if it stays, tell its "
                            "administrator of request %.*s",
                            STR_ARG(request->id));
    struct str message = arena_copy(request->arena, str_from(err->message));
    bool is_wrong_login = err->kind == ERROR_UNAUTHENTICATED && err->about == ABOUT_CREDENTIALS;
    return is_wrong_login ? sign_up_hint(request, message) : message;
}

struct wire_error wire_error_of(struct request *request, const struct error *err)
{
    enum about about = about_of(request, err);
    enum error_kind kind = err->kind;
    /* What is no tag cannot be there: whoever only looks for it gets the answer to his question
     * (OCI distribution-spec, "Pulling manifests": 404). */
    bool is_looking = request->method == METHOD_GET || request->method == METHOD_HEAD;
    if (kind == ERROR_INVALID && about == ABOUT_TAG && is_looking)
        kind = ERROR_NOT_FOUND;
    /* Names of three parts are legal elsewhere.  At NAME_INVALID docker would push again and again
     * for most of a minute before it shows the sentence. */
    struct str name = request->captures.repository_text;
    bool is_deep = str_find(name, '/') != str_find_last(name, '/');
    if (kind == ERROR_INVALID && about == ABOUT_NAME && is_deep && !is_looking)
        kind = ERROR_UNSUPPORTED;
    /* "Is it there?" is what podman begins a push with; at 400 it stops without the sentence. */
    if (kind == ERROR_INVALID && about == ABOUT_NAME && request->method == METHOD_HEAD)
        kind = ERROR_NOT_FOUND;
    const struct wire_row *row = row_of(kind, about);
    return (struct wire_error){ row->status, row->code, message_of(request, err) };
}

static void write_errors(struct json *json, const struct wire_error *wire)
{
    json_key(json, "errors");
    json_array(json);
    json_object(json);
    json_key_str(json, "code", str_from(wire->code));
    json_key_str(json, "message", wire->message);
    json_end(json);
    json_end(json);
}

/* The three forms of a body: for the OCI API; for docker login, which shows "details" if there are
 * any, and "errors" for others; and for old clients, which print it as it is. */
typedef void write_refusal(struct json *json, const struct wire_error *wire);

static void write_oci(struct json *json, const struct wire_error *wire)
{
    json_object(json);
    write_errors(json, wire);
    json_end(json);
}

static void write_token(struct json *json, const struct wire_error *wire)
{
    json_object(json);
    json_key_str(json, "details", wire->message);
    write_errors(json, wire);
    json_end(json);
}

static void write_v1(struct json *json, const struct wire_error *wire)
{
    json_str(json, wire->message);
}

static void refuse(struct response *response, const struct wire_error *wire,
                   const struct error *err, write_refusal *write)
{
    response_status(response, wire->status);
    response_header(response, "Cache-Control", STR("no-store"));
    if (err->retry_after_s > 0)
        response_header_format(response, "Retry-After", "%" PRIu32, err->retry_after_s);
    struct buf body AUTO(buf_release);
    buf_init(&body, ERROR_BODY_BYTES_MAX);
    struct json json;
    json_init(&json, &body);
    write(&json, wire);
    response_memory(response, "application/json", arena_copy(response->arena, buf_str(&body)));
}

static void ask_for_password(struct response *response, const struct wire_error *wire)
{
    if (wire->status == 401)
        response_header(response, "WWW-Authenticate", STR("Basic realm=\"Berth\""));
}

/* A client that lost count learns where the session stands, and goes on from there. */
static void resume_headers(struct request *request, struct response *response)
{
    const struct caller *caller = request->caller;
    if (!caller || !str_is_set(request->captures.session))
        return;
    struct upload upload;
    struct error ignored = { 0 };
    if (upload_find(access_hub(request), request->arena, request->captures.session,
                    caller->repository_id, caller->account.id, &upload, &ignored))
        registry_upload_headers(request, response, upload.id, upload.size);
}

void registry_refuse(struct request *request, struct response *response, const struct error *err)
{
    struct wire_error wire = wire_error_of(request, err);
    refuse(response, &wire, err, write_oci);
    registry_header(response);
    if (wire.status == 401)
        challenge_add(request, response, err);
    if (wire.status == 416)
        resume_headers(request, response);
    if (wire.status == 405 && request->route) /* without a route, the router has said it */
        response_header(response, "Allow", STR("GET, HEAD"));
}

void token_refuse(struct request *request, struct response *response, const struct error *err)
{
    struct wire_error wire = wire_error_of(request, err);
    refuse(response, &wire, err, write_token);
    ask_for_password(response, &wire);
}

void v1_refuse(struct request *request, struct response *response, const struct error *err)
{
    struct wire_error wire = wire_error_of(request, err);
    refuse(response, &wire, err, write_v1);
    ask_for_password(response, &wire);
}
