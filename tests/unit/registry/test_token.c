/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "base/clock.h"
#include "base/hex.h"
#include "base/limits.h"
#include "oci/scope.h"

#define APP "alice/app"

static struct loopback_response *post(struct fixture *fixture, const char *form)
{
    return ask_with(fixture, NULL, "POST", "/token",
                    "Content-Type: application/x-www-form-urlencoded\r\n", str_from(form));
}

static struct str member(struct fixture *fixture, const struct loopback_response *from,
                         const char *key)
{
    return json_get_str(reply_json(fixture, from), key);
}

/* The claims of the token in an answer. */
static const json_t *claims(struct fixture *fixture, const struct loopback_response *from)
{
    struct str rest = member(fixture, from, "token"), part;
    assert_true(str_split(&rest, '.', &part) && str_split(&rest, '.', &part));
    struct loopback_response *decoded = arena_alloc(fixture->arena, sizeof(*decoded));
    assert_true(base64url_decode(fixture->arena, part, &decoded->body));
    return reply_json(fixture, decoded);
}

/* "repository:a/b:pull,push registry:catalog:*" */
static struct str access_of(struct fixture *fixture, const struct loopback_response *from)
{
    struct buf out AUTO(buf_release);
    size_t i, j;
    json_t *entry, *action;
    buf_init(&out, 4096);
    json_array_foreach(json_get_array(claims(fixture, from), "access"), i, entry)
    {
        buf_format(&out, "%s%.*s:%.*s:", i > 0 ? " " : "", STR_ARG(json_get_str(entry, "type")),
                   STR_ARG(json_get_str(entry, "name")));
        json_array_foreach(json_get_array(entry, "actions"), j, action)
        {
            buf_format(&out, "%s%s", j > 0 ? "," : "", json_string_value(action));
        }
    }
    struct str list = arena_copy(fixture->arena, buf_str(&out));
    return str_is_set(list) ? list : STR("");
}

static void test_token_get__answers_as_documented(void **state)
{
    struct fixture *fixture = *state;
    struct loopback_response *from =
        ask(fixture, "alice", "GET",
            "/token?service=berth&scope=repository:" APP ":pull,push&account=alice");
    check_status(from, 200);
    check_header(from, "Cache-Control", "no-store");
    check_header(from, "Content-Type", "application/json");
    const json_t *json = reply_json(fixture, from);
    assert_true(json_get_str(json, "token").len > 0);
    assert_true(str_equal(json_get_str(json, "token"), json_get_str(json, "access_token")));
    int64_t expires_in = 0;
    assert_true(json_get_i64(json, "expires_in", &expires_in));
    assert_int_equal(expires_in, TOKEN_LIFE_S);
    assert_true(str_ends(json_get_str(json, "issued_at"), STR("Z")));
    assert_false(str_is_set(json_get_str(json, "scope")));
    assert_false(str_is_set(json_get_str(json, "refresh_token")));
    check_str(json_get_str(claims(fixture, from), "sub"), "alice");
    check_str(json_get_str(claims(fixture, from), "aud"), "berth");
    check_str(access_of(fixture, from), "repository:" APP ":pull,push");
}

static void test_token_get__grants_what_is_allowed_of_what_is_asked(void **state)
{
    struct fixture *fixture = *state;
    push_blob(fixture, "alice", APP, STR("x"));
    push_blob(fixture, "alice", "alice/secret", STR("x"));
    make_private(fixture, "alice", "secret");
    const char *all = "/token?scope=repository:" APP ":pull,push,delete+repository:alice/secret:*"
                      "&scope=registry:catalog:*&scope=nonsense&scope=repository(plugin):a/b:pull";
    check_str(access_of(fixture, ask(fixture, "alice", "GET", all)),
              "repository:" APP ":pull,push,delete repository:alice/secret:pull,push,delete "
              "registry:catalog:*");
    check_str(access_of(fixture, ask(fixture, "bobby", "GET", all)),
              "repository:" APP ":pull registry:catalog:*");
    check_str(access_of(fixture, ask(fixture, NULL, "GET", all)),
              "repository:" APP ":pull registry:catalog:search");
    check_str(access_of(fixture, ask(fixture, NULL, "GET", "/token")), "");
}

