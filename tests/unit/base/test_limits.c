/* SPDX-License-Identifier: Apache-2.0 */
#include "base/limits.h"

#include "../check.h"

#include <string.h>

static void test_limit_table__rows_are_complete(void **state)
{
    (void)state;
    int count = 0;
    for (const struct limit *row = limit_table; row->name; row++, count++) {
        assert_true(row->value > 0);
        assert_true(strlen(row->unit) > 0);
        assert_true(strlen(row->why) > 0);
        for (const struct limit *other = limit_table; other != row; other++)
            assert_string_not_equal(row->name, other->name);
    }
    assert_true(count > 0);
}

static void test_limit_table__agrees_with_the_constants(void **state)
{
    (void)state;
    bool seen = false;
    for (const struct limit *row = limit_table; row->name; row++) {
        if (strcmp(row->name, "MANIFEST_BYTES_MAX") == 0) {
            assert_int_equal(row->value, MANIFEST_BYTES_MAX);
            seen = true;
        }
    }
    assert_true(seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limit_table__rows_are_complete),
        cmocka_unit_test(test_limit_table__agrees_with_the_constants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
