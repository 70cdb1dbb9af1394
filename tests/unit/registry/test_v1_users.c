/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#define EXISTS "\"Username or email already exists\""

static struct loopback_response *sign_up(struct fixture *fixture, const char *name,
                                         const char *email, const char *password)
{
    const char *body = text(fixture,
                            "{\"username\":\"%s\",\"password\":\"%s\",\"auth\":\"\",\"email\":"
                            "\"%s\"}",
                            name, password, email);
    return ask_with(fixture, NULL, "POST", "/v1/users/",
                    "Content-Type: application/json; charset=utf-8\r\n", str_from(body));
}

static void test_v1_users_post__makes_an_account(void **state)
{
    struct fixture *fixture = *state;
    struct loopback_response *from = sign_up(fixture, "diana", "d@example.org", "diana-password");
    check_status(from, 201);
    check_str(from->body, "\"User Created\"");
    check_status(ask(fixture, "diana", "GET", "/v1/users/"), 200);
    check_status(ask(fixture, "diana", "GET", "/v2/"), 200);
}

static void test_v1_users_post__existing_one_goes_on_to_log_in(void **state)
{
    struct fixture *fixture = *state;
    const char *passwords[] = { "alice-password", "another-password", "short" };
    for (size_t i = 0; i < ARRAY_COUNT(passwords); i++) {
        struct loopback_response *from = sign_up(fixture, "alice", "a@example.org", passwords[i]);
        check_status(from, 400);
        check_str(from->body, EXISTS);
    }
}

static void test_v1_users_post__closed_sign_up_says_so(void **state)
{
    struct fixture *fixture = *state;
    struct loopback_response *from = sign_up(fixture, "diana", "d@example.org", "diana-password");
    check_status(from, 400);
    assert_true(str_starts(from->body, STR("\"")) && str_ends(from->body, STR("\"")));
    assert_false(str_equal(from->body, STR(EXISTS)));
    check_status(ask(fixture, "diana", "GET", "/v1/users/"), 401);
}

static void test_v1_users_post__refuses_what_is_wrong(void **state)
{
    struct fixture *fixture = *state;
    check_status(sign_up(fixture, "d", "d@example.org", "diana-password"), 400);
    check_status(sign_up(fixture, "diana", "no address", "diana-password"), 400);
    check_status(sign_up(fixture, "diana", "d@example.org", "short"), 400);
    const char *bodies[] = { "", "[]", "{", "{}", "{\"username\":7}" };
    for (size_t i = 0; i < ARRAY_COUNT(bodies); i++) {
        struct loopback_response *from =
            ask_with(fixture, NULL, "POST", "/v1/users/", "", str_from(bodies[i]));
        check_status(from, 400);
        assert_true(from->body.len > 2 && from->body.ptr[0] == '"');
    }
}

static void test_v1_users_get__checks_a_login(void **state)
{
    struct fixture *fixture = *state;
    struct loopback_response *from = ask(fixture, "alice", "GET", "/v1/users/");
    check_status(from, 200);
    check_str(from->body, "\"OK\"");
    check_status(ask(fixture, NULL, "GET", "/v1/users/"), 401);
    check_status(ask(fixture, "Basic YWxpY2U6d3Jvbmc=", "GET", "/v1/users/"), 401);
    const bool no = false;
    struct error err = { 0 };
    struct account_change change = { .is_active = &no };
    assert_true(account_change(fixture->hub, fixture->arena, STR("alice"), &change, &err));
    check_status(ask(fixture, "alice", "GET", "/v1/users/"), 403);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REGISTRY_TEST_OPEN(test_v1_users_post__makes_an_account),
        REGISTRY_TEST_OPEN(test_v1_users_post__existing_one_goes_on_to_log_in),
        REGISTRY_TEST(test_v1_users_post__existing_one_goes_on_to_log_in),
        REGISTRY_TEST(test_v1_users_post__closed_sign_up_says_so),
        REGISTRY_TEST_OPEN(test_v1_users_post__refuses_what_is_wrong),
        REGISTRY_TEST(test_v1_users_get__checks_a_login),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
