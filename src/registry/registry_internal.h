/* SPDX-License-Identifier: Apache-2.0 */
/* registry/registry_internal.h - what the files of this folder share: handlers, errors, headers. */
#pragma once
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "net/form.h"
#include "net/http.h"
#include "net/router.h"
#include "oci/digest.h"

#include <stdbool.h>
#include <stdint.h>

#define REGISTRY_SERVICE "berth" /* the audience of registry tokens */

enum {
    MANIFEST_TAGS_PER_PUSH_MAX =
        16, /* the specification asks for 10; each is a header of the answer */
};

/* The handlers of routes.c, by file. */
route_handler registry_version_get;
route_handler registry_manifest_get, registry_manifest_put, registry_manifest_delete;
route_handler registry_blob_get, registry_blob_delete;
route_handler registry_upload_start, registry_upload_get, registry_upload_append,
    registry_upload_finish, registry_upload_cancel;
route_handler registry_tags_get, registry_catalog_get, registry_referrers_get;
route_handler token_get, token_post;
route_handler v1_ping_get, v1_search_get, v1_users_get, v1_users_post;

/* --- error.c --- */
struct wire_error {
    int status;
    const char *code;
    struct str message; /* fit for the client: our own troubles are said in neutral words */
};
struct wire_error wire_error_of(struct request *request, const struct error *err);

/* struct surface.refuse of the three surfaces. */
void registry_refuse(struct request *request, struct response *response, const struct error *err);
void token_refuse(struct request *request, struct response *response, const struct error *err);
void v1_refuse(struct request *request, struct response *response, const struct error *err);

/* --- challenge.c --- */
/* "https://hub.example.com": BERTH_URL, else as the client reached us. */
struct str registry_origin(struct request *request);
/* The WWW-Authenticate of a 401: where to get a token, and for what. */
void challenge_add(struct request *request, struct response *response, const struct error *err);

/* --- common.c --- */
/* False, with the error, for a HEAD without any credentials, even of public content: "is it there?"
 * is what pushes begin with.  containerd that meets the first challenge at the PUT of a manifest
 * does not send the body again, and hangs. */
NODISCARD bool registry_head_needs_token(const struct request *request, struct error *err);
/* A HEAD of somebody who may push asks "need I upload this?", and his manifest relies on the
 * answer. */
NODISCARD bool registry_is_push_check(struct request *request, bool *out, struct error *err);
/* Goes on every answer under /v2/. */
void registry_header(struct response *response);
void registry_digest_header(struct response *response, const struct digest *digest);
/* Cache-Control: what is addressed by its digest never changes; what is private is for nobody else.
 */
void registry_cache_header(const struct request *request, struct response *response,
                           bool by_digest);
/* Location: /v2/<name as the client wrote it>/<kind>/<what> */
void registry_location(struct request *request, struct response *response, const char *kind,
                       struct str what);
/* The repository of the path, which a push makes if it is missing. */
NODISCARD bool registry_repository(struct request *request, int64_t *id, struct error *err);
NODISCARD bool registry_query(struct request *request, struct form *out, struct error *err);
/* Fills the response with what is in `json`. */
NODISCARD bool registry_json(struct response *response, int status, struct buf *json,
                             struct error *err);
/* For HEAD: the length of a body that is not there. */
void registry_head_body(struct response *response, uint64_t length);
/* Location, Range and Docker-Upload-UUID of a session that has `size` bytes. */
void registry_upload_headers(struct request *request, struct response *response, struct str id,
                             int64_t size);

/* A page of a list: ?n=&last= */
struct page {
    int limit; /* 0: the client wants none */
    struct str last;
};
NODISCARD bool page_parse(const struct form *query, struct page *out, struct error *err);
/* Link to the page behind `last`, keeping the parameters that `extra` holds ("&a=b"). */
void page_link(struct request *request, struct response *response, const struct page *page,
               struct str last, struct str extra);
