/* SPDX-License-Identifier: Apache-2.0 */
/* What is remembered of accounts, places and tokens ends when it is no longer so: at
 * once when this process changes it, within a second when another one does. */
#include "access_fixture.h"
#include "base/limits.h"
#include "content.h"
#include "hub/access_cache.h"

/* As the command line and other nodes do: through a hub of their own on the same database. */
static struct hub *other_process(struct hub_fixture *fixture)
{
    struct hub_options options = hub_fixture_options(fixture);
    struct hub *hub = NULL;
    if (!hub_open(&options, &hub, &fixture->err))
        fail_msg("hub_open: %s", fixture->err.message);
    return hub;
}

/* Beside the hub and behind the back of its cache, which hub_fixture_sql() is not. */
static void behind(struct hub_fixture *fixture, const char *sql)
{
    (void)test_database_run(fixture->database, sql);
}

static uint64_t hits(struct hub_fixture *fixture)
{
    return cache_figures(fixture->hub->cache).hits;
}

static struct asking pull(struct str authorization, const char *repository)
{
    return (struct asking){ .access = ACCESS_PULL,
                            .repository = repository,
                            .authorization = authorization };
}

static void test_access_authorize__remembers_and_says_the_same_again(void **state)
{
    struct hub_fixture *fixture = *state;
    struct str token = bearer(fixture, "alice", "repository:alice/secret:pull,push");
    struct asking first = pull(token, "alice/secret"), second = first;
    assert_true(ask(fixture, &first));
    uint64_t before = hits(fixture);
    assert_true(ask(fixture, &second));
    assert_int_equal(hits(fixture) - before, 2); /* the token, and where it leads */
    assert_int_equal(second.caller.account.id, first.caller.account.id);
    check_str(second.caller.account.name, "alice");
    check_str(second.caller.account.email, "alice@example.org");
    assert_int_equal(second.caller.repository_id, first.caller.repository_id);
    assert_true(second.caller.repository_is_private);
    assert_int_equal(second.caller.scope_count, 1);
    check_str(second.caller.scopes[0].name, "alice/secret");
    assert_int_equal(second.caller.scopes[0].actions, SCOPE_PULL | SCOPE_PUSH);
}

static void test_access_authorize__remembers_for_each_account_apart(void **state)
{
    struct hub_fixture *fixture = *state;
    struct str scope = STR("repository:alice/secret:pull");
    struct str alice = bearer(fixture, "alice", scope.ptr);
    struct str bobby = bearer(fixture, "bobby", scope.ptr);
    for (int i = 0; i < 3; i++) {
        check(fixture, pull(alice, "alice/secret"), ERROR_NONE, NULL);
        check(fixture, pull(bobby, "alice/secret"), ERROR_NOT_FOUND, "does not exist");
        check(fixture, pull(STR_NONE, "alice/secret"), ERROR_UNAUTHENTICATED, "needs a login");
        check(fixture, pull(alice, "alice/other"), ERROR_NOT_FOUND, "does not exist");
        check(fixture, pull(alice, "alice/app"), ERROR_UNAUTHENTICATED, "does not cover");
    }
}

/* Otherwise the time of the answer would tell that there is something. */
static void test_access_authorize__remembers_what_is_not_there_as_well(void **state)
{
    struct hub_fixture *fixture = *state;
    for (int i = 0; i < 2; i++) {
        uint64_t before = hits(fixture);
        check(fixture, pull(STR_NONE, "alice/secret"), ERROR_UNAUTHENTICATED, "");
        check(fixture, pull(STR_NONE, "alice/nothing"), ERROR_UNAUTHENTICATED, "");
        check(fixture, pull(STR_NONE, "nobody/nothing"), ERROR_UNAUTHENTICATED, "");
        assert_int_equal(hits(fixture) - before, 3 * i);
    }
}

