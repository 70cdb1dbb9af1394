/* SPDX-License-Identifier: Apache-2.0 */
/* net/http.h - one request and its answer, as handlers see them.
 *
 * A handler is straight-line blocking code on a worker thread of its own:
 *
 *     bool blob_get(struct request *request, struct response *response, struct error *err);
 *
 * It reads the body with request_read() if it wants one, fills the response and
 * returns true; or returns false with *err, which the surface renders in its
 * client's form (struct surface, net/router.h).  The response is data: status,
 * headers and a body that is memory, a stretch of a file, or a source to read
 * from.  The core sends it after the handler has returned, without holding a
 * thread for a slow reader of memory or a file.
 *
 * Lifetimes: everything that a request points to lives in its arena or in the
 * connection's head buffer until the answer is sent.  One thread at a time.
 * Sources: RFC 9110 (semantics), RFC 9112 (HTTP/1.1). */
#pragma once
#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "oci/digest.h"
#include "oci/reference.h"

#include <stdbool.h>
#include <stdint.h>

enum method {
    METHOD_UNSET = 0,
    METHOD_GET,
    METHOD_HEAD,
    METHOD_POST,
    METHOD_PUT,
    METHOD_PATCH,
    METHOD_DELETE,
    METHOD_OPTIONS,
    METHOD_OTHER, /* a token that we do not know: 501 */
};

struct str method_name(enum method method);

struct header {
    struct str name, value; /* name as it came; value trimmed */
};

enum { CAPTURE_NAME_COUNT_MAX = 6 };

/* What the router took out of the path, already parsed.  Only the members that the
 * route's pattern names are set; when one does not parse, only repository_text. */
struct captures {
    struct str repository_text;        /* {repository}, as it stood in the path */
    struct repository_name repository; /* {repository} */
    struct reference reference;        /* {reference} */
    struct str reference_text;
    struct digest digest; /* {digest} */
    struct str session;   /* {session}: 32 hexadecimal characters */
    struct str name;      /* {name}: any one segment, percent-decoded; the first of them */
    struct str names[CAPTURE_NAME_COUNT_MAX]; /* all of them in their order */
    size_t name_count;
};

struct route;
struct body; /* the connection's side of request_read(), net/body.h */

struct request {
    struct arena *arena;
    struct str id; /* for the log and the X-Request-Id header */
    enum method method;
    struct str target; /* as it came */
    struct str path;   /* percent-decoded once, normal: no empty, "." or ".." segment */
    struct str query;  /* without "?", not decoded; see net/form.h */
    const struct header *headers;
    size_t header_count;
    struct captures captures;
    const struct route *route; /* NULL until matched */

    struct str client_address; /* of the client, behind trusted proxies; no port */
    bool is_https;             /* as the client sees it */
    struct str host;           /* authority as the client sees it; never empty */

    int64_t content_length; /* bytes; 0 without a body, -1 chunked */
    struct body *body;

    void *app;    /* server_options.app: the hub */
    void *caller; /* set by the authorize function: who asks (hub/access.h) */
};

/* The first header of this name (case does not matter); absent if there is none. */
struct str request_header(const struct request *request, const char *name);
/* All lines of this name joined by ", ", as for Accept (RFC 9110 5.3). */
struct str request_header_joined(struct request *request, const char *name);

/* "http://host" or "https://host" as the client reached us. */
struct str request_origin(struct request *request);

/* Reads some of the body, waiting for it; the first call sends 100 Continue if the client waits for
 * that.  Returns bytes read, 0 at the end, -1 with *err: ERROR_INVALID for broken framing or
 * a body shorter than announced, ERROR_TOO_MANY for one that arrives too slowly (408). */
int64_t request_read(struct request *request, void *bytes, size_t size, struct error *err);

/* Reads a small body whole; ERROR_TOO_LARGE beyond `limit` bytes. */
NODISCARD bool request_read_all(struct request *request, size_t limit, struct str *out,
                                struct error *err);

enum { RESPONSE_HEADER_COUNT_MAX = 32 };

/* Length of a source that is not known beforehand: sent chunked, until `read` gives 0. */
#define RESPONSE_LENGTH_UNKNOWN UINT64_MAX

enum response_body {
    BODY_EMPTY = 0,
    BODY_MEMORY, /* lives as long as the request's arena, or for ever */
    BODY_FILE,   /* a stretch of a file: sent with sendfile */
    BODY_SOURCE, /* pulled piece by piece on the worker thread */
};

/* A body that is neither memory nor a file.  `read` gives up to `size` bytes, 0 at the end, -1 on
 * failure (the connection is then cut).  `close` is always called once. */
struct body_source {
    int64_t (*read)(void *state, void *bytes, size_t size, struct error *err);
    void (*close)(void *state);
    void *state;
};

struct response {
    struct arena *arena; /* the request's */
    int status;          /* 0 until set */
    struct header headers[RESPONSE_HEADER_COUNT_MAX];
    size_t header_count;
    enum response_body body;
    struct str memory;
    int fd; /* owned */
    uint64_t offset;
    uint64_t length; /* of a file or source, bytes */
    struct body_source source;
    bool close_connection; /* say Connection: close and close */
};

void response_init(struct response *response, struct arena *arena);
void response_release(struct response *response); /* closes what was not sent */

void response_status(struct response *response, int status);

/* Adds a header.  `name` is a literal; the value is copied.  A value with a control character is a
 * bug of the caller: it is replaced by an empty one, never sent.  Content-Length, Date, Connection
 * and X-Request-Id are the core's. */
void response_header(struct response *response, const char *name, struct str value);
void response_header_format(struct response *response, const char *name, const char *format, ...)
    PRINTF_LIKE(3, 4);

void response_memory(struct response *response, const char *content_type, struct str body);
void response_file(struct response *response, int fd, uint64_t offset, uint64_t length);
void response_source(struct response *response, struct body_source source, uint64_t length);

const char *status_reason(int status);
