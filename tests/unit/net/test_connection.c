/* SPDX-License-Identifier: Apache-2.0 */
/* The states of a connection, seen from outside through a socket. */
#include "live.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HOST "Host: a\r\n"

static struct live live;
static struct reply reply;

static int start_default(void **state)
{
    (void)state;
    live_start(&live, NULL);
    return 0;
}

/* Short deadlines, for the tests of deadlines. */
static int start_hasty(void **state)
{
    (void)state;
    struct live_options options = { .tuning = net_tuning_default, .is_tuned = true };
    options.tuning.head_timeout_ms = 300;
    options.tuning.idle_timeout_ms = 300;
    options.tuning.body_stall_timeout_ms = 300;
    options.tuning.write_stall_timeout_ms = 300;
    options.tuning.linger_timeout_ms = 300;
    options.tuning.tick_ms = 10;
    live_start(&live, &options);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    live_stop(&live);
    return 0;
}

static void test_connection__answers_pipelined_requests_in_order(void **state)
{
    (void)state;
    int fd = live_connect(&live);
    live_send(fd, "GET /small HTTP/1.1\r\n" HOST "\r\n"
                  "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc"
                  "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
                  "2\r\nde\r\n0\r\n\r\n"
                  "HEAD /small HTTP/1.1\r\n" HOST "\r\n"
                  "GET /who HTTP/1.1\r\n" HOST "\r\n");
    live_reply(fd, false, &reply);
    check_str(reply.body, "small\n");
    live_reply(fd, false, &reply);
    check_str(reply.body, "abc");
    live_reply(fd, false, &reply);
    check_str(reply.body, "de");
    live_reply(fd, true, &reply);
    assert_int_equal(reply.status, 200);
    live_reply(fd, false, &reply);
    assert_true(str_starts(reply.body, STR("127.0.0.1 http://a ")));
    close(fd);
}

/* Far more pipelined bytes behind a chunked body than a head buffer holds. */
static void test_connection__keeps_what_came_with_a_chunked_body(void **state)
{
    (void)state;
    enum { COUNT = 1500 };
    const char *next = "GET /small HTTP/1.1\r\n" HOST "\r\n";
    size_t size = 0, capacity = 200000;
    char *text = malloc(capacity);
    assert_non_null(text);
    size += (size_t)snprintf(text, capacity,
                             "PUT /count HTTP/1.1\r\n" HOST
                             "Transfer-Encoding: chunked\r\n\r\n1f40\r\n");
    memset(text + size, 'x', 8000);
    size += 8000;
    size += (size_t)snprintf(text + size, capacity - size, "\r\n0\r\nX: trailer\r\n\r\n");
    for (int i = 0; i < COUNT; i++)
        size += (size_t)snprintf(text + size, capacity - size, "%s", next);
    int fd = live_connect(&live);
    live_send_bytes(fd, text, size);
    live_reply(fd, false, &reply);
    check_str(reply.body, "8000");
    for (int i = 0; i < COUNT; i++) {
        live_reply(fd, false, &reply);
        assert_int_equal(reply.status, 200);
    }
    close(fd);
    free(text);
}

static void test_connection__takes_a_head_in_single_bytes(void **state)
{
    (void)state;
    const char *text = "GET /small HTTP/1.1\r\n" HOST "X: y\r\n\r\n";
    int fd = live_connect(&live);
    for (size_t i = 0; text[i]; i++) {
        live_send_bytes(fd, text + i, 1);
        usleep(500);
    }
    live_reply(fd, false, &reply);
    assert_int_equal(reply.status, 200);
    close(fd);
}

static void test_connection__answers_head_like_get_without_a_body(void **state)
{
    (void)state;
    int fd = live_connect(&live);
    live_send(fd, "HEAD /file HTTP/1.1\r\n" HOST "\r\nHEAD /source?known HTTP/1.1\r\n" HOST
                  "\r\nGET /small HTTP/1.1\r\n" HOST "\r\n");
    live_reply(fd, true, &reply);
    assert_int_equal(reply.status, 200);
    check_str(reply_header(&reply, "Content-Length"), "8388608");
    live_reply(fd, true, &reply);
    check_str(reply_header(&reply, "Content-Length"), "30000");
    live_reply(fd, false, &reply);
    check_str(reply.body, "small\n");
    assert_int_equal(atomic_load(&live.app.sources_closed), 1);
    close(fd);
}

