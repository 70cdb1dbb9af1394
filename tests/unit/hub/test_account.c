/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/account.h"

#include "base/limits.h"
#include "hub/login.h"
#include "hub_fixture.h"

#include <pthread.h>
#include <stdatomic.h>

static struct account_new person(const char *name, const char *email)
{
    return (struct account_new){
        .name = str_from(name),
        .email = str_from(email),
        .password = STR("correct horse"),
    };
}

static bool add(struct hub_fixture *fixture, const struct account_new *from, struct account *out)
{
    return account_add(fixture->hub, fixture->arena, from, out, &fixture->err);
}

static struct account find(struct hub_fixture *fixture, const char *name)
{
    struct account account;
    struct db_tx *tx AUTO(db_tx_end) = db_read(fixture->hub->db, fixture->arena, &fixture->err);
    assert_non_null(tx);
    assert_true(account_find(tx, str_from(name), &account, &fixture->err));
    return account;
}

/* ---- rules ---- */

static void check_name(const char *name, bool by_administrator, const char *trouble)
{
    struct error err = { 0 };
    bool ok = account_name_check(str_from(name), by_administrator, &err);
    if (!trouble && !ok)
        fail_msg("%s: %s", name, err.message);
    if (!trouble)
        return;
    assert_false(ok);
    check_error(&err, ERROR_INVALID, trouble);
}

static void test_account_name_check__bounds_length_and_characters(void **state)
{
    (void)state;
    check_name("abc", false, "'abc' is too short for a user name: 4 to 30 characters");
    check_name("abcd", false, NULL);
    check_name("a", true, "'a' is too short for a user name: 2 to 30");
    check_name("ab", true, NULL);
    check_name("abcdefghijabcdefghijabcdefghij", false, NULL);
    check_name("abcdefghijabcdefghijabcdefghijk", true, "is too long for a user name");
    check_name("alice_1.x-y", false, NULL);
    check_name("Boss", false, "user names are lower case: did you mean 'boss'?");
    static const char *const others[] = { "Al ice", "al ice", "al/ice",      "alice-",
                                          "-alice", "a..ce",  "al\xC3\xA9s", "al@ce" };
    for (size_t i = 0; i < ARRAY_COUNT(others); i++)
        check_name(others[i], true, "is no user name");
}

static void test_account_name_check__refuses_reserved_words_to_everybody(void **state)
{
    (void)state;
    static const char *const words[] = { "library", "admin",         "v2",         "search",
                                         "berth",   "access-tokens", "api_tokens", "robots.txt" };
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        assert_true(account_name_is_reserved(str_from(words[i])));
        check_name(words[i], true, "is reserved");
    }
    assert_false(account_name_is_reserved(STR("librarian")));
    assert_false(account_name_is_reserved(STR_NONE));
}

static void test_account_email_check__takes_what_mail_servers_take(void **state)
{
    (void)state;
    struct error err = { 0 };
    static const char *const good[] = {
        "a@b",
        "alice@example.org",
        "Alice.Smith+berth@mail.example.org",
        "o'hara@x-y.org",
        "j\xC3\xBCrgen@k\xC3\xB6ln.example",
    };
    for (size_t i = 0; i < ARRAY_COUNT(good); i++)
        assert_true(account_email_check(str_from(good[i]), &err));
    static const char *const bad[] = {
        "",
        "@",
        "alice",
        "@example.org",
        "alice@",
        "a b@example.org",
        "alice@exa mple.org",
        "alice@@example.org",
        ".alice@example.org",
        "alice.@example.org",
        "al..ice@example.org",
        "alice@example..org",
        "alice@.org",
        "alice@example.org.",
        "alice@-x.org",
        "alice@x-.org",
        "alice@x_y.org",
        "alice@example.org\r\nBcc: all",
        "al,ice@example.org",
        "<a@b>",
        "a@b\xFF",
        "\"a b\"@example.org",
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        if (account_email_check(str_from(bad[i]), &err))
            fail_msg("taken: %s", bad[i]);
        check_error(&err, ERROR_INVALID, "is no e-mail address");
    }
    assert_false(account_email_check(STR("a\0b@c"), &err));
    error_clear(&err);
    assert_false(account_email_check(STR_NONE, &err));
}