static void test_access_authorize__sees_a_repository_made_private_elsewhere(void **state)
{
    struct hub_fixture *fixture = *state;
    check(fixture, pull(STR_NONE, "alice/app"), ERROR_NONE, NULL);
    behind(fixture, "UPDATE repository SET is_private = TRUE WHERE name = 'app'");
    hub_fixture_later(fixture, CACHE_LIFE_MS);
    check(fixture, pull(STR_NONE, "alice/app"), ERROR_UNAUTHENTICATED, "needs a login");
}

static void test_access_authorize__sees_an_account_switched_off_here_at_once(void **state)
{
    struct hub_fixture *fixture = *state;
    struct str token = bearer(fixture, "alice", "repository:alice/app:pull");
    check(fixture, pull(token, "alice/app"), ERROR_NONE, NULL);
    bool off = false;
    struct account_change change = { .is_active = &off };
    CHECK(account_change(fixture->hub, fixture->arena, STR("alice"), &change, &fixture->err));
    check(fixture, pull(token, "alice/app"), ERROR_UNAUTHENTICATED, "not valid any more");
}

static void test_access_authorize__sees_an_account_switched_off_elsewhere(void **state)
{
    struct hub_fixture *fixture = *state;
    struct hub *other AUTO(hub_close) = other_process(fixture);
    struct str token = bearer(fixture, "alice", "repository:alice/app:pull");
    check(fixture, pull(token, "alice/app"), ERROR_NONE, NULL);
    bool off = false;
    struct account_change change = { .is_active = &off };
    CHECK(account_change(other, fixture->arena, STR("alice"), &change, &fixture->err));
    hub_fixture_later(fixture, CACHE_LIFE_MS);
    check(fixture, pull(token, "alice/app"), ERROR_UNAUTHENTICATED, "not valid any more");
}

static void test_access_authorize__ends_a_remembered_token_with_its_time(void **state)
{
    struct hub_fixture *fixture = *state;
    struct str token = bearer(fixture, "alice", "repository:alice/app:pull");
    hub_fixture_later(fixture, (int64_t)TOKEN_LIFE_S * 1000 - 1200);
    check(fixture, pull(token, "alice/app"), ERROR_NONE, NULL);
    for (int i = 0; i < 4; i++) { /* looked at again and again, it is never out of the cache */
        hub_fixture_later(fixture, 300);
        struct asking asking = pull(token, "alice/app");
        (void)ask(fixture, &asking);
        error_clear(&fixture->err);
    }
    check(fixture, pull(token, "alice/app"), ERROR_UNAUTHENTICATED, "");
}

static void test_access_authorize__does_not_take_a_token_for_a_similar_one(void **state)
{
    struct hub_fixture *fixture = *state;
    struct str token = bearer(fixture, "alice", "repository:alice/app:pull");
    check(fixture, pull(token, "alice/app"), ERROR_NONE, NULL);
    char *forged = arena_alloc(fixture->arena, token.len);
    memcpy(forged, token.ptr, token.len);
    forged[token.len - 5] = forged[token.len - 5] == 'A' ? 'B' : 'A';
    check(fixture, pull((struct str){ forged, token.len }, "alice/app"), ERROR_UNAUTHENTICATED, "");
    check(fixture, pull(str_slice(token, 0, token.len - 1), "alice/app"), ERROR_UNAUTHENTICATED,
          "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ACCESS_TEST(test_access_authorize__remembers_and_says_the_same_again),
        ACCESS_TEST(test_access_authorize__remembers_for_each_account_apart),
        ACCESS_TEST(test_access_authorize__remembers_what_is_not_there_as_well),
        ACCESS_TEST(test_access_authorize__sees_a_repository_made_private_elsewhere),
        ACCESS_TEST(test_access_authorize__sees_an_account_switched_off_here_at_once),
        ACCESS_TEST(test_access_authorize__sees_an_account_switched_off_elsewhere),
        ACCESS_TEST(test_access_authorize__ends_a_remembered_token_with_its_time),
        ACCESS_TEST(test_access_authorize__does_not_take_a_token_for_a_similar_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
