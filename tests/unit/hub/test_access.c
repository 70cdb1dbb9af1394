/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/access.h"

#include "access_fixture.h"
#include "base/limits.h"
#include "hub/keys.h"
#include "oci/about.h"

/* ---- the decision ---- */

enum person { NOBODY, ALICE, BOBBY, ADMIN, ALICE_OFF, ADMIN_OFF, PERSON_COUNT };

static const struct account people[PERSON_COUNT] = {
    [NOBODY] = { 0 },
    [ALICE] = { .id = 10, .is_active = true },
    [BOBBY] = { .id = 11, .is_active = true },
    [ADMIN] = { .id = 12, .is_active = true, .is_admin = true },
    [ALICE_OFF] = { .id = 10 },
    [ADMIN_OFF] = { .id = 12, .is_admin = true },
};

/* What each person may do in a place: s see, p pull, P push, d delete, a administer. */
struct row {
    const char *place;
    struct access_subject subject;
    const char *rights[PERSON_COUNT];
};

/* clang-format off */
static const struct row rows[] = {
    /*                     owner?        id  official  exists  private   nobody  alice    bobby  admin    alice off  admin off */
    { "no such namespace", { false,       0, false,    false,  false }, { "",    "",      "",    "",      "",        ""   } },
    { "alice/absent",      { true,       10, false,    false,  false }, { "",    "P",     "",    "P",     "",        ""   } },
    { "alice/public",      { true,       10, false,    true,   false }, { "sp",  "spPda", "sp",  "spPda", "sp",      "sp" } },
    { "alice/private",     { true,       10, false,    true,   true  }, { "",    "spPda", "",    "spPda", "",        ""   } },
    { "team/absent",       { true,       20, false,    false,  false }, { "",    "",      "",    "P",     "",        ""   } },
    { "team/public",       { true,       20, false,    true,   false }, { "sp",  "sp",    "sp",  "spPda", "sp",      "sp" } },
    { "team/private",      { true,       20, false,    true,   true  }, { "",    "",      "",    "spPda", "",        ""   } },
    { "library/absent",    { true,        1, true,     false,  false }, { "",    "",      "",    "P",     "",        ""   } },
    { "library/public",    { true,        1, true,     true,   false }, { "sp",  "sp",    "sp",  "spPda", "sp",      "sp" } },
    { "library/private",   { true,        1, true,     true,   true  }, { "",    "",      "",    "spPda", "",        ""   } },
    /* Only a mistake could make these; they must not open anything. */
    { "nobody's public",   { false,       0, false,    true,   false }, { "",    "",      "",    "",      "",        ""   } },
    { "nobody's private",  { false,       0, false,    true,   true  }, { "",    "",      "",    "",      "",        ""   } },
    { "library of alice",  { true,       10, true,     true,   true  }, { "",    "",      "",    "spPda", "",        ""   } },
    { "owner of id 0",     { true,        0, false,    true,   true  }, { "",    "",      "",    "spPda", "",        ""   } },
};
/* clang-format on */

static void test_access_rights__are_what_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        for (size_t person = 0; person < PERSON_COUNT; person++) {
            struct rights rights = access_rights(&people[person], &rows[i].subject);
            char text[8];
            (void)snprintf(text, sizeof(text), "%s%s%s%s%s", rights.can_see ? "s" : "",
                           rights.can_pull ? "p" : "", rights.can_push ? "P" : "",
                           rights.can_delete ? "d" : "", rights.can_administer ? "a" : "");
            if (strcmp(text, rows[i].rights[person]) != 0)
                fail_msg("%s, person %zu: '%s', not '%s'", rows[i].place, person, text,
                         rows[i].rights[person]);
        }
    }
}