static void test_account_email_check__bounds_length(void **state)
{
    (void)state;
    struct error err = { 0 };
    char text[300];
    memset(text, 'a', sizeof(text));
    text[64] = '@';
    for (size_t i = 100; i < sizeof(text); i += 36)
        text[i] = '.';
    assert_true(account_email_check((struct str){ text, EMAIL_CHARS_MAX }, &err));
    assert_false(account_email_check((struct str){ text, EMAIL_CHARS_MAX + 1 }, &err));
    error_clear(&err);
    text[64] = 'a';
    text[65] = '@';
    assert_false(account_email_check((struct str){ text, 100 }, &err));
}

/* ---- adding ---- */

static void test_account_add__makes_a_user_who_is_found(void **state)
{
    struct hub_fixture *fixture = *state;
    fixture->hub->signup = SIGNUP_OPEN;
    struct account_new from = person("alice", "Alice@Example.ORG");
    from.full_name = STR("Alice \xC3\x84pfel");
    struct account added, found;
    assert_true(add(fixture, &from, &added));
    found = find(fixture, "alice");
    assert_true(added.id > 0 && added.id == found.id);
    check_str(found.name, "alice");
    check_str(found.email, "alice@example.org");
    check_str(found.full_name, "Alice \xC3\x84pfel");
    assert_int_equal(found.kind, ACCOUNT_USER);
    assert_true(found.is_active && !found.is_admin && !found.default_private);
    assert_int_equal(found.credential_generation, 1);
    assert_true(llabs(found.created_ms - clock_now_ms()) < 60000);
    assert_int_equal(find(fixture, "bob1").id, 0);
    assert_int_equal(find(fixture, "\xFF").id, 0);
}

static void test_account_add__does_not_tell_name_and_email_apart(void **state)
{
    struct hub_fixture *fixture = *state;
    struct account account;
    fixture->hub->signup = SIGNUP_OPEN;
    struct account_new first = person("alice", "alice@example.org");
    struct account_new same_name = person("alice", "other@example.org");
    struct account_new same_email = person("alice2", "ALICE@example.org");
    assert_true(add(fixture, &first, &account));
    assert_false(add(fixture, &same_name, &account));
    assert_string_equal(fixture->err.message, "Username or email already exists");
    check_error(&fixture->err, ERROR_CONFLICT, "Username or email already exists");
    assert_false(add(fixture, &same_email, &account));
    assert_string_equal(fixture->err.message, "Username or email already exists");
    check_error(&fixture->err, ERROR_CONFLICT, "Username or email already exists");
    assert_int_equal(find(fixture, "alice2").id, 0);
}

static void test_account_add__says_taken_whatever_else_is_wrong(void **state)
{
    struct hub_fixture *fixture = *state;
    struct account account;
    (void)hub_fixture_user(fixture, "bo", false);
    struct account_new from = { .name = STR("bo"), .email = STR("none"), .password = STR("short") };
    assert_false(add(fixture, &from, &account));
    check_error(&fixture->err, ERROR_CONFLICT, "Username or email already exists");
}

static void test_account_add__keeps_strangers_out_unless_signup_is_open(void **state)
{
    struct hub_fixture *fixture = *state;
    struct account account;
    struct account_new from = person("alice", "alice@example.org");
    assert_false(add(fixture, &from, &account));
    check_error(&fixture->err, ERROR_DENIED, "sign-up is closed");
    fixture->hub->signup = SIGNUP_INVITE;
    assert_false(add(fixture, &from, &account));
    check_error(&fixture->err, ERROR_DENIED, "by invitation");
    from.by_administrator = true;
    assert_true(add(fixture, &from, &account));
}

