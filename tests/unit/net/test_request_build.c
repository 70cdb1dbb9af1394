/* SPDX-License-Identifier: Apache-2.0 */
#include "net/request_build.h"

#include "../check.h"

#include "net/address.h"

#include <stdio.h>
#include <string.h>

struct fixture {
    struct arena *arena;
    struct http_head head;
    struct request request;
    struct request_origin_facts facts;
    struct address_range trusted[2];
    const char *reason;
};

static bool build(struct fixture *fixture, const char *peer, const char *target,
                  const char *headers)
{
    struct error err = { 0 };
    char text[2048];
    size_t scanned = 0;
    int size =
        snprintf(text, sizeof(text), "%s HTTP/1.1\r\nHost: a.example\r\n%s\r\n", target, headers);
    struct str copy = arena_copy(fixture->arena, (struct str){ text, (size_t)size });
    assert_int_equal(http_head_parse(copy.ptr, copy.len, &scanned, &fixture->head), PARSE_DONE);
    assert_true(address_range_parse(STR("10.0.0.0/8"), &fixture->trusted[0], &err));
    assert_true(address_range_parse(STR("::1"), &fixture->trusted[1], &err));
    fixture->facts.trusted_proxies = fixture->trusted;
    fixture->facts.trusted_proxy_count = 2;
    assert_true(address_parse(str_from(peer), fixture->facts.peer));
    memset(&fixture->request, 0, sizeof(fixture->request));
    fixture->request.arena = fixture->arena;
    return request_build(&fixture->request, &fixture->head, &fixture->facts, &fixture->reason);
}

static void test_request_build__splits_and_decodes_the_target(void **state)
{
    (void)state;
    struct arena *arena AUTO(arena_free) = arena_new();
    struct fixture fixture = { .arena = arena };
    assert_true(build(&fixture, "192.0.2.1", "GET /v2/a%20b/c%C3%A4/?q=%2F&x", ""));
    check_str(fixture.request.path, "/v2/a b/c\xc3\xa4/");
    check_str(fixture.request.query, "q=%2F&x");
    check_str(fixture.request.target, "/v2/a%20b/c%C3%A4/?q=%2F&x");
    check_str(fixture.request.host, "a.example");
    assert_true(build(&fixture, "192.0.2.1", "GET http://b?q", ""));
    check_str(fixture.request.path, "/");
    check_str(fixture.request.query, "q");
    check_str(fixture.request.host, "b");
    assert_true(build(&fixture, "192.0.2.1", "GET https://b:1/x/y", ""));
    check_str(fixture.request.path, "/x/y");
    assert_true(str_is_set(fixture.request.query));
    assert_true(build(&fixture, "192.0.2.1", "OPTIONS *", ""));
    check_str(fixture.request.path, "*");
}

static void test_request_build__refuses_paths_that_others_might_clean_up(void **state)
{
    (void)state;
    struct arena *arena AUTO(arena_free) = arena_new();
    struct fixture fixture = { .arena = arena };
    const char *refused[] = { "GET //",     "GET //a",       "GET /a//b",     "GET /a//",
                              "GET /.",     "GET /..",       "GET /a/../b",   "GET /a/./b",
                              "GET /a/..",  "GET /%2e%2e/a", "GET /a/%2E",    "GET /a%2fb",
                              "GET /a%2Fb", "GET /a%00b",    "GET /a%",       "GET /a%4",
                              "GET /a%zz",  "GET /%ff",      "GET http://b//" };
    for (size_t i = 0; i < ARRAY_COUNT(refused); i++)
        if (build(&fixture, "192.0.2.1", refused[i], ""))
            fail_msg("taken: %s", refused[i]);
    /* Decoded once only. */
    assert_true(build(&fixture, "192.0.2.1", "GET /a%252fb", ""));
    check_str(fixture.request.path, "/a%2fb");
    assert_true(build(&fixture, "192.0.2.1", "GET /...", ""));
}

static void test_request_build__believes_only_trusted_proxies(void **state)
{
    (void)state;
    const char *forwarded = "X-Forwarded-For: 198.51.100.7\r\nX-Forwarded-Proto: https\r\n"
                            "X-Forwarded-Host: hub.example:8443\r\n";
    struct arena *arena AUTO(arena_free) = arena_new();
    struct fixture fixture = { .arena = arena };
    assert_true(build(&fixture, "192.0.2.1", "GET /", forwarded));
    check_str(fixture.request.client_address, "192.0.2.1");
    check_str(fixture.request.host, "a.example");
    assert_false(fixture.request.is_https);
    assert_true(build(&fixture, "10.1.2.3", "GET /", forwarded));
    check_str(fixture.request.client_address, "198.51.100.7");
    check_str(fixture.request.host, "hub.example:8443");
    assert_true(fixture.request.is_https);
    assert_true(build(&fixture, "::1", "GET /", ""));
    check_str(fixture.request.client_address, "::1");
}

static void test_request_build__takes_the_rightmost_untrusted_address(void **state)
{
    (void)state;
    const struct {
        const char *headers, *client;
    } rows[] = {
        /* What the client itself wrote stands to the left. */
        { "X-Forwarded-For: 1.1.1.1, 198.51.100.7\r\n", "198.51.100.7" },
        { "X-Forwarded-For: 1.1.1.1, 198.51.100.7, 10.9.9.9\r\n", "198.51.100.7" },
        { "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 198.51.100.7 ,10.9.9.9\r\n",
          "198.51.100.7" },
        { "X-Forwarded-For: 10.5.5.5, 10.9.9.9\r\n", "10.5.5.5" },
        { "X-Forwarded-For: 198.51.100.7, unknown, 10.9.9.9\r\n", "10.9.9.9" },
        { "X-Forwarded-For: 198.51.100.7, <script>\r\n", "10.1.2.3" },
        { "X-Forwarded-For:\r\n", "10.1.2.3" },
        { "X-Forwarded-For: [2001:db8::1]\r\n", "2001:db8::1" },
    };
    struct arena *arena AUTO(arena_free) = arena_new();
    struct fixture fixture = { .arena = arena };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        assert_true(build(&fixture, "10.1.2.3", "GET /", rows[i].headers));
        check_str(fixture.request.client_address, rows[i].client);
    }
}

static void test_request_build__keeps_odd_words_of_proxies_out(void **state)
{
    (void)state;
    struct arena *arena AUTO(arena_free) = arena_new();
    struct fixture fixture = { .arena = arena };
    fixture.facts.is_tls = true;
    assert_true(build(&fixture, "10.1.2.3", "GET /",
                      "X-Forwarded-Host: evil\"><script>\r\nX-Forwarded-Proto: javascript\r\n"));
    check_str(fixture.request.host, "a.example");
    assert_true(fixture.request.is_https);
    assert_true(build(&fixture, "10.1.2.3", "GET /", "X-Forwarded-Proto: https, http\r\n"));
    assert_false(fixture.request.is_https);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request_build__splits_and_decodes_the_target),
        cmocka_unit_test(test_request_build__refuses_paths_that_others_might_clean_up),
        cmocka_unit_test(test_request_build__believes_only_trusted_proxies),
        cmocka_unit_test(test_request_build__takes_the_rightmost_untrusted_address),
        cmocka_unit_test(test_request_build__keeps_odd_words_of_proxies_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