static void test_access_rights__follow_from_each_other_in_every_case(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 256; bits++) {
        struct account account = { .id = bits & 3, .is_active = bits & 4, .is_admin = bits & 8 };
        for (unsigned owner = 0; owner < 4; owner++) {
            struct access_subject subject = { .owner_exists = bits & 16,
                                              .owner_id = owner,
                                              .is_official = bits & 32,
                                              .repository_exists = bits & 64,
                                              .is_private = bits & 128 };
            struct rights rights = access_rights(&account, &subject);
            assert_true(rights.can_see == rights.can_pull);
            assert_true(!rights.can_delete || rights.can_push);
            assert_true(rights.can_delete == rights.can_administer);
            assert_true(!rights.can_see || subject.repository_exists);
            assert_true(!rights.can_push || (account.id != 0 && account.is_active));
            assert_true(!rights.can_push || account.is_admin || account.id == owner);
            assert_true(subject.owner_exists || !(rights.can_see || rights.can_push));
        }
    }
}

/* ---- requests ---- */

static void test_access_authorize__lets_the_public_in_unseen(void **state)
{
    struct hub_fixture *fixture = *state;
    struct asking asking = { .access = ACCESS_PUBLIC, .authorization = STR("Basic nonsense") };
    assert_true(ask(fixture, &asking));
    assert_int_equal(asking.caller.account.id, 0);
}

static void test_access_authorize__tells_who_anybody_is(void **state)
{
    struct hub_fixture *fixture = *state;
    struct asking asking = { .access = ACCESS_ANYBODY };
    assert_true(ask(fixture, &asking));
    assert_int_equal(asking.caller.account.id, 0);
    assert_int_equal(asking.caller.credential, CREDENTIAL_NONE);
    asking.authorization = basic(fixture, "alice");
    assert_true(ask(fixture, &asking));
    check_str(asking.caller.account.name, "alice");
    assert_int_equal(asking.caller.credential, CREDENTIAL_PASSWORD);
    assert_false(asking.caller.has_ceiling);
    asking.authorization = bearer(fixture, "alice", "");
    assert_true(ask(fixture, &asking));
    check_str(asking.caller.account.name, "alice");
    assert_int_equal(asking.caller.credential, CREDENTIAL_REGISTRY_TOKEN);
    assert_true(asking.caller.has_ceiling);
    asking.authorization = STR("Basic YWxpY2U6d3Jvbmc="); /* alice:wrong */
    check(fixture, asking, ERROR_UNAUTHENTICATED, "incorrect username or password");
    asking.authorization = STR("Basic nonsense");
    check(fixture, asking, ERROR_UNAUTHENTICATED, "neither Basic");
    asking.authorization = STR("Bearer a.b.c");
    check(fixture, asking, ERROR_UNAUTHENTICATED, "not one of this server's");
}

static void test_access_authorize__refuses_two_authorization_headers(void **state)
{
    struct hub_fixture *fixture = *state;
    struct route route = { .pattern = "/test", .access = ACCESS_ANYBODY };
    struct header headers[] = { { STR("Authorization"), basic(fixture, "alice") },
                                { STR("authorization"), basic(fixture, "anna") } };
    struct request request = { .arena = fixture->arena,
                               .method = METHOD_GET,
                               .headers = headers,
                               .header_count = 2,
                               .route = &route,
                               .app = fixture->hub };
    assert_false(access_authorize(&request, &fixture->err));
    check_error(&fixture->err, ERROR_UNAUTHENTICATED, "more than one Authorization");
}

static void test_access_authorize__refuses_a_route_without_access(void **state)
{
    struct hub_fixture *fixture = *state;
    check(fixture, (struct asking){ .access = ACCESS_UNSET }, ERROR_INTERNAL, "does not say who");
    check(fixture, (struct asking){ .access = ACCESS_COUNT }, ERROR_INTERNAL, "does not say who");
}

/* What each of them gets: nobody, alice, bobby, anna.  NULL: allowed. */
struct expected {
    enum access access;
    const char *repository;
    const char *sentence[4];
    enum error_kind kind[4];
};

#define OK 0
#define LOGIN ERROR_UNAUTHENTICATED

