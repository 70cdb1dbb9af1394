/* SPDX-License-Identifier: Apache-2.0 */
/* api/health.h - for load balancers and monitoring, as plain text.
 *
 *     /healthz   200 while the process answers at all
 *     /readyz    200 if database and store are usable now, 503 with the kind of trouble otherwise;
 * the reason goes to the log /metrics   Prometheus text: counters of net/metrics.h, the process,
 * berth_build_info
 *
 * Open to anybody, since those who ask have no account; nothing here names a repository or an
 * account. */
#pragma once
#include "base/buf.h"
#include "net/router.h"

/* One for each path, since a surface answers what lies under its prefix; all count as "health". */
extern const struct surface health_surface, readiness_surface, metrics_surface;

/* berth_build_info and the gauges of this process (/proc); what cannot be read is left out. */
void process_metrics_write(struct buf *out);
