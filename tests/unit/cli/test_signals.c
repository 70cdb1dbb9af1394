/* SPDX-License-Identifier: Apache-2.0 */
/* Each test is a process of its own that tells through a pipe what its callbacks saw. */
#include "../check.h"
#include "cli/signals.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct child {
    pid_t pid;
    int pipe; /* "." when it listens, "s" for each stop, "r" for each reload */
};

static void tell(const void *context, char what)
{
    const int *pipe = context;
    if (write(*pipe, &what, 1) != 1)
        _exit(99);
}

static void on_stop(void *context)
{
    tell(context, 's');
}

static void on_reload(void *context)
{
    tell(context, 'r');
}

static void child_run(int pipe, unsigned stop_timeout_ms, unsigned life_ms)
{
    struct error err = { 0 };
    struct signals *signals = NULL;
    const struct signal_actions actions = { on_stop, on_reload, &pipe, stop_timeout_ms };
    signals_block();
    if (!signals_start(&actions, &signals, &err))
        _exit(98);
    tell(&pipe, '.');
    const struct timespec life = { life_ms / 1000, (long)(life_ms % 1000) * 1000000 };
    (void)nanosleep(&life, NULL);
    signals_end(signals);
    _exit(0);
}

static char hear(const struct child *child)
{
    struct pollfd wait = { .fd = child->pipe, .events = POLLIN };
    char what = 0;
    return poll(&wait, 1, 5000) == 1 && read(child->pipe, &what, 1) == 1 ? what : 0;
}

static struct child child_start(unsigned stop_timeout_ms, unsigned life_ms)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct child child = { fork(), ends[0] };
    if (child.pid == 0)
        child_run(ends[1], stop_timeout_ms, life_ms);
    (void)close(ends[1]);
    assert_int_equal(hear(&child), '.');
    return child;
}

static int child_end(struct child *child)
{
    int status = 0;
    assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
    (void)close(child->pipe);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_signals_start__stops_at_the_first_signal(void **state)
{
    (void)state;
    struct child child = child_start(10000, 300);
    assert_int_equal(kill(child.pid, SIGTERM), 0);
    assert_int_equal(hear(&child), 's');
    assert_int_equal(child_end(&child), 0);
}

static void test_signals_start__a_second_signal_ends_at_once(void **state)
{
    (void)state;
    struct child child = child_start(10000, 10000);
    assert_int_equal(kill(child.pid, SIGINT), 0);
    assert_int_equal(hear(&child), 's');
    const struct timespec pause = { .tv_sec = 1, .tv_nsec = 50 * 1000000L };
    assert_int_equal(nanosleep(&pause, NULL), 0);
    assert_int_equal(kill(child.pid, SIGINT), 0);
    assert_int_equal(child_end(&child), 128 + SIGINT);
}

static void test_signals_start__two_signals_at_once_are_one(void **state)
{
    (void)state;
    struct child child = child_start(10000, 500);
    assert_int_equal(kill(child.pid, SIGTERM), 0);
    assert_int_equal(hear(&child), 's');
    assert_int_equal(kill(child.pid, SIGTERM), 0);
    assert_int_equal(child_end(&child), 0);
}

static void test_signals_start__ends_when_stopping_takes_too_long(void **state)
{
    (void)state;
    struct child child = child_start(50, 10000);
    assert_int_equal(kill(child.pid, SIGTERM), 0);
    assert_int_equal(hear(&child), 's');
    assert_int_equal(child_end(&child), 1);
}

static void test_signals_start__reloads_until_it_stops(void **state)
{
    (void)state;
    struct child child = child_start(10000, 500);
    assert_int_equal(kill(child.pid, SIGHUP), 0);
    assert_int_equal(hear(&child), 'r');
    assert_int_equal(kill(child.pid, SIGHUP), 0);
    assert_int_equal(hear(&child), 'r');
    assert_int_equal(kill(child.pid, SIGTERM), 0);
    assert_int_equal(hear(&child), 's');
    assert_int_equal(kill(child.pid, SIGHUP), 0);
    assert_int_equal(hear(&child), 0); /* the end of the pipe */
    assert_int_equal(child_end(&child), 0);
}

static void test_signals_end__ends_without_any_signal(void **state)
{
    (void)state;
    struct child child = child_start(10000, 1);
    assert_int_equal(child_end(&child), 0);
    signals_end(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signals_start__stops_at_the_first_signal),
        cmocka_unit_test(test_signals_start__a_second_signal_ends_at_once),
        cmocka_unit_test(test_signals_start__two_signals_at_once_are_one),
        cmocka_unit_test(test_signals_start__ends_when_stopping_takes_too_long),
        cmocka_unit_test(test_signals_start__reloads_until_it_stops),
        cmocka_unit_test(test_signals_end__ends_without_any_signal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
