/* SPDX-License-Identifier: Apache-2.0 */
/* What is around a handler: its place among the running ones, ids, log lines, counts. */
#include "live.h"

#include "base/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOST "Host: a\r\n"
#define SMALL "GET /small HTTP/1.1\r\n" HOST "\r\n"
#define WAIT "GET /wait HTTP/1.1\r\n" HOST "\r\n"

static struct live live;
static struct reply reply;

static bool two_run(struct live *server)
{
    return atomic_load(&server->app.running) == 2;
}

static bool none_runs(struct live *server)
{
    return atomic_load(&server->app.running) == 0;
}

static void check_busy(const struct reply *answer)
{
    assert_int_equal(answer->status, 503);
    check_str(reply_header(answer, "Retry-After"), "1");
    check_str(reply_header(answer, "Content-Type"), "application/json");
    assert_true(str_starts(answer->body, STR("{\"errors\":[{\"code\":\"TOOMANYREQUESTS\",\"me")));
}

static void test_exchange_run__bounds_running_handlers(void **state)
{
    (void)state;
    /* In all; then for each client. */
    struct live_options rows[] = {
        { .server = { .worker_count_max = 2, .workers_per_address_max = 9 } },
        { .server = { .worker_count_max = 9, .workers_per_address_max = 2 } },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        live_start(&live, &rows[i]);
        int first = live_connect(&live), second = live_connect(&live), third = live_connect(&live);
        live_send(first, WAIT);
        live_send(second, WAIT);
        live_wait_until(two_run, &live);
        live_send(third, SMALL);
        live_reply(third, false, &reply);
        check_busy(&reply);
        atomic_store(&live.app.is_open, true);
        live_reply(first, false, &reply);
        assert_int_equal(reply.status, 204);
        live_wait_until(none_runs, &live);
        live_reply(second, false, &reply);
        live_send(third, SMALL); /* the connection was kept */
        live_reply(third, false, &reply);
        assert_int_equal(reply.status, 200);
        close(first);
        close(second);
        close(third);
        live_stop(&live);
        assert_int_equal(live_metric("berth_http_handlers "), 0);
    }
}

/* Behind a trusted proxy clients are told apart by the address that it names. */
static void test_exchange_run__counts_clients_behind_proxies(void **state)
{
    (void)state;
    struct error err = { 0 };
    struct address_range loopback;
    assert_true(address_range_parse(STR("127.0.0.0/8"), &loopback, &err));
    struct live_options options = { .server = { .workers_per_address_max = 2,
                                                .trusted_proxies = &loopback,
                                                .trusted_proxy_count = 1 } };
    const char *wait = "GET /wait HTTP/1.1\r\n" HOST "X-Forwarded-For: 192.0.2.1\r\n\r\n";
    live_start(&live, &options);
    int first = live_connect(&live), second = live_connect(&live);
    live_send(first, wait);
    live_send(second, wait);
    live_wait_until(two_run, &live);
    live_ask(&live, "GET /small HTTP/1.1\r\n" HOST "X-Forwarded-For: 192.0.2.1\r\n\r\n", &reply);
    check_busy(&reply);
    live_ask(&live,
             "GET /who HTTP/1.1\r\n" HOST "X-Forwarded-For: 192.0.2.2\r\n"
             "X-Forwarded-Proto: https\r\n\r\n",
             &reply);
    assert_true(str_starts(reply.body, STR("192.0.2.2 https://a ")));
    close(first);
    close(second);
    live_stop(&live);
}

static void test_exchange_run__gives_each_request_an_id(void **state)
{
    (void)state;
    char ids[20][33];
    live_start(&live, NULL);
    int fd = live_connect(&live);
    for (size_t i = 0; i < ARRAY_COUNT(ids); i++) {
        live_send(fd, "GET /who HTTP/1.1\r\n" HOST "X-Request-Id: mine\r\n\r\n");
        live_reply(fd, false, &reply);
        struct str id = reply_header(&reply, "X-Request-Id");
        assert_int_equal(id.len, 32);
        assert_true(str_ends(reply.body, id));
        memcpy(ids[i], id.ptr, 32);
        ids[i][32] = 0;
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(ids[i], ids[j]);
    }
    close(fd);
    live_stop(&live);
}

