/* SPDX-License-Identifier: Apache-2.0 */
/* cli/progress.h - a line on the terminal that tells how far a long command is.  Private to
 * src/cli.
 *
 * Shown on stderr if that is a terminal, and drawn ten times a second at most.  Whoever prints
 * something else in between calls progress_clear() before.  One thread. */
#pragma once
#include "cli/command.h"

#include <stdbool.h>
#include <stdint.h>

struct progress_state {
    const char *label;          /* "blobs" */
    int64_t done, total;        /* things; total 0: not known */
    int64_t bytes, bytes_total; /* total 0: no bytes are shown */
};

struct progress {
    FILE *err;
    bool is_shown;
    int64_t begun_ms, drawn_ms; /* monotonic */
    size_t width;               /* of what stands there now */
};

void progress_begin(struct progress *progress, const struct cli *cli);
void progress_draw(struct progress *progress, const struct progress_state *state);
void progress_clear(struct progress *progress);

/* "blobs [####------]  43 %  1.2 GB of 2.8 GB  49.1 MB/s  0:32 left".  Pure. */
struct str progress_line(struct arena *arena, const struct progress_state *state,
                         int64_t elapsed_ms);
