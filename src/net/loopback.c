/* SPDX-License-Identifier: Apache-2.0 */
#include "net/loopback.h"

#include "net/body.h"
#include "net/request_build.h"

#include "base/buf.h"
#include "base/random.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BODY_SIZE_MAX = 256 * 1024 * 1024, PIECE_SIZE = 65536 };

static bool read_file(const struct response *from, struct buf *out)
{
    char piece[PIECE_SIZE / 4];
    uint64_t left = from->length, at = from->offset;
    while (left > 0) {
        ssize_t got =
            pread(from->fd, piece, left < sizeof(piece) ? (size_t)left : sizeof(piece), (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        buf_append(out, (struct str){ piece, (size_t)got });
        left -= (uint64_t)got;
        at += (uint64_t)got;
    }
    return true;
}

static bool read_source(const struct response *from, struct buf *out)
{
    char piece[PIECE_SIZE / 4];
    struct error ignored = { 0 };
    uint64_t left = from->length;
    while (left > 0) {
        size_t wanted = left < sizeof(piece) ? (size_t)left : sizeof(piece);
        int64_t got = from->source.read(from->source.state, piece, wanted, &ignored);
        if (got < 0)
            return false;
        if (got == 0)
            return from->length == RESPONSE_LENGTH_UNKNOWN;
        buf_append(out, (struct str){ piece, (size_t)got });
        left -= (uint64_t)got;
    }
    return true;
}

static void take_body(struct loopback_response *out, struct response *from)
{
    struct buf buf __attribute__((cleanup(buf_release_auto)));
    buf_init(&buf, BODY_SIZE_MAX);
    if (from->body == BODY_MEMORY)
        buf_append(&buf, from->memory);
    else if (from->body == BODY_FILE)
        out->is_cut = !read_file(from, &buf);
    else if (from->body == BODY_SOURCE)
        out->is_cut = !read_source(from, &buf);
    assert(!buf.failed);
    out->body = arena_copy(out->arena, buf_str(&buf));
    if (!str_is_set(out->body))
        out->body = STR("");
}

static void answer(struct loopback_response *out, const struct router *router,
                   struct request *request, const struct http_head *head)
{
    struct request_origin_facts facts = {
        .peer = { [10] = 0xff, 0xff, 127, 0, 0, 1 },
        .fallback_host = STR("localhost"),
    };
    struct response response;
    const char *reason;
    response_init(&response, out->arena);
    if (!request_build(request, head, &facts, &reason)) {
        response_status(&response, 400);
        response_memory(&response, "text/plain; charset=utf-8", str_from(reason));
    } else {
        router_handle(router, request, &response);
    }
    take_body(out, &response);
    out->status = response.status;
    struct header *headers = arena_alloc(out->arena, sizeof(response.headers));
    memcpy(headers, response.headers, sizeof(response.headers));
    out->headers = headers;
    out->header_count = response.header_count;
    response_release(&response);
}

struct loopback_response *loopback_request(const struct router *router, void *app, struct str bytes)
{
    struct arena *arena = arena_new();
    struct loopback_response *out = arena_alloc(arena, sizeof(*out));
    struct http_head *head = arena_alloc(arena, sizeof(*head));
    char *id = arena_alloc(arena, RANDOM_ID_TEXT);
    size_t scanned = 0;
    out->arena = arena;
    random_id(id);
    enum parse_status status = http_head_parse(bytes.ptr, bytes.len, &scanned, head);
    assert(status != PARSE_MORE); /* the test gave half a head */
    if (status == PARSE_BAD) {
        out->status = head->status;
        out->body = str_from(head->reason);
        return out;
    }
    struct transport_memory memory = { .input = str_after(bytes, head->size) };
    struct transport transport;
    struct inbox inbox = { 0 };
    struct body body;
    transport_init_memory(&transport, &memory);
    body_init(&body, head, &transport, &inbox, &net_tuning_default);
    struct request request = { .arena = arena, .id = str_from(id), .app = app, .body = &body };
    answer(out, router, &request, head);
    body_release(&body);
    inbox_release(&inbox);
    return out;
}

void loopback_free(struct loopback_response *response)
{
    if (response)
        arena_free(response->arena);
}

struct str loopback_header(const struct loopback_response *response, const char *name)
{
    struct str wanted = str_from(name);
    for (size_t i = 0; i < response->header_count; i++)
        if (str_equal_ignore_case(response->headers[i].name, wanted))
            return response->headers[i].value;
    return STR_NONE;
}
