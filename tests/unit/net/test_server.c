/* SPDX-License-Identifier: Apache-2.0 */
#include "live.h"

#include "net/server_internal.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define HOST "Host: a\r\n"
#define SMALL "GET /small HTTP/1.1\r\n" HOST "\r\n"

static struct live live;
static struct reply reply;

static void *stop_later(void *argument)
{
    (void)argument;
    usleep(200000);
    live_stop(&live);
    return NULL;
}

/* A download that runs goes on to its end; idle connections end at once; no new ones come in. */
static void test_server_stop__lets_a_download_finish(void **state)
{
    (void)state;
    pthread_t stopper;
    live_start(&live, NULL);
    int idle = live_connect(&live), used = live_connect(&live), download = live_connect(&live);
    live_send(used, SMALL);
    live_reply(used, false, &reply);
    live_send(download, "GET /file HTTP/1.1\r\n" HOST "\r\n");
    live_reply(download, true, &reply);
    assert_int_equal(reply.status, 200);
    assert_int_equal(pthread_create(&stopper, NULL, stop_later, NULL), 0);
    assert_true(live_is_closed(idle, 2000));
    assert_true(live_is_closed(used, 2000));
    size_t received = 0;
    for (ssize_t got; (got = recv(download, reply.text, sizeof(reply.text), 0)) > 0;)
        received += (size_t)got;
    assert_int_equal(received, LIVE_FILE_SIZE);
    pthread_join(stopper, NULL);
    close(idle);
    close(used);
    close(download);
}

static bool one_runs(struct live *server)
{
    return atomic_load(&server->app.running) == 1;
}

static void *open_later(void *argument)
{
    (void)argument;
    usleep(300000);
    atomic_store(&live.app.is_open, true);
    return NULL;
}

static void test_server_stop__says_close_on_what_still_runs(void **state)
{
    (void)state;
    pthread_t opener;
    live_start(&live, NULL);
    int fd = live_connect(&live);
    live_send(fd, "GET /wait HTTP/1.1\r\n" HOST "\r\n");
    live_wait_until(one_runs, &live);
    assert_int_equal(pthread_create(&opener, NULL, open_later, NULL), 0);
    server_stop(live.server);
    pthread_join(live.thread, NULL);
    live_reply(fd, false, &reply);
    assert_int_equal(reply.status, 204);
    check_str(reply_header(&reply, "Connection"), "close");
    pthread_join(opener, NULL);
    close(fd);
    server_free(live.server);
    router_free(live.router);
    unlink(live.app.file);
}

static void test_server_stop__cuts_what_takes_too_long(void **state)
{
    (void)state;
    struct live_options options = { .server = { .stop_timeout_ms = 200 } };
    live_start(&live, &options);
    int fd = live_connect(&live), upload = live_connect(&live), small = 4096;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    live_send(fd, "GET /file HTTP/1.1\r\n" HOST "\r\n");
    live_send(upload, "PUT /count HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\n");
    usleep(100000);
    int64_t start = clock_monotonic_ms();
    live_stop(&live);
    assert_in_range(clock_monotonic_ms() - start, 150, 3000);
    close(fd);
    close(upload);
}

/* A worker was about to accept when the server began to stop and found no connection: one that came
 * now would be nobody's to close. */
static void test_server_stop__drops_what_is_accepted_too_late(void **state)
{
    (void)state;
    int ends[2];
    struct sockaddr_storage from = { .ss_family = AF_INET };
    live_start(&live, NULL);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    atomic_store(&live.server->is_stopping, true);
    connection_open(live.server, ends[0], &from);
    assert_int_equal(atomic_load(&live.server->reaper.count), 0);
    assert_true(live_is_closed(ends[1], 1000));
    close(ends[1]);
    live_stop(&live);
}

static void test_server_new__bounds_connections(void **state)
{
    (void)state;
    struct live_options rows[] = {
        { .server = { .connection_count_max = 2 } },
        { .server = { .connections_per_address_max = 2 } },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        live_start(&live, &rows[i]);
        int first = live_connect(&live), second = live_connect(&live), third = live_connect(&live);
        live_send(first, SMALL);
        live_reply(first, false, &reply);
        assert_int_equal(reply.status, 200);
        live_send(third, SMALL);
        live_reply(third, false, &reply);
        assert_int_equal(reply.status, 503);
        check_str(reply_header(&reply, "Retry-After"), "1");
        assert_true(str_starts(reply.body, STR("{\"errors\":[{\"code\":\"TOOMANYREQUESTS\"")));
        assert_true(str_ends(reply.body, STR("}]}\n")));
        assert_true(live_is_closed(third, 1000));
        close(third);
        close(second);
        usleep(50000);
        assert_int_equal(live_ask(&live, SMALL, &reply), 200); /* there is room again */
        close(first);
        live_stop(&live);
    }
}

/* More connections than descriptors would leave none for the database and the store. */
static void test_server_new__takes_no_more_connections_than_open_files_bear(void **state)
{
    (void)state;
    struct rlimit before, now;
    struct live_options options = { .server = { .connection_count_max = 1000000 } };
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    now = (struct rlimit){ .rlim_cur = 250, .rlim_max = before.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
    live_start(&live, &options);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &now), 0);
    assert_in_range(live.server->connection_count_max, 16, now.rlim_cur / 2 + 1);
    if (before.rlim_max > 250)
        assert_true(now.rlim_cur > 250);
    assert_int_equal(live_ask(&live, SMALL, &reply), 200);
    live_stop(&live);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

static void test_server_new__does_not_limit_trusted_proxies(void **state)
{
    (void)state;
    struct error err = { 0 };
    struct address_range loopback;
    assert_true(address_range_parse(STR("127.0.0.1"), &loopback, &err));
    struct live_options options = { .server = { .connections_per_address_max = 1,
                                                .trusted_proxies = &loopback,
                                                .trusted_proxy_count = 1 } };
    live_start(&live, &options);
    int first = live_connect(&live), second = live_connect(&live);
    live_send(second, SMALL);
    live_reply(second, false, &reply);
    assert_int_equal(reply.status, 200);
    close(first);
    close(second);
    live_stop(&live);
}

static void test_server_new__wants_certificate_and_key_together(void **state)
{
    (void)state;
    struct error err = { 0 };
    live_start(&live, NULL);
    struct server_options options = { .listen = &live.listen,
                                      .listen_count = 1,
                                      .router = live.router,
                                      .tls_certificate = "/nowhere" };
    assert_null(server_new(&options, &err));
    check_error(&err, ERROR_INVALID, "both");
    live_stop(&live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_server_stop__lets_a_download_finish),
        cmocka_unit_test(test_server_stop__says_close_on_what_still_runs),
        cmocka_unit_test(test_server_stop__cuts_what_takes_too_long),
        cmocka_unit_test(test_server_stop__drops_what_is_accepted_too_late),
        cmocka_unit_test(test_server_new__bounds_connections),
        cmocka_unit_test(test_server_new__takes_no_more_connections_than_open_files_bear),
        cmocka_unit_test(test_server_new__does_not_limit_trusted_proxies),
        cmocka_unit_test(test_server_new__wants_certificate_and_key_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
