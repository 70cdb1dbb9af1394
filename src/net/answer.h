/* SPDX-License-Identifier: Apache-2.0 */
/* net/answer.h - from a response to bytes on the wire, as far as the transport takes them.
 *
 * Framing (RFC 9110 8.6, 9112 6): no body for HEAD, 204 and 304; Content-Length for all others, but
 * chunked for a source of unknown length (until close in HTTP/1.0). */
#pragma once
#include "net/http.h"
#include "net/transport.h"

struct answer_facts {
    enum method method;
    int version_minor;
    bool keep_alive;
    struct str request_id, date;
};

struct answer {
    struct str head, memory; /* still to send */
    uint64_t file_left;      /* still to send, of response->fd at response->offset */
    bool sends_source, is_chunked;
    uint64_t bytes_out; /* of body */
};

void answer_prepare(struct answer *answer, const struct response *response,
                    const struct answer_facts *facts);

enum { ANSWER_SENT = IO_END, ANSWER_YIELD = 1 };

/* Sends head and a body of memory or file without waiting.  ANSWER_SENT, ANSWER_YIELD (much was
 * sent; let others have a turn), or what to wait for, or IO_FAILED.  Moves response->offset on. */
int64_t answer_send(struct answer *answer, struct response *response, struct transport *transport,
                    char *scratch);

/* Sends head and a source, waiting; false when either side broke off, with *err when it was the
 * source. */
bool answer_send_source(struct answer *answer, struct response *response,
                        struct transport *transport, int64_t stall_timeout_ms, struct error *err);
