/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/login.h"

#include "base/limits.h"
#include "base/log.h"
#include "hub/password.h"
#include "hub_fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define HERE "10.0.0.1"

static struct account someone;

static bool login_from(struct hub_fixture *fixture, const char *name, const char *secret,
                       const char *address)
{
    struct arena *arena AUTO(arena_free) = arena_new();
    struct account account;
    bool ok = login_check(fixture->hub, arena, str_from(name), str_from(secret), str_from(address),
                          &account, &fixture->err);
    if (ok)
        someone = (struct account){ .id = account.id };
    return ok;
}

static bool login(struct hub_fixture *fixture, const char *name, const char *secret)
{
    return login_from(fixture, name, secret, HERE);
}

static void check_wrong(struct hub_fixture *fixture, const char *name, const char *secret)
{
    assert_false(login(fixture, name, secret));
    check_error(&fixture->err, ERROR_UNAUTHENTICATED, "incorrect username or password");
}

static void change(struct hub_fixture *fixture, const char *name, struct account_change with)
{
    assert_true(account_change(fixture->hub, fixture->arena, str_from(name), &with, &fixture->err));
}

/* Failures so far, without waiting for them. */
static void have_failed(struct hub_fixture *fixture, const char *name, const char *address,
                        int count)
{
    struct str sql =
        arena_format(fixture->arena,
                     "INSERT INTO login_failure VALUES ('%s', '%s', %d, %s, %lld, 0) "
                     "ON CONFLICT (name, address) DO UPDATE SET "
                     "failure_count = excluded.failure_count, "
                     "last_mark = excluded.last_mark, last_ms = excluded.last_ms, "
                     "locked_until_ms = excluded.locked_until_ms",
                     name, address, count, test_database_byte(), (long long)clock_now_ms());
    (void)hub_fixture_sql(fixture, sql.ptr);
}

static int64_t failures_of(struct hub_fixture *fixture, const char *name, const char *address)
{
    struct str sql = arena_format(fixture->arena,
                                  "SELECT failure_count FROM login_failure WHERE name = '%s' AND "
                                  "address = '%s'",
                                  name, address);
    return hub_fixture_sql(fixture, sql.ptr);
}

/* ---- passwords ---- */

static void test_login_check__takes_name_or_email_in_any_case(void **state)
{
    struct hub_fixture *fixture = *state;
    struct account alice = hub_fixture_user(fixture, "alice", false);
    static const char *const names[] = { "alice", "Alice", "alice@example.org",
                                         "ALICE@Example.org" };
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        someone.id = 0;
        assert_true(login(fixture, names[i], "alice-password"));
        assert_int_equal(someone.id, alice.id);
    }
}

