/* SPDX-License-Identifier: Apache-2.0 */
#include "web/web.h"
#include "web_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_web_routes__each_says_what_it_is_and_who_may(void **state)
{
    (void)state;
    size_t count = 0;
    for (const struct route *route = web_surface.routes; route->pattern; route++, count++) {
        assert_true(route->access != ROUTE_ACCESS_UNSET);
        assert_non_null(route->handler);
        assert_true(route->summary && *route->summary);
    }
    assert_true(count > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_web_routes__each_says_what_it_is_and_who_may),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
