/* SPDX-License-Identifier: Apache-2.0 */
/* cli/process.h - how the server's process is set up, and what it says when it has started. */
#pragma once
#include "base/arena.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "cli/cli.h"
#include "hub/hub.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Files for nobody else (umask 077), SIGPIPE ignored, as many open files as the hard limit allows,
 * the log as set, and the server's signals blocked.  Before any thread is made. */
void process_prepare(const struct settings *settings);

struct start_text {
    const struct serve_plan *plan;
    struct hub *hub;
    const uint16_t *ports; /* of each address in the setting `listen` */
    size_t port_count;
    bool has_setup_page; /* /setup is served */
};

/* Prints for people where the server listens, how the first administrator is made if there is
 * none, and what to type next. */
NODISCARD bool start_text_print(const struct start_text *text, struct error *err);
