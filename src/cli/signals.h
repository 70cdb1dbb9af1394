/* SPDX-License-Identifier: Apache-2.0 */
/* cli/signals.h - the signals of a running server, on a thread of their own.
 *
 *     SIGTERM, SIGINT   stop(); a second one ends the process at once, and so does taking longer
 * than `stop_timeout_ms` SIGHUP            reload()
 *
 * signals_block() is called before any other thread is made, so that all of them leave the signals
 * to ours. State of the process: its signal mask.  The callbacks run on that thread. */
#pragma once
#include "base/cleanup.h"
#include "base/error.h"

#include <stdbool.h>

struct signals;

struct signal_actions {
    void (*stop)(void *context);
    void (*reload)(void *context);
    void *context;
    unsigned stop_timeout_ms;
};

void signals_block(void);
NODISCARD bool signals_start(const struct signal_actions *actions, struct signals **out,
                             struct error *err);
void signals_end(
    struct signals *signals); /* accepts NULL; SIGTERM and SIGINT end the process again */
DEFINE_AUTO(struct signals, signals_end);