static void test_connection__sends_no_body_with_204_and_304(void **state)
{
    (void)state;
    int fd = live_connect(&live);
    live_send(fd, "GET /nothing HTTP/1.1\r\n" HOST "\r\nGET /nothing?304 HTTP/1.1\r\n" HOST
                  "\r\nGET /small HTTP/1.1\r\n" HOST "\r\n");
    live_reply(fd, true, &reply);
    assert_int_equal(reply.status, 204);
    assert_false(str_is_set(reply_header(&reply, "Content-Length")));
    live_reply(fd, true, &reply);
    assert_int_equal(reply.status, 304);
    live_reply(fd, false, &reply);
    check_str(reply.body, "small\n");
    close(fd);
}

static void test_connection__says_continue_when_the_body_is_wanted(void **state)
{
    (void)state;
    int fd = live_connect(&live);
    live_send(fd,
              "PUT /count HTTP/1.1\r\n" HOST "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    live_reply(fd, true, &reply);
    assert_int_equal(reply.status, 100);
    live_send(fd, "hello");
    live_reply(fd, false, &reply);
    assert_int_equal(reply.status, 201);
    check_str(reply.body, "5");
    /* Not to a client that did not wait. */
    live_send(fd, "PUT /count HTTP/1.1\r\n" HOST
                  "Content-Length: 5\r\nExpect: 100-continue\r\n\r\nhello");
    live_reply(fd, false, &reply);
    assert_int_equal(reply.status, 201);
    /* And not when it is refused: then that is said at once, and the connection ends. */
    live_send(fd,
              "PUT /denied HTTP/1.1\r\n" HOST "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    live_reply(fd, false, &reply);
    assert_int_equal(reply.status, 401);
    check_str(reply_header(&reply, "Connection"), "close");
    assert_true(live_is_closed(fd, 1000));
    close(fd);
}

static void test_connection__stays_after_a_small_body_that_nobody_read(void **state)
{
    (void)state;
    int fd = live_connect(&live);
    live_send(fd, "PUT /denied HTTP/1.1\r\n" HOST "Content-Length: 6\r\n\r\nab");
    live_reply(fd, false, &reply);
    assert_int_equal(reply.status, 401);
    assert_false(str_is_set(reply_header(&reply, "Connection")));
    usleep(20000);
    live_send(fd, "cdefGET /small HTTP/1.1\r\n" HOST "\r\n");
    live_reply(fd, false, &reply);
    check_str(reply.body, "small\n");
    close(fd);
}

/* The answer gets through although the client is still sending. */
static void test_connection__refuses_large_bodies_early_and_readably(void **state)
{
    (void)state;
    const char *heads[] = { "PUT /denied HTTP/1.1\r\n" HOST "Content-Length: 67108864\r\n\r\n",
                            "PUT /denied HTTP/1.1\r\n" HOST
                            "Transfer-Encoding: chunked\r\n\r\n4000000\r\n" };
    char *piece = calloc(1, 65536);
    for (size_t i = 0; i < ARRAY_COUNT(heads); i++) {
        int fd = live_connect(&live);
        live_send(fd, heads[i]);
        int64_t sent = 0;
        ssize_t got = 1;
        while (sent < 67108864 && got > 0) {
            got = send(fd, piece, 65536, MSG_NOSIGNAL);
            sent += got > 0 ? got : 0;
        }
        live_reply(fd, false, &reply);
        assert_int_equal(reply.status, 401);
        check_str(reply_header(&reply, "Connection"), "close");
        check_str(reply.body, "sign in first");
        assert_true(sent < 67108864);
        close(fd);
    }
    free(piece);
}

static void test_connection__speaks_http_1_0(void **state)
{
    (void)state;
    int fd = live_connect(&live);
    live_send(fd, "GET /who HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    live_reply(fd, false, &reply);
    char expected[64];
    snprintf(expected, sizeof(expected), "127.0.0.1 http://127.0.0.1:%u ", live.port);
    assert_true(str_starts(reply.body, str_from(expected)));
    check_str(reply_header(&reply, "Connection"), "keep-alive");
    live_send(fd, "GET /source?unknown HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    live_reply(fd, false, &reply);
    assert_int_equal(reply.status, 200);
    check_str(reply_header(&reply, "Connection"), "close");
    assert_false(str_is_set(reply_header(&reply, "Transfer-Encoding")));
    assert_true(live_is_closed(fd, 2000));
    close(fd);
    fd = live_connect(&live);
    live_send(fd, "GET /small HTTP/1.0\r\n\r\n");
    live_reply(fd, false, &reply);
    check_str(reply_header(&reply, "Connection"), "close");
    assert_true(live_is_closed(fd, 1000));
    close(fd);
}

static void test_connection__answers_what_it_cannot_read_and_closes(void **state)
{
    (void)state;
    const struct {
        const char *text;
        int status;
    } rows[] = {
        { "GET / HTTP/1.1\r\n\r\n", 400 },
        { "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505 },
        { "BREW / HTTP/1.1\r\n" HOST "\r\n", 501 },
        { "GET //x HTTP/1.1\r\n" HOST "\r\n", 400 },
        { "PUT / HTTP/1.1\r\n" HOST "Expect: x\r\n\r\n", 417 },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        int fd = live_connect(&live);
        live_send(fd, rows[i].text);
        live_send(fd, "GET /small HTTP/1.1\r\n" HOST "\r\n"); /* not looked at any more */
        live_reply(fd, false, &reply);
        assert_int_equal(reply.status, rows[i].status);
        check_str(reply_header(&reply, "Connection"), "close");
        check_str(reply_header(&reply, "Content-Type"), "text/plain; charset=utf-8");
        live_reply(fd, false, &reply);
        assert_int_equal(reply.status, 0);
        close(fd);
    }
}

static void test_connection__sends_sources_of_any_length(void **state)
{
    (void)state;
    int fd = live_connect(&live);
    live_send(fd, "GET /source?known HTTP/1.1\r\n" HOST "\r\n");
    live_reply(fd, false, &reply);
    assert_int_equal(reply.body.len, 30000);
    live_send(fd, "GET /source?unknown HTTP/1.1\r\n" HOST "\r\n");
    live_reply(fd, false, &reply);
    check_str(reply_header(&reply, "Transfer-Encoding"), "chunked");
    size_t size = strlen("7530\r\n") + 30000 + strlen("\r\n0\r\n\r\n"), at = 0;
    while (at < size) {
        ssize_t got = recv(fd, reply.text + at, size - at, 0);
        assert_true(got > 0);
        at += (size_t)got;
    }
    assert_memory_equal(reply.text, "7530\r\nx", 7);
    assert_memory_equal(reply.text + size - 8, "x\r\n0\r\n\r\n", 8);
    live_send(fd, "GET /source?broken HTTP/1.1\r\n" HOST "\r\n");
    live_reply(fd, false, &reply);
    assert_true(reply.body.len < 30005);
    assert_true(live_is_closed(fd, 1000)); /* cut, so that the client sees that it is not whole */
    assert_int_equal(atomic_load(&live.app.sources_closed), 3);
    close(fd);
}

static void test_connection__sends_the_whole_file(void **state)
{
    (void)state;
    int fd = live_connect(&live);
    for (int round = 0; round < 2; round++) {
        live_send(fd, "GET /file HTTP/1.1\r\n" HOST "\r\n");
        live_reply(fd, true, &reply);
        assert_int_equal(reply.status, 200);
        for (size_t at = 0; at < LIVE_FILE_SIZE;) {
            size_t left = LIVE_FILE_SIZE - at;
            ssize_t got = recv(fd, reply.text, left < 65536 ? left : 65536, 0);
            assert_true(got > 0);
            for (ssize_t i = 0; i < got; i++)
                assert_int_equal(reply.text[i], 'a' + (at + (size_t)i) % 23);
            at += (size_t)got;
        }
    }
    live_send(fd, "GET /short HTTP/1.1\r\n" HOST "\r\n");
    live_reply(fd, true, &reply);
    assert_true(live_is_closed(fd, 5000));
    close(fd);
}

static int64_t elapsed_until_closed(int fd)
{
    int64_t start = clock_monotonic_ms();
    assert_true(live_is_closed(fd, 5000));
    return clock_monotonic_ms() - start;
}

static void test_connection__ends_idle_and_half_heads_in_time(void **state)
{
    (void)state;
    int fresh = live_connect(&live), half = live_connect(&live), used = live_connect(&live);
    live_send(half, "GET /small HTTP/1.1\r\n");
    live_send(used, "GET /small HTTP/1.1\r\n" HOST "\r\n");
    live_reply(used, false, &reply);
    assert_in_range(elapsed_until_closed(fresh), 200, 2000);
    assert_in_range(elapsed_until_closed(half) + 300, 200, 2000);
    assert_in_range(elapsed_until_closed(used) + 300, 200, 2000);
    close(fresh);
    close(half);
    close(used);
}

/* A byte now and then does not prolong the head's deadline. */
static void test_connection__ends_a_trickled_head_in_time(void **state)
{
    (void)state;
    int fd = live_connect(&live);
    int64_t start = clock_monotonic_ms();
    live_send(fd, "GET /small HTTP/1.1\r\nX: ");
    while (!live_is_closed(fd, 20) && clock_monotonic_ms() - start < 5000)
        if (send(fd, "y", 1, MSG_NOSIGNAL) < 0)
            break;
    assert_in_range(clock_monotonic_ms() - start, 200, 2000);
    close(fd);
}

static void test_connection__gives_up_on_a_body_that_does_not_come(void **state)
{
    (void)state;
    int fd = live_connect(&live);
    live_send(fd, "PUT /count HTTP/1.1\r\n" HOST "Content-Length: 100000\r\n\r\nabc");
    live_reply(fd, false, &reply);
    assert_int_equal(reply.status, 408);
    assert_true(live_is_closed(fd, 2000));
    close(fd);
}

static void test_connection__gives_up_on_a_reader_that_stalls(void **state)
{
    (void)state;
    const char *requests[] = { "GET /file HTTP/1.1\r\n" HOST "\r\n",
                               "GET /endless HTTP/1.1\r\n" HOST "\r\n" };
    for (size_t i = 0; i < ARRAY_COUNT(requests); i++) {
        int fd = live_connect(&live), small = 4096;
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
        live_send(fd, requests[i]);
        usleep(1500000);
        struct pollfd poller = { .fd = fd, .events = POLLIN };
        assert_int_equal(poll(&poller, 1, 1000), 1);
        int failure = 0;
        socklen_t size = sizeof(failure);
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size);
        assert_int_equal(failure, ECONNRESET); /* and the kernel keeps nothing for it */
        close(fd);
    }
}

static void test_connection__lingers_only_so_long(void **state)
{
    (void)state;
    int fd = live_connect(&live);
    live_send(fd, "PUT /denied HTTP/1.1\r\n" HOST "Content-Length: 1000000\r\n\r\n");
    live_reply(fd, false, &reply);
    assert_int_equal(reply.status, 401);
    assert_true(live_is_closed(fd, 100)); /* its half at once */
    int64_t start = clock_monotonic_ms();
    while (send(fd, "x", 1, MSG_NOSIGNAL) > 0 && clock_monotonic_ms() - start < 5000)
        usleep(10000);
    assert_in_range(clock_monotonic_ms() - start, 100, 2000);
    close(fd);
}

int main(void)
{
#define WITH(setup, test) cmocka_unit_test_setup_teardown(test, setup, stop)
    const struct CMUnitTest tests[] = {
        WITH(start_default, test_connection__answers_pipelined_requests_in_order),
        WITH(start_default, test_connection__keeps_what_came_with_a_chunked_body),
        WITH(start_default, test_connection__takes_a_head_in_single_bytes),
        WITH(start_default, test_connection__answers_head_like_get_without_a_body),
        WITH(start_default, test_connection__sends_no_body_with_204_and_304),
        WITH(start_default, test_connection__says_continue_when_the_body_is_wanted),
        WITH(start_default, test_connection__stays_after_a_small_body_that_nobody_read),
        WITH(start_default, test_connection__refuses_large_bodies_early_and_readably),
        WITH(start_default, test_connection__speaks_http_1_0),
        WITH(start_default, test_connection__answers_what_it_cannot_read_and_closes),
        WITH(start_default, test_connection__sends_sources_of_any_length),
        WITH(start_default, test_connection__sends_the_whole_file),
        WITH(start_hasty, test_connection__ends_idle_and_half_heads_in_time),
        WITH(start_hasty, test_connection__ends_a_trickled_head_in_time),
        WITH(start_hasty, test_connection__gives_up_on_a_body_that_does_not_come),
        WITH(start_hasty, test_connection__gives_up_on_a_reader_that_stalls),
        WITH(start_hasty, test_connection__lingers_only_so_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
