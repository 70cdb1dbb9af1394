/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_parse.h"

#include "base/hex.h"

/* A body by RFC 9112 7.1, read one byte at a time outside of content:
 *
 *     SIZE -> EXTENSION -> SIZE_LF -> CONTENT -> CONTENT_CR -> CONTENT_LF -> SIZE ...
 *     last chunk: SIZE_LF -> LINE -> NAME -> VALUE -> VALUE_LF -> LINE ... -> END_LF -> END */
enum state {
    STATE_SIZE = 0,
    STATE_EXTENSION,
    STATE_SIZE_LF,
    STATE_CONTENT,
    STATE_CONTENT_CR,
    STATE_CONTENT_LF,
    STATE_LINE,
    STATE_NAME,
    STATE_VALUE,
    STATE_VALUE_LF,
    STATE_END_LF,
    STATE_END,
    STATE_BAD,
};

void chunk_decoder_init(struct chunk_decoder *decoder)
{
    *decoder = (struct chunk_decoder){ .state = STATE_SIZE };
}

bool chunk_decoder_in_content(const struct chunk_decoder *decoder)
{
    return decoder->state == STATE_CONTENT;
}

static int next_in_size(struct chunk_decoder *decoder, char byte)
{
    int digit = hex_digit_value(byte);
    if (digit >= 0) {
        if (decoder->left > INT64_MAX >> 4)
            return STATE_BAD;
        decoder->left = decoder->left << 4 | (uint64_t)digit;
        return STATE_SIZE;
    }
    if (decoder->line_size == 1)
        return STATE_BAD; /* no digit at all */
    if (byte == ';')
        return STATE_EXTENSION;
    return byte == '\r' ? STATE_SIZE_LF : STATE_BAD;
}

static int next_after_size(struct chunk_decoder *decoder, char byte)
{
    decoder->line_size = 0;
    if (byte != '\n')
        return STATE_BAD;
    return decoder->left > 0 ? STATE_CONTENT : STATE_LINE;
}

static int next_in_trailer(struct chunk_decoder *decoder, char byte)
{
    bool is_token = http_is_token_character(byte);
    switch (decoder->state) {
    case STATE_LINE:
        if (byte == '\r')
            return STATE_END_LF;
        return is_token ? STATE_NAME : STATE_BAD;
    case STATE_NAME:
        if (byte == ':')
            return STATE_VALUE;
        return is_token ? STATE_NAME : STATE_BAD;
    case STATE_VALUE:
        if (byte == '\r')
            return STATE_VALUE_LF;
        return http_is_value_character(byte) ? STATE_VALUE : STATE_BAD;
    case STATE_VALUE_LF:
        decoder->line_size = 0;
        return byte == '\n' ? STATE_LINE : STATE_BAD;
    default:
        return byte == '\n' ? STATE_END : STATE_BAD; /* STATE_END_LF */
    }
}

static int next_state(struct chunk_decoder *decoder, char byte)
{
    if (++decoder->line_size > HTTP_CHUNK_LINE_BYTES_MAX)
        return STATE_BAD;
    switch (decoder->state) {
    case STATE_SIZE:
        return next_in_size(decoder, byte);
    case STATE_EXTENSION:
        if (byte == '\r')
            return STATE_SIZE_LF;
        return http_is_value_character(byte) ? STATE_EXTENSION : STATE_BAD;
    case STATE_SIZE_LF:
        return next_after_size(decoder, byte);
    case STATE_CONTENT_CR:
        return byte == '\r' ? STATE_CONTENT_LF : STATE_BAD;
    case STATE_CONTENT_LF:
        decoder->line_size = 0;
        return byte == '\n' ? STATE_SIZE : STATE_BAD;
    default:
        if (++decoder->trailer_size > HTTP_HEAD_BYTES_MAX)
            return STATE_BAD;
        return next_in_trailer(decoder, byte);
    }
}

enum parse_status chunk_decode(struct chunk_decoder *decoder, const char *bytes, size_t count,
                               size_t *used, size_t *body_count)
{
    size_t at = 0;
    *body_count = 0;
    while (at < count && decoder->state != STATE_END && decoder->state != STATE_BAD) {
        if (decoder->state == STATE_CONTENT) {
            size_t run = count - at;
            if (run > decoder->left)
                run = (size_t)decoder->left;
            decoder->left -= run;
            if (decoder->left == 0)
                decoder->state = STATE_CONTENT_CR;
            *body_count = run;
            at += run;
            break;
        }
        decoder->state = next_state(decoder, bytes[at++]);
    }
    *used = at;
    if (decoder->state == STATE_BAD)
        return PARSE_BAD;
    return decoder->state == STATE_END ? PARSE_DONE : PARSE_MORE;
}