static void test_account_add__keeps_the_rules(void **state)
{
    struct hub_fixture *fixture = *state;
    struct account account;
    fixture->hub->signup = SIGNUP_OPEN;
    struct account_new from = person("abc", "alice@example.org");
    assert_false(add(fixture, &from, &account));
    check_error(&fixture->err, ERROR_INVALID, "4 to 30");
    from.by_administrator = true;
    from.password = STR("12345678");
    assert_false(add(fixture, &from, &account));
    check_error(&fixture->err, ERROR_INVALID, "password is too short");
    from.password = STR("123456789");
    from.full_name = STR("two\nlines");
    assert_false(add(fixture, &from, &account));
    check_error(&fixture->err, ERROR_INVALID, "one line");
    from.full_name = STR_NONE;
    assert_true(add(fixture, &from, &account));
    check_str(account.full_name, "");
}

static void test_account_add__stores_no_password(void **state)
{
    struct hub_fixture *fixture = *state;
    (void)hub_fixture_user(fixture, "alice", false);
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM account WHERE password_hash "
                                              "LIKE '$argon2id$%' AND password_hash NOT LIKE "
                                              "'%alice-password%'"),
                     1);
}

/* ---- the first administrator ---- */

static bool add_first(struct hub_fixture *fixture, struct str code, const char *name)
{
    struct account account;
    struct account_new from = person(name, "root@example.org");
    bool ok =
        account_add_first_admin(fixture->hub, fixture->arena, code, &from, &account, &fixture->err);
    assert_true(!ok || account.is_admin);
    return ok;
}

static struct str setup_code(struct hub_fixture *fixture)
{
    struct str code;
    assert_true(account_setup_code(fixture->hub, fixture->arena, &code, &fixture->err));
    return code;
}

static void test_account_setup_code__stays_the_same_until_used(void **state)
{
    struct hub_fixture *fixture = *state;
    struct str code = setup_code(fixture);
    assert_int_equal(code.len, 32);
    assert_true(str_equal(code, setup_code(fixture)));
    assert_true(add_first(fixture, code, "anna"));
    assert_false(str_is_set(setup_code(fixture)));
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM site"), 0);
}

static void test_account_add_first_admin__works_once_and_with_the_code_only(void **state)
{
    struct hub_fixture *fixture = *state;
    assert_false(add_first(fixture, STR_NONE, "anna"));
    check_error(&fixture->err, ERROR_DENIED, "set-up code is wrong");
    struct str code = setup_code(fixture);
    static const struct str wrong[] = { { NULL, 0 },
                                        { "", 0 },
                                        { "0123456789abcdef0123456789abcdef", 32 } };
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        assert_false(add_first(fixture, wrong[i], "anna"));
        check_error(&fixture->err, ERROR_DENIED, "set-up code is wrong");
    }
    assert_false(add_first(fixture, str_slice(code, 0, 31), "anna"));
    check_error(&fixture->err, ERROR_DENIED, "set-up code is wrong");

    /* A mistake in the form does not use the code up. */
    assert_false(add_first(fixture, code, "no good"));
    check_error(&fixture->err, ERROR_INVALID, "no user name");
    assert_true(add_first(fixture, code, "anna"));
    assert_false(add_first(fixture, code, "otto"));
    check_error(&fixture->err, ERROR_DENIED, "used already");
    assert_int_equal(find(fixture, "otto").id, 0);
}

static void test_account_add_first_admin__is_not_for_a_site_that_has_one(void **state)
{
    struct hub_fixture *fixture = *state;
    (void)hub_fixture_user(fixture, "anna", true);
    (void)hub_fixture_sql(fixture, "INSERT INTO site VALUES ('setup_code', 'left-over')");
    assert_false(add_first(fixture, STR("left-over"), "otto"));
    check_error(&fixture->err, ERROR_DENIED, "used already");
}