static void test_token_get__token_works_and_dies(void **state)
{
    struct fixture *fixture = *state;
    push_image(fixture, "alice", APP, "v1", "layer");
    const char *token = bearer(fixture, NULL, "repository:" APP ":pull");
    check_status(ask(fixture, token, "GET", "/v2/" APP "/manifests/v1"), 200);
    clock_shift_for_test((int64_t)TOKEN_LIFE_S * 1000 + 1000);
    struct loopback_response *from = ask(fixture, token, "GET", "/v2/" APP "/manifests/v1");
    clock_shift_for_test(0);
    check_refused(fixture, from, 401, "UNAUTHORIZED");
    assert_true(holds(loopback_header(from, "WWW-Authenticate"), ",error=\"invalid_token\""));
}

/* docker shows `details`, others `errors`. */
static void check_wrong_login(struct fixture *fixture, const struct loopback_response *from,
                              const char *message)
{
    check_refused(fixture, from, 401, "UNAUTHORIZED");
    check_str(member(fixture, from, "details"), message);
    const json_t *first = json_array_get(json_get_array(reply_json(fixture, from), "errors"), 0);
    check_str(json_get_str(first, "message"), message);
    check_header(from, "WWW-Authenticate", "Basic realm=\"Berth\"");
    check_header(from, "Cache-Control", "no-store");
}

static void test_token_get__wrong_password_is_told(void **state)
{
    struct fixture *fixture = *state;
    check_wrong_login(fixture, ask(fixture, "Basic YWxpY2U6d3Jvbmc=", "GET", "/token"),
                      "incorrect username or password");
    check_wrong_login(fixture,
                      post(fixture, "grant_type=password&username=nobody-here&password=wrong-one"),
                      "incorrect username or password");
}

static void test_token_get__wrong_password_shows_the_way_to_sign_up(void **state)
{
    struct fixture *fixture = *state;
    const char *message = "incorrect username or password; no account yet? sign up at "
                          "http://hub.test:5000/signup";
    check_wrong_login(fixture, ask(fixture, "Basic YWxpY2U6d3Jvbmc=", "GET", "/token"), message);
    check_wrong_login(
        fixture, post(fixture, "grant_type=password&username=alice&password=wrong-one"), message);
}

static void test_token_get__no_token_for_a_token(void **state)
{
    struct fixture *fixture = *state;
    const char *token = bearer(fixture, "alice", NULL);
    check_refused(fixture, ask(fixture, token, "GET", "/token"), 401, "UNAUTHORIZED");
}

static void test_token_get__gives_an_identity_token_when_asked(void **state)
{
    struct fixture *fixture = *state;
    const char *queries[] = { "/token?offline_token=true&client_id=docker",
                              "/token?access_type=offline" };
    for (size_t i = 0; i < ARRAY_COUNT(queries); i++) {
        struct loopback_response *from = ask(fixture, "alice", "GET", queries[i]);
        assert_true(member(fixture, from, "refresh_token").len > 0);
        from = ask(fixture, NULL, "GET", queries[i]);
        check_status(from, 200);
        assert_false(str_is_set(member(fixture, from, "refresh_token")));
    }
}

static void test_token_post__takes_a_password(void **state)
{
    struct fixture *fixture = *state;
    struct loopback_response *from =
        post(fixture, "grant_type=password&username=alice&password=alice-password&service=berth&"
                      "client_id=docker&scope=repository:" APP ":push,pull+registry:catalog:*");
    check_status(from, 200);
    check_str(member(fixture, from, "scope"), "repository:" APP ":pull,push registry:catalog:*");
    assert_true(str_equal(member(fixture, from, "token"), member(fixture, from, "access_token")));
    assert_false(str_is_set(member(fixture, from, "refresh_token")));
    check_header(from, "Cache-Control", "no-store");
}

static void test_token_post__an_identity_token_stands_for_the_password(void **state)
{
    struct fixture *fixture = *state;
    struct loopback_response *from = post(
        fixture, "grant_type=password&username=alice&password=alice-password&access_type=offline");
    check_status(from, 200);
    struct str refresh_token = member(fixture, from, "refresh_token");
    assert_true(refresh_token.len > 0);
    from = post(fixture, text(fixture,
                              "grant_type=refresh_token&refresh_token=%.*s&scope=repository:" APP
                              ":pull,push",
                              STR_ARG(refresh_token)));
    check_status(from, 200);
    check_str(json_get_str(claims(fixture, from), "sub"), "alice");
    check_str(member(fixture, from, "scope"), "repository:" APP ":pull,push");
    check_refused(fixture, post(fixture, "grant_type=refresh_token&refresh_token=berth_rt_no"), 401,
                  "UNAUTHORIZED");
    check_refused(fixture, post(fixture, "grant_type=refresh_token"), 401, "UNAUTHORIZED");
}

