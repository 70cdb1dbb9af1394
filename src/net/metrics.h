/* SPDX-License-Identifier: Apache-2.0 */
/* net/metrics.h - counters of the process, in Prometheus text form.
 *
 * A metric is a static object that registers itself at its first use; labels are
 * fixed when it is made, never taken from a client.  Counting is a relaxed atomic
 * addition.  Any thread. */
#pragma once
#include "base/buf.h"

#include <stdatomic.h>
#include <stdint.h>

enum metric_kind { METRIC_COUNTER = 0, METRIC_GAUGE };

struct metric {
    const char *name;   /* berth_http_connections */
    const char *labels; /* surface="registry",class="2xx" or NULL */
    const char *help;
    enum metric_kind kind;
    _Atomic int64_t value;
    atomic_bool is_registered;
    struct metric *next;
};

void metric_add(struct metric *metric, int64_t amount);
int64_t metric_value(const struct metric *metric);

/* One finished request: counts by surface and status class, and its duration in a histogram. */
void metrics_request(const char *surface, int status, int64_t duration_us);

void metrics_write(struct buf *out);
