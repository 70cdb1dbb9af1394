/* SPDX-License-Identifier: Apache-2.0 */
#include "db/gate.h"

#include "base/clock.h"

#include "../check.h"

#include <stdatomic.h>
#include <unistd.h>

enum { WAITERS = 5, PAUSE_US = 20000 };

static void test_enter__lets_in_as_many_as_there_are_places(void **state)
{
    (void)state;
    struct gate gate;
    gate_init(&gate, 2);
    assert_true(gate_enter(&gate, 0));
    assert_true(gate_enter(&gate, 0));
    int64_t before_ms = clock_monotonic_ms();
    assert_false(gate_enter(&gate, 30));
    assert_true(clock_monotonic_ms() - before_ms >= 29);
    gate_leave(&gate);
    assert_true(gate_enter(&gate, 0));
    gate_leave(&gate);
    gate_leave(&gate);
    gate_release(&gate);
}

struct line {
    struct gate gate;
    atomic_int next;
};

struct waiter {
    pthread_t thread;
    struct line *line;
    int place; /* in the order of entering; -1: not let in */
    int wait_ms;
};

static void *wait_in_line(void *context)
{
    struct waiter *waiter = context;
    waiter->place = -1;
    if (!gate_enter(&waiter->line->gate, waiter->wait_ms))
        return NULL;
    waiter->place = atomic_fetch_add(&waiter->line->next, 1);
    gate_leave(&waiter->line->gate);
    return NULL;
}

/* Who waits longest enters first, also when somebody in the middle gives up. */
static void test_leave__lets_in_who_waits_longest(void **state)
{
    (void)state;
    struct line line = { .next = 0 };
    struct waiter waiters[WAITERS];
    gate_init(&line.gate, 1);
    assert_true(gate_enter(&line.gate, 0));
    for (int i = 0; i < WAITERS; i++) {
        waiters[i] = (struct waiter){ .line = &line, .wait_ms = i == 2 ? 1 : 10000 };
        assert_int_equal(pthread_create(&waiters[i].thread, NULL, wait_in_line, &waiters[i]), 0);
        (void)usleep(PAUSE_US);
    }
    gate_leave(&line.gate);
    for (int i = 0; i < WAITERS; i++)
        (void)pthread_join(waiters[i].thread, NULL);
    static const int expected[WAITERS] = { 0, 1, -1, 2, 3 };
    for (int i = 0; i < WAITERS; i++)
        assert_int_equal(waiters[i].place, expected[i]);
    assert_true(gate_enter(&line.gate, 0));
    gate_leave(&line.gate);
    gate_release(&line.gate);
}

static void test_pass_on__keeps_the_place_if_nobody_waits(void **state)
{
    (void)state;
    struct line line = { .next = 0 };
    struct waiter waiter = { .line = &line, .wait_ms = 10000 };
    gate_init(&line.gate, 1);
    assert_true(gate_enter(&line.gate, 0));
    assert_false(gate_pass_on(&line.gate));
    assert_false(gate_enter(&line.gate, 0));
    assert_int_equal(pthread_create(&waiter.thread, NULL, wait_in_line, &waiter), 0);
    (void)usleep(PAUSE_US);
    assert_true(gate_pass_on(&line.gate));
    (void)pthread_join(waiter.thread, NULL);
    assert_int_equal(waiter.place, 0);
    assert_true(gate_enter(&line.gate, 0));
    gate_leave(&line.gate);
    gate_release(&line.gate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_enter__lets_in_as_many_as_there_are_places),
        cmocka_unit_test(test_leave__lets_in_who_waits_longest),
        cmocka_unit_test(test_pass_on__keeps_the_place_if_nobody_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
