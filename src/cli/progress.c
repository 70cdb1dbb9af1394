/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/progress.h"

#include "base/clock.h"
#include "cli/list.h"

#include <inttypes.h>
#include <unistd.h>

enum { DRAWN_EVERY_MS = 100, BAR_CHARS = 20, SETTLED_MS = 1000 };

void progress_begin(struct progress *progress, const struct cli *cli)
{
    int fd = fileno(cli->err);
    *progress = (struct progress){
        .err = cli->err,
        .is_shown = fd >= 0 && isatty(fd),
        .begun_ms = clock_monotonic_ms(),
    };
}

/* Thousandths of the whole; -1 if it is not known. */
static int64_t share_of(const struct progress_state *state)
{
    int64_t done = state->bytes_total > 0 ? state->bytes : state->done;
    int64_t total = state->bytes_total > 0 ? state->bytes_total : state->total;
    if (total <= 0)
        return -1;
    return done >= total ? 1000 : (int64_t)((double)done * 1000 / (double)total);
}

static struct str time_left(struct arena *arena, int64_t share, int64_t elapsed_ms)
{
    if (share <= 0 || share >= 1000 || elapsed_ms < SETTLED_MS)
        return STR("");
    int64_t left_s = elapsed_ms * (1000 - share) / share / 1000;
    if (left_s >= 3600)
        return arena_format(arena, "  %" PRId64 ":%02" PRId64 ":%02" PRId64 " left", left_s / 3600,
                            left_s / 60 % 60, left_s % 60);
    return arena_format(arena, "  %" PRId64 ":%02" PRId64 " left", left_s / 60, left_s % 60);
}

static struct str amount(struct arena *arena, const struct progress_state *state,
                         int64_t elapsed_ms)
{
    if (state->bytes_total <= 0 && state->bytes <= 0)
        return state->total > 0
                   ? arena_format(arena, "%" PRId64 " of %" PRId64, state->done, state->total)
                   : list_number(arena, state->done);
    int64_t rate = elapsed_ms > 0 ? (int64_t)((double)state->bytes * 1000 / (double)elapsed_ms) : 0;
    struct str read = list_size(arena, state->bytes), speed = list_size(arena, rate);
    if (state->bytes_total <= 0)
        return arena_format(arena, "%" PRId64 "  %.*s  %.*s/s", state->done, STR_ARG(read),
                            STR_ARG(speed));
    return arena_format(arena, "%.*s of %.*s  %.*s/s", STR_ARG(read),
                        STR_ARG(list_size(arena, state->bytes_total)), STR_ARG(speed));
}

struct str progress_line(struct arena *arena, const struct progress_state *state,
                         int64_t elapsed_ms)
{
    int64_t share = share_of(state);
    struct str what = amount(arena, state, elapsed_ms);
    if (share < 0)
        return arena_format(arena, "%s  %.*s", state->label, STR_ARG(what));
    char bar[BAR_CHARS + 1] = { 0 };
    for (int i = 0; i < BAR_CHARS; i++)
        bar[i] = i < share * BAR_CHARS / 1000 ? '#' : '-';
    return arena_format(arena, "%s [%s] %3" PRId64 " %%  %.*s%.*s", state->label, bar, share / 10,
                        STR_ARG(what), STR_ARG(time_left(arena, share, elapsed_ms)));
}

void progress_draw(struct progress *progress, const struct progress_state *state)
{
    int64_t now_ms = clock_monotonic_ms();
    if (!progress->is_shown || now_ms - progress->drawn_ms < DRAWN_EVERY_MS)
        return;
    struct arena *arena AUTO(arena_free) = arena_new();
    struct str line = progress_line(arena, state, now_ms - progress->begun_ms);
    int spaces = progress->width > line.len ? (int)(progress->width - line.len) : 0;
    fprintf(progress->err, "\r%.*s%*s", STR_ARG(line), spaces, "");
    (void)fflush(progress->err);
    progress->width = line.len;
    progress->drawn_ms = now_ms;
}

void progress_clear(struct progress *progress)
{
    if (progress->width == 0)
        return;
    fprintf(progress->err, "\r%*s\r", (int)progress->width, "");
    (void)fflush(progress->err);
    progress->width = 0;
    progress->drawn_ms = 0;
}
