/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_parse.h"

#include "../check.h"

#include <string.h>

/* Feeds `text` in pieces of `piece` bytes; the content is added up in `out`.  *rest is what was not
 * used. */
static enum parse_status decode(struct str text, size_t piece, char *out, size_t *out_size,
                                size_t *rest)
{
    struct chunk_decoder decoder;
    enum parse_status status = PARSE_MORE;
    size_t at = 0;
    chunk_decoder_init(&decoder);
    *out_size = 0;
    while (status == PARSE_MORE && at < text.len) {
        size_t used, content, count = text.len - at < piece ? text.len - at : piece;
        status = chunk_decode(&decoder, text.ptr + at, count, &used, &content);
        assert_true(used <= count && content <= used);
        memcpy(out + *out_size, text.ptr + at + used - content, content);
        *out_size += content;
        at += used;
    }
    *rest = text.len - at;
    return status;
}

static void test_chunk_decode__joins_the_content_in_any_pieces(void **state)
{
    (void)state;
    struct str text = STR("5\r\nhello\r\n1;name=\"v\" x\r\n \r\n00a\r\nbig world!\r\n0\r\n"
                          "X-Trailer: 1\r\nY:\r\n\r\nGET");
    for (size_t piece = 1; piece <= text.len; piece++) {
        char out[64];
        size_t size, rest;
        assert_int_equal(decode(text, piece, out, &size, &rest), PARSE_DONE);
        check_str(((struct str){ out, size }), "hello big world!");
        assert_int_equal(rest, 3);
    }
}

static void test_chunk_decode__refuses_odd_framing(void **state)
{
    (void)state;
    const struct str refused[] = {
        STR("0x5\r\nhello\r\n0\r\n\r\n"),
        STR("5\r\nhelloX\r\n0\r\n\r\n"), /* longer than its size */
        STR("\r\nhello\r\n"),
        STR("-5\r\nhello\r\n"),
        STR("+5\r\nhello\r\n"),
        STR(" 5\r\nhello\r\n"),
        STR("5 \r\nhello\r\n"),
        STR("5\nhello\r\n"),
        STR("5\rhello\r\n"),
        STR("5\r\nhello\n0\r\n\r\n"),
        STR("5\r\nhello0\r\n\r\n"),
        STR(";x\r\n"),
        STR("5;a\0b\r\nhello\r\n"),
        STR("5;a\nhello\r\n"),
        STR("8000000000000000\r\n"),
        STR("fffffffffffffffff\r\n"),
        STR("0\r\nX Y: 1\r\n\r\n"),
        STR("0\r\n: 1\r\n\r\n"),
        STR("0\r\n folded\r\n\r\n"),
        STR("0\r\nX: a\0\r\n\r\n"),
        STR("0\r\nX: a\n\r\n"),
        STR("0\r\n\rX"),
        STR("G\r\n"),
        STR("5\r\nhelloX\n0\r\n\r\n"),
    };
    for (size_t i = 0; i < ARRAY_COUNT(refused); i++) {
        for (size_t piece = 1; piece < 40; piece += 38) {
            char out[64];
            size_t size, rest;
            if (decode(refused[i], piece, out, &size, &rest) != PARSE_BAD)
                fail_msg("taken: %.*s", STR_ARG(refused[i]));
        }
    }
}

static void test_chunk_decode__bounds_lines_and_trailers(void **state)
{
    (void)state;
    struct chunk_decoder decoder;
    size_t used, content;
    char line[512];
    memset(line, 'x', sizeof(line));
    memcpy(line, "5;", 2);
    chunk_decoder_init(&decoder);
    assert_int_equal(chunk_decode(&decoder, line, sizeof(line), &used, &content), PARSE_BAD);
    memset(line, '0', sizeof(line));
    chunk_decoder_init(&decoder);
    assert_int_equal(chunk_decode(&decoder, line, sizeof(line), &used, &content), PARSE_BAD);

    enum parse_status status;
    chunk_decoder_init(&decoder);
    status = chunk_decode(&decoder, "0\r\n", 3, &used, &content);
    size_t total = 0;
    while (status == PARSE_MORE && total < 10 * HTTP_HEAD_BYTES_MAX) {
        status = chunk_decode(&decoder, "Name: value\r\n", 13, &used, &content);
        total += used;
    }
    assert_int_equal(status, PARSE_BAD);
    assert_true(total <= HTTP_HEAD_BYTES_MAX + 16);
}

static void test_chunk_decode__stays_refused(void **state)
{
    (void)state;
    struct chunk_decoder decoder;
    size_t used, content;
    chunk_decoder_init(&decoder);
    assert_int_equal(chunk_decode(&decoder, "z", 1, &used, &content), PARSE_BAD);
    assert_int_equal(chunk_decode(&decoder, "0\r\n\r\n", 5, &used, &content), PARSE_BAD);
    assert_int_equal(used, 0);
}

static void test_chunk_decoder_in_content__tells_how_much(void **state)
{
    (void)state;
    struct chunk_decoder decoder;
    size_t used, content;
    chunk_decoder_init(&decoder);
    assert_false(chunk_decoder_in_content(&decoder));
    assert_int_equal(chunk_decode(&decoder, "ff\r\nab", 6, &used, &content), PARSE_MORE);
    assert_int_equal(content, 2);
    assert_true(chunk_decoder_in_content(&decoder));
    assert_int_equal(decoder.left, 253);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chunk_decode__joins_the_content_in_any_pieces),
        cmocka_unit_test(test_chunk_decode__refuses_odd_framing),
        cmocka_unit_test(test_chunk_decode__bounds_lines_and_trailers),
        cmocka_unit_test(test_chunk_decode__stays_refused),
        cmocka_unit_test(test_chunk_decoder_in_content__tells_how_much),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