static const struct expected expectations[] = {
    { ACCESS_PULL, "alice/app", { NULL, NULL, NULL, NULL }, { 0 } },
    { ACCESS_PULL,
      "alice/secret",
      { "the repository alice/secret does not exist or needs a login: docker login localhost:5000",
        NULL, "the repository alice/secret does not exist, or bobby may not see it", NULL },
      { LOGIN, OK, ERROR_NOT_FOUND, OK } },
    { ACCESS_PULL,
      "alice/absent",
      { "the repository alice/absent does not exist or needs a login: docker login localhost:5000",
        "the repository alice/absent does not exist, or alice may not see it",
        "the repository alice/absent does not exist, or bobby may not see it",
        "the repository alice/absent does not exist, or anna may not see it" },
      { LOGIN, ERROR_NOT_FOUND, ERROR_NOT_FOUND, ERROR_NOT_FOUND } },
    { ACCESS_PULL,
      "stranger/app",
      { "the repository stranger/app does not exist or needs a login",
        "the repository stranger/app does not exist, or alice may not see it",
        "the repository stranger/app does not exist, or bobby may not see it",
        "the repository stranger/app does not exist, or anna may not see it" },
      { LOGIN, ERROR_NOT_FOUND, ERROR_NOT_FOUND, ERROR_NOT_FOUND } },
    { ACCESS_PULL, "centos", { NULL, NULL, NULL, NULL }, { 0 } },
    { ACCESS_PULL,
      "debian",
      { "the repository debian does not exist or needs a login",
        "the repository debian does not exist, or alice may not see it",
        "the repository debian does not exist, or bobby may not see it",
        "the repository debian does not exist, or anna may not see it" },
      { LOGIN, ERROR_NOT_FOUND, ERROR_NOT_FOUND, ERROR_NOT_FOUND } },
    { ACCESS_LOOK, "alice/app", { NULL, NULL, NULL, NULL }, { 0 } },
    { ACCESS_LOOK,
      "alice/secret",
      { "the repository alice/secret does not exist or needs a login", NULL,
        "the repository alice/secret does not exist, or bobby may not see it", NULL },
      { LOGIN, OK, ERROR_NOT_FOUND, OK } },
    { ACCESS_LOOK,
      "alice/absent",
      { "the repository alice/absent does not exist or needs a login", NULL,
        "the repository alice/absent does not exist, or bobby may not see it", NULL },
      { LOGIN, OK, ERROR_NOT_FOUND, OK } },
    { ACCESS_PUSH,
      "alice/app",
      { "pushing to alice/app needs a login: docker login localhost:5000", NULL,
        "namespace 'alice' is not yours; push to bobby/app instead", NULL },
      { LOGIN, OK, ERROR_DENIED, OK } },
    { ACCESS_PUSH,
      "alice/secret",
      { "pushing to alice/secret needs a login", NULL,
        "namespace 'alice' is not yours; push to bobby/secret instead", NULL },
      { LOGIN, OK, ERROR_DENIED, OK } },
    { ACCESS_PUSH,
      "alice/absent",
      { "pushing to alice/absent needs a login", NULL,
        "namespace 'alice' is not yours; push to bobby/absent instead", NULL },
      { LOGIN, OK, ERROR_DENIED, OK } },
    { ACCESS_PUSH,
      "stranger/app",
      { "pushing to stranger/app needs a login",
        "namespace 'stranger' is not yours; push to alice/app instead",
        "namespace 'stranger' is not yours; push to bobby/app instead",
        "there is no account 'stranger' to push stranger/app for: add it first, or push to "
        "anna/app instead" },
      { LOGIN, ERROR_DENIED, ERROR_DENIED, ERROR_DENIED } },
    { ACCESS_PUSH,
      "centos",
      { "pushing to centos needs a login",
        "only administrators push official images; push to alice/centos instead",
        "only administrators push official images; push to bobby/centos instead", NULL },
      { LOGIN, ERROR_DENIED, ERROR_DENIED, OK } },
    { ACCESS_PUSH,
      "debian",
      { "pushing to debian needs a login",
        "only administrators push official images; push to alice/debian instead",
        "only administrators push official images; push to bobby/debian instead", NULL },
      { LOGIN, ERROR_DENIED, ERROR_DENIED, OK } },
    { ACCESS_DELETE,
      "alice/app",
      { "deleting from alice/app needs a login: docker login localhost:5000", NULL,
        "you may not delete from alice/app: only alice can", NULL },
      { LOGIN, OK, ERROR_DENIED, OK } },
    { ACCESS_DELETE,
      "alice/secret",
      { "the repository alice/secret does not exist or needs a login", NULL,
        "the repository alice/secret does not exist, or bobby may not see it", NULL },
      { LOGIN, OK, ERROR_NOT_FOUND, OK } },
    { ACCESS_DELETE,
      "alice/absent",
      { "the repository alice/absent does not exist or needs a login",
        "the repository alice/absent does not exist, or alice may not see it",
        "the repository alice/absent does not exist, or bobby may not see it",
        "the repository alice/absent does not exist, or anna may not see it" },
      { LOGIN, ERROR_NOT_FOUND, ERROR_NOT_FOUND, ERROR_NOT_FOUND } },
    { ACCESS_DELETE,
      "centos",
      { "deleting from centos needs a login", "only administrators delete official images",
        "only administrators delete official images", NULL },
      { LOGIN, ERROR_DENIED, ERROR_DENIED, OK } },
    { ACCESS_SIGNED_IN,
      NULL,
      { "this needs a login: docker login localhost:5000", NULL, NULL, NULL },
      { LOGIN, OK, OK, OK } },
    { ACCESS_CATALOG, NULL, { "this needs a login", NULL, NULL, NULL }, { LOGIN, OK, OK, OK } },
    { ACCESS_ADMIN,
      NULL,
      { "this needs a login", "only administrators can do this", "only administrators can do this",
        NULL },
      { LOGIN, ERROR_DENIED, ERROR_DENIED, OK } },
};

