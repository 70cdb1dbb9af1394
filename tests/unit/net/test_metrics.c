/* SPDX-License-Identifier: Apache-2.0 */
#include "net/metrics.h"

#include "../check.h"

#include <pthread.h>

static struct metric first = { .name = "berth_test_total",
                               .labels = "kind=\"a\"",
                               .help = "For a test" };
static struct metric between = { .name = "berth_test_more",
                                 .help = "A gauge",
                                 .kind = METRIC_GAUGE };
static struct metric second = { .name = "berth_test_total",
                                .labels = "kind=\"b\"",
                                .help = "For a test" };
static struct metric shared = { .name = "berth_test_shared_total", .help = "From many threads" };

static bool holds(struct buf *buf, const char *part)
{
    struct str text = buf_str(buf);
    return str_find_text(text, str_from(part)) < text.len;
}

static void test_metrics_write__groups_by_name(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1 << 20);
    metric_add(&first, 2);
    metric_add(&between, 5);
    metric_add(&between, -7);
    metric_add(&second, 1);
    metrics_write(&buf);
    assert_true(holds(&buf, "# HELP berth_test_total For a test\n"
                            "# TYPE berth_test_total counter\n"
                            "berth_test_total{kind=\"a\"} 2\nberth_test_total{kind=\"b\"} 1\n"));
    assert_true(holds(&buf, "# TYPE berth_test_more gauge\nberth_test_more -2\n"));
    buf_release(&buf);
}

static void test_metrics_request__counts_classes_and_times(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1 << 20);
    metrics_request("toy", 200, 400);
    metrics_request("toy", 404, 2000);
    metrics_request("toy", 503, 400000000);
    metrics_request("other toy", 201, 10);
    metrics_write(&buf);
    assert_true(holds(&buf, "berth_http_requests_total{surface=\"toy\",class=\"2xx\"} 1\n"));
    assert_true(holds(&buf, "berth_http_requests_total{surface=\"toy\",class=\"4xx\"} 1\n"));
    assert_true(holds(&buf, "{surface=\"toy\",le=\"0.0005\"} 1\n"));
    assert_true(holds(&buf, "{surface=\"toy\",le=\"0.0025\"} 2\n"));
    assert_true(holds(&buf, "{surface=\"toy\",le=\"300\"} 2\n"));
    assert_true(holds(&buf, "{surface=\"toy\",le=\"+Inf\"} 3\n"));
    assert_true(holds(&buf, "berth_http_request_seconds_sum{surface=\"toy\"} 400.002400\n"));
    assert_true(holds(&buf, "berth_http_request_seconds_count{surface=\"toy\"} 3\n"));
    assert_true(holds(&buf, "{surface=\"other toy\",class=\"2xx\"} 1\n"));
    buf_release(&buf);
}

static void *add_many(void *argument)
{
    (void)argument;
    for (int i = 0; i < 10000; i++) {
        metric_add(&shared, 1);
        metrics_request("shared", 200, 1);
    }
    return NULL;
}

static void test_metric_add__counts_from_all_threads_once(void **state)
{
    (void)state;
    pthread_t threads[4];
    struct buf buf;
    buf_init(&buf, 1 << 20);
    for (size_t i = 0; i < ARRAY_COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add_many, NULL), 0);
    for (size_t i = 0; i < ARRAY_COUNT(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(metric_value(&shared), 40000);
    metrics_write(&buf);
    assert_true(holds(&buf, "requests_total{surface=\"shared\",class=\"2xx\"} 40000\n"));
    /* It stands there once. */
    struct str text = buf_str(&buf), name = STR("\nberth_test_shared_total ");
    struct str rest = str_after(text, str_find_text(text, name) + 1);
    assert_int_equal(str_find_text(rest, name), rest.len);
    buf_release(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metrics_write__groups_by_name),
        cmocka_unit_test(test_metrics_request__counts_classes_and_times),
        cmocka_unit_test(test_metric_add__counts_from_all_threads_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
