/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/signals.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SAME_WISH_MS = 1000 }; /* two signals within that are one */

/* What an interrupted program gives back, as shells do it: 128 + the signal's number. */
enum { EXIT_CODE_BASE = 128, EXIT_CODE_TOO_SLOW = 1 };

struct signals {
    pthread_t thread;
    struct signal_actions actions;
    atomic_bool is_ending;
    int64_t asked_ms;   /* when the stop was asked for, monotonic */
    int64_t stop_by_ms; /* monotonic; 0: nobody asked to stop */
};

/* SIGUSR1 ends the thread itself. */
static void set_fill(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
    sigaddset(set, SIGUSR1);
}

void signals_block(void)
{
    sigset_t set;
    set_fill(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void stop_take(struct signals *signals, int number)
{
    int64_t now_ms = clock_monotonic_ms();
    /* A terminal and a supervisor may both pass on the one wish of somebody. */
    if (signals->stop_by_ms != 0 && now_ms - signals->asked_ms < SAME_WISH_MS)
        return;
    if (signals->stop_by_ms != 0) {
        log_event(LOG_WARN, "stopped_at_once", LOG_STR("signal", str_from(sigabbrev_np(number))));
        _exit(EXIT_CODE_BASE + number);
    }
    log_event(LOG_INFO, "signal", LOG_STR("name", str_from(sigabbrev_np(number))));
    signals->asked_ms = now_ms;
    signals->stop_by_ms = now_ms + signals->actions.stop_timeout_ms;
    signals->actions.stop(signals->actions.context);
}

/* The next signal, or 0 when the time to stop is up. */
static int signal_wait(const struct signals *signals, const sigset_t *set)
{
    for (;;) {
        int number = 0;
        if (signals->stop_by_ms == 0) {
            number = sigwaitinfo(set, NULL);
        } else {
            int64_t left_ms = signals->stop_by_ms - clock_monotonic_ms();
            if (left_ms <= 0)
                return 0;
            struct timespec time = { left_ms / 1000, (left_ms % 1000) * 1000000 };
            number = sigtimedwait(set, NULL, &time);
        }
        if (number > 0)
            return number;
        assert(errno == EINTR || errno == EAGAIN);
    }
}

static void *signals_run(void *argument)
{
    struct signals *signals = argument;
    sigset_t set;
    set_fill(&set);
    for (;;) {
        int number = signal_wait(signals, &set);
        if (number == SIGUSR1 && atomic_load(&signals->is_ending))
            return NULL;
        if (number == 0) {
            log_write(LOG_ERROR, "stop_took_too_long", NULL, 0);
            _exit(EXIT_CODE_TOO_SLOW);
        }
        if (number == SIGTERM || number == SIGINT)
            stop_take(signals, number);
        else if (number == SIGHUP && signals->stop_by_ms == 0)
            signals->actions.reload(signals->actions.context);
    }
}

bool signals_start(const struct signal_actions *actions, struct signals **out, struct error *err)
{
    struct signals *signals = calloc(1, sizeof(*signals));
    if (!signals)
        abort();
    signals->actions = *actions;
    int failed = pthread_create(&signals->thread, NULL, signals_run, signals);
    if (failed) {
        free(signals);
        return error_set_errno(err, failed, "cannot start the thread for signals");
    }
    *out = signals;
    return true;
}

void signals_end(struct signals *signals)
{
    if (!signals)
        return;
    atomic_store(&signals->is_ending, true);
    pthread_kill(signals->thread, SIGUSR1);
    pthread_join(signals->thread, NULL);
    free(signals);
    sigset_t set;
    set_fill(&set);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}
