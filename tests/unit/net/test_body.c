/* SPDX-License-Identifier: Apache-2.0 */
#include "net/body.h"

#include "../check.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A body that comes through a socket, its first part in the inbox as if read with the head. */
struct fixture {
    int client;
    struct transport transport;
    struct inbox inbox;
    struct http_head head;
    struct net_tuning tuning;
    struct body body;
};

static void fixture_init(struct fixture *fixture, struct str buffered, int64_t content_length)
{
    int pair[2];
    memset(fixture, 0, sizeof(*fixture));
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    fixture->client = pair[0];
    transport_init_plain(&fixture->transport, pair[1]);
    inbox_reserve(&fixture->inbox, 4096);
    memcpy(fixture->inbox.data, buffered.ptr, buffered.len);
    fixture->inbox.end = buffered.len;
    fixture->head.content_length = content_length;
    fixture->tuning = net_tuning_default;
    body_init(&fixture->body, &fixture->head, &fixture->transport, &fixture->inbox,
              &fixture->tuning);
}

static void fixture_release(struct fixture *fixture)
{
    body_release(&fixture->body);
    inbox_release(&fixture->inbox);
    fixture->transport.ops->release(&fixture->transport);
    if (fixture->client >= 0)
        close(fixture->client);
}

static void say(struct fixture *fixture, const char *text)
{
    assert_int_equal(send(fixture->client, text, strlen(text), 0), strlen(text));
}

/* All of it, in pieces of `piece` bytes. */
static size_t read_all(struct fixture *fixture, char *out, size_t piece)
{
    struct error err = { 0 };
    size_t size = 0;
    int64_t got;
    while ((got = body_read(&fixture->body, out + size, piece, &err)) > 0)
        size += (size_t)got;
    assert_int_equal(got, 0);
    return size;
}

static void test_body_read__takes_the_buffered_part_first(void **state)
{
    (void)state;
    for (size_t piece = 1; piece < 20; piece++) {
        struct fixture fixture;
        char out[64];
        fixture_init(&fixture, STR("hello"), 11);
        say(&fixture, " worldGET /");
        check_str(((struct str){ out, read_all(&fixture, out, piece) }), "hello world");
        /* What follows is the next request's and stays in the socket. */
        assert_int_equal(recv(fixture.transport.fd, out, 64, 0), 5);
        fixture_release(&fixture);
    }
}

static void test_body_read__joins_chunks_of_buffer_and_socket(void **state)
{
    (void)state;
    for (size_t piece = 1; piece < 20; piece++) {
        struct fixture fixture;
        char out[64];
        fixture_init(&fixture, STR("5\r\nhello\r\n6"), -1);
        say(&fixture, "\r\n world\r\n0\r\n\r\nGET /");
        check_str(((struct str){ out, read_all(&fixture, out, piece) }), "hello world");
        assert_true(fixture.body.is_complete);
        body_release(&fixture.body);
        check_str(
            ((struct str){ fixture.inbox.data + fixture.inbox.start, inbox_size(&fixture.inbox) }),
            "GET /");
        fixture_release(&fixture);
    }
}

/* Chunks large enough for the way around the edges' buffer. */
static void test_body_read__reads_large_chunks_in_place(void **state)
{
    (void)state;
    enum { CHUNK = 40000, COUNT = 3 };
    struct fixture fixture;
    char *out = malloc(COUNT * CHUNK + 65536), *chunk = malloc(CHUNK);
    size_t size = 0;
    struct error err = { 0 };
    assert_true(out && chunk);
    fixture_init(&fixture, STR(""), -1);
    for (int i = 0; i < COUNT; i++) {
        memset(chunk, 'a' + i, CHUNK);
        say(&fixture, "9c40\r\n");
        assert_int_equal(send(fixture.client, chunk, CHUNK, 0), CHUNK);
        say(&fixture, "\r\n");
        int64_t got;
        while (size < (size_t)(i + 1) * CHUNK) {
            got = body_read(&fixture.body, out + size, 65536, &err);
            assert_true(got > 0);
            size += (size_t)got;
        }
    }
    say(&fixture, "0\r\n\r\n");
    assert_int_equal(body_read(&fixture.body, out + size, 65536, &err), 0);
    assert_int_equal(size, COUNT * CHUNK);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(out[i], 'a' + i / CHUNK);
    fixture_release(&fixture);
    free(out);
    free(chunk);
}