/* A transaction that writes until it is told to end, or loses patience. */
struct occupying {
    struct hub *hub;
    atomic_bool is_inside, may_end, lost_patience;
};

static bool occupy_body(struct db_tx *tx, void *context, struct error *err)
{
    (void)tx;
    (void)err;
    struct occupying *occupying = context;
    atomic_store(&occupying->is_inside, true);
    for (int i = 0; i < 300 && !atomic_load(&occupying->may_end); i++)
        (void)usleep(10000);
    atomic_store(&occupying->lost_patience, !atomic_load(&occupying->may_end));
    return true;
}

static void *occupy(void *argument)
{
    struct occupying *occupying = argument;
    struct arena *arena AUTO(arena_free) = arena_new();
    struct error err = { 0 };
    bool ok = db_write(occupying->hub->db, arena, occupy_body, occupying, &err);
    assert(ok);
    (void)ok;
    return NULL;
}

/* The start page asks for it, whoever looks. */
static void test_account_setup_code__waits_for_no_writer_once_it_is_there(void **state)
{
    struct hub_fixture *fixture = *state;
    struct occupying occupying = { .hub = fixture->hub };
    struct str code = setup_code(fixture);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, occupy, &occupying), 0);
    while (!atomic_load(&occupying.is_inside))
        (void)usleep(1000);
    struct str again = setup_code(fixture);
    atomic_store(&occupying.may_end, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(str_equal(code, again));
    assert_false(atomic_load(&occupying.lost_patience));
}

static void test_account_setup_code__ends_with_any_administrator(void **state)
{
    struct hub_fixture *fixture = *state;
    struct str code = setup_code(fixture);
    (void)hub_fixture_user(fixture, "anna", true);
    assert_false(add_first(fixture, code, "otto"));
    check_error(&fixture->err, ERROR_DENIED, "used already");
    assert_false(str_is_set(setup_code(fixture)));
}

/* ---- changing ---- */

static bool change(struct hub_fixture *fixture, const char *name, struct account_change with)
{
    return account_change(fixture->hub, fixture->arena, str_from(name), &with, &fixture->err);
}

static void test_account_change__changes_what_is_set_only(void **state)
{
    struct hub_fixture *fixture = *state;
    const bool yes = true;
    struct account before = hub_fixture_user(fixture, "alice", false);
    assert_true(change(fixture, "alice", (struct account_change){ .full_name = STR("Alice") }));
    assert_true(change(fixture, "alice", (struct account_change){ .default_private = &yes }));
    assert_true(change(fixture, "alice", (struct account_change){ .email = STR("A@New.org") }));
    struct account after = find(fixture, "alice");
    check_str(after.full_name, "Alice");
    check_str(after.email, "a@new.org");
    assert_true(after.default_private && after.is_active && !after.is_admin);
    assert_int_equal(after.credential_generation, before.credential_generation);
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM account WHERE name = 'alice' "
                                              "AND password_hash LIKE '$argon2id$%'"),
                     1);
}

static void test_account_change__ends_tokens_with_password_and_activity(void **state)
{
    struct hub_fixture *fixture = *state;
    const bool yes = true, no = false;
    struct account alice = hub_fixture_user(fixture, "alice", false), ignored;
    struct str token;
    assert_true(refresh_token_issue(fixture->hub, fixture->arena, &alice, STR("docker"), &token,
                                    &fixture->err));
    assert_true(change(fixture, "alice", (struct account_change){ .is_active = &yes }));
    assert_int_equal(find(fixture, "alice").credential_generation, 1); /* nothing changed */
    assert_true(
        change(fixture, "alice", (struct account_change){ .password = STR("new-password") }));
    assert_int_equal(find(fixture, "alice").credential_generation, 2);
    assert_false(refresh_token_check(fixture->hub, fixture->arena, token, &ignored, &fixture->err));
    check_error(&fixture->err, ERROR_UNAUTHENTICATED, "no longer valid");
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM refresh_token"), 0);
    assert_true(change(fixture, "alice", (struct account_change){ .is_active = &no }));
    assert_int_equal(find(fixture, "alice").credential_generation, 3);
    assert_false(find(fixture, "alice").is_active);
    assert_true(change(fixture, "alice", (struct account_change){ .is_active = &yes }));
    assert_int_equal(find(fixture, "alice").credential_generation, 4);
}