static const char *const askers[] = { NULL, "alice", "bobby", "anna" };

static void test_access_authorize__says_what_the_table_says(void **state)
{
    struct hub_fixture *fixture = *state;
    for (size_t i = 0; i < ARRAY_COUNT(expectations); i++) {
        const struct expected *row = &expectations[i];
        for (size_t person = 0; person < ARRAY_COUNT(askers); person++) {
            struct asking asking = { .access = row->access,
                                     .repository = row->repository,
                                     .authorization = basic(fixture, askers[person]) };
            check(fixture, asking, row->kind[person], row->sentence[person]);
        }
    }
}

/* A token for everything can do what its holder can do, and is refused as he is. */
static void test_access_authorize__gives_a_full_token_the_same_answers(void **state)
{
    struct hub_fixture *fixture = *state;
    for (size_t i = 0; i < ARRAY_COUNT(expectations); i++) {
        const struct expected *row = &expectations[i];
        struct str scope = row->repository
                               ? arena_format(fixture->arena, "repository:%s:*", row->repository)
                               : STR("registry:catalog:*");
        for (size_t person = 0; person < ARRAY_COUNT(askers); person++) {
            struct asking asking = { .access = row->access,
                                     .repository = row->repository,
                                     .authorization = bearer(fixture, askers[person], scope.ptr) };
            bool is_admins = row->access == ACCESS_ADMIN && row->sentence[person] == NULL;
            check(fixture, asking, is_admins ? ERROR_DENIED : row->kind[person],
                  is_admins ? "a registry token does not cover this" : row->sentence[person]);
        }
    }
}

