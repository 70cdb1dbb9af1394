/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_parse.h"

#include "../check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum parse_status parse(struct str text, struct http_head *head)
{
    size_t scanned = 0;
    return http_head_parse(text.ptr, text.len, &scanned, head);
}

static struct str header(const struct http_head *head, const char *name)
{
    for (size_t i = 0; i < head->header_count; i++)
        if (str_equal_ignore_case(head->headers[i].name, str_from(name)))
            return head->headers[i].value;
    return STR_NONE;
}

static void test_http_head_parse__takes_a_whole_head(void **state)
{
    (void)state;
    struct http_head head;
    struct str text = STR("PATCH /v2/a/blobs/uploads/1?x=%20 HTTP/1.1\r\nHost: hub.example:5000\r\n"
                          "content-length: 12\r\nX-Empty:\r\nX-Spaced: \t a b \t\r\n"
                          "Expect: 100-Continue\r\nConnection: TE, close\r\n\r\nhello");
    assert_int_equal(parse(text, &head), PARSE_DONE);
    assert_int_equal(head.method, METHOD_PATCH);
    check_str(head.target, "/v2/a/blobs/uploads/1?x=%20");
    assert_int_equal(head.version_minor, 1);
    check_str(head.host, "hub.example:5000");
    assert_int_equal(head.content_length, 12);
    assert_int_equal(head.header_count, 6);
    check_str(header(&head, "x-empty"), "");
    check_str(header(&head, "x-spaced"), "a b");
    assert_true(head.expects_continue);
    assert_false(head.keep_alive);
    assert_int_equal(head.size, text.len - 5);
}

static void test_http_head_parse__can_be_fed_byte_by_byte(void **state)
{
    (void)state;
    struct str text = STR("\r\nGET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n\r\n");
    struct http_head head;
    size_t scanned = 0;
    for (size_t count = 0; count < text.len; count++) {
        assert_int_equal(http_head_parse(text.ptr, count, &scanned, &head), PARSE_MORE);
        assert_true(scanned <= count);
    }
    assert_int_equal(http_head_parse(text.ptr, text.len, &scanned, &head), PARSE_DONE);
    assert_int_equal(head.size, text.len);
    assert_int_equal(head.header_count, 2);
}

