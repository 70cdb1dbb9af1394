/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http.h"

#include "base/buf.h"
#include "net/body.h"
#include "net/http_parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct str method_name(enum method method)
{
    static const struct str names[] = {
        [METHOD_UNSET] = { "-", 1 },       [METHOD_GET] = { "GET", 3 },
        [METHOD_HEAD] = { "HEAD", 4 },     [METHOD_POST] = { "POST", 4 },
        [METHOD_PUT] = { "PUT", 3 },       [METHOD_PATCH] = { "PATCH", 5 },
        [METHOD_DELETE] = { "DELETE", 6 }, [METHOD_OPTIONS] = { "OPTIONS", 7 },
        [METHOD_OTHER] = { "OTHER", 5 },
    };
    assert(method <= METHOD_OTHER);
    return names[method];
}

struct str request_header(const struct request *request, const char *name)
{
    struct str wanted = str_from(name);
    for (size_t i = 0; i < request->header_count; i++)
        if (str_equal_ignore_case(request->headers[i].name, wanted))
            return request->headers[i].value;
    return STR_NONE;
}

struct str request_header_joined(struct request *request, const char *name)
{
    struct str wanted = str_from(name), joined = STR_NONE;
    for (size_t i = 0; i < request->header_count; i++) {
        if (!str_equal_ignore_case(request->headers[i].name, wanted))
            continue;
        struct str value = request->headers[i].value;
        joined = str_is_set(joined)
                     ? arena_format(request->arena, "%.*s, %.*s", STR_ARG(joined), STR_ARG(value))
                     : value;
    }
    return joined;
}

struct str request_origin(struct request *request)
{
    return arena_format(request->arena, "%s://%.*s", request->is_https ? "https" : "http",
                        STR_ARG(request->host));
}

int64_t request_read(struct request *request, void *bytes, size_t size, struct error *err)
{
    return request->body ? body_read(request->body, bytes, size, err) : 0;
}

/* The whole of a body of unknown size, by doubling. */
static bool read_growing(struct request *request, size_t limit, struct str *out, struct error *err)
{
    size_t capacity = 4096, used = 0;
    char *bytes = arena_alloc(request->arena, capacity);
    for (;;) {
        if (used == capacity) {
            char *larger = arena_alloc(request->arena, capacity * 2);
            memcpy(larger, bytes, used);
            bytes = larger;
            capacity *= 2;
        }
        int64_t got = request_read(request, bytes + used, capacity - used, err);
        if (got < 0)
            return false;
        if (got == 0)
            break;
        used += (size_t)got;
        if (used > limit)
            return error_set(err, ERROR_TOO_LARGE, "the body is larger than %zu bytes", limit);
    }
    *out = (struct str){ bytes, used };
    return true;
}

bool request_read_all(struct request *request, size_t limit, struct str *out, struct error *err)
{
    if (request->content_length < 0)
        return read_growing(request, limit, out, err);
    if ((uint64_t)request->content_length > limit)
        return error_set(err, ERROR_TOO_LARGE, "the body is larger than %zu bytes", limit);
    size_t size = (size_t)request->content_length, used = 0;
    char *bytes = arena_alloc(request->arena, size + 1);
    while (used < size) {
        int64_t got = request_read(request, bytes + used, size - used, err);
        if (got < 0)
            return false;
        if (got == 0) /* read in part before */
            break;
        used += (size_t)got;
    }
    *out = (struct str){ bytes, used };
    return true;
}

void response_init(struct response *response, struct arena *arena)
{
    response->arena = arena;
    response->status = 0;
    response->header_count = 0;
    response->body = BODY_EMPTY;
    response->memory = STR_NONE;
    response->fd = -1;
    response->offset = response->length = 0;
    response->source = (struct body_source){ 0 };
    response->close_connection = false;
}

void response_release(struct response *response)
{
    if (response->body == BODY_FILE && response->fd >= 0)
        close(response->fd);
    if (response->body == BODY_SOURCE && response->source.close)
        response->source.close(response->source.state);
    response->body = BODY_EMPTY;
    response->fd = -1;
    response->source = (struct body_source){ 0 };
}

void response_status(struct response *response, int status)
{
    assert(status >= 200 && status <= 599);
    response->status = status;
}

static bool value_is_clean(struct str value)
{
    for (size_t i = 0; i < value.len; i++)
        if (!http_is_value_character(value.ptr[i]))
            return false;
    return true;
}

void response_header(struct response *response, const char *name, struct str value)
{
    assert(response->header_count < RESPONSE_HEADER_COUNT_MAX);
    struct str copy = value_is_clean(value) ? arena_copy(response->arena, value) : STR("");
    response->headers[response->header_count++] =
        (struct header){ .name = str_from(name), .value = copy };
}

void response_header_format(struct response *response, const char *name, const char *format, ...)
{
    char stack[512];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(stack, sizeof(stack), format, arguments);
    va_end(arguments);
    assert(size >= 0);
    if ((size_t)size < sizeof(stack)) {
        response_header(response, name, (struct str){ stack, (size_t)size });
        return;
    }
    char *large = arena_alloc(response->arena, (size_t)size + 1);
    va_start(arguments, format);
    vsnprintf(large, (size_t)size + 1, format, arguments);
    va_end(arguments);
    response_header(response, name, (struct str){ large, (size_t)size });
}

void response_memory(struct response *response, const char *content_type, struct str body)
{
    response_release(response);
    if (content_type)
        response_header(response, "Content-Type", str_from(content_type));
    response->body = BODY_MEMORY;
    response->memory = body;
}

void response_file(struct response *response, int fd, uint64_t offset, uint64_t length)
{
    assert(fd >= 0);
    response_release(response);
    response->body = BODY_FILE;
    response->fd = fd;
    response->offset = offset;
    response->length = length;
}

void response_source(struct response *response, struct body_source source, uint64_t length)
{
    assert(source.read && source.close);
    response_release(response);
    response->body = BODY_SOURCE;
    response->source = source;
    response->length = length;
}

const char *status_reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        { 100, "Continue" },
        { 200, "OK" },
        { 201, "Created" },
        { 202, "Accepted" },
        { 204, "No Content" },
        { 206, "Partial Content" },
        { 301, "Moved Permanently" },
        { 302, "Found" },
        { 303, "See Other" },
        { 304, "Not Modified" },
        { 307, "Temporary Redirect" },
        { 308, "Permanent Redirect" },
        { 400, "Bad Request" },
        { 401, "Unauthorized" },
        { 402, "Payment Required" },
        { 403, "Forbidden" },
        { 404, "Not Found" },
        { 405, "Method Not Allowed" },
        { 406, "Not Acceptable" },
        { 408, "Request Timeout" },
        { 409, "Conflict" },
        { 410, "Gone" },
        { 411, "Length Required" },
        { 412, "Precondition Failed" },
        { 413, "Content Too Large" },
        { 414, "URI Too Long" },
        { 415, "Unsupported Media Type" },
        { 416, "Range Not Satisfiable" },
        { 417, "Expectation Failed" },
        { 422, "Unprocessable Content" },
        { 423, "Locked" },
        { 428, "Precondition Required" },
        { 429, "Too Many Requests" },
        { 431, "Request Header Fields Too Large" },
        { 500, "Internal Server Error" },
        { 501, "Not Implemented" },
        { 502, "Bad Gateway" },
        { 503, "Service Unavailable" },
        { 504, "Gateway Timeout" },
        { 505, "HTTP Version Not Supported" },
        { 507, "Insufficient Storage" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Unknown";
}
