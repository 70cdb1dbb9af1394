/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/authorization.h"

#include "../check.h"

static int set_up(void **state)
{
    *state = arena_new();
    return 0;
}

static int tear_down(void **state)
{
    arena_free(*state);
    return 0;
}

static struct authorization parse(struct arena *arena, const char *value)
{
    struct authorization out;
    struct error err = { 0 };
    if (!authorization_parse(arena, str_from(value), &out, &err))
        fail_msg("%s: %s", value, err.message);
    return out;
}

static void test_authorization_parse__reads_name_and_password(void **state)
{
    struct authorization basic = parse(*state, "Basic YWxpY2U6c2VjcmV0"); /* alice:secret */
    assert_int_equal(basic.scheme, AUTHORIZATION_BASIC);
    check_str(basic.name, "alice");
    check_str(basic.secret, "secret");
    basic = parse(*state, "bAsIc   YWxpY2U6czplYzpyZXQ="); /* alice:s:ec:ret */
    check_str(basic.name, "alice");
    check_str(basic.secret, "s:ec:ret");
    basic = parse(*state, "Basic OnNlY3JldA=="); /* :secret */
    check_str(basic.name, "");
    check_str(basic.secret, "secret");
    basic = parse(*state, "Basic YWxpY2U6"); /* alice: */
    assert_int_equal(basic.scheme, AUTHORIZATION_BASIC);
    check_str(basic.secret, "");
}

static void test_authorization_parse__reads_a_token(void **state)
{
    struct authorization bearer = parse(*state, "Bearer aZ0-._~+/=");
    assert_int_equal(bearer.scheme, AUTHORIZATION_BEARER);
    check_str(bearer.token, "aZ0-._~+/=");
    check_str(parse(*state, "BEARER x.y.z").token, "x.y.z");
}

static void test_authorization_parse__takes_nothing_for_nobody(void **state)
{
    assert_int_equal(parse(*state, NULL).scheme, AUTHORIZATION_NONE);
    assert_int_equal(parse(*state, "Basic Og==").scheme, AUTHORIZATION_NONE); /* : */
}

static void test_authorization_parse__refuses_the_rest(void **state)
{
    static const char *const others[] = {
        "",
        "Basic",
        "Basic ",
        "Bearer",
        "Bearer ",
        "Bearer =",
        "Bearer a b",
        "Bearer a,b",
        "Bearer \"a\"",
        "Bearer a=b",
        "Digest username=\"alice\"",
        "Basic !!!",
        "Basic YWxpY2U", /* alice, without a colon */
        "Basic YWxpY2U6c2VjcmV0 x",
        "BasicYWxpY2U6c2VjcmV0",
        "Basic\tYWxpY2U6c2VjcmV0",
    };
    for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
        struct authorization out;
        struct error err = { 0 };
        if (authorization_parse(*state, str_from(others[i]), &out, &err))
            fail_msg("taken: %s", others[i]);
        check_error(&err, ERROR_UNAUTHENTICATED, "neither Basic");
    }
}

#define AUTHORIZATION_TEST(test_it__behaves)                                                       \
    cmocka_unit_test_setup_teardown(test_it__behaves, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        AUTHORIZATION_TEST(test_authorization_parse__reads_name_and_password),
        AUTHORIZATION_TEST(test_authorization_parse__reads_a_token),
        AUTHORIZATION_TEST(test_authorization_parse__takes_nothing_for_nobody),
        AUTHORIZATION_TEST(test_authorization_parse__refuses_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