static void test_login_check__refuses_everybody_else_alike(void **state)
{
    struct hub_fixture *fixture = *state;
    (void)hub_fixture_user(fixture, "alice", false);
    (void)hub_fixture_user(fixture, "bobby", false);
    check_wrong(fixture, "alice", "bobby-password");
    check_wrong(fixture, "nobody1", "alice-password");
    check_wrong(fixture, "nobody@example.org", "alice-password");
    check_wrong(fixture, "library", "");
    check_wrong(fixture, "", "alice-password");
    check_wrong(fixture, "alice\xFF", "alice-password");
    check_wrong(fixture, "alice", "");
    char name[EMAIL_CHARS_MAX + 2];
    memset(name, 'a', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    check_wrong(fixture, name, "alice-password");
}

static void test_login_check__says_that_an_account_is_off_to_its_owner_only(void **state)
{
    struct hub_fixture *fixture = *state;
    const bool no = false;
    (void)hub_fixture_user(fixture, "alice", false);
    assert_true(login(fixture, "alice", "alice-password"));
    change(fixture, "alice", (struct account_change){ .is_active = &no });
    check_wrong(fixture, "alice", "wrong");
    assert_false(login(fixture, "alice", "alice-password"));
    check_error(&fixture->err, ERROR_DENIED, "not active");
}

/* ---- locks ---- */

static void test_login_check__locks_after_ten_different_passwords(void **state)
{
    struct hub_fixture *fixture = *state;
    (void)hub_fixture_user(fixture, "alice", false);
    have_failed(fixture, "alice", HERE, LOGIN_FAILURES_MAX - 2);
    check_wrong(fixture, "alice", "ninth");
    check_wrong(fixture, "alice", "tenth");
    assert_false(login(fixture, "alice", "alice-password"));
    assert_true(fixture->err.retry_after_s > LOGIN_LOCK_S - 10 &&
                fixture->err.retry_after_s <= LOGIN_LOCK_S);
    check_error(&fixture->err, ERROR_TOO_MANY, "try again in 10 minutes");

    /* By another name or from elsewhere it is another matter. */
    assert_true(login_from(fixture, "alice", "alice-password", "10.0.0.2"));
    check_wrong(fixture, "bobby", "anything");
    hub_fixture_later(fixture, (LOGIN_LOCK_S + 1) * 1000);
    assert_true(login(fixture, "alice", "alice-password"));
    assert_int_equal(failures_of(fixture, "alice", HERE), 0);
}

static void test_login_check__logs_a_lock_once(void **state)
{
    struct hub_fixture *fixture = *state;
    char bytes[8192];
    FILE *log = tmpfile();
    assert_non_null(log);
    (void)hub_fixture_user(fixture, "alice", false);
    have_failed(fixture, "alice", HERE, LOGIN_FAILURES_MAX - 2);
    log_configure(LOG_WARN, LOG_TEXT, fileno(log));
    for (int i = 0; i < 4; i++) {
        char password[16];
        snprintf(password, sizeof(password), "guess-%d", i);
        assert_false(login(fixture, "alice", password));
        error_clear(&fixture->err);
    }
    log_configure(LOG_INFO, LOG_TEXT, STDERR_FILENO);
    rewind(log);
    size_t size = fread(bytes, 1, sizeof(bytes) - 1, log);
    bytes[size] = 0;
    fclose(log);
    const char *line = strstr(bytes, "login_locked");
    assert_non_null(line);
    assert_non_null(strstr(line, "name=alice"));
    assert_non_null(strstr(line, "seconds="));
    assert_null(strstr(line + 1, "login_locked"));
}

static void test_login_check__locks_names_that_do_not_exist_as_well(void **state)
{
    struct hub_fixture *fixture = *state;
    have_failed(fixture, "nobody1", HERE, LOGIN_FAILURES_MAX - 1);
    check_wrong(fixture, "Nobody1", "tenth");
    assert_false(login(fixture, "nobody1", "eleventh"));
    check_error(&fixture->err, ERROR_TOO_MANY, "too many wrong passwords");
}

static void test_login_check__does_not_count_the_same_password_again(void **state)
{
    struct hub_fixture *fixture = *state;
    (void)hub_fixture_user(fixture, "alice", false);
    for (int i = 0; i < 3; i++)
        check_wrong(fixture, "alice", "same-wrong-one");
    assert_int_equal(failures_of(fixture, "alice", HERE), 1);
    assert_int_equal(failures_of(fixture, "", HERE), 1);
    check_wrong(fixture, "alice", "another");
    check_wrong(fixture, "alice", "same-wrong-one");
    assert_int_equal(failures_of(fixture, "alice", HERE), 3);
}

static void test_login_check__forgets_failures_in_time_and_by_a_success(void **state)
{
    struct hub_fixture *fixture = *state;
    (void)hub_fixture_user(fixture, "alice", false);
    have_failed(fixture, "alice", HERE, LOGIN_FAILURES_MAX - 1);
    hub_fixture_later(fixture, LOGIN_LOCK_S * 1000);
    check_wrong(fixture, "alice", "wrong");
    assert_int_equal(failures_of(fixture, "alice", HERE), 1);
    assert_true(login(fixture, "alice", "alice-password"));
    assert_int_equal(failures_of(fixture, "alice", HERE), 0);
    assert_int_equal(failures_of(fixture, "", HERE), 1); /* no success clears the address */
}

static void test_login_check__locks_an_address_after_a_hundred(void **state)
{
    struct hub_fixture *fixture = *state;
    (void)hub_fixture_user(fixture, "alice", false);
    have_failed(fixture, "", HERE, LOGIN_FAILURES_PER_ADDRESS_MAX - 1);
    check_wrong(fixture, "someone", "the hundredth");
    assert_false(login(fixture, "alice", "alice-password"));
    check_error(&fixture->err, ERROR_TOO_MANY, "too many wrong passwords");
    assert_true(login_from(fixture, "alice", "alice-password", "10.0.0.2"));

    /* What many people share cools down evenly: half of the window takes half of the count. */
    have_failed(fixture, "", HERE, 80);
    hub_fixture_later(fixture, LOGIN_LOCK_S * 500);
    check_wrong(fixture, "someone", "another");
    assert_int_equal(failures_of(fixture, "", HERE), 31);
}

static void test_login_check__counts_an_ipv6_network_as_one_address(void **state)
{
    struct hub_fixture *fixture = *state;
    assert_false(login_from(fixture, "alice", "one", "2001:db8:1:2:3:4:5:6"));
    error_clear(&fixture->err);
    assert_false(login_from(fixture, "alice", "two", "2001:db8:1:2::1"));
    error_clear(&fixture->err);
    assert_int_equal(failures_of(fixture, "alice", "2001:db8:1:2::"), 2);
    assert_false(login_from(fixture, "alice", "three", "::ffff:10.0.0.1"));
    error_clear(&fixture->err);
    assert_int_equal(failures_of(fixture, "alice", HERE), 1);
}

static void test_login_check__answers_later_and_later(void **state)
{
    struct hub_fixture *fixture = *state;
    have_failed(fixture, "alice", HERE, 3);
    int64_t from_ms = clock_monotonic_ms();
    check_wrong(fixture, "alice", "fourth");
    assert_true(clock_monotonic_ms() - from_ms >= 400);
}

enum { GUESSES_AT_ONCE = 12 };

struct guess {
    struct hub_fixture *fixture;
    pthread_barrier_t *start;
    int number;
    enum error_kind answer;
};

static void *guess_run(void *argument)
{
    struct guess *guess = argument;
    struct arena *arena AUTO(arena_free) = arena_new();
    struct account account;
    struct error err = { 0 };
    struct str secret = arena_format(arena, "guess-number-%d", guess->number);
    (void)pthread_barrier_wait(guess->start);
    bool ok =
        login_check(guess->fixture->hub, arena, STR("alice"), secret, STR(HERE), &account, &err);
    guess->answer = ok ? ERROR_NONE : err.kind;
    error_clear(&err);
    return NULL;
}

/* They all find the door open; only as many as are left to ten may learn anything. */
static void test_login_check__answers_no_more_guesses_for_being_asked_at_once(void **state)
{
    struct hub_fixture *fixture = *state;
    (void)hub_fixture_user(fixture, "alice", false);
    have_failed(fixture, "alice", HERE, LOGIN_FAILURES_MAX - 2);
    pthread_barrier_t start;
    pthread_t threads[GUESSES_AT_ONCE];
    struct guess guesses[GUESSES_AT_ONCE];
    assert_int_equal(pthread_barrier_init(&start, NULL, GUESSES_AT_ONCE), 0);
    for (int i = 0; i < GUESSES_AT_ONCE; i++) {
        guesses[i] = (struct guess){ .fixture = fixture, .start = &start, .number = i };
        assert_int_equal(pthread_create(&threads[i], NULL, guess_run, &guesses[i]), 0);
    }
    int answered = 0, locked = 0;
    for (int i = 0; i < GUESSES_AT_ONCE; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        answered += guesses[i].answer == ERROR_UNAUTHENTICATED;
        locked += guesses[i].answer == ERROR_TOO_MANY;
    }
    assert_int_equal(pthread_barrier_destroy(&start), 0);
    assert_int_equal(answered, 2);
    assert_int_equal(locked, GUESSES_AT_ONCE - 2);
}

/* A client with an old password never stops: it must cost neither threads nor argon2. */
static void test_login_check__neither_computes_nor_delays_the_same_password_again(void **state)
{
    struct hub_fixture *fixture = *state;
    (void)hub_fixture_user(fixture, "alice", false);
    have_failed(fixture, "alice", HERE, 3);
    check_wrong(fixture, "alice", "same-wrong-one");
    int64_t from_ms = clock_monotonic_ms();
    for (int i = 0; i < 20; i++)
        check_wrong(fixture, "alice", "same-wrong-one");
    assert_in_range(clock_monotonic_ms() - from_ms, 0, 20 * 400 - 1);
    /* From elsewhere it counts. */
    assert_false(login_from(fixture, "alice", "same-wrong-one", "10.0.0.2"));
    error_clear(&fixture->err);
    assert_int_equal(failures_of(fixture, "alice", "10.0.0.2"), 1);
}

static void test_login_check__takes_at_once_what_was_wrong_before_a_change(void **state)
{
    struct hub_fixture *fixture = *state;
    check_wrong(fixture, "alice", "alice-password");
    (void)hub_fixture_user(fixture, "alice", false);
    assert_true(login(fixture, "alice", "alice-password"));
    check_wrong(fixture, "alice", "new-password");
    change(fixture, "alice", (struct account_change){ .password = STR("new-password") });
    assert_true(login(fixture, "alice", "new-password"));
    check_wrong(fixture, "new@example.org", "new-password");
    change(fixture, "alice", (struct account_change){ .email = STR("new@example.org") });
    assert_true(login(fixture, "new@example.org", "new-password"));
}

/* ---- remembered passwords ---- */

static void test_login_check__remembers_a_good_password_for_a_minute(void **state)
{
    struct hub_fixture *fixture = *state;
    (void)hub_fixture_user(fixture, "alice", false);
    assert_true(login(fixture, "alice", "alice-password"));
    /* What is remembered is not computed: the stored hash is not even looked at. */
    (void)hub_fixture_sql(fixture, "UPDATE account SET password_hash = 'broken' WHERE id > 1");
    assert_true(login(fixture, "alice", "alice-password"));
    assert_false(login(fixture, "alice@example.org", "alice-password"));
    check_error(&fixture->err, ERROR_INTERNAL, "");
    hub_fixture_later(fixture, BASIC_LOGIN_REMEMBERED_S * 1000);
    assert_false(login(fixture, "alice", "alice-password"));
    check_error(&fixture->err, ERROR_INTERNAL, "");
}

static void test_login_check__forgets_it_with_the_password(void **state)
{
    struct hub_fixture *fixture = *state;
    (void)hub_fixture_user(fixture, "alice", false);
    assert_true(login(fixture, "alice", "alice-password"));
    change(fixture, "alice", (struct account_change){ .password = STR("new-password") });
    check_wrong(fixture, "alice", "alice-password");
    assert_true(login(fixture, "alice", "new-password"));
}

static void test_login_check__forgets_an_email_address_that_went_elsewhere(void **state)
{
    struct hub_fixture *fixture = *state;
    (void)hub_fixture_user(fixture, "alice", false);
    assert_true(login(fixture, "alice@example.org", "alice-password"));
    change(fixture, "alice", (struct account_change){ .email = STR("a@example.org") });
    check_wrong(fixture, "alice@example.org", "alice-password");
}

static void test_login_check__remembers_through_a_lock(void **state)
{
    struct hub_fixture *fixture = *state;
    (void)hub_fixture_user(fixture, "alice", false);
    assert_true(login(fixture, "alice", "alice-password"));
    have_failed(fixture, "alice", HERE, LOGIN_FAILURES_MAX - 1);
    check_wrong(fixture, "alice", "tenth");
    assert_true(login(fixture, "alice", "alice-password"));
}

static void test_login_check__keeps_many_people_apart(void **state)
{
    struct hub_fixture *fixture = *state;
    enum { PEOPLE = 60 };
    struct str hash;
    assert_true(password_hash(fixture->arena, STR("one-for-all"), &hash, &fixture->err));
    for (int i = 0; i < PEOPLE; i++) {
        struct str sql = arena_format(fixture->arena,
                                      "INSERT INTO account (kind, name, password_hash, created_ms) "
                                      "VALUES (1, 'user%d', '%.*s', 0)",
                                      i, STR_ARG(hash));
        (void)hub_fixture_sql(fixture, sql.ptr);
    }
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < PEOPLE; i++)
            assert_true(
                login(fixture, arena_format(fixture->arena, "user%d", i).ptr, "one-for-all"));
    }
}

