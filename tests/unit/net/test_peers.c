/* SPDX-License-Identifier: Apache-2.0 */
#include "net/peers.h"

#include "../check.h"

#include "net/address.h"

#include <stdio.h>

static struct peer *hold(struct peers *peers, const char *text)
{
    uint8_t address[16];
    assert_true(address_parse(str_from(text), address));
    return peers_hold(peers, address);
}

static void test_peers_hold__is_one_entry_for_each_customer(void **state)
{
    (void)state;
    struct peers peers;
    peers_init(&peers);
    struct peer *a = hold(&peers, "192.0.2.1"), *b = hold(&peers, "192.0.2.2");
    struct peer *again = hold(&peers, "192.0.2.1");
    struct peer *v6 = hold(&peers, "2001:db8:0:1::1"),
                *same_net = hold(&peers, "2001:db8:0:1:2::9");
    struct peer *other_net = hold(&peers, "2001:db8:0:2::1");
    assert_ptr_equal(a, again);
    assert_ptr_not_equal(a, b);
    assert_ptr_equal(v6, same_net);
    assert_ptr_not_equal(v6, other_net);
    struct peer *all[] = { a, b, again, v6, same_net, other_net, NULL };
    for (size_t i = 0; i < ARRAY_COUNT(all); i++)
        peers_let_go(&peers, all[i]);
    peers_release(&peers); /* asserts that nothing is left */
}

static void test_peers_let_go__takes_any_out_of_a_bucket(void **state)
{
    (void)state;
    enum { COUNT = 5000 };
    static struct peer *held[COUNT];
    struct peers peers;
    peers_init(&peers);
    for (int i = 0; i < COUNT; i++) {
        char text[32];
        snprintf(text, sizeof(text), "10.%d.%d.1", i / 256, i % 256);
        held[i] = hold(&peers, text);
    }
    for (int i = 0; i < COUNT; i++)
        peers_let_go(&peers, held[(i * 7) % COUNT]);
    peers_release(&peers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_peers_hold__is_one_entry_for_each_customer),
        cmocka_unit_test(test_peers_let_go__takes_any_out_of_a_bucket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
