/* SPDX-License-Identifier: Apache-2.0 */
#include "net/body.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

enum {
    EDGES_SIZE = 65536,  /* of a chunked body's own buffer */
    DIRECT_SIZE = 16384, /* content of a chunk from which on it is read in place */
    REST_SMALL = 65536,
    WOULD_BLOCK = -2, /* beside the return values of body_read() */
};

void inbox_reserve(struct inbox *inbox, size_t capacity)
{
    size_t size = inbox_size(inbox);
    if (inbox->start > 0 && size > 0)
        memmove(inbox->data, inbox->data + inbox->start, size);
    inbox->start = 0;
    inbox->end = size;
    if (capacity <= inbox->capacity)
        return;
    char *data = realloc(inbox->data, capacity);
    if (!data)
        abort();
    inbox->data = data;
    inbox->capacity = capacity;
}

void inbox_release(struct inbox *inbox)
{
    free(inbox->data);
    *inbox = (struct inbox){ 0 };
}

void body_init(struct body *body, const struct http_head *head, struct transport *transport,
               struct inbox *inbox, const struct net_tuning *tuning)
{
    *body = (struct body){
        .transport = transport,
        .tuning = tuning,
        .inbox = inbox,
        .is_chunked = head->content_length<0, .is_complete = head->content_length == 0,
                                           .wants_continue = head->expects_continue,
                                           .left = head->content_length> 0
                          ? (uint64_t)head->content_length
                          : 0,
    };
    chunk_decoder_init(&body->decoder);
}

void body_release(struct body *body)
{
    if (inbox_size(&body->edges) > 0) {
        /* The edges are filled only when the inbox was empty, so order is kept. */
        assert(inbox_size(body->inbox) == 0);
        inbox_release(body->inbox);
        *body->inbox = body->edges;
        body->edges = (struct inbox){ 0 };
    }
    inbox_release(&body->edges);
}

static int64_t fail(struct body *body, struct error *err, const char *message)
{
    body->is_failed = true;
    error_set(err, ERROR_INVALID, "%s", message);
    return -1;
}

/* Waits for the transport within the stall timeout and the minimum rate.  Only time spent waiting
 * counts, so a slow disk of ours is not held against the client. */
static bool wait_for_more(struct body *body, int64_t wanted, struct error *err)
{
    const struct net_tuning *tuning = body->tuning;
    int64_t allowed = body->received * 1000 / tuning->body_rate_min;
    if (allowed < tuning->body_rate_grace_ms)
        allowed = tuning->body_rate_grace_ms;
    int64_t timeout = allowed - body->waited_ms;
    if (timeout > tuning->body_stall_timeout_ms)
        timeout = tuning->body_stall_timeout_ms;
    int64_t start = clock_monotonic_ms();
    bool is_ready = transport_wait(body->transport, wanted, start + timeout);
    body->waited_ms += clock_monotonic_ms() - start;
    if (is_ready)
        return true;
    body->is_failed = body->is_too_slow = true;
    return error_set(err, ERROR_TOO_MANY, "the body arrives too slowly");
}

/* From the transport; at least one byte if may_wait. */
static int64_t receive(struct body *body, void *bytes, size_t size, bool may_wait,
                       struct error *err)
{
    for (;;) {
        int64_t got = body->transport->ops->read(body->transport, bytes, size);
        if (got > 0) {
            body->received += got;
            return got;
        }
        if (got == IO_END || got == IO_FAILED)
            return fail(body, err, "the body ended before its announced length");
        if (!may_wait)
            return WOULD_BLOCK;
        if (!wait_for_more(body, got, err))
            return -1;
    }
}

static int64_t read_sized(struct body *body, char *bytes, size_t size, bool may_wait,
                          struct error *err)
{
    if (size > body->left)
        size = (size_t)body->left;
    int64_t got;
    if (inbox_size(body->inbox) > 0) {
        if (size > inbox_size(body->inbox))
            size = inbox_size(body->inbox);
        memcpy(bytes, body->inbox->data + body->inbox->start, size);
        body->inbox->start += size;
        got = (int64_t)size;
    } else {
        got = receive(body, bytes, size, may_wait, err);
    }
    if (got > 0)
        body->left -= (uint64_t)got;
    body->is_complete = body->left == 0;
    return got;
}

