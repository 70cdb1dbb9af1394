/* SPDX-License-Identifier: Apache-2.0 */
#include "cli_fixture.h"

#include "hub/login.h"

/* Can this password be used now? */
static bool password_holds(struct bench *bench, const char *name, const char *password)
{
    struct hub_options options = {
        .database = arena_format(bench->arena, "sqlite:%s/berth.db", bench->folder),
        .storage = arena_format(bench->arena, "file:%s/blobs", bench->folder),
        .keys = arena_format(bench->arena, "%s/keys", bench->folder),
    };
    struct hub *hub AUTO(hub_close) = NULL;
    struct error err = { 0 };
    struct account account;
    assert_true(hub_open(&options, &hub, &err));
    return login_check(hub, bench->arena, str_from(name), str_from(password), STR("127.0.0.1"),
                       &account, &err);
}

static void add_alice(struct bench *bench)
{
    assert_int_equal(bench_run(bench, "alice-password\n",
                               "user add alice --email alice@example.org --admin --full-name=Alice "
                               "--private-default --password-stdin"),
                     0);
    check_has(bench->out, "Added administrator alice (data: ");
    check_has(bench->out, bench->folder);
}

static void test_command_user_add__makes_an_account(void **state)
{
    struct bench *bench = *state;
    add_alice(bench);
    assert_true(password_holds(bench, "alice", "alice-password"));
    assert_int_equal(bench_run(bench, "", "user list --json"), 0);
    check_has(bench->out, "\"name\":\"alice\",\"kind\":\"user\",\"email\":\"alice@example.org\","
                          "\"full_name\":\"Alice\",\"admin\":true,\"active\":true,"
                          "\"default_private\":true,");
}

static void test_command_user_add__tells_what_is_wrong(void **state)
{
    struct bench *bench = *state;
    add_alice(bench);
    const char *again = "user add alice --email b@example.org --password-stdin";
    assert_int_equal(bench_run(bench, "other-password\n", again), 1);
    check_str(bench->err, "berth: there is already an account 'alice'\n");
    const char *email = "user add bert --email alice@example.org --password-stdin";
    assert_int_equal(bench_run(bench, "other-password\n", email), 1);
    check_str(bench->err,
              "berth: the e-mail address alice@example.org belongs to another account\n");
    assert_int_equal(bench_run(bench, "other-password\n", again), 1);
    assert_int_equal(text_lines(bench->err), 1);
    assert_int_equal(bench->out.len, 0);
    assert_int_equal(bench_run(bench, "short\n", "user add bert --email b@x.org --password-stdin"),
                     1);
    assert_int_equal(text_lines(bench->err), 1);
    assert_int_equal(bench_run(bench, "", "user add UPPER --email b@x.org --password-stdin"), 1);
    assert_int_equal(text_lines(bench->err), 1);
    assert_int_equal(bench_run(bench, "", "user add bert --email b@x.org"), 1);
    check_has(bench->err, "use --password-stdin");
    assert_int_equal(bench_run(bench, "", "user list"), 0);
    assert_false(text_has(bench->out, "bert"));
}

static void test_command_user_change__changes_what_is_given(void **state)
{
    struct bench *bench = *state;
    add_alice(bench);
    const char *root = "user add root2 --email root@example.org --admin --password-stdin";
    assert_int_equal(bench_run(bench, "root2-password\n", root), 0);
    assert_int_equal(bench_run(bench, "",
                               "user change alice --email new@example.org --admin no "
                               "--default-visibility public --full-name A"),
                     0);
    check_str(bench->out, "Changed alice.\n");
    assert_int_equal(bench_run(bench, "", "user list --json"), 0);
    check_has(bench->out, "\"email\":\"new@example.org\",\"full_name\":\"A\",\"admin\":false,"
                          "\"active\":true,\"default_private\":false,");
    assert_true(password_holds(bench, "alice", "alice-password"));
}

static void test_command_user_change__keeps_the_last_administrator(void **state)
{
    struct bench *bench = *state;
    add_alice(bench);
    assert_int_equal(bench_run(bench, "", "user change alice --admin no"), 1);
    assert_int_equal(text_lines(bench->err), 1);
}

static void test_command_user_change__takes_a_new_password(void **state)
{
    struct bench *bench = *state;
    add_alice(bench);
    assert_int_equal(bench_run(bench, "another-password\n", "user change alice --password-stdin"),
                     0);
    assert_true(password_holds(bench, "alice", "another-password"));
    assert_false(password_holds(bench, "alice", "alice-password"));
}

static void test_command_user_change__switches_an_account_off(void **state)
{
    struct bench *bench = *state;
    add_alice(bench);
    const char *bert = "user add bert --email b@example.org --password-stdin";
    assert_int_equal(bench_run(bench, "bert-password\n", bert), 0);
    check_has(bench->out, "Added user bert (data: ");
    assert_int_equal(bench_run(bench, "", "user change bert --active no"), 0);
    assert_false(password_holds(bench, "bert", "bert-password"));
    assert_int_equal(bench_run(bench, "", "user list"), 0);
    check_has(bench->out, "off ");
    assert_int_equal(bench_run(bench, "", "user change bert --active yes"), 0);
    assert_true(password_holds(bench, "bert", "bert-password"));
}

static void test_command_user_change__tells_what_is_wrong(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(bench_run(bench, "", "user change alice"), 2);
    check_has(bench->err, "nothing to change was given");
    assert_int_equal(bench_run(bench, "", "user change alice --admin maybe"), 2);
    check_has(bench->err, "--admin is 'maybe'; allowed: yes, no");
    assert_int_equal(bench_run(bench, "", "user change alice --default-visibility x"), 2);
    check_has(bench->err, "allowed: public, private");
    assert_int_equal(bench_run(bench, "", "user change nobody --active no"), 1);
    assert_int_equal(text_lines(bench->err), 1);
}

static void test_command_user_list__shows_a_table(void **state)
{
    struct bench *bench = *state;
    add_alice(bench);
    assert_int_equal(bench_run(bench, "", "user list"), 0);
    check_has(bench->out, "NAME ");
    check_has(bench->out, "alice@example.org  Alice      administrator  active  20");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLI_TEST(test_command_user_add__makes_an_account),
        CLI_TEST(test_command_user_add__tells_what_is_wrong),
        CLI_TEST(test_command_user_change__changes_what_is_given),
        CLI_TEST(test_command_user_change__keeps_the_last_administrator),
        CLI_TEST(test_command_user_change__takes_a_new_password),
        CLI_TEST(test_command_user_change__switches_an_account_off),
        CLI_TEST(test_command_user_change__tells_what_is_wrong),
        CLI_TEST(test_command_user_list__shows_a_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