static void test_body_read__says_what_is_wrong_and_stays_so(void **state)
{
    (void)state;
    struct fixture fixture;
    struct error err = { 0 };
    char out[64];
    fixture_init(&fixture, STR("hel"), 5);
    close(fixture.client);
    fixture.client = -1;
    assert_int_equal(body_read(&fixture.body, out, 64, &err), 3);
    assert_int_equal(body_read(&fixture.body, out, 64, &err), -1);
    check_error(&err, ERROR_INVALID, "ended before");
    assert_int_equal(body_read(&fixture.body, out, 64, &err), -1);
    check_error(&err, ERROR_INVALID, "broken off");
    fixture_release(&fixture);

    fixture_init(&fixture, STR("x\r\n"), -1);
    assert_int_equal(body_read(&fixture.body, out, 64, &err), -1);
    check_error(&err, ERROR_INVALID, "malformed chunk");
    assert_false(body_rest_is_small(&fixture.body));
    fixture_release(&fixture);
}

static void test_body_read__says_continue_once_and_only_if_needed(void **state)
{
    (void)state;
    struct fixture fixture;
    struct error err = { 0 };
    char out[64];
    fixture_init(&fixture, STR(""), 2);
    fixture.body.wants_continue = true;
    say(&fixture, "a");
    assert_int_equal(body_read(&fixture.body, out, 64, &err), 1);
    say(&fixture, "b");
    assert_int_equal(body_read(&fixture.body, out, 64, &err), 1);
    assert_int_equal(recv(fixture.client, out, 64, 0), 25);
    assert_memory_equal(out, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    fixture_release(&fixture);

    fixture_init(&fixture, STR("a"), 1);
    fixture.body.wants_continue = true;
    assert_int_equal(body_read(&fixture.body, out, 64, &err), 1);
    assert_int_equal(recv(fixture.client, out, 64, MSG_DONTWAIT), -1);
    fixture_release(&fixture);
}

static void test_body_read__bounds_stalls_and_slowness(void **state)
{
    (void)state;
    struct fixture fixture;
    struct error err = { 0 };
    char out[64];
    fixture_init(&fixture, STR(""), 100);
    fixture.tuning.body_stall_timeout_ms = 30;
    assert_int_equal(body_read(&fixture.body, out, 64, &err), -1);
    check_error(&err, ERROR_TOO_MANY, "too slowly");
    assert_true(fixture.body.is_too_slow);
    fixture_release(&fixture);

    /* Never stalled for long, but too slow on the whole: 10 bytes after 60 ms of waiting, where
     * 1000 a second are asked for after the first 50. */
    fixture_init(&fixture, STR(""), 1000);
    fixture.tuning.body_rate_min = 1000;
    fixture.tuning.body_rate_grace_ms = 50;
    say(&fixture, "0123456789");
    assert_int_equal(body_read(&fixture.body, out, 64, &err), 10);
    fixture.body.waited_ms = 60;
    assert_int_equal(body_read(&fixture.body, out, 64, &err), -1);
    check_error(&err, ERROR_TOO_MANY, "too slowly");
    fixture_release(&fixture);

    /* One that was fast so far is waited for longer, as long as it does not stall. */
    fixture_init(&fixture, STR(""), 1000);
    fixture.tuning.body_rate_min = 1000;
    fixture.tuning.body_rate_grace_ms = 50;
    fixture.tuning.body_stall_timeout_ms = 40;
    fixture.body.waited_ms = 60;
    fixture.body.received = 1000000;
    assert_int_equal(body_read(&fixture.body, out, 64, &err), -1);
    check_error(&err, ERROR_TOO_MANY, "too slowly");
    assert_true(fixture.body.waited_ms >= 60 + 40);
    fixture_release(&fixture);
}

static void test_body_drain__never_waits(void **state)
{
    (void)state;
    struct fixture fixture;
    char scratch[64];
    fixture_init(&fixture, STR("ab"), 5);
    assert_true(body_rest_is_small(&fixture.body));
    assert_int_equal(body_drain(&fixture.body, scratch, 64), IO_WANT_READ);
    say(&fixture, "cdeX");
    assert_int_equal(body_drain(&fixture.body, scratch, 64), IO_END);
    assert_int_equal(recv(fixture.transport.fd, scratch, 64, 0), 1);
    fixture_release(&fixture);
    fixture_init(&fixture, STR(""), 65537);
    assert_false(body_rest_is_small(&fixture.body));
    close(fixture.client);
    fixture.client = -1;
    assert_int_equal(body_drain(&fixture.body, scratch, 64), IO_FAILED);
    fixture_release(&fixture);
    fixture_init(&fixture, STR(""), -1);
    assert_false(body_rest_is_small(&fixture.body)); /* who knows */
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_body_read__takes_the_buffered_part_first),
        cmocka_unit_test(test_body_read__joins_chunks_of_buffer_and_socket),
        cmocka_unit_test(test_body_read__reads_large_chunks_in_place),
        cmocka_unit_test(test_body_read__says_what_is_wrong_and_stays_so),
        cmocka_unit_test(test_body_read__says_continue_once_and_only_if_needed),
        cmocka_unit_test(test_body_read__bounds_stalls_and_slowness),
        cmocka_unit_test(test_body_drain__never_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