static void test_account_change__forgets_failures_with_a_new_password(void **state)
{
    struct hub_fixture *fixture = *state;
    (void)hub_fixture_user(fixture, "alice", false);
    const char *mark = test_database_byte();
    (void)hub_fixture_sql(fixture, arena_format(fixture->arena,
                                                "INSERT INTO login_failure VALUES "
                                                "('alice', '10.0.0.1', 0, %s, 0, 99999999999999), "
                                                "('alice@example.org', '10.0.0.1', 3, %s, 0, 0), "
                                                "('bob', '10.0.0.1', 3, %s, 0, 0)",
                                                mark, mark, mark)
                                       .ptr);
    assert_true(
        change(fixture, "alice", (struct account_change){ .password = STR("new-password") }));
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM login_failure"), 1);
}

static void test_account_change__refuses_what_breaks_a_rule(void **state)
{
    struct hub_fixture *fixture = *state;
    const bool yes = true;
    (void)hub_fixture_user(fixture, "alice", false);
    (void)hub_fixture_user(fixture, "bobby", false);
    assert_false(change(fixture, "nobody1", (struct account_change){ .full_name = STR("X") }));
    check_error(&fixture->err, ERROR_NOT_FOUND, "there is no account 'nobody1'");
    assert_false(
        change(fixture, "bobby", (struct account_change){ .email = STR("ALICE@example.org") }));
    check_error(&fixture->err, ERROR_CONFLICT, "another account has this e-mail");
    assert_true(
        change(fixture, "bobby", (struct account_change){ .email = STR("bobby@example.org") }));
    assert_false(change(fixture, "bobby", (struct account_change){ .password = STR("short") }));
    check_error(&fixture->err, ERROR_INVALID, "too short");
    assert_false(change(fixture, "bobby", (struct account_change){ .email = STR("x") }));
    check_error(&fixture->err, ERROR_INVALID, "no e-mail address");
    assert_false(change(fixture, "library", (struct account_change){ .is_admin = &yes }));
    check_error(&fixture->err, ERROR_INVALID, "is an organization");
    assert_false(
        change(fixture, "library", (struct account_change){ .password = STR("123456789") }));
    check_error(&fixture->err, ERROR_INVALID, "is an organization");
}

static void test_account_change__leaves_an_administrator(void **state)
{
    struct hub_fixture *fixture = *state;
    const bool yes = true, no = false;
    (void)hub_fixture_user(fixture, "anna", true);
    (void)hub_fixture_user(fixture, "otto", false);
    assert_false(change(fixture, "anna", (struct account_change){ .is_admin = &no }));
    check_error(&fixture->err, ERROR_CONFLICT, "anna is the last administrator");
    assert_false(change(fixture, "anna", (struct account_change){ .is_active = &no }));
    check_error(&fixture->err, ERROR_CONFLICT, "anna is the last administrator");
    assert_true(change(fixture, "otto", (struct account_change){ .is_admin = &yes }));
    assert_true(change(fixture, "anna", (struct account_change){ .is_admin = &no }));
    assert_false(find(fixture, "anna").is_admin);
}

static void test_account_change__changes_nothing_when_the_database_fails(void **state)
{
    struct hub_fixture *fixture = *state;
    struct account_change with = { .password = STR("new-password"), .email = STR("new@x.org") };
    (void)hub_fixture_user(fixture, "alice", false);
    int failures = 0;
    for (unsigned nth = 1; nth < 20; nth++) {
        db_fail_nth_for_test(nth);
        bool ok = change(fixture, "alice", with);
        db_fail_nth_for_test(0);
        if (ok)
            break;
        check_error(&fixture->err, ERROR_UNAVAILABLE, "");
        struct account account = find(fixture, "alice");
        assert_int_equal(account.credential_generation, 1);
        check_str(account.email, "alice@example.org");
        failures++;
    }
    assert_true(failures >= 5);
    assert_int_equal(find(fixture, "alice").credential_generation, 2);
}

