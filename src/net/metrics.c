/* SPDX-License-Identifier: Apache-2.0 */
#include "net/metrics.h"

#include <stdlib.h>
#include <string.h>

/* The one list of all metrics in this process; net/metrics.h says why it is global. */
static _Atomic(struct metric *) all_metrics;

static void metric_register(struct metric *metric)
{
    if (atomic_exchange_explicit(&metric->is_registered, true, memory_order_relaxed))
        return;
    struct metric *head = atomic_load_explicit(&all_metrics, memory_order_relaxed);
    do
        metric->next = head;
    while (!atomic_compare_exchange_weak_explicit(&all_metrics, &head, metric, memory_order_release,
                                                  memory_order_relaxed));
}

void metric_add(struct metric *metric, int64_t amount)
{
    atomic_fetch_add_explicit(&metric->value, amount, memory_order_relaxed);
    if (!atomic_load_explicit(&metric->is_registered, memory_order_relaxed))
        metric_register(metric);
}

int64_t metric_value(const struct metric *metric)
{
    return atomic_load_explicit(&metric->value, memory_order_relaxed);
}

/* Requests by surface: a fixed number of rows, taken by name at the first request. */
enum { SURFACE_COUNT_MAX = 8, CLASS_COUNT = 5, BUCKET_COUNT = 12 };

static const int64_t bucket_us[BUCKET_COUNT] = { 500,     1000,    2500,     5000,
                                                 10000,   25000,   100000,   500000,
                                                 1000000, 5000000, 30000000, 300000000 };
static const char *const bucket_text[BUCKET_COUNT] = { "0.0005", "0.001", "0.0025", "0.005",
                                                       "0.01",   "0.025", "0.1",    "0.5",
                                                       "1",      "5",     "30",     "300" };

static struct surface_row {
    _Atomic(const char *) surface;
    _Atomic int64_t by_class[CLASS_COUNT];
    _Atomic int64_t buckets[BUCKET_COUNT];
    _Atomic int64_t count, sum_us;
} surface_rows[SURFACE_COUNT_MAX];

/* The row of this surface; the last row is shared by whatever does not find one. */
static struct surface_row *row_of(const char *surface)
{
    for (size_t i = 0; i < SURFACE_COUNT_MAX - 1; i++) {
        struct surface_row *row = &surface_rows[i];
        const char *owner = atomic_load_explicit(&row->surface, memory_order_acquire);
        if (!owner && atomic_compare_exchange_strong(&row->surface, &owner, surface))
            return row;
        if (owner == surface || strcmp(owner, surface) == 0)
            return row;
    }
    atomic_store(&surface_rows[SURFACE_COUNT_MAX - 1].surface, "other");
    return &surface_rows[SURFACE_COUNT_MAX - 1];
}

static void count_one(_Atomic int64_t *value, int64_t amount)
{
    atomic_fetch_add_explicit(value, amount, memory_order_relaxed);
}

void metrics_request(const char *surface, int status, int64_t duration_us)
{
    struct surface_row *row = row_of(surface);
    int class = status / 100 < 1 ? 1 : status / 100 > CLASS_COUNT ? CLASS_COUNT : status / 100;
    count_one(&row->by_class[class - 1], 1);
    count_one(&row->sum_us, duration_us);
    count_one(&row->count, 1);
    for (size_t i = 0; i < BUCKET_COUNT; i++) {
        if (duration_us > bucket_us[i])
            continue;
        count_one(&row->buckets[i], 1);
        break;
    }
}

static int64_t value_of(_Atomic int64_t *value)
{
    return atomic_load_explicit(value, memory_order_relaxed);
}

static void write_histogram(struct buf *out, struct surface_row *row, const char *surface)
{
    int64_t total = 0;
    for (size_t i = 0; i < BUCKET_COUNT; i++) {
        total += value_of(&row->buckets[i]);
        buf_format(out, "berth_http_request_seconds_bucket{surface=\"%s\",le=\"%s\"} %lld\n",
                   surface, bucket_text[i], (long long)total);
    }
    int64_t count = value_of(&row->count), sum_us = value_of(&row->sum_us);
    if (count < total) /* counted between our two looks */
        count = total;
    buf_format(out, "berth_http_request_seconds_bucket{surface=\"%s\",le=\"+Inf\"} %lld\n", surface,
               (long long)count);
    buf_format(out, "berth_http_request_seconds_sum{surface=\"%s\"} %lld.%06lld\n", surface,
               (long long)(sum_us / 1000000), (long long)(sum_us % 1000000));
    buf_format(out, "berth_http_request_seconds_count{surface=\"%s\"} %lld\n", surface,
               (long long)count);
}

static void write_requests(struct buf *out)
{
    buf_append(out, STR("# HELP berth_http_requests_total Finished requests\n"
                        "# TYPE berth_http_requests_total counter\n"));
    for (size_t i = 0; i < SURFACE_COUNT_MAX; i++) {
        const char *surface = atomic_load_explicit(&surface_rows[i].surface, memory_order_acquire);
        for (int class = 0; surface && class < CLASS_COUNT; class ++)
            buf_format(out, "berth_http_requests_total{surface=\"%s\",class=\"%dxx\"} %lld\n",
                       surface, class + 1, (long long)value_of(&surface_rows[i].by_class[class]));
    }
    buf_append(out, STR("# HELP berth_http_request_seconds Time from a request's head to the end "
                        "of its answer\n# TYPE berth_http_request_seconds histogram\n"));
    for (size_t i = 0; i < SURFACE_COUNT_MAX; i++) {
        const char *surface = atomic_load_explicit(&surface_rows[i].surface, memory_order_acquire);
        if (surface)
            write_histogram(out, &surface_rows[i], surface);
    }
}

static int compare_metrics(const void *a, const void *b)
{
    const struct metric *const *first = a, *const *second = b;
    int order = strcmp((*first)->name, (*second)->name);
    if (order != 0)
        return order;
    const char *first_labels = (*first)->labels ? (*first)->labels : "";
    return strcmp(first_labels, (*second)->labels ? (*second)->labels : "");
}

static void write_metric(struct buf *out, const struct metric *metric, bool is_first_of_name)
{
    if (is_first_of_name)
        buf_format(out, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help, metric->name,
                   metric->kind == METRIC_GAUGE ? "gauge" : "counter");
    buf_format(out, metric->labels ? "%s{%s} %lld\n" : "%s%s %lld\n", metric->name,
               metric->labels ? metric->labels : "", (long long)metric_value(metric));
}

void metrics_write(struct buf *out)
{
    /* All lines of a name must stand together, so the list is sorted first. */
    enum { METRIC_COUNT_MAX = 512 };
    const struct metric *sorted[METRIC_COUNT_MAX];
    size_t count = 0;
    const struct metric *metric = atomic_load_explicit(&all_metrics, memory_order_acquire);
    for (; metric && count < METRIC_COUNT_MAX; metric = metric->next)
        sorted[count++] = metric;
    qsort(sorted, count, sizeof(sorted[0]), compare_metrics);
    for (size_t i = 0; i < count; i++)
        write_metric(out, sorted[i], i == 0 || strcmp(sorted[i]->name, sorted[i - 1]->name) != 0);
    write_requests(out);
}
