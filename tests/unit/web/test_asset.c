/* SPDX-License-Identifier: Apache-2.0 */
#include "web_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_asset__may_be_kept_for_ever_under_its_mark_only(void **state)
{
    (void)state;
    struct site *site AUTO(site_free) = site_new(SIGNUP_CLOSED);
    struct loopback_response *home AUTO(loopback_free) = site_ask(site, "GET", "/", "", "");
    struct str mark = site_between(home, "/assets/berth.css?", "\"");
    assert_int_equal(mark.len, 16);

    char target[64] = "/assets/berth.css?";
    memcpy(target + strlen(target), mark.ptr, mark.len);
    struct loopback_response *css AUTO(loopback_free) = site_ask(site, "GET", target, "", "");
    assert_int_equal(css->status, 200);
    assert_true(str_equal(loopback_header(css, "Content-Type"), STR("text/css; charset=utf-8")));
    assert_true(str_equal(loopback_header(css, "Cache-Control"),
                          STR("public, max-age=31536000, immutable")));

    struct loopback_response *old AUTO(loopback_free) =
        site_ask(site, "GET", "/assets/berth.css?0", "", "");
    assert_true(str_equal(loopback_header(old, "Cache-Control"), STR("no-cache")));
}

static void test_asset__that_the_browser_has_is_not_sent_again(void **state)
{
    (void)state;
    struct site *site AUTO(site_free) = site_new(SIGNUP_CLOSED);
    struct loopback_response *first AUTO(loopback_free) =
        site_ask(site, "GET", "/assets/icon.svg", "", "");
    struct str etag = loopback_header(first, "ETag");
    char header[96] = "If-None-Match: ";
    memcpy(header + strlen(header), etag.ptr, etag.len);
    memcpy(header + strlen(header), "\r\n", 2);
    struct loopback_response *again AUTO(loopback_free) =
        site_ask(site, "GET", "/assets/icon.svg", header, "");
    assert_int_equal(again->status, 304);
}

static void test_asset__that_does_not_exist_is_a_page_that_says_so(void **state)
{
    (void)state;
    struct site *site AUTO(site_free) = site_new(SIGNUP_CLOSED);
    struct loopback_response *page AUTO(loopback_free) =
        site_ask(site, "GET", "/assets/nothing.css", "", "");
    assert_int_equal(page->status, 404);
    assert_true(site_shows(page, "<h1>This page does not exist</h1>"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_asset__may_be_kept_for_ever_under_its_mark_only),
        cmocka_unit_test(test_asset__that_the_browser_has_is_not_sent_again),
        cmocka_unit_test(test_asset__that_does_not_exist_is_a_page_that_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
