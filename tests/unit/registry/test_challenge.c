/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#define REALM "Bearer realm=\"http://hub.test:5000/token\",service=\"berth\""

static void check_challenge(struct fixture *fixture, const char *as, const char *method,
                            const char *target, const char *expected)
{
    struct loopback_response *from = ask(fixture, as, method, target);
    check_refused(fixture, from, 401, "UNAUTHORIZED");
    check_header(from, "WWW-Authenticate", expected);
}

static void test_challenge__names_the_scope_of_the_route(void **state)
{
    struct fixture *fixture = *state;
    push_image(fixture, "alice", "alice/app", "v1", "layer");
    make_private(fixture, "alice", "app");
    const char *manifest = "/v2/alice/app/manifests/v1";
    check_challenge(fixture, NULL, "GET", manifest, REALM ",scope=\"repository:alice/app:pull\"");
    check_challenge(fixture, NULL, "PUT", manifest,
                    REALM ",scope=\"repository:alice/app:pull,push\"");
    check_challenge(fixture, NULL, "DELETE", manifest,
                    REALM ",scope=\"repository:alice/app:delete\"");
    check_challenge(fixture, NULL, "GET", "/v2/_catalog", REALM ",scope=\"registry:catalog:*\"");
    check_challenge(fixture, NULL, "GET", "/v2/", REALM);
    /* As the client wrote it: that is the scope that it would have asked for. */
    check_challenge(fixture, NULL, "POST", "/v2/centos/blobs/uploads/",
                    REALM ",scope=\"repository:centos:pull,push\"");
}

static void test_challenge__tells_a_small_token_from_a_bad_one(void **state)
{
    struct fixture *fixture = *state;
    push_image(fixture, "alice", "alice/app", "v1", "layer");
    const char *manifest = "/v2/alice/app/manifests/v1";
    const char *small = bearer(fixture, "alice", "repository:alice/app:pull");
    check_challenge(fixture, small, "PUT", manifest,
                    REALM ",scope=\"repository:alice/app:pull,push\",error=\"insufficient_scope\"");
    check_challenge(fixture, "Bearer not.a.token", "GET", manifest,
                    REALM ",scope=\"repository:alice/app:pull\",error=\"invalid_token\"");
    check_challenge(fixture, "Basic YWxpY2U6d3Jvbmc=", "GET", manifest,
                    REALM ",scope=\"repository:alice/app:pull\"");
}

static void test_challenge__points_to_the_public_address(void **state)
{
    struct fixture *fixture = *state;
    struct str before = fixture->hub->url;
    fixture->hub->url = STR("https://hub.example.com");
    check_challenge(fixture, NULL, "GET", "/v2/",
                    "Bearer realm=\"https://hub.example.com/token\",service=\"berth\"");
    fixture->hub->url = before;
}

static void test_challenge__the_token_that_it_asks_for_is_enough(void **state)
{
    struct fixture *fixture = *state;
    push_image(fixture, "captain", "centos", "7", "layer");
    struct loopback_response *from = ask(fixture, NULL, "DELETE", "/v2/centos/manifests/7");
    struct str scope = loopback_header(from, "WWW-Authenticate");
    scope = str_after(scope, str_find_text(scope, STR("scope=\"")) + 7);
    scope = str_slice(scope, 0, str_find(scope, '"'));
    const char *token = bearer(fixture, "captain", arena_c(fixture->arena, scope));
    check_status(ask(fixture, token, "DELETE", "/v2/centos/manifests/7"), 202);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REGISTRY_TEST(test_challenge__names_the_scope_of_the_route),
        REGISTRY_TEST(test_challenge__tells_a_small_token_from_a_bad_one),
        REGISTRY_TEST(test_challenge__points_to_the_public_address),
        REGISTRY_TEST(test_challenge__the_token_that_it_asks_for_is_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
