/* SPDX-License-Identifier: Apache-2.0 */
#include "web_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_csrf__a_form_without_cookie_is_refused(void **state)
{
    (void)state;
    struct site *site AUTO(site_free) = site_new(SIGNUP_OPEN);
    struct loopback_response *page AUTO(loopback_free) =
        site_ask(site, "POST", "/signup", "", "name=alice&csrf=00");
    assert_int_equal(page->status, 403);
    assert_true(site_shows(page, "allow cookies"));
}

static void test_csrf__a_form_from_another_site_is_refused(void **state)
{
    (void)state;
    struct site *site AUTO(site_free) = site_new(SIGNUP_OPEN);
    struct loopback_response *page AUTO(loopback_free) =
        site_ask(site, "POST", "/signup", "Origin: https://evil.example\r\n", "name=alice");
    assert_int_equal(page->status, 403);
    assert_true(site_shows(page, "another site"));
}

/* A proxy that ends https, and says nothing of it. */
static void test_csrf__a_form_of_the_public_address_is_not_from_another_site(void **state)
{
    (void)state;
    struct site *site AUTO(site_free) = site_new(SIGNUP_OPEN);
    const struct str before = site->hub->url;
    site->hub->url = STR("https://hub.example");
    struct loopback_response *page AUTO(loopback_free) =
        site_ask(site, "POST", "/signup", "Origin: https://hub.example\r\n", "name=alice");
    struct loopback_response *other AUTO(loopback_free) =
        site_ask(site, "POST", "/signup", "Origin: https://hub.example.org\r\n", "name=alice");
    site->hub->url = before;
    assert_true(site_shows(page, "allow cookies"));
    assert_true(site_shows(other, "another site"));
}

static void test_csrf__a_field_for_another_cookie_is_refused(void **state)
{
    (void)state;
    struct site *site AUTO(site_free) = site_new(SIGNUP_OPEN);
    struct loopback_response *form AUTO(loopback_free) = site_ask(site, "GET", "/signup", "", "");
    struct str field = site_between(form, "name=\"csrf\" value=\"", "\"");
    char body[128] = "csrf=";
    memcpy(body + strlen(body), field.ptr, field.len);
    struct loopback_response *page AUTO(loopback_free) = site_ask(
        site, "POST", "/signup", "Cookie: berth_csrf=00112233445566778899aabbccddeeff\r\n", body);
    assert_int_equal(page->status, 403);
}

static void test_csrf__the_cookie_cannot_be_read_by_scripts_or_sent_by_others(void **state)
{
    (void)state;
    struct site *site AUTO(site_free) = site_new(SIGNUP_OPEN);
    struct loopback_response *form AUTO(loopback_free) = site_ask(site, "GET", "/signup", "", "");
    struct str cookie = loopback_header(form, "Set-Cookie");
    assert_true(str_starts(cookie, STR("berth_csrf=")));
    assert_true(str_find_text(cookie, STR("; HttpOnly; SameSite=Strict")) < cookie.len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csrf__a_form_without_cookie_is_refused),
        cmocka_unit_test(test_csrf__a_form_from_another_site_is_refused),
        cmocka_unit_test(test_csrf__a_form_of_the_public_address_is_not_from_another_site),
        cmocka_unit_test(test_csrf__a_field_for_another_cookie_is_refused),
        cmocka_unit_test(test_csrf__the_cookie_cannot_be_read_by_scripts_or_sent_by_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
