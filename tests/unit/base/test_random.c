/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"

#include "../check.h"

#include <stdbool.h>
#include <string.h>

static void test_random_bytes__fills_all_and_no_more(void **state)
{
    (void)state;
    enum { SIZE = 1000 };
    unsigned char seen[SIZE] = { 0 }, bytes[SIZE + 1] = { 0 };
    /* Each byte stays 0 in all of eight rounds with a chance of 2^-64. */
    for (int round = 0; round < 8; round++) {
        random_bytes(bytes, SIZE);
        for (size_t i = 0; i < SIZE; i++)
            seen[i] |= bytes[i];
    }
    for (size_t i = 0; i < SIZE; i++)
        assert_int_not_equal(seen[i], 0);
    assert_int_equal(bytes[SIZE], 0);
}

static void test_random_u64__differs(void **state)
{
    (void)state;
    assert_true(random_u64() != random_u64());
}

static void test_random_id__is_hexadecimal_and_new(void **state)
{
    (void)state;
    char a[RANDOM_ID_TEXT], b[RANDOM_ID_TEXT];
    random_id(a);
    random_id(b);
    assert_int_equal(strlen(a), RANDOM_ID_TEXT - 1);
    assert_int_equal(strspn(a, "0123456789abcdef"), RANDOM_ID_TEXT - 1);
    /* Every digit changes: one that is the same in 64 ids has a chance of 2^-256. */
    for (size_t at = 0; at < RANDOM_ID_TEXT - 1; at++) {
        bool has_changed = false;
        for (int i = 0; i < 64 && !has_changed; i++) {
            random_id(b);
            has_changed = a[at] != b[at];
        }
        assert_true(has_changed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_bytes__fills_all_and_no_more),
        cmocka_unit_test(test_random_u64__differs),
        cmocka_unit_test(test_random_id__is_hexadecimal_and_new),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
