/* SPDX-License-Identifier: Apache-2.0 */
/* net/body.h - the body of a request as it comes in: framing, deadlines, 100 Continue.
 *
 * The bytes behind a head that were read together with it lie in the connection's inbox
 * and are taken first.  Content goes straight into the reader's buffer where its place is known;
 * the edges of chunks pass through a buffer of the body's own.  One thread at a time. */
#pragma once
#include "base/error.h"
#include "net/http_parse.h"
#include "net/transport.h"
#include "net/tuning.h"

#include <stdbool.h>
#include <stdint.h>

/* Bytes that were received and not yet used: data[start..end). */
struct inbox {
    char *data;
    size_t start, end, capacity;
};

static inline size_t inbox_size(const struct inbox *inbox)
{
    return inbox->end - inbox->start;
}
void inbox_reserve(struct inbox *inbox, size_t capacity); /* keeps what is in it, at the front */
void inbox_release(struct inbox *inbox);

struct body {
    struct transport *transport;
    const struct net_tuning *tuning;
    struct inbox *inbox; /* the connection's */
    struct inbox edges;  /* of chunks */
    bool is_chunked, is_complete, is_failed, is_too_slow;
    bool wants_continue; /* the client waits for 100 before it sends */
    uint64_t left;       /* of a body with Content-Length */
    struct chunk_decoder decoder;
    int64_t received;  /* bytes from the transport */
    int64_t waited_ms; /* for them */
};

/* inbox: starts behind the head. */
void body_init(struct body *body, const struct http_head *head, struct transport *transport,
               struct inbox *inbox, const struct net_tuning *tuning);
/* Frees the body's own buffer; what it holds of the next request goes to the inbox. */
void body_release(struct body *body);

/* request_read() */
int64_t body_read(struct body *body, void *bytes, size_t size, struct error *err);

/* Drops what is there of the rest, without waiting.  IO_END when the body is complete, else what to
 * wait for, or IO_FAILED. */
int64_t body_drain(struct body *body, char *scratch, size_t scratch_size);

/* Is the rest known to be so small that reading it is cheaper than a new connection? */
bool body_rest_is_small(const struct body *body);
