/* SPDX-License-Identifier: Apache-2.0 */
/* net/http_parse.h - the strict HTTP/1.1 parser: heads and chunked bodies.
 *
 * Works in the caller's buffer, without allocation or recursion, and can be fed
 * byte by byte: a head is looked at again only where it had stopped.  Whatever two
 * parsers could read in two ways is refused and the connection closed: Content-Length with
 * Transfer-Encoding, any coding but exactly `chunked`, repeated or non-digit Content-Length, white
 * space before the colon, folded lines, bare CR or LF, NUL and other controls in values, no or two
 * Host in HTTP/1.1, chunk sizes that are not plain hexadecimal, a second Content-Type,
 * Content-Range, Range or If-Range. Source: RFC 9112; the probes of
 * tests/unit/net/test_http_parse.c. */
#pragma once
#include "base/limits.h"
#include "base/str.h"
#include "net/http.h"

#include <stdbool.h>
#include <stdint.h>

enum parse_status {
    PARSE_MORE = 0, /* not all there yet */
    PARSE_DONE,
    PARSE_BAD, /* answer `status` with `reason`, then close */
};

struct http_head {
    enum method method;
    struct str method_text, target;
    int version_minor; /* of HTTP/1.x: 0 or 1 */
    struct header headers[HTTP_HEADER_COUNT_MAX];
    size_t header_count;
    struct str host;
    int64_t content_length; /* -1: chunked */
    bool keep_alive;
    bool expects_continue;
    size_t size; /* bytes of the head, its empty line included */
    int status;  /* with PARSE_BAD: 400, 414, 417, 431, 501, 505 */
    const char *reason;
};

/* `scanned` carries on between calls for the same head: start with 0. */
enum parse_status http_head_parse(const char *bytes, size_t count, size_t *scanned,
                                  struct http_head *out);

/* RFC 9110 5.6.2 and 5.5: what names and values are made of. */
bool http_is_token_character(char character);
bool http_is_value_character(char character);

/* Decoder of one chunked body. */
struct chunk_decoder {
    int state;
    uint64_t left;      /* bytes of the current chunk still to come */
    unsigned line_size; /* bytes of the current size or trailer line */
    unsigned trailer_size;
};

void chunk_decoder_init(struct chunk_decoder *decoder);

/* Are the next decoder->left bytes content?  They can be read where they are wanted then. */
bool chunk_decoder_in_content(const struct chunk_decoder *decoder);

/* Consumes input and says where body bytes are: after the call, *used bytes were consumed, of which
 * the last *body_count (maybe 0) are content.  PARSE_DONE after the last trailer's line. */
enum parse_status chunk_decode(struct chunk_decoder *decoder, const char *bytes, size_t count,
                               size_t *used, size_t *body_count);