static void test_exchange_end__logs_a_line_without_the_query(void **state)
{
    (void)state;
    char path[] = "/tmp/berth-log-XXXXXX", text[4096] = "";
    int log_fd = mkstemp(path);
    assert_true(log_fd >= 0);
    unlink(path);
    live_start(&live, NULL);
    log_configure(LOG_INFO, LOG_TEXT, log_fd);
    int fd = live_connect(&live);
    live_send(fd, "GET /small?token=secret HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    live_reply(fd, false, &reply);
    assert_true(live_is_closed(fd, 1000));
    close(fd);
    live_stop(&live);
    log_configure(LOG_ERROR, LOG_TEXT, 2);
    assert_true(pread(log_fd, text, sizeof(text) - 1, 0) > 0);
    close(log_fd);
    const char *line = strstr(text, " request ");
    assert_non_null(line);
    const char *parts[] = { "method=GET",   "path=/small ",     "status=200", "bytes=6",
                            "duration_us=", "client=127.0.0.1", "surface=toy" };
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++)
        if (!strstr(line, parts[i]))
            fail_msg("%s is missing in: %s", parts[i], line);
    char id[40];
    struct str id_text = reply_header(&reply, "X-Request-Id");
    snprintf(id, sizeof(id), "%.*s", STR_ARG(id_text));
    assert_non_null(strstr(line, id));
    assert_null(strstr(text, "secret"));
}

/* What the log of this level says while the requests run; each on a connection of its own, of
 * which the answer is read whole or, `is_cut`, not at all. */
static void log_of(enum log_level level, const char *const *requests, size_t count, bool is_cut,
                   char text[static 4096])
{
    char path[] = "/tmp/berth-log-XXXXXX";
    int log_fd = mkstemp(path);
    assert_true(log_fd >= 0);
    unlink(path);
    live_start(&live, NULL);
    log_configure(level, LOG_TEXT, log_fd);
    for (size_t i = 0; i < count; i++) {
        int fd = live_connect(&live);
        live_send(fd, requests[i]);
        if (is_cut)
            usleep(100000); /* the handler has run, the buffers are full */
        else
            live_reply(fd, false, &reply);
        close(fd);
    }
    live_stop(&live);
    log_configure(LOG_ERROR, LOG_TEXT, 2);
    memset(text, 0, 4096);
    assert_true(pread(log_fd, text, 4095, 0) >= 0);
    close(log_fd);
}

static void test_exchange_run__warns_of_each_proxy_once(void **state)
{
    (void)state;
    char text[4096];
    const char *one = "GET /small HTTP/1.1\r\n" HOST "X-Forwarded-Proto: https\r\n\r\n";
    const char *const requests[] = { one, one };
    log_of(LOG_WARN, requests, 2, false, text);
    const char *line = strstr(text, "forwarded_ignored");
    assert_non_null(line);
    assert_non_null(strstr(line, "address=127.0.0.1"));
    assert_non_null(strstr(line, "not in proxy.trusted"));
    assert_null(strstr(line + 1, "forwarded_ignored"));
}

static void test_exchange_end__says_tls_on_the_plain_port_quietly(void **state)
{
    (void)state;
    char text[4096];
    const char *const requests[] = { "\x16\x03\x01\x02\r\n\r\n" };
    log_of(LOG_INFO, requests, 1, false, text);
    assert_int_equal(reply.status, 400);
    assert_null(strstr(text, "request"));
    log_of(LOG_DEBUG, requests, 1, false, text);
    assert_non_null(strstr(text, "tls_on_plain_port"));
}

static void test_exchange_end__says_what_was_not_sent_whole(void **state)
{
    (void)state;
    char text[4096];
    const char *const requests[] = { "GET /file HTTP/1.1\r\n" HOST "\r\n" };
    log_of(LOG_INFO, requests, 1, true, text);
    assert_non_null(strstr(text, "path=/file"));
    assert_non_null(strstr(text, "incomplete=1"));
}

static void test_exchange_end__counts_the_request(void **state)
{
    (void)state;
    live_start(&live, NULL);
    int64_t before = live_metric("berth_http_requests_total{surface=\"toy\",class=\"4xx\"}");
    int fd = live_connect(&live);
    live_send(fd, "GET /unknown HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    live_reply(fd, false, &reply);
    assert_int_equal(reply.status, 404);
    assert_true(live_is_closed(fd, 1000));
    close(fd);
    live_stop(&live);
    assert_int_equal(live_metric("berth_http_requests_total{surface=\"toy\",class=\"4xx\"}"),
                     before < 0 ? 1 : before + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exchange_run__bounds_running_handlers),
        cmocka_unit_test(test_exchange_run__counts_clients_behind_proxies),
        cmocka_unit_test(test_exchange_run__gives_each_request_an_id),
        cmocka_unit_test(test_exchange_end__logs_a_line_without_the_query),
        cmocka_unit_test(test_exchange_run__warns_of_each_proxy_once),
        cmocka_unit_test(test_exchange_end__says_tls_on_the_plain_port_quietly),
        cmocka_unit_test(test_exchange_end__says_what_was_not_sent_whole),
        cmocka_unit_test(test_exchange_end__counts_the_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
