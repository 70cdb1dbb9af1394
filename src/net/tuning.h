/* SPDX-License-Identifier: Apache-2.0 */
/* net/tuning.h - the deadlines of a server as one value, so that tests can shorten them.  Internal
 * to net; everybody else gets those of base/limits.def. */
#pragma once
#include "net/server.h"

#include <stdint.h>

struct net_tuning {
    int64_t head_timeout_ms; /* from the first byte of a head, or of a TLS handshake */
    int64_t idle_timeout_ms;
    int64_t body_stall_timeout_ms;
    int64_t body_rate_grace_ms; /* time spent waiting for a body before its rate counts */
    int64_t body_rate_min;      /* bytes/s */
    int64_t write_stall_timeout_ms;
    int64_t linger_timeout_ms;
    int64_t linger_bytes_max;
    int64_t worker_idle_ms; /* a spare worker exits after this */
    int64_t tick_ms;        /* how exactly deadlines are kept */
};

extern const struct net_tuning net_tuning_default;

/* server_new() with other deadlines. */
struct server *server_new_tuned(const struct server_options *options,
                                const struct net_tuning *tuning, struct error *err);
