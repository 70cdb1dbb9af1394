/* SPDX-License-Identifier: Apache-2.0 */
#include "live.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define SMALL "GET /small HTTP/1.1\r\nHost: a\r\n\r\n"

static struct live live;
static struct reply reply;

static bool answers_on_v6(uint16_t port)
{
    struct sockaddr_in6 address = { .sin6_family = AF_INET6,
                                    .sin6_port = htons(port),
                                    .sin6_addr = in6addr_loopback };
    struct timeval patience = { .tv_sec = 5 };
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    reply.status = 0;
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0) {
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
        live_send(fd, SMALL);
        live_reply(fd, false, &reply);
    }
    if (fd >= 0)
        close(fd);
    return reply.status == 200;
}

/* Is there an IPv6 loopback on this machine at all? */
static bool has_v6(void)
{
    struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_addr = in6addr_loopback };
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_there = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    if (fd >= 0)
        close(fd);
    return is_there;
}

static void test_listeners_open__takes_both_loopbacks_on_one_port(void **state)
{
    (void)state;
    struct live_options options = { .listen = "localhost:0" };
    live_start(&live, &options);
    assert_true(live.port > 0);
    assert_int_equal(live_ask(&live, SMALL, &reply), 200);
    assert_int_equal(answers_on_v6(live.port), has_v6());
    live_stop(&live);
}

static void test_listeners_open__takes_every_address(void **state)
{
    (void)state;
    struct live_options options = { .listen = ":0" };
    live_start(&live, &options);
    assert_int_equal(live_ask(&live, SMALL, &reply), 200);
    assert_int_equal(answers_on_v6(live.port), has_v6());
    live_stop(&live);
}

static void test_listeners_open__names_the_address_that_fails(void **state)
{
    (void)state;
    struct error err = { 0 };
    char taken[64], message[128];
    live_start(&live, NULL);
    snprintf(taken, sizeof(taken), "127.0.0.1:%u", live.port);
    struct str listen = str_from(taken);
    struct server_options options = { .listen = &listen, .listen_count = 1, .router = live.router };
    assert_null(server_new(&options, &err));
    snprintf(message, sizeof(message), "cannot listen on %s: another program listens there; choose",
             taken);
    check_error(&err, ERROR_UNAVAILABLE, message);

    snprintf(taken, sizeof(taken), "localhost:%u", live.port);
    listen = str_from(taken);
    assert_null(server_new(&options, &err));
    check_error(&err, ERROR_UNAVAILABLE, message);

    listen = STR("192.0.2.1:80"); /* reserved for documentation: nobody has it */
    assert_null(server_new(&options, &err));
    check_error(&err, ERROR_INVALID, "192.0.2.1:80");
    listen = STR("hub.example:80");
    assert_null(server_new(&options, &err));
    check_error(&err, ERROR_INVALID, "hub.example:80");
    live_stop(&live);
}

/* Out of descriptors: accepting pauses and goes on when there are some. */
static void test_listener_accept__pauses_without_descriptors(void **state)
{
    (void)state;
    struct live_options options = { .tuning = net_tuning_default, .is_tuned = true };
    struct rlimit before, tight;
    options.tuning.tick_ms = 20;
    options.server.connection_count_max = 100;
    live_start(&live, &options);
    int waiting = live_connect(&live);
    live_send(waiting, SMALL);
    live_reply(waiting, false, &reply);
    close(waiting);
    waiting = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    tight = before;
    tight.rlim_cur = (rlim_t)waiting + 1;
    usleep(100000); /* the closed connection is gone on the other side as well */
    int filler[64], count = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    while (count < 64 && (filler[count] = fcntl(0, F_DUPFD_CLOEXEC, 0)) >= 0)
        count++;
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons(live.port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    assert_int_equal(connect(waiting, (struct sockaddr *)&address, sizeof(address)), 0);
    live_send(waiting, SMALL);
    struct timeval moment = { .tv_usec = 200000 };
    setsockopt(waiting, SOL_SOCKET, SO_RCVTIMEO, &moment, sizeof(moment));
    live_reply(waiting, false, &reply);
    assert_int_equal(reply.status, -1);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    for (int i = 0; i < count; i++)
        close(filler[i]);
    moment.tv_sec = 5;
    setsockopt(waiting, SOL_SOCKET, SO_RCVTIMEO, &moment, sizeof(moment));
    live_reply(waiting, false, &reply);
    assert_int_equal(reply.status, 200);
    close(waiting);
    live_stop(&live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_listeners_open__takes_both_loopbacks_on_one_port),
        cmocka_unit_test(test_listeners_open__takes_every_address),
        cmocka_unit_test(test_listeners_open__names_the_address_that_fails),
        cmocka_unit_test(test_listener_accept__pauses_without_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
