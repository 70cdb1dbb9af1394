/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#define CHALLENGE "Bearer realm=\"http://hub.test:5000/token\",service=\"berth\""

static void test_version_get__challenges_who_sends_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct loopback_response *from = ask(fixture, NULL, "GET", "/v2/");
    check_refused(fixture, from, 401, "UNAUTHORIZED");
    check_header(from, "WWW-Authenticate", CHALLENGE);
    check_header(from, "Docker-Distribution-Api-Version", "registry/2.0");
}

static void test_version_get__takes_a_password(void **state)
{
    struct fixture *fixture = *state;
    struct loopback_response *from = ask(fixture, "alice", "GET", "/v2/");
    check_status(from, 200);
    check_str(from->body, "{}");
    check_header(from, "Content-Type", "application/json");
    check_header(from, "Docker-Distribution-Api-Version", "registry/2.0");
}

static void test_version_get__takes_tokens_of_somebody_and_nobody(void **state)
{
    struct fixture *fixture = *state;
    check_status(ask(fixture, bearer(fixture, "alice", NULL), "GET", "/v2/"), 200);
    check_status(ask(fixture, bearer(fixture, NULL, NULL), "GET", "/v2/"), 200);
}

static void test_version_get__refuses_wrong_credentials(void **state)
{
    struct fixture *fixture = *state;
    struct loopback_response *from = ask(fixture, "Basic YWxpY2U6d3Jvbmc=", "GET", "/v2/");
    check_refused(fixture, from, 401, "UNAUTHORIZED");
    check_header(from, "WWW-Authenticate", CHALLENGE);
    from = ask(fixture, "Bearer no.such.token", "GET", "/v2/");
    check_refused(fixture, from, 401, "UNAUTHORIZED");
    check_header(from, "WWW-Authenticate", CHALLENGE ",error=\"invalid_token\"");
}

static void test_version_get__head_is_fine(void **state)
{
    check_status(ask(*state, "alice", "HEAD", "/v2/"), 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REGISTRY_TEST(test_version_get__challenges_who_sends_nothing),
        REGISTRY_TEST(test_version_get__takes_a_password),
        REGISTRY_TEST(test_version_get__takes_tokens_of_somebody_and_nobody),
        REGISTRY_TEST(test_version_get__refuses_wrong_credentials),
        REGISTRY_TEST(test_version_get__head_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