/* ---- identity tokens ---- */

static struct str issue(struct hub_fixture *fixture, const struct account *account)
{
    struct str token;
    assert_true(refresh_token_issue(fixture->hub, fixture->arena, account, STR("docker"), &token,
                                    &fixture->err));
    return token;
}

static bool check_token(struct hub_fixture *fixture, struct str token)
{
    struct account account = { 0 };
    bool ok = refresh_token_check(fixture->hub, fixture->arena, token, &account, &fixture->err);
    if (ok)
        check_str(account.name, "alice");
    return ok;
}

static void test_refresh_token_issue__gives_what_only_its_hash_is_kept_of(void **state)
{
    struct hub_fixture *fixture = *state;
    struct account alice = hub_fixture_user(fixture, "alice", false);
    struct str token = issue(fixture, &alice), other = issue(fixture, &alice);
    assert_true(str_starts(token, STR("berth_rt_")));
    assert_int_equal(token.len, 9 + 43);
    assert_false(str_equal(token, other));
    assert_true(check_token(fixture, token) && check_token(fixture, other));
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM refresh_token WHERE "
                                              "length(hash) = 32 AND client = 'docker'"),
                     2);
}

static void test_refresh_token_check__refuses_what_it_did_not_issue(void **state)
{
    struct hub_fixture *fixture = *state;
    struct account alice = hub_fixture_user(fixture, "alice", false);
    struct str token = issue(fixture, &alice);
    struct str changed = arena_format(fixture->arena, "%.*sX", STR_ARG(str_slice(token, 0, 51)));
    struct str others[] = {
        changed,
        str_slice(token, 0, 51),
        str_after(token, 9),
        arena_format(fixture->arena, "%.*sX", STR_ARG(token)),
        STR("berth_rt_"),
        STR_NONE,
    };
    for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
        if (str_equal(others[i], token))
            continue; /* it ended in X */
        assert_false(check_token(fixture, others[i]));
        check_error(&fixture->err, ERROR_UNAUTHENTICATED, "no longer valid");
    }
}

