/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http.h"

#include "../check.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "net/body.h"

static const struct header some_headers[] = {
    { { "Accept", 6 }, { "a", 1 } },
    { { "X", 1 }, { "1", 1 } },
    { { "accept", 6 }, { "b, c", 4 } },
};

static void test_request_header__ignores_case_and_takes_the_first(void **state)
{
    (void)state;
    struct arena *arena AUTO(arena_free) = arena_new();
    struct request request = { .arena = arena, .headers = some_headers, .header_count = 3 };
    check_str(request_header(&request, "ACCEPT"), "a");
    assert_false(str_is_set(request_header(&request, "Accept-Encoding")));
    check_str(request_header_joined(&request, "Accept"), "a, b, c");
    check_str(request_header_joined(&request, "x"), "1");
    assert_false(str_is_set(request_header_joined(&request, "y")));
}

static void test_request_origin__is_a_link(void **state)
{
    (void)state;
    struct arena *arena AUTO(arena_free) = arena_new();
    struct request request = { .arena = arena, .host = STR("hub:5000") };
    check_str(request_origin(&request), "http://hub:5000");
    request.is_https = true;
    check_str(request_origin(&request), "https://hub:5000");
}

static void test_response_header__never_sends_control_characters(void **state)
{
    (void)state;
    struct arena *arena AUTO(arena_free) = arena_new();
    struct response response;
    response_init(&response, arena);
    response_header(&response, "A", STR("fine \xc3\xa4"));
    response_header(&response, "B", STR("x\r\nSet-Cookie: evil"));
    response_header(&response, "C", STR("x\0y"));
    response_header_format(&response, "D", "<%s>; rel=\"next\"", "/a");
    response_header_format(&response, "E", "%0600d", 7);
    check_str(response.headers[0].value, "fine \xc3\xa4");
    check_str(response.headers[1].value, "");
    check_str(response.headers[2].value, "");
    check_str(response.headers[3].value, "</a>; rel=\"next\"");
    assert_int_equal(response.headers[4].value.len, 600);
}

static int closed_count;

static int64_t source_read(void *state, void *bytes, size_t size, struct error *err)
{
    (void)state;
    (void)bytes;
    (void)size;
    (void)err;
    return 0;
}

static void source_close(void *state)
{
    (void)state;
    closed_count++;
}

static void test_response_release__closes_what_was_not_sent(void **state)
{
    (void)state;
    struct arena *arena AUTO(arena_free) = arena_new();
    struct response response;
    response_init(&response, arena);
    int fd = open("/dev/null", O_RDONLY);
    response_file(&response, fd, 0, 1);
    struct body_source source = { .read = source_read, .close = source_close };
    response_source(&response, source, 5); /* a change of mind closes the file */
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    response_memory(&response, NULL, STR("x"));
    assert_int_equal(closed_count, 1);
    response_release(&response);
    response_release(&response);
    assert_int_equal(closed_count, 1);
    assert_int_equal(response.header_count, 0);
}

/* A request whose body comes from memory. */
struct fixture {
    struct arena *arena;
    struct transport_memory memory;
    struct transport transport;
    struct inbox inbox;
    struct body body;
    struct request request;
};

static void fixture_init(struct fixture *fixture, struct str input, int64_t content_length)
{
    memset(fixture, 0, sizeof(*fixture));
    fixture->arena = arena_new();
    fixture->memory.input = input;
    transport_init_memory(&fixture->transport, &fixture->memory);
    struct http_head *head = arena_alloc(fixture->arena, sizeof(*head));
    head->content_length = content_length;
    body_init(&fixture->body, head, &fixture->transport, &fixture->inbox, &net_tuning_default);
    fixture->request = (struct request){ .arena = fixture->arena,
                                         .content_length = content_length,
                                         .body = &fixture->body };
}

static void fixture_release(struct fixture *fixture)
{
    body_release(&fixture->body);
    inbox_release(&fixture->inbox);
    arena_free(fixture->arena);
}

static void test_request_read_all__takes_bodies_up_to_the_limit(void **state)
{
    (void)state;
    struct error err = { 0 };
    struct fixture fixture;
    struct str out;
    fixture_init(&fixture, STR("hello, next"), 5);
    assert_true(request_read_all(&fixture.request, 5, &out, &err));
    check_str(out, "hello");
    fixture_release(&fixture);

    fixture_init(&fixture, STR("hello"), 5);
    assert_false(request_read_all(&fixture.request, 4, &out, &err));
    check_error(&err, ERROR_TOO_LARGE, "4 bytes");
    assert_int_equal(fixture.memory.input.len, 5); /* refused before a byte was read */
    fixture_release(&fixture);

    fixture_init(&fixture, STR("5\r\nhello\r\n0\r\n\r\n"), -1);
    assert_true(request_read_all(&fixture.request, 5, &out, &err));
    check_str(out, "hello");
    fixture_release(&fixture);

    fixture_init(&fixture, STR("5\r\nhello\r\n0\r\n\r\n"), -1);
    assert_false(request_read_all(&fixture.request, 4, &out, &err));
    check_error(&err, ERROR_TOO_LARGE, "4 bytes");
    fixture_release(&fixture);

    fixture_init(&fixture, STR("hel"), 5);
    assert_false(request_read_all(&fixture.request, 5, &out, &err));
    check_error(&err, ERROR_INVALID, "ended before");
    fixture_release(&fixture);
}

static void test_request_read_all__grows_with_a_chunked_body(void **state)
{
    (void)state;
    enum { SIZE = 100000 };
    static char text[SIZE + 32];
    struct error err = { 0 };
    struct fixture fixture;
    struct str out;
    memset(text, 'x', sizeof(text));
    memcpy(text, "186a0\r\n", 7);
    memcpy(text + 7 + SIZE, "\r\n0\r\n\r\n", 7);
    fixture_init(&fixture, (struct str){ text, 7 + SIZE + 7 }, -1);
    assert_true(request_read_all(&fixture.request, SIZE, &out, &err));
    assert_int_equal(out.len, SIZE);
    fixture_release(&fixture);
}

static void test_status_reason__knows_what_we_send(void **state)
{
    (void)state;
    assert_string_equal(status_reason(200), "OK");
    assert_string_equal(status_reason(416), "Range Not Satisfiable");
    assert_string_equal(status_reason(599), "Unknown");
    check_str(method_name(METHOD_DELETE), "DELETE");
    check_str(method_name(METHOD_UNSET), "-");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request_header__ignores_case_and_takes_the_first),
        cmocka_unit_test(test_request_origin__is_a_link),
        cmocka_unit_test(test_response_header__never_sends_control_characters),
        cmocka_unit_test(test_response_release__closes_what_was_not_sent),
        cmocka_unit_test(test_request_read_all__takes_bodies_up_to_the_limit),
        cmocka_unit_test(test_request_read_all__grows_with_a_chunked_body),
        cmocka_unit_test(test_status_reason__knows_what_we_send),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
