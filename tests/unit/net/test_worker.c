/* SPDX-License-Identifier: Apache-2.0 */
#include "live.h"

#include "base/clock.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HOST "Host: a\r\n"
#define SMALL "GET /small HTTP/1.1\r\n" HOST "\r\n"

static struct live live;
static struct reply reply;

/* Slow readers, idle connections and half heads hold no thread. */
static void test_worker__stalled_clients_hold_no_thread(void **state)
{
    (void)state;
    enum { COUNT = 120 };
    int stalled[COUNT], idle[COUNT], half[COUNT], tiny = 2048;
    live_start(&live, NULL);
    for (int i = 0; i < COUNT; i++) {
        stalled[i] = live_connect(&live);
        setsockopt(stalled[i], SOL_SOCKET, SO_RCVBUF, &tiny, sizeof(tiny));
        live_send(stalled[i], "GET /file HTTP/1.1\r\n" HOST "\r\n");
        idle[i] = live_connect(&live);
        half[i] = live_connect(&live);
        live_send(half[i], "GET /small HTTP/1.1\r\nX: ");
    }
    usleep(300000);
    int64_t start = clock_monotonic_ms();
    assert_int_equal(live_ask(&live, SMALL, &reply), 200);
    assert_true(clock_monotonic_ms() - start < 2000);
    assert_int_equal(live_metric("berth_http_connections ") >= 3 * COUNT, 1);
    assert_int_equal(live_metric("berth_http_handlers "), 0);
    assert_true(live_metric("berth_http_workers ") < COUNT);
    for (int i = 0; i < COUNT; i++) {
        close(stalled[i]);
        close(idle[i]);
        close(half[i]);
    }
    live_stop(&live);
    assert_int_equal(live_metric("berth_http_connections "), 0);
    assert_int_equal(live_metric("berth_http_workers "), 0);
}

static bool twenty_run(struct live *server)
{
    return atomic_load(&server->app.running) == 20;
}

static bool few_workers(struct live *server)
{
    (void)server;
    return live_metric("berth_http_workers ") <= 3;
}

/* A worker for each handler that blocks, somebody for the others; and fewer again afterwards. */
static void test_worker__come_and_go_with_the_work(void **state)
{
    (void)state;
    struct live_options options = { .tuning = net_tuning_default, .is_tuned = true };
    options.tuning.worker_idle_ms = 50;
    options.tuning.tick_ms = 10;
    live_start(&live, &options);
    int fds[20];
    for (size_t i = 0; i < ARRAY_COUNT(fds); i++) {
        fds[i] = live_connect(&live);
        live_send(fds[i], "GET /wait HTTP/1.1\r\n" HOST "\r\n");
    }
    live_wait_until(twenty_run, &live);
    int64_t start = clock_monotonic_ms();
    for (int i = 0; i < 10; i++) {
        assert_int_equal(live_ask(&live, SMALL, &reply), 200);
        usleep(80000); /* long enough for spare workers to think of leaving */
    }
    assert_true(clock_monotonic_ms() - start < 5000);
    assert_true(live_metric("berth_http_workers ") >= 21);
    atomic_store(&live.app.is_open, true);
    for (size_t i = 0; i < ARRAY_COUNT(fds); i++) {
        live_reply(fds[i], false, &reply);
        assert_int_equal(reply.status, 204);
        close(fds[i]);
    }
    live_wait_until(few_workers, &live);
    assert_int_equal(live_ask(&live, SMALL, &reply), 200);
    live_stop(&live);
}

/* Threads that the system still gives to the server; the linker puts this in front of the real one,
 * tests/unit/net/meson.build. */
static atomic_int threads_left = INT_MAX;

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *argument)
{
    if (atomic_fetch_sub(&threads_left, 1) <= 0)
        return EAGAIN;
    return __real_pthread_create(thread, attributes, start, argument);
}

/* A machine that gives only a few threads: handlers that block must not take the last one, or
 * everybody would wait for them without an answer. */
static void test_worker__keeps_the_last_thread_for_answers(void **state)
{
    (void)state;
    enum { COUNT = 12, THREADS = 6 };
    int fds[COUNT], refused = 0;
    live_start(&live, NULL);
    atomic_store(&threads_left, THREADS);
    for (int i = 0; i < COUNT; i++) {
        fds[i] = live_connect(&live);
        live_send(fds[i], "GET /wait HTTP/1.1\r\n" HOST "\r\n");
    }
    usleep(200000);
    assert_int_equal(live_ask(&live, SMALL, &reply), 503);
    check_str(reply_header(&reply, "Retry-After"), "1");
    atomic_store(&live.app.is_open, true);
    for (int i = 0; i < COUNT; i++) {
        live_reply(fds[i], false, &reply);
        refused += reply.status == 503;
        assert_true(reply.status == 204 || reply.status == 503);
        close(fds[i]);
    }
    assert_in_range(refused, 1, COUNT - THREADS + 2);
    assert_int_equal(live_ask(&live, SMALL, &reply), 200);
    atomic_store(&threads_left, INT_MAX);
    live_stop(&live);
}

struct client {
    pthread_t thread;
    int good;
};

static void *ask_often(void *argument)
{
    struct client *client = argument;
    struct reply own;
    int fd = live_connect(&live);
    for (int i = 0; i < 300; i++) {
        live_send(fd,
                  i % 7 ? SMALL : "PUT /count HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nabcd");
        live_reply(fd, false, &own);
        client->good += own.status == (i % 7 ? 200 : 201);
        if (i % 50 == 0) {
            close(fd);
            fd = live_connect(&live);
        }
    }
    close(fd);
    return NULL;
}

static void test_worker__serves_many_clients_at_once(void **state)
{
    (void)state;
    struct client clients[8] = { 0 };
    live_start(&live, NULL);
    for (size_t i = 0; i < ARRAY_COUNT(clients); i++)
        assert_int_equal(pthread_create(&clients[i].thread, NULL, ask_often, &clients[i]), 0);
    for (size_t i = 0; i < ARRAY_COUNT(clients); i++) {
        pthread_join(clients[i].thread, NULL);
        assert_int_equal(clients[i].good, 300);
    }
    live_stop(&live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_worker__stalled_clients_hold_no_thread),
        cmocka_unit_test(test_worker__come_and_go_with_the_work),
        cmocka_unit_test(test_worker__keeps_the_last_thread_for_answers),
        cmocka_unit_test(test_worker__serves_many_clients_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