static void test_refresh_token_check__ends_half_a_year_after_its_last_use(void **state)
{
    struct hub_fixture *fixture = *state;
    struct account alice = hub_fixture_user(fixture, "alice", false);
    struct str token = issue(fixture, &alice);
    for (int i = 0; i < 3; i++) {
        hub_fixture_later(fixture, REFRESH_TOKEN_LIFE_S * 1000LL - 1000);
        assert_true(check_token(fixture, token));
    }
    hub_fixture_later(fixture, REFRESH_TOKEN_LIFE_S * 1000LL);
    assert_false(check_token(fixture, token));
    check_error(&fixture->err, ERROR_UNAUTHENTICATED, "no longer valid");
}

static void
test_refresh_token_check__refuses_one_issued_after_its_password_had_changed(void **state)
{
    struct hub_fixture *fixture = *state;
    struct account before = hub_fixture_user(fixture, "alice", false);
    change(fixture, "alice", (struct account_change){ .password = STR("new-password") });
    assert_false(check_token(fixture, issue(fixture, &before)));
    check_error(&fixture->err, ERROR_UNAUTHENTICATED, "no longer valid");
}

static void test_refresh_token_check__notes_a_use_once_an_hour(void **state)
{
    struct hub_fixture *fixture = *state;
    struct account alice = hub_fixture_user(fixture, "alice", false);
    struct str token = issue(fixture, &alice);
    const char *is_noted = "SELECT used_ms > created_ms FROM refresh_token";
    hub_fixture_later(fixture, 3500 * 1000);
    assert_true(check_token(fixture, token));
    assert_int_equal(hub_fixture_sql(fixture, is_noted), 0);
    hub_fixture_later(fixture, 200 * 1000);
    assert_true(check_token(fixture, token));
    assert_int_equal(hub_fixture_sql(fixture, is_noted), 1);
}

