/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

static void fill(struct fixture *fixture)
{
    push_blob(fixture, "alice", "alice/app", STR("x"));
    push_blob(fixture, "alice", "alice/secret", STR("x"));
    push_blob(fixture, "bobby", "bobby/base", STR("x"));
    push_blob(fixture, "captain", "centos", STR("x"));
    make_private(fixture, "alice", "secret");
}

static void check_catalog(struct fixture *fixture, const char *as, const char *query,
                          const char *expected)
{
    struct loopback_response *from =
        ask(fixture, as, "GET", text(fixture, "/v2/_catalog%s", query));
    check_status(from, 200);
    check_str(from->body, text(fixture, "{\"repositories\":[%s]}", expected));
    check_header(from, "Cache-Control", "private, no-store");
}

static void test_catalog_get__shows_what_one_may_see(void **state)
{
    struct fixture *fixture = *state;
    fill(fixture);
    const char *all = "\"alice/app\",\"alice/secret\",\"bobby/base\",\"library/centos\"";
    check_catalog(fixture, "alice", "", all);
    check_catalog(fixture, "captain", "", all);
    check_catalog(fixture, "bobby", "", "\"alice/app\",\"bobby/base\",\"library/centos\"");
    check_catalog(fixture, bearer(fixture, "alice", "registry:catalog:*"), "", all);
}

static void test_catalog_get__pages_by_name(void **state)
{
    struct fixture *fixture = *state;
    fill(fixture);
    struct loopback_response *from = ask(fixture, "alice", "GET", "/v2/_catalog?n=2");
    check_header(from, "Link", "</v2/_catalog?n=2&last=alice%2Fsecret>; rel=\"next\"");
    check_catalog(fixture, "alice", "?n=2", "\"alice/app\",\"alice/secret\"");
    check_catalog(fixture, "alice", "?n=2&last=alice%2Fsecret",
                  "\"bobby/base\",\"library/centos\"");
    from = ask(fixture, "alice", "GET", "/v2/_catalog?n=2&last=alice/secret");
    assert_false(str_is_set(loopback_header(from, "Link")));
    check_catalog(fixture, "alice", "?n=0", "");
    check_catalog(fixture, "alice", "?last=zzz/zzz", "");
}

static void test_catalog_get__challenges_with_its_own_scope(void **state)
{
    struct fixture *fixture = *state;
    struct loopback_response *from = ask(fixture, NULL, "GET", "/v2/_catalog");
    check_refused(fixture, from, 401, "UNAUTHORIZED");
    assert_true(holds(loopback_header(from, "WWW-Authenticate"), ",scope=\"registry:catalog:*\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REGISTRY_TEST(test_catalog_get__shows_what_one_may_see),
        REGISTRY_TEST(test_catalog_get__pages_by_name),
        REGISTRY_TEST(test_catalog_get__challenges_with_its_own_scope),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