/* What other servers were seen to read in different ways, and more of that kind. */
static const struct probe {
    const char *what;
    struct str text;
    int status;
} probes[] = {
#define PROBE(what, text, status)                                                                  \
    {                                                                                              \
        what, { text, sizeof(text) - 1 }, status                                                   \
    }
#define HOST "Host: a\r\n"
    PROBE("CL and TE",
          "PUT / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    PROBE("TE and CL",
          "PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 400),
    PROBE("TE xchunked + CL",
          "PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n\r\n",
          501),
    PROBE("TE gzip, chunked", "PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n",
          501),
    PROBE("TE twice",
          "PUT / HTTP/1.1\r\n" HOST
          "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
          400),
    PROBE("TE with a tab inside", "PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding: chun\tked\r\n\r\n",
          501),
    PROBE("TE in HTTP/1.0", "PUT / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", 400),
    PROBE("two different CL",
          "PUT / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400),
    PROBE("the same CL twice",
          "PUT / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 400),
    PROBE("CL as a list", "PUT / HTTP/1.1\r\n" HOST "Content-Length: 5, 5\r\n\r\n", 400),
    PROBE("space before colon", "PUT / HTTP/1.1\r\n" HOST "Content-Length : 5\r\n\r\n", 400),
    PROBE("CL +5", "PUT / HTTP/1.1\r\n" HOST "Content-Length: +5\r\n\r\n", 400),
    PROBE("CL -1", "PUT / HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n", 400),
    PROBE("CL empty", "PUT / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\n", 400),
    PROBE("CL 0x5", "PUT / HTTP/1.1\r\n" HOST "Content-Length: 0x5\r\n\r\n", 400),
    PROBE("CL 2^64+5", "PUT / HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551621\r\n\r\n",
          400),
    PROBE("CL 2^63", "PUT / HTTP/1.1\r\n" HOST "Content-Length: 9223372036854775808\r\n\r\n", 400),
    PROBE("NUL in a value", "GET / HTTP/1.1\r\n" HOST "X: a\0b\r\n\r\n", 400),
    PROBE("NUL in a name", "GET / HTTP/1.1\r\n" HOST "X\0: a\r\n\r\n", 400),
    PROBE("bell in a value", "GET / HTTP/1.1\r\n" HOST "X: a\ab\r\n\r\n", 400),
    PROBE("DEL in a value", "GET / HTTP/1.1\r\n" HOST "X: a\177b\r\n\r\n", 400),
    PROBE("no Host", "GET / HTTP/1.1\r\n\r\n", 400),
    PROBE("two Content-Type",
          "PUT / HTTP/1.1\r\n" HOST "Content-Type: a/b\r\nX: y\r\ncontent-type: c/d\r\n\r\n", 400),
    PROBE("two Content-Range",
          "PUT / HTTP/1.1\r\n" HOST "Content-Range: 0-4\r\nContent-Range: 5-9\r\n\r\n", 400),
    PROBE("two Range", "GET / HTTP/1.1\r\n" HOST "Range: bytes=0-1\r\nRange: x\r\n\r\n", 400),
    PROBE("two If-Range", "GET / HTTP/1.1\r\n" HOST "If-Range: \"a\"\r\nIf-Range: b\r\n\r\n", 400),
    PROBE("two Host", "GET / HTTP/1.1\r\n" HOST HOST "\r\n", 400),
    PROBE("two Host in HTTP/1.0", "GET / HTTP/1.0\r\n" HOST HOST "\r\n", 400),
    PROBE("empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400),
    PROBE("Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    PROBE("Host with a user", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400),
    PROBE("bare LF ends the request line", "GET / HTTP/1.1\n" HOST "\r\n", 400),
    PROBE("bare LF ends a header", "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400),
    PROBE("bare LF ends the head", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400),
    PROBE("bare CR in a value", "GET / HTTP/1.1\r\n" HOST "X: a\rb\r\n\r\n", 400),
    PROBE("folded header", "GET / HTTP/1.1\r\n" HOST "X: a\r\n b\r\n\r\n", 400),
    PROBE("folded by a tab", "GET / HTTP/1.1\r\n" HOST "X: a\r\n\tb\r\n\r\n", 400),
    PROBE("first header begins with a space", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400),
    PROBE("no colon", "GET / HTTP/1.1\r\n" HOST "X\r\n\r\n", 400),
    PROBE("no name", "GET / HTTP/1.1\r\n" HOST ": a\r\n\r\n", 400),
    PROBE("odd character in a name", "GET / HTTP/1.1\r\n" HOST "X(y): a\r\n\r\n", 400),
    PROBE("two spaces", "GET  / HTTP/1.1\r\n" HOST "\r\n", 400),
    PROBE("space behind the version", "GET / HTTP/1.1 \r\n" HOST "\r\n", 400),
    PROBE("tab as separator", "GET\t/ HTTP/1.1\r\n" HOST "\r\n", 400),
    PROBE("HTTP/0.9", "GET /\r\n\r\n", 400),
    PROBE("only empty lines", "\r\n\r\n", 400),
    PROBE("lower case version", "GET / http/1.1\r\n" HOST "\r\n", 400),
    PROBE("HTTP/1.10", "GET / HTTP/1.10\r\n" HOST "\r\n", 400),
    PROBE("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    PROBE("HTTP/1.2", "GET / HTTP/1.2\r\n" HOST "\r\n", 505),
    PROBE("unknown method", "BREW / HTTP/1.1\r\n" HOST "\r\n", 501),
    PROBE("methods have case", "get / HTTP/1.1\r\n" HOST "\r\n", 501),
    PROBE("CONNECT", "CONNECT a:443 HTTP/1.1\r\n" HOST "\r\n", 501),
    PROBE("TRACE", "TRACE / HTTP/1.1\r\n" HOST "\r\n", 501),
    PROBE("method is no token", "G@T / HTTP/1.1\r\n" HOST "\r\n", 400),
    PROBE("asterisk with GET", "GET * HTTP/1.1\r\n" HOST "\r\n", 400),
    PROBE("target without slash", "GET a HTTP/1.1\r\n" HOST "\r\n", 400),
    PROBE("fragment", "GET /a#b HTTP/1.1\r\n" HOST "\r\n", 400),
    PROBE("raw UTF-8 in the target", "GET /\xc3\xa4 HTTP/1.1\r\n" HOST "\r\n", 400),
    PROBE("other scheme", "GET ftp://a/ HTTP/1.1\r\n" HOST "\r\n", 400),
    PROBE("absolute form without host", "GET http:///x HTTP/1.1\r\n" HOST "\r\n", 400),
    PROBE("absolute form with a user", "GET http://u@a/ HTTP/1.1\r\n" HOST "\r\n", 400),
    PROBE("other expectation", "PUT / HTTP/1.1\r\n" HOST "Expect: tea\r\n\r\n", 417),
    PROBE("TLS hello on a plain port", "\x16\x03\x01\x02", 400),
};

static void test_http_head_parse__refuses_what_could_be_read_in_two_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(probes); i++) {
        struct http_head head;
        enum parse_status status = parse(probes[i].text, &head);
        if (status != PARSE_BAD || head.status != probes[i].status || !head.reason)
            fail_msg("%s: status %d %d", probes[i].what, (int)status, head.status);
    }
}

/* The same verdict whatever the pieces in which it arrives. */
static void test_http_head_parse__refuses_byte_by_byte_too(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(probes); i++) {
        struct http_head head;
        size_t scanned = 0;
        enum parse_status status = PARSE_MORE;
        for (size_t count = 1; count <= probes[i].text.len && status == PARSE_MORE; count++)
            status = http_head_parse(probes[i].text.ptr, count, &scanned, &head);
        if (status != PARSE_BAD || head.status != probes[i].status)
            fail_msg("%s: status %d %d", probes[i].what, (int)status, head.status);
    }
}

static void test_http_head_parse__bounds_head_target_and_count(void **state)
{
    (void)state;
    static char bytes[128 * 1024];
    struct http_head head;
    int start = snprintf(bytes, sizeof(bytes), "GET / HTTP/1.1\r\nHost: a\r\nX: ");
    memset(bytes + start, 'x', 100000);
    assert_int_equal(parse((struct str){ bytes, 100000 }, &head), PARSE_BAD);
    assert_int_equal(head.status, 431);
    assert_int_equal(parse((struct str){ bytes, HTTP_HEAD_BYTES_MAX - 1 }, &head), PARSE_MORE);
    /* Whole, but too large. */
    memcpy(bytes + 100000, "\r\n\r\n", 4);
    assert_int_equal(parse((struct str){ bytes, 100004 }, &head), PARSE_BAD);
    assert_int_equal(head.status, 431);

    memset(bytes, 'x', sizeof(bytes));
    memcpy(bytes, "GET /", 5);
    assert_int_equal(parse((struct str){ bytes, HTTP_HEAD_BYTES_MAX }, &head), PARSE_BAD);
    assert_int_equal(head.status, 414);
    memcpy(bytes + 9000, " HTTP/1.1\r\nHost: a\r\n\r\n", 22);
    assert_int_equal(parse((struct str){ bytes, 9022 }, &head), PARSE_BAD);
    assert_int_equal(head.status, 414);

    size_t size = (size_t)snprintf(bytes, sizeof(bytes), "GET / HTTP/1.1\r\nHost: a\r\n");
    for (int i = 1; i < HTTP_HEADER_COUNT_MAX; i++)
        size += (size_t)snprintf(bytes + size, sizeof(bytes) - size, "X: %d\r\n", i);
    memcpy(bytes + size, "\r\n", 2);
    assert_int_equal(parse((struct str){ bytes, size + 2 }, &head), PARSE_DONE);
    memcpy(bytes + size, "X: 1\r\n\r\n", 8);
    assert_int_equal(parse((struct str){ bytes, size + 8 }, &head), PARSE_BAD);
    assert_int_equal(head.status, 431);
}

static void test_http_head_parse__knows_when_the_connection_stays(void **state)
{
    (void)state;
    const struct {
        struct str text;
        bool keep_alive;
    } rows[] = {
        { STR("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), true },
        { STR("GET / HTTP/1.1\r\nHost: a\r\nConnection: CLOSE\r\n\r\n"), false },
        { STR("GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n"),
          false },
        { STR("GET / HTTP/1.0\r\n\r\n"), false },
        { STR("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"), true },
        { STR("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n"), false },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct http_head head;
        assert_int_equal(parse(rows[i].text, &head), PARSE_DONE);
        assert_int_equal(head.keep_alive, rows[i].keep_alive);
    }
}

static void test_http_head_parse__takes_the_other_target_forms(void **state)
{
    (void)state;
    struct http_head head;
    assert_int_equal(parse(STR("GET HTTP://b:80/x?y HTTP/1.1\r\nHost: a\r\n\r\n"), &head),
                     PARSE_DONE);
    check_str(head.host, "b:80"); /* goes before Host: RFC 9112 3.2.2 */
    assert_int_equal(parse(STR("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), &head), PARSE_DONE);
    check_str(head.target, "*");
}

static void test_http_head_parse__ignores_expectations_without_a_body(void **state)
{
    (void)state;
    struct http_head head;
    assert_int_equal(parse(STR("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n"), &head),
                     PARSE_DONE);
    assert_false(head.expects_continue);
    assert_int_equal(parse(STR("PUT / HTTP/1.0\r\nHost: a\r\nContent-Length: 1\r\n"
                               "Expect: 100-continue\r\n\r\n"),
                           &head),
                     PARSE_DONE);
    assert_false(head.expects_continue);
}

static void test_http_is_token_character__is_the_set_of_the_rfc(void **state)
{
    (void)state;
    static const char tokens[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                 "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for (int i = 0; i < 256; i++)
        assert_int_equal(http_is_token_character((char)i), i != 0 && strchr(tokens, i) != NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http_head_parse__takes_a_whole_head),
        cmocka_unit_test(test_http_head_parse__can_be_fed_byte_by_byte),
        cmocka_unit_test(test_http_head_parse__refuses_what_could_be_read_in_two_ways),
        cmocka_unit_test(test_http_head_parse__refuses_byte_by_byte_too),
        cmocka_unit_test(test_http_head_parse__bounds_head_target_and_count),
        cmocka_unit_test(test_http_head_parse__knows_when_the_connection_stays),
        cmocka_unit_test(test_http_head_parse__takes_the_other_target_forms),
        cmocka_unit_test(test_http_head_parse__ignores_expectations_without_a_body),
        cmocka_unit_test(test_http_is_token_character__is_the_set_of_the_rfc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