static void test_refresh_token_issue__keeps_a_bounded_number(void **state)
{
    struct hub_fixture *fixture = *state;
    struct account alice = hub_fixture_user(fixture, "alice", false);
    struct account bobby = hub_fixture_user(fixture, "bobby", false);
    struct str first = issue(fixture, &alice), second = issue(fixture, &alice);
    (void)issue(fixture, &bobby);
    for (int i = 2; i < REFRESH_TOKENS_PER_ACCOUNT_MAX; i++)
        (void)issue(fixture, &alice);
    assert_true(check_token(fixture, first));
    (void)issue(fixture, &alice);
    assert_false(check_token(fixture, first));
    check_error(&fixture->err, ERROR_UNAUTHENTICATED, "");
    assert_true(check_token(fixture, second));
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM refresh_token"),
                     REFRESH_TOKENS_PER_ACCOUNT_MAX + 1);
}

static void test_refresh_token_issue__cuts_what_the_client_calls_itself(void **state)
{
    struct hub_fixture *fixture = *state;
    struct account alice = hub_fixture_user(fixture, "alice", false);
    struct str token, clients[] = { STR_NONE, STR("\xFF"), STR("") };
    char endless[1000];
    memset(endless, 'x', sizeof(endless));
    for (size_t i = 0; i < ARRAY_COUNT(clients); i++)
        assert_true(refresh_token_issue(fixture->hub, fixture->arena, &alice, clients[i], &token,
                                        &fixture->err));
    assert_true(refresh_token_issue(fixture->hub, fixture->arena, &alice,
                                    (struct str){ endless, sizeof(endless) }, &token,
                                    &fixture->err));
    assert_int_equal(hub_fixture_sql(fixture, "SELECT max(length(client)) FROM refresh_token"),
                     CLIENT_NAME_BYTES_MAX);
}

