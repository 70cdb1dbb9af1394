/* SPDX-License-Identifier: Apache-2.0 */
/* The tokens of hub/access.h: what is granted, what is in them; and access_readable(), which reads
 * them. */
#include "hub/access.h"

#include "access_fixture.h"
#include "base/json.h"
#include "base/limits.h"

static unsigned grant(struct hub_fixture *fixture, const char *name, const char *text)
{
    struct account account = name ? find(fixture, name) : (struct account){ 0 };
    struct scope scope;
    assert_true(scope_parse(str_from(text), &scope));
    assert_true(access_grant(fixture->hub, fixture->arena, &account, &scope, 1, &fixture->err));
    return scope.actions;
}

static void test_access_grant__is_what_was_asked_and_is_allowed(void **state)
{
    struct hub_fixture *fixture = *state;
    const unsigned all = SCOPE_PULL | SCOPE_PUSH | SCOPE_DELETE, some = SCOPE_PULL | SCOPE_PUSH;
    static const struct {
        const char *name, *scope;
    } nothing[] = {
        { NULL, "repository:alice/secret:pull" },  { "bobby", "repository:alice/secret:*" },
        { NULL, "repository:alice/absent:*" },     { "bobby", "repository:alice/absent:*" },
        { "alice", "repository:stranger/app:*" },  { "anna", "repository:stranger/app:*" },
        { NULL, "registry:catalog:pull" },         { "anna", "registry:other:*" },
        { "anna", "plugin:alice/app:pull" },       { "anna", "repository:a/b/c:*" },
        { "anna", "repository:ALICE/app:pull" },   { "alice", "repository:library/debian:push" },
        { "alice", "repository:alice/app:admin" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(nothing); i++)
        assert_int_equal(grant(fixture, nothing[i].name, nothing[i].scope), 0);
    assert_int_equal(grant(fixture, NULL, "repository:alice/app:pull,push"), SCOPE_PULL);
    assert_int_equal(grant(fixture, "bobby", "repository:alice/app:push,pull"), SCOPE_PULL);
    assert_int_equal(grant(fixture, "alice", "repository:alice/app:push,pull"), some);
    assert_int_equal(grant(fixture, "alice", "repository:alice/app:push"), SCOPE_PUSH);
    assert_int_equal(grant(fixture, "alice", "repository:alice/secret:*"), all);
    assert_int_equal(grant(fixture, "alice", "repository:alice/absent:pull,push"), some);
    assert_int_equal(grant(fixture, "anna", "repository:library/debian:push,pull"), some);
    assert_int_equal(grant(fixture, NULL, "registry:catalog:*"), SCOPE_SEARCH);
    assert_int_equal(grant(fixture, "bobby", "registry:catalog:*"), SCOPE_CATALOG | SCOPE_SEARCH);
    assert_int_equal(grant(fixture, "bobby", "registry:catalog:search"), SCOPE_SEARCH);
}

static void test_access_token_issue__writes_the_claims_of_the_specification(void **state)
{
    struct hub_fixture *fixture = *state;
    struct account alice = find(fixture, "alice");
    struct scope scopes[] = {
        { SCOPE_REPOSITORY, STR("alice/app"), SCOPE_PULL | SCOPE_PUSH },
        { SCOPE_REPOSITORY, STR("bobby/app"), 0 },
        { SCOPE_REGISTRY, STR("catalog"), SCOPE_CATALOG | SCOPE_SEARCH },
        { SCOPE_REGISTRY, STR("catalog"), SCOPE_SEARCH },
    };
    struct str token, claims_text;
    int64_t issued_ms;
    assert_true(access_token_issue(fixture->hub, fixture->arena, &alice, scopes,
                                   ARRAY_COUNT(scopes), &token, &issued_ms, &fixture->err));
    struct str middle = str_after(token, str_find(token, '.') + 1);
    middle = str_slice(middle, 0, str_find(middle, '.'));
    assert_true(base64url_decode(fixture->arena, middle, &claims_text));
    json_t *claims AUTO(json_decref) = json_parse_object(claims_text, &fixture->err);
    assert_non_null(claims);
    int64_t exp = 0, nbf = 0, iat = 0;
    assert_true(json_get_i64(claims, "exp", &exp) && json_get_i64(claims, "nbf", &nbf) &&
                json_get_i64(claims, "iat", &iat));
    assert_true(exp == iat + TOKEN_LIFE_S && nbf == iat && issued_ms == iat * 1000);
    assert_true(llabs(issued_ms - clock_now_ms()) < 5000);
    check_str(json_get_str(claims, "sub"), "alice");
    check_str(json_get_str(claims, "iss"), "berth");
    check_str(json_get_str(claims, "aud"), "berth");
    assert_int_equal(json_get_str(claims, "jti").len, 32);
    size_t from = str_find_text(claims_text, STR("\"access\":"));
    check_str(str_after(claims_text, from),
              "\"access\":[{\"type\":\"repository\",\"name\":\"alice/app\",\"actions\":[\"pull\","
              "\"push\"]},{\"type\":\"registry\",\"name\":\"catalog\",\"actions\":[\"*\"]},"
              "{\"type\":\"registry\",\"name\":\"catalog\",\"actions\":[\"search\"]}]}");
}

static void test_access_token_issue__refuses_what_no_server_would_read(void **state)
{
    struct hub_fixture *fixture = *state;
    struct account alice = find(fixture, "alice");
    struct scope scopes[TOKEN_SCOPE_COUNT_MAX];
    char name[REPOSITORY_NAME_CHARS_MAX];
    memset(name, 'a', sizeof(name));
    for (size_t i = 0; i < ARRAY_COUNT(scopes); i++)
        scopes[i] = (struct scope){ SCOPE_REPOSITORY, { name, sizeof(name) }, SCOPE_PULL };
    struct str token;
    int64_t issued_ms;
    for (size_t count = 15; count <= ARRAY_COUNT(scopes); count += 7) {
        bool ok = access_token_issue(fixture->hub, fixture->arena, &alice, scopes, count, &token,
                                     &issued_ms, &fixture->err);
        assert_int_equal(ok, count == 15);
        if (!ok)
            check_error(&fixture->err, ERROR_TOO_LARGE, "ask for fewer scopes");
    }
}

static void test_access_readable__finds_the_source_of_a_mount(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = hub_fixture_sql(fixture, "SELECT id FROM repository WHERE name = 'app'");
    int64_t secret = hub_fixture_sql(fixture, "SELECT id FROM repository WHERE name = 'secret'");
    const struct {
        const char *asker, *scopes, *name; /* no scopes: by password */
        int64_t expected;
    } cases[] = {
        { NULL, NULL, "alice/app", app },
        { NULL, NULL, "alice/secret", 0 },
        { "alice", NULL, "alice/secret", secret },
        { "bobby", NULL, "alice/secret", 0 },
        { "alice", NULL, "alice/absent", 0 },
        { "alice", NULL, "stranger/app", 0 },
        { "alice", "repository:alice/app:push", "alice/app", 0 },
        { "alice", "repository:alice/app:pull", "alice/app", app },
        { "alice", "repository:alice/app:pull", "alice/secret", 0 },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct asking asking = { .access = ACCESS_ANYBODY };
        asking.authorization = cases[i].scopes ? bearer(fixture, cases[i].asker, cases[i].scopes)
                                               : basic(fixture, cases[i].asker);
        assert_true(ask(fixture, &asking));
        int64_t id = -1;
        assert_true(access_readable(fixture->hub, fixture->arena, &asking.caller,
                                    name_of(cases[i].name), &id, &fixture->err));
        assert_int_equal(id, cases[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ACCESS_TEST(test_access_grant__is_what_was_asked_and_is_allowed),
        ACCESS_TEST(test_access_token_issue__writes_the_claims_of_the_specification),
        ACCESS_TEST(test_access_token_issue__refuses_what_no_server_would_read),
        ACCESS_TEST(test_access_readable__finds_the_source_of_a_mount),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
