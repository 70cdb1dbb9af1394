/* SPDX-License-Identifier: Apache-2.0 */
#include "web_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_home__shows_how_to_log_in_push_and_pull_here(void **state)
{
    (void)state;
    struct site *site AUTO(site_free) = site_new(SIGNUP_CLOSED);
    struct loopback_response *page AUTO(loopback_free) = site_ask(site, "GET", "/", "", "");
    assert_int_equal(page->status, 200);
    assert_true(site_shows(page, "docker login localhost:5000"));
    assert_true(site_shows(page, "There is no administrator yet"));
    assert_false(site_shows(page, "/signup"));
}

static void test_home__offers_sign_up_where_it_is_open(void **state)
{
    (void)state;
    struct site *site AUTO(site_free) = site_new(SIGNUP_OPEN);
    struct loopback_response *page AUTO(loopback_free) = site_ask(site, "GET", "/", "", "");
    assert_true(site_shows(page, "href=\"/signup\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_home__shows_how_to_log_in_push_and_pull_here),
        cmocka_unit_test(test_home__offers_sign_up_where_it_is_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
