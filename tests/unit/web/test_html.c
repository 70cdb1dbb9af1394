/* SPDX-License-Identifier: Apache-2.0 */
#include "web/html.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct str written(struct html *html)
{
    return buf_str(&html->buf);
}

static void test_html_put__escapes_text_for_every_place(void **state)
{
    (void)state;
    struct html html __attribute__((cleanup(html_release_auto)));
    html_init(&html);
    html_put(&html, STR("<a href=\"x\">'&'</a>"));
    assert_true(
        str_equal(written(&html), STR("&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;")));
}

static void test_html_put__writes_numbers_and_safe_html_as_they_are(void **state)
{
    (void)state;
    struct html html __attribute__((cleanup(html_release_auto)));
    html_init(&html);
    html_put(&html, (int64_t)-7);
    html_put(&html, ((struct safe_html){ STR("<b>") }));
    assert_true(str_equal(written(&html), STR("-7<b>")));
}

static void test_url_path__encodes_each_segment(void **state)
{
    (void)state;
    struct arena *arena AUTO(arena_free) = arena_new();
    struct str segments[] = { STR("r"), STR("a/b"), STR("c d?") };
    assert_true(str_equal(url_path(arena, segments, 3).text, STR("/r/a%2Fb/c%20d%3F")));
}

static void test_url_external__takes_only_http(void **state)
{
    (void)state;
    assert_true(
        str_equal(url_external(STR("https://example.com/")).text, STR("https://example.com/")));
    assert_true(str_equal(url_external(STR("javascript:alert(1)")).text, STR("#")));
    assert_true(str_equal(url_external(STR_NONE).text, STR("#")));
}

static void test_html_append__stops_at_the_limit_of_a_page(void **state)
{
    (void)state;
    struct html html __attribute__((cleanup(html_release_auto)));
    html_init(&html);
    for (int i = 0; i < HTML_PAGE_BYTES_MAX / 16 + 1; i++)
        html_markup(&html, "0123456789abcdef");
    struct str out;
    struct error err = { 0 };
    assert_false(buf_finish(&html.buf, &out, &err));
    assert_int_equal(err.kind, ERROR_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_html_put__escapes_text_for_every_place),
        cmocka_unit_test(test_html_put__writes_numbers_and_safe_html_as_they_are),
        cmocka_unit_test(test_url_path__encodes_each_segment),
        cmocka_unit_test(test_url_external__takes_only_http),
        cmocka_unit_test(test_html_append__stops_at_the_limit_of_a_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