/* A token without scopes can do nothing, and says that to those only who could. */
static void test_access_authorize__keeps_an_empty_token_down(void **state)
{
    struct hub_fixture *fixture = *state;
    for (size_t i = 0; i < ARRAY_COUNT(expectations); i++) {
        const struct expected *row = &expectations[i];
        for (size_t person = 0; person < ARRAY_COUNT(askers); person++) {
            struct asking asking = { .access = row->access,
                                     .repository = row->repository,
                                     .authorization = bearer(fixture, askers[person], "") };
            bool is_allowed = row->sentence[person] == NULL;
            if (!is_allowed)
                check(fixture, asking, row->kind[person], row->sentence[person]);
            else if (row->access == ACCESS_SIGNED_IN)
                check(fixture, asking, OK, NULL);
            else if (row->access == ACCESS_ADMIN)
                check(fixture, asking, ERROR_DENIED, "a registry token does not cover this");
            else
                check(fixture, asking, ERROR_UNAUTHENTICATED, "the token does not cover");
        }
    }
}

static void test_access_authorize__does_not_tell_private_from_absent(void **state)
{
    struct hub_fixture *fixture = *state;
    static const enum access kinds[] = { ACCESS_PULL, ACCESS_LOOK, ACCESS_PUSH, ACCESS_DELETE };
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        for (int person = 0; person < 2; person++) {
            struct str who = basic(fixture, person == 0 ? NULL : "bobby");
            struct asking hidden = { .access = kinds[i],
                                     .repository = "alice/secret",
                                     .authorization = who };
            struct asking absent = { .access = kinds[i],
                                     .repository = "alice/nosuch",
                                     .authorization = who };
            assert_false(ask(fixture, &hidden));
            struct error first = fixture->err;
            error_clear(&fixture->err);
            assert_false(ask(fixture, &absent));
            assert_int_equal(first.kind, fixture->err.kind);
            assert_int_equal(first.about, fixture->err.about);
            /* The names are of equal length, and all else is equal. */
            for (char *at = strstr(first.message, "secret"); at; at = strstr(at, "secret"))
                memcpy(at, "nosuch", 6);
            assert_string_equal(first.message, fixture->err.message);
            error_clear(&fixture->err);
        }
    }
}

static void test_access_authorize__finds_the_repository(void **state)
{
    struct hub_fixture *fixture = *state;
    struct asking asking = { .access = ACCESS_PULL,
                             .repository = "alice/secret",
                             .authorization = basic(fixture, "alice") };
    assert_true(ask(fixture, &asking));
    assert_int_equal(asking.caller.repository_id,
                     hub_fixture_sql(fixture, "SELECT id FROM repository WHERE name = 'secret'"));
    assert_true(asking.caller.repository_is_private);
    asking.repository = "alice/app";
    assert_true(ask(fixture, &asking));
    assert_false(asking.caller.repository_is_private);
    asking.access = ACCESS_PUSH;
    asking.repository = "alice/absent";
    assert_true(ask(fixture, &asking));
    assert_int_equal(asking.caller.repository_id, 0);
}

static void test_access_authorize__lets_registry_tokens_only_look_elsewhere(void **state)
{
    struct hub_fixture *fixture = *state;
    struct str token = bearer(fixture, "alice", "repository:alice/app:*");
    struct asking asking = { .access = ACCESS_SIGNED_IN, .authorization = token };
    check(fixture, asking, OK, NULL);
    asking.method = METHOD_HEAD;
    check(fixture, asking, OK, NULL);
    asking.method = METHOD_POST;
    check(fixture, asking, ERROR_DENIED, "a registry token does not cover this");
    asking.authorization = basic(fixture, "alice");
    check(fixture, asking, OK, NULL);
}

/* ---- tokens ---- */

