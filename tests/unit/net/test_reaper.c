/* SPDX-License-Identifier: Apache-2.0 */
#include "net/reaper.h"

#include "../check.h"

#include <sys/socket.h>
#include <unistd.h>

struct pair {
    int ours, theirs;
    struct slot *slot;
};

static void pair_init(struct pair *pair, struct reaper *reaper)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    pair->ours = fds[0];
    pair->theirs = fds[1];
    pair->slot = reaper_add(reaper, fds[0]);
}

static bool is_shut(const struct pair *pair)
{
    char byte;
    return recv(pair->theirs, &byte, 1, MSG_DONTWAIT) == 0;
}

static void pair_release(struct pair *pair, struct reaper *reaper)
{
    reaper_remove(reaper, pair->slot);
    close(pair->ours);
    close(pair->theirs);
}

static void test_reaper_tick__ends_what_it_was_told_to(void **state)
{
    (void)state;
    struct reaper reaper;
    struct pair early, late, idle, held;
    reaper_init(&reaper, 4);
    pair_init(&early, &reaper);
    pair_init(&late, &reaper);
    pair_init(&idle, &reaper);
    pair_init(&held, &reaper);
    assert_null(reaper_add(&reaper, 77));
    slot_park(early.slot, 1000, false);
    slot_park(late.slot, 2000, false);
    slot_park(idle.slot, 3000, true);
    slot_park(held.slot, 500, true);
    slot_take(held.slot);
    assert_int_equal(reaper_tick(&reaper, REAP_EXPIRED, 999), 0);
    assert_int_equal(reaper_tick(&reaper, REAP_EXPIRED, 1000), 1);
    assert_true(is_shut(&early));
    assert_int_equal(reaper_tick(&reaper, REAP_EXPIRED, 1000), 0); /* once */
    assert_int_equal(reaper_tick(&reaper, REAP_IDLE, 1000), 1);
    assert_true(is_shut(&idle) && !is_shut(&late) && !is_shut(&held));
    reaper_tick(&reaper, REAP_ALL, 1000);
    assert_true(is_shut(&late) && is_shut(&held));
    struct pair *all[] = { &early, &late, &idle, &held };
    for (size_t i = 0; i < ARRAY_COUNT(all); i++)
        pair_release(all[i], &reaper);
    assert_int_equal(atomic_load(&reaper.count), 0);
    reaper_release(&reaper);
}

static void test_reaper_add__uses_slots_again(void **state)
{
    (void)state;
    struct reaper reaper;
    reaper_init(&reaper, 2);
    for (int i = 0; i < 10; i++) {
        struct pair a, b;
        pair_init(&a, &reaper);
        pair_init(&b, &reaper);
        assert_non_null(a.slot);
        assert_non_null(b.slot);
        slot_park(a.slot, 1, true); /* a new user of the slot is not bound by this */
        pair_release(&a, &reaper);
        pair_release(&b, &reaper);
        assert_int_equal(reaper_tick(&reaper, REAP_ALL, 5), 0);
    }
    struct pair fresh;
    pair_init(&fresh, &reaper);
    assert_int_equal(reaper_tick(&reaper, REAP_IDLE, 1000000), 0);
    pair_release(&fresh, &reaper);
    reaper_release(&reaper);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reaper_tick__ends_what_it_was_told_to),
        cmocka_unit_test(test_reaper_add__uses_slots_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