/* ---- lists ---- */

static void test_account_list__pages_by_name(void **state)
{
    struct hub_fixture *fixture = *state;
    struct account *accounts;
    size_t count;
    (void)hub_fixture_user(fixture, "carol", false);
    (void)hub_fixture_user(fixture, "alice", false);
    (void)hub_fixture_user(fixture, "bobby", false);
    assert_true(
        account_list(fixture->hub, fixture->arena, STR_NONE, 2, &accounts, &count, &fixture->err));
    assert_int_equal(count, 2);
    check_str(accounts[0].name, "alice");
    check_str(accounts[1].name, "bobby");
    assert_true(account_list(fixture->hub, fixture->arena, STR("bobby"), 1000000, &accounts, &count,
                             &fixture->err));
    assert_int_equal(count, 2);
    check_str(accounts[0].name, "carol");
    check_str(accounts[1].name, "library");
    assert_int_equal(accounts[1].kind, ACCOUNT_ORGANIZATION);
    assert_false(str_is_set(accounts[1].email));
    assert_true(account_list(fixture->hub, fixture->arena, STR("library"), 0, &accounts, &count,
                             &fixture->err));
    assert_int_equal(count, 0);
}

static void test_account_signup_address__follows_the_settings(void **state)
{
    struct hub_fixture *fixture = *state;
    struct hub hub = { .signup = SIGNUP_CLOSED };
    struct str origin = STR("http://localhost:5000");
    assert_false(str_is_set(account_signup_address(&hub, fixture->arena, origin)));
    hub.signup = SIGNUP_OPEN;
    check_str(account_signup_address(&hub, fixture->arena, origin), "http://localhost:5000/signup");
    hub.url = STR("https://hub.example.org");
    check_str(account_signup_address(&hub, fixture->arena, origin),
              "https://hub.example.org/signup");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_account_name_check__bounds_length_and_characters),
        cmocka_unit_test(test_account_name_check__refuses_reserved_words_to_everybody),
        cmocka_unit_test(test_account_email_check__takes_what_mail_servers_take),
        cmocka_unit_test(test_account_email_check__bounds_length),
        HUB_TEST(test_account_add__makes_a_user_who_is_found),
        HUB_TEST(test_account_add__does_not_tell_name_and_email_apart),
        HUB_TEST(test_account_add__says_taken_whatever_else_is_wrong),
        HUB_TEST(test_account_add__keeps_strangers_out_unless_signup_is_open),
        HUB_TEST(test_account_add__keeps_the_rules),
        HUB_TEST(test_account_add__stores_no_password),
        HUB_TEST(test_account_setup_code__stays_the_same_until_used),
        HUB_TEST(test_account_add_first_admin__works_once_and_with_the_code_only),
        HUB_TEST(test_account_add_first_admin__is_not_for_a_site_that_has_one),
        HUB_TEST(test_account_setup_code__waits_for_no_writer_once_it_is_there),
        HUB_TEST(test_account_setup_code__ends_with_any_administrator),
        HUB_TEST(test_account_change__changes_what_is_set_only),
        HUB_TEST(test_account_change__ends_tokens_with_password_and_activity),
        HUB_TEST(test_account_change__forgets_failures_with_a_new_password),
        HUB_TEST(test_account_change__refuses_what_breaks_a_rule),
        HUB_TEST(test_account_change__leaves_an_administrator),
        HUB_TEST(test_account_change__changes_nothing_when_the_database_fails),
        HUB_TEST(test_account_list__pages_by_name),
        HUB_TEST(test_account_signup_address__follows_the_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