static void test_access_authorize__holds_a_token_to_its_scopes(void **state)
{
    struct hub_fixture *fixture = *state;
    struct asking asking = { .repository = "alice/app" };
    asking.authorization = bearer(fixture, "alice", "repository:alice/app:pull");
    asking.access = ACCESS_PULL;
    check(fixture, asking, OK, NULL);
    asking.access = ACCESS_PUSH;
    check(fixture, asking, ERROR_UNAUTHENTICATED, "the token does not cover push of alice/app");
    asking.access = ACCESS_DELETE;
    check(fixture, asking, ERROR_UNAUTHENTICATED, "the token does not cover delete of alice/app");
    asking.access = ACCESS_CATALOG;
    check(fixture, asking, ERROR_UNAUTHENTICATED, "registry:catalog:*");

    asking.access = ACCESS_PULL;
    asking.authorization = bearer(fixture, "alice", "repository:alice/secret:* registry:catalog:*");
    check(fixture, asking, ERROR_UNAUTHENTICATED, "the token does not cover pull of alice/app");
    asking.access = ACCESS_CATALOG;
    check(fixture, asking, OK, NULL);
    asking.authorization = bearer(fixture, "alice", "registry:catalog:search");
    check(fixture, asking, ERROR_UNAUTHENTICATED, "registry:catalog:*");

    /* The name alone is not the repository. */
    (void)hub_fixture_sql(fixture, "INSERT INTO repository (owner_id, name, created_ms, "
                                   "updated_ms) SELECT id, 'app', 0, 0 FROM account WHERE name = "
                                   "'bobby'");
    asking.access = ACCESS_PULL;
    asking.authorization = bearer(fixture, "alice", "repository:bobby/app:pull");
    check(fixture, asking, ERROR_UNAUTHENTICATED, "the token does not cover pull of alice/app");

    /* One name, two ways to write it. */
    asking = (struct asking){ .access = ACCESS_PULL, .repository = "library/centos" };
    asking.authorization = bearer(fixture, NULL, "repository:centos:pull");
    check(fixture, asking, OK, NULL);
}

static void test_access_authorize__gives_a_token_no_more_than_its_holder_has_now(void **state)
{
    struct hub_fixture *fixture = *state;
    struct asking asking = { .access = ACCESS_PULL, .repository = "alice/app" };
    asking.authorization = bearer(fixture, "bobby", "repository:alice/app:pull");
    check(fixture, asking, OK, NULL);
    (void)hub_fixture_sql(fixture, "UPDATE repository SET is_private = TRUE WHERE name = 'app'");
    check(fixture, asking, ERROR_NOT_FOUND, "does not exist, or bobby may not see it");
}

static void test_access_authorize__ends_tokens_with_account_and_time(void **state)
{
    struct hub_fixture *fixture = *state;
    const bool no = false;
    struct account_change off = { .is_active = &no };
    struct account_change other = { .password = STR("another-password") };
    struct asking asking = { .access = ACCESS_PULL, .repository = "alice/app" };

    asking.authorization = bearer(fixture, "alice", "repository:alice/app:pull");
    hub_fixture_later(fixture, (TOKEN_LIFE_S - 5) * 1000);
    check(fixture, asking, OK, NULL);
    hub_fixture_later(fixture, 6000);
    check(fixture, asking, ERROR_UNAUTHENTICATED, "the token has expired");

    asking.authorization = bearer(fixture, "alice", "repository:alice/app:pull");
    assert_true(account_change(fixture->hub, fixture->arena, STR("alice"), &other, &fixture->err));
    check(fixture, asking, ERROR_UNAUTHENTICATED, "not valid any more");
    asking.authorization = bearer(fixture, "alice", "repository:alice/app:pull");
    check(fixture, asking, OK, NULL);
    assert_true(account_change(fixture->hub, fixture->arena, STR("alice"), &off, &fixture->err));
    check(fixture, asking, ERROR_UNAUTHENTICATED, "not valid any more");
    asking.authorization = bearer(fixture, "alice", "repository:alice/app:pull");
    check(fixture, asking, ERROR_UNAUTHENTICATED, "not valid any more");
}

