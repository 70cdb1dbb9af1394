/* SPDX-License-Identifier: Apache-2.0 */
#include "web_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_page__has_a_policy_without_inline_code(void **state)
{
    (void)state;
    struct site *site AUTO(site_free) = site_new(SIGNUP_CLOSED);
    struct loopback_response *page AUTO(loopback_free) = site_ask(site, "GET", "/", "", "");
    struct str policy = loopback_header(page, "Content-Security-Policy");
    assert_true(str_starts(policy, STR("default-src 'none'")));
    assert_false(str_find_text(policy, STR("unsafe")) < policy.len);
    assert_true(str_equal(loopback_header(page, "X-Content-Type-Options"), STR("nosniff")));
}

static void test_page__that_does_not_exist_shows_the_request_number(void **state)
{
    (void)state;
    struct site *site AUTO(site_free) = site_new(SIGNUP_CLOSED);
    struct loopback_response *page AUTO(loopback_free) = site_ask(site, "GET", "/nowhere", "", "");
    assert_int_equal(page->status, 404);
    assert_true(site_between(page, "Request ", ".").len > 0);
}

static void test_page__that_cannot_be_posted_to_is_405(void **state)
{
    (void)state;
    struct site *site AUTO(site_free) = site_new(SIGNUP_CLOSED);
    struct loopback_response *page AUTO(loopback_free) =
        site_ask(site, "DELETE", "/signup", "", "");
    assert_int_equal(page->status, 405);
    assert_true(str_is_set(loopback_header(page, "Allow")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page__has_a_policy_without_inline_code),
        cmocka_unit_test(test_page__that_does_not_exist_shows_the_request_number),
        cmocka_unit_test(test_page__that_cannot_be_posted_to_is_405),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