static void test_token_post__says_what_ended_a_login(void **state)
{
    struct fixture *fixture = *state;
    struct loopback_response *from =
        post(fixture, "grant_type=refresh_token&refresh_token=berth_rt_no");
    assert_true(holds(from->body, "your login is no longer valid (password changed or account "
                                  "closed): log in again with docker login "));
    assert_true(holds(from->body, "docker login hub.test"));
    assert_false(holds(from->body, "sign up"));
}

static void test_token_post__refuses_other_forms(void **state)
{
    struct fixture *fixture = *state;
    const char *forms[] = { "", "grant_type=magic", "grant_type=password&username=alice",
                            "grant_type=%zz" };
    for (size_t i = 0; i < ARRAY_COUNT(forms); i++)
        check_refused(fixture, post(fixture, forms[i]), 400, "UNSUPPORTED");
    size_t size = HTTP_SMALL_BODY_BYTES_MAX + 1;
    char *bytes = arena_alloc(fixture->arena, size + 1);
    memset(bytes, 'a', size);
    check_refused(fixture, post(fixture, bytes), 413, "SIZE_INVALID");
}

static void test_token_get__bounds_the_scopes(void **state)
{
    struct fixture *fixture = *state;
    struct buf target AUTO(buf_release);
    buf_init(&target, 8192);
    buf_append(&target, STR("/token?scope="));
    for (int i = 0; i <= TOKEN_SCOPE_COUNT_MAX; i++)
        buf_format(&target, "repository:a/b%d:pull+", i);
    check_refused(fixture, ask(fixture, "alice", "GET", arena_c(fixture->arena, buf_str(&target))),
                  413, "SIZE_INVALID");
}

static void test_token_get__locks_out_who_guesses(void **state)
{
    struct fixture *fixture = *state;
    struct loopback_response *from = NULL;
    for (int i = 0; i <= LOGIN_FAILURES_MAX; i++)
        from =
            post(fixture, text(fixture, "grant_type=password&username=alice&password=wrong-%d", i));
    check_refused(fixture, from, 429, "TOOMANYREQUESTS");
    uint64_t seconds = 0;
    assert_true(str_to_u64(loopback_header(from, "Retry-After"), LOGIN_LOCK_S, &seconds));
    assert_true(seconds > 0);
    check_refused(fixture, ask(fixture, "alice", "GET", "/token"), 429, "TOOMANYREQUESTS");
}

static void test_token_get__refuses_an_account_that_is_switched_off(void **state)
{
    struct fixture *fixture = *state;
    const bool no = false;
    struct error err = { 0 };
    struct account_change change = { .is_active = &no };
    assert_true(account_change(fixture->hub, fixture->arena, STR("alice"), &change, &err));
    check_refused(fixture, ask(fixture, "alice", "GET", "/token"), 403, "DENIED");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REGISTRY_TEST(test_token_get__answers_as_documented),
        REGISTRY_TEST(test_token_get__grants_what_is_allowed_of_what_is_asked),
        REGISTRY_TEST(test_token_get__token_works_and_dies),
        REGISTRY_TEST(test_token_get__wrong_password_is_told),
        REGISTRY_TEST_OPEN(test_token_get__wrong_password_shows_the_way_to_sign_up),
        REGISTRY_TEST(test_token_get__no_token_for_a_token),
        REGISTRY_TEST(test_token_get__gives_an_identity_token_when_asked),
        REGISTRY_TEST(test_token_post__takes_a_password),
        REGISTRY_TEST(test_token_post__an_identity_token_stands_for_the_password),
        REGISTRY_TEST_OPEN(test_token_post__says_what_ended_a_login),
        REGISTRY_TEST(test_token_post__refuses_other_forms),
        REGISTRY_TEST(test_token_get__bounds_the_scopes),
        REGISTRY_TEST(test_token_get__locks_out_who_guesses),
        REGISTRY_TEST(test_token_get__refuses_an_account_that_is_switched_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