static void test_access_authorize__refuses_tokens_for_others_or_of_another_form(void **state)
{
    struct hub_fixture *fixture = *state;
    static const char *const claims[] = {
        "{\"exp\":99999999999}",
        "{\"exp\":99999999999,\"iss\":\"x\",\"aud\":\"berth\",\"aid\":2,\"gen\":1,\"access\":[]}",
        "{\"exp\":99999999999,\"iss\":\"berth\",\"aud\":\"x\",\"aid\":2,\"gen\":1,\"access\":[]}",
        "{\"exp\":99999999999,\"iss\":\"berth\",\"aud\":\"berth\",\"gen\":1,\"access\":[]}",
        "{\"exp\":99999999999,\"iss\":\"berth\",\"aud\":\"berth\",\"aid\":2,\"access\":[]}",
        "{\"exp\":99999999999,\"iss\":\"berth\",\"aud\":\"berth\",\"aid\":2,\"gen\":1}",
        "{\"exp\":99999999999,\"iss\":\"berth\",\"aud\":\"berth\",\"aid\":999,\"gen\":1,"
        "\"access\":[]}",
        "{\"exp\":99999999999,\"iss\":\"berth\",\"aud\":\"berth\",\"aid\":2,\"gen\":7,"
        "\"access\":[]}",
    };
    struct asking asking = { .access = ACCESS_ANYBODY };
    for (size_t i = 0; i < ARRAY_COUNT(claims); i++) {
        struct str token =
            keys_sign(fixture->hub->keys, fixture->arena, "registry", str_from(claims[i]));
        asking.authorization = arena_format(fixture->arena, "Bearer %.*s", STR_ARG(token));
        check(fixture, asking, ERROR_UNAUTHENTICATED, "not valid any more");
    }
    struct str token = keys_sign(fixture->hub->keys, fixture->arena, "cookie", str_from(claims[0]));
    asking.authorization = arena_format(fixture->arena, "Bearer %.*s", STR_ARG(token));
    check(fixture, asking, ERROR_UNAUTHENTICATED, "not one of this server's");
}

static void test_access_authorize__passes_trouble_of_the_database_on(void **state)
{
    struct hub_fixture *fixture = *state;
    struct asking asking = { .access = ACCESS_PULL, .repository = "alice/app" };
    asking.authorization = bearer(fixture, "alice", "repository:alice/app:pull");
    for (unsigned nth = 1; nth <= 2; nth++) {
        db_fail_nth_for_test(nth);
        assert_false(ask(fixture, &asking));
        check_error(&fixture->err, ERROR_UNAVAILABLE, "");
    }
    db_fail_nth_for_test(0);
    assert_true(ask(fixture, &asking));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_access_rights__are_what_the_table_says),
        cmocka_unit_test(test_access_rights__follow_from_each_other_in_every_case),
        ACCESS_TEST(test_access_authorize__lets_the_public_in_unseen),
        ACCESS_TEST(test_access_authorize__tells_who_anybody_is),
        ACCESS_TEST(test_access_authorize__refuses_two_authorization_headers),
        ACCESS_TEST(test_access_authorize__refuses_a_route_without_access),
        ACCESS_TEST(test_access_authorize__says_what_the_table_says),
        ACCESS_TEST(test_access_authorize__gives_a_full_token_the_same_answers),
        ACCESS_TEST(test_access_authorize__keeps_an_empty_token_down),
        ACCESS_TEST(test_access_authorize__does_not_tell_private_from_absent),
        ACCESS_TEST(test_access_authorize__finds_the_repository),
        ACCESS_TEST(test_access_authorize__lets_registry_tokens_only_look_elsewhere),
        ACCESS_TEST(test_access_authorize__holds_a_token_to_its_scopes),
        ACCESS_TEST(test_access_authorize__gives_a_token_no_more_than_its_holder_has_now),
        ACCESS_TEST(test_access_authorize__ends_tokens_with_account_and_time),
        ACCESS_TEST(test_access_authorize__refuses_tokens_for_others_or_of_another_form),
        ACCESS_TEST(test_access_authorize__passes_trouble_of_the_database_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
