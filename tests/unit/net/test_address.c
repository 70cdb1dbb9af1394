/* SPDX-License-Identifier: Apache-2.0 */
#include "net/address.h"

#include "../check.h"

#include <string.h>

static bool holds(const char *range_text, const char *address_text)
{
    struct address_range range;
    struct error err = { 0 };
    uint8_t address[16];
    assert_true(address_range_parse(str_from(range_text), &range, &err));
    assert_true(address_parse(str_from(address_text), address));
    return address_range_holds(&range, address);
}

static void test_address_range_holds__compares_prefixes(void **state)
{
    (void)state;
    assert_true(holds("10.0.0.0/8", "10.255.1.2"));
    assert_false(holds("10.0.0.0/8", "11.0.0.0"));
    assert_true(holds("10.0.0.128/25", "10.0.0.129"));
    assert_false(holds("10.0.0.128/25", "10.0.0.127"));
    assert_true(holds("0.0.0.0/0", "203.0.113.9"));
    assert_false(holds("0.0.0.0/0", "2001:db8::1"));
    assert_true(holds("::/0", "203.0.113.9"));
    assert_true(holds("192.0.2.1", "192.0.2.1"));
    assert_false(holds("192.0.2.1", "192.0.2.2"));
    assert_true(holds("fd00::/8", "fdff::1"));
    assert_false(holds("fd00::/8", "fe80::1"));
    assert_true(holds("127.0.0.0/8", "::ffff:127.0.0.1"));
}

static void test_address_range_parse__refuses_what_is_none(void **state)
{
    (void)state;
    const char *refused[] = { "",          "/8",          "10.0.0.0/33", "10.0.0/8",  "fd00::/129",
                              "10.0.0.0/", "10.0.0.0/+8", "localhost",   "010.0.0.1", "1.2.3.4.5" };
    for (size_t i = 0; i < ARRAY_COUNT(refused); i++) {
        struct address_range range;
        struct error err = { 0 };
        assert_false(address_range_parse(str_from(refused[i]), &range, &err));
        check_error(&err, ERROR_INVALID, "is not an address range");
    }
}

static void test_address_format__writes_the_short_form(void **state)
{
    (void)state;
    const char *texts[] = { "203.0.113.9", "::1", "2001:db8::a" };
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        uint8_t address[16];
        char text[ADDRESS_TEXT_MAX];
        assert_true(address_parse(str_from(texts[i]), address));
        check_str(address_format(address, text), texts[i]);
    }
    uint8_t address[16];
    assert_true(address_parse(STR("[::1]"), address));
    assert_false(address_parse(STR("::1%lo"), address));
    assert_false(address_parse(STR("127.0.0.1\0"), address));
}

static void test_host_is_valid__takes_only_what_can_go_into_a_link(void **state)
{
    (void)state;
    const char *taken[] = { "hub",       "hub.example", "hub-1.example:5000",
                            "127.0.0.1", "[::1]",       "[2001:db8::1]:443",
                            "a_b",       "HUB:0" };
    for (size_t i = 0; i < ARRAY_COUNT(taken); i++)
        if (!host_is_valid(str_from(taken[i])))
            fail_msg("refused: %s", taken[i]);
    const struct str refused[] = { STR(""),         STR(":80"),     STR("a b"),    STR("a/b"),
                                   STR("a:b"),      STR("a:99999"), STR("a:"),     STR("a:1:2"),
                                   STR("u@a"),      STR("a\"b"),    STR("<a>"),    STR("[::1"),
                                   STR("[x]"),      STR("[::1]x"),  STR("[::1]:"), STR("a\0b"),
                                   STR("\xc3\xa4"), STR("a%41"),    STR("a?b"),    STR("::1") };
    for (size_t i = 0; i < ARRAY_COUNT(refused); i++)
        if (host_is_valid(refused[i]))
            fail_msg("taken: %.*s", STR_ARG(refused[i]));
    char large[300];
    memset(large, 'a', sizeof(large));
    assert_true(host_is_valid((struct str){ large, 255 }));
    assert_false(host_is_valid((struct str){ large, 256 }));
}

static void test_listen_address_parse__knows_the_forms(void **state)
{
    (void)state;
    struct error err = { 0 };
    struct listen_address at;
    char text[ADDRESS_TEXT_MAX];
    assert_true(listen_address_parse(STR("localhost:5000"), &at, &err));
    assert_true(at.is_localhost);
    check_str(socket_address_format(&at.address, text), "127.0.0.1:5000");
    assert_true(listen_address_parse(STR("0.0.0.0:80"), &at, &err));
    check_str(socket_address_format(&at.address, text), "0.0.0.0:80");
    assert_true(listen_address_parse(STR("[::1]:5000"), &at, &err));
    check_str(socket_address_format(&at.address, text), "[::1]:5000");
    assert_true(listen_address_parse(STR(":0"), &at, &err));
    assert_true(at.is_any);
    const char *refused[] = { "",
                              "5000",
                              "localhost",
                              "localhost:",
                              "localhost:65536",
                              "::1:5000",
                              "hub.example:5000",
                              "localhost:+1",
                              "127.0.0.1:80x" };
    for (size_t i = 0; i < ARRAY_COUNT(refused); i++) {
        assert_false(listen_address_parse(str_from(refused[i]), &at, &err));
        check_error(&err, ERROR_INVALID, refused[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_address_range_holds__compares_prefixes),
        cmocka_unit_test(test_address_range_parse__refuses_what_is_none),
        cmocka_unit_test(test_address_format__writes_the_short_form),
        cmocka_unit_test(test_host_is_valid__takes_only_what_can_go_into_a_link),
        cmocka_unit_test(test_listen_address_parse__knows_the_forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