/* Decodes what is buffered; false when it is broken. */
static bool decode_buffered(struct body *body, char *bytes, size_t size, size_t *filled)
{
    while (*filled < size && !body->is_complete) {
        struct inbox *from = inbox_size(body->inbox) > 0 ? body->inbox : &body->edges;
        const char *input = from->data + from->start;
        size_t count = inbox_size(from), used, content;
        if (count == 0)
            break;
        /* No more input than there is room, so its content fits in any case. */
        if (count > size - *filled)
            count = size - *filled;
        enum parse_status status = chunk_decode(&body->decoder, input, count, &used, &content);
        if (status == PARSE_BAD)
            return false;
        if (content > 0)
            memcpy(bytes + *filled, input + used - content, content);
        *filled += content;
        from->start += used;
        body->is_complete = status == PARSE_DONE;
    }
    return true;
}

/* More of a chunked body from the transport: content in place if there is much of it, else into the
 * edges.  Returns how much of `bytes` was filled, or -1 or WOULD_BLOCK. */
static int64_t receive_chunked(struct body *body, char *bytes, size_t size, bool may_wait,
                               struct error *err)
{
    int64_t got;
    size_t used, content;
    if (chunk_decoder_in_content(&body->decoder) && body->decoder.left >= DIRECT_SIZE &&
        size >= DIRECT_SIZE) {
        size_t room = size < body->decoder.left ? size : (size_t)body->decoder.left;
        got = receive(body, bytes, room, may_wait, err);
        if (got > 0)
            (void)chunk_decode(&body->decoder, bytes, (size_t)got, &used, &content);
        return got;
    }
    inbox_reserve(&body->edges, EDGES_SIZE);
    got = receive(body, body->edges.data, body->edges.capacity, may_wait, err);
    if (got < 0)
        return got;
    body->edges.end = (size_t)got;
    return 0;
}

static int64_t read_chunked(struct body *body, char *bytes, size_t size, bool may_wait,
                            struct error *err)
{
    size_t filled = 0;
    for (;;) {
        if (!decode_buffered(body, bytes, size, &filled))
            return fail(body, err, "malformed chunk in the body");
        if (filled == size || body->is_complete)
            return (int64_t)filled;
        /* Large pieces are cheaper for everyone behind us: go on while more is there at once. */
        struct error later = { 0 };
        int64_t got = receive_chunked(body, bytes + filled, size - filled, may_wait && filled == 0,
                                      filled == 0 ? err : &later);
        if (got < 0)
            return filled > 0 ? (int64_t)filled : got;
        filled += (size_t)got;
    }
}

static int64_t body_take(struct body *body, char *bytes, size_t size, bool may_wait,
                         struct error *err)
{
    if (body->is_complete)
        return 0;
    if (body->is_failed)
        return fail(body, err, "the body was broken off");
    return body->is_chunked ? read_chunked(body, bytes, size, may_wait, err)
                            : read_sized(body, bytes, size, may_wait, err);
}

int64_t body_read(struct body *body, void *bytes, size_t size, struct error *err)
{
    assert(size > 0);
    if (body->wants_continue) {
        body->wants_continue = false;
        bool is_on_its_way = inbox_size(body->inbox) > 0; /* it did not wait after all */
        if (!is_on_its_way &&
            !transport_write_all(body->transport, STR("HTTP/1.1 100 Continue\r\n\r\n"),
                                 body->tuning->write_stall_timeout_ms))
            return fail(body, err, "the client has gone");
    }
    return body_take(body, bytes, size, true, err);
}

int64_t body_drain(struct body *body, char *scratch, size_t scratch_size)
{
    struct error ignored = { 0 };
    int64_t got = 1;
    while (got > 0 && !body->is_complete)
        got = body_take(body, scratch, scratch_size, false, &ignored);
    if (body->is_complete)
        return IO_END;
    return got == WOULD_BLOCK ? IO_WANT_READ : IO_FAILED;
}

bool body_rest_is_small(const struct body *body)
{
    if (body->is_failed || body->wants_continue)
        return false;
    return body->is_complete || (!body->is_chunked && body->left <= REST_SMALL);
}