static void test_login_check__takes_an_identity_token_of_the_same_account(void **state)
{
    struct hub_fixture *fixture = *state;
    struct account alice = hub_fixture_user(fixture, "alice", false);
    struct str token = issue(fixture, &alice);
    static const char *const names[] = { "alice", "Alice@example.org", "", "<token>",
                                         "00000000-0000-0000-0000-000000000000" };
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        assert_true(login(fixture, names[i], token.ptr));
        assert_int_equal(someone.id, alice.id);
    }
    check_wrong(fixture, "bobby", token.ptr);
    assert_false(login(fixture, "alice", "berth_rt_nothing"));
    check_error(&fixture->err, ERROR_UNAUTHENTICATED, "no longer valid");
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM login_failure"), 0);
}

static void test_login_sweep__removes_what_is_past(void **state)
{
    struct hub_fixture *fixture = *state;
    struct account alice = hub_fixture_user(fixture, "alice", false);
    (void)issue(fixture, &alice);
    have_failed(fixture, "alice", HERE, 3);
    assert_true(login_sweep(fixture->hub, fixture->arena, &fixture->err));
    assert_int_equal(failures_of(fixture, "alice", HERE), 3);
    hub_fixture_later(fixture, (LOGIN_LOCK_S + 1) * 1000);
    assert_true(login_sweep(fixture->hub, fixture->arena, &fixture->err));
    assert_int_equal(failures_of(fixture, "alice", HERE), 0);
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM refresh_token"), 1);
    hub_fixture_later(fixture, REFRESH_TOKEN_LIFE_S * 1000LL);
    assert_true(login_sweep(fixture->hub, fixture->arena, &fixture->err));
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM refresh_token"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(test_login_check__takes_name_or_email_in_any_case),
        HUB_TEST(test_login_check__refuses_everybody_else_alike),
        HUB_TEST(test_login_check__says_that_an_account_is_off_to_its_owner_only),
        HUB_TEST(test_login_check__locks_after_ten_different_passwords),
        HUB_TEST(test_login_check__logs_a_lock_once),
        HUB_TEST(test_login_check__locks_names_that_do_not_exist_as_well),
        HUB_TEST(test_login_check__does_not_count_the_same_password_again),
        HUB_TEST(test_login_check__forgets_failures_in_time_and_by_a_success),
        HUB_TEST(test_login_check__locks_an_address_after_a_hundred),
        HUB_TEST(test_login_check__counts_an_ipv6_network_as_one_address),
        HUB_TEST(test_login_check__answers_later_and_later),
        HUB_TEST(test_login_check__answers_no_more_guesses_for_being_asked_at_once),
        HUB_TEST(test_login_check__neither_computes_nor_delays_the_same_password_again),
        HUB_TEST(test_login_check__takes_at_once_what_was_wrong_before_a_change),
        HUB_TEST(test_login_check__remembers_a_good_password_for_a_minute),
        HUB_TEST(test_login_check__forgets_it_with_the_password),
        HUB_TEST(test_login_check__forgets_an_email_address_that_went_elsewhere),
        HUB_TEST(test_login_check__remembers_through_a_lock),
        HUB_TEST(test_login_check__keeps_many_people_apart),
        HUB_TEST(test_refresh_token_issue__gives_what_only_its_hash_is_kept_of),
        HUB_TEST(test_refresh_token_check__refuses_what_it_did_not_issue),
        HUB_TEST(test_refresh_token_check__ends_half_a_year_after_its_last_use),
        HUB_TEST(test_refresh_token_check__refuses_one_issued_after_its_password_had_changed),
        HUB_TEST(test_refresh_token_check__notes_a_use_once_an_hour),
        HUB_TEST(test_refresh_token_issue__keeps_a_bounded_number),
        HUB_TEST(test_refresh_token_issue__cuts_what_the_client_calls_itself),
        HUB_TEST(test_login_check__takes_an_identity_token_of_the_same_account),
        HUB_TEST(test_login_sweep__removes_what_is_past),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
