/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/hub.h"

#include "hub/access.sql.h"
#include "hub/account.sql.h"
#include "hub/login.sql.h"
#include "hub_fixture.h"

static void test_hub_open__gives_all_its_parts_and_its_own_texts(void **state)
{
    struct hub_fixture *fixture = *state;
    char url[] = "https://hub.example.org";
    struct hub_options options = hub_fixture_options(fixture);
    options.url = str_from(url);
    options.signup = SIGNUP_OPEN;
    struct hub *hub AUTO(hub_close) = NULL;
    assert_true(hub_open(&options, &hub, &fixture->err));
    memset(url, 'x', sizeof(url) - 1);
    check_str(hub->url, "https://hub.example.org");
    assert_int_equal(hub->signup, SIGNUP_OPEN);
    assert_true(hub->db && hub->store && hub->keys && hub->logins);
    assert_false(str_is_set(fixture->hub->url));
}

static void test_hub_open__migrates_only_when_told_to(void **state)
{
    struct hub_fixture *fixture = *state;
    struct hub_options options = hub_fixture_options(fixture);
    struct hub *hub = NULL;
    char folder[128]; /* of another database than the fixture's */
    (void)snprintf(folder, sizeof(folder), "%s/new", fixture->folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    options.database = test_database_new(fixture->arena, folder);
    options.migrate = false;
    assert_false(hub_open(&options, &hub, &fixture->err));
    check_error(&fixture->err, ERROR_UNSUPPORTED, "run `berth migrate`");
    assert_null(hub);
    options.migrate = true;
    assert_true(hub_open(&options, &hub, &fixture->err));
    hub_close(hub);
    options.migrate = false;
    assert_true(hub_open(&options, &hub, &fixture->err));
    hub_close(hub);
    test_database_end(options.database);
}

static void test_hub_open__says_which_setting_is_wrong(void **state)
{
    struct hub_fixture *fixture = *state;
    struct hub_options options = hub_fixture_options(fixture);
    struct hub *hub = NULL;
    options.keys = STR("");
    assert_false(hub_open(&options, &hub, &fixture->err));
    check_error(&fixture->err, ERROR_INVALID, "BERTH_KEYS");
    options = hub_fixture_options(fixture);
    options.storage = STR("nonsense");
    assert_false(hub_open(&options, &hub, &fixture->err));
    check_error(&fixture->err, ERROR_INVALID, "");
    options = hub_fixture_options(fixture);
    options.database = STR("nonsense");
    assert_false(hub_open(&options, &hub, &fixture->err));
    check_error(&fixture->err, ERROR_INVALID, "");
    assert_null(hub);
}

static void test_hub_close__accepts_nothing(void **state)
{
    (void)state;
    hub_close(NULL);
}

static void test_hub_check__asks_the_database(void **state)
{
    struct hub_fixture *fixture = *state;
    assert_true(hub_check(fixture->hub, fixture->arena, &fixture->err));
    db_fail_nth_for_test(1);
    assert_false(hub_check(fixture->hub, fixture->arena, &fixture->err));
    assert_int_equal(fixture->err.kind, ERROR_UNAVAILABLE);
    db_fail_nth_for_test(0);
}

static void test_hub_open__has_statements_that_fit_the_schema(void **state)
{
    struct hub_fixture *fixture = *state;
    const struct db_statement *const *const tables[] = { access_statements, account_statements,
                                                         login_statements };
    for (size_t i = 0; i < ARRAY_COUNT(tables); i++) {
        for (size_t j = 0; tables[i][j]; j++) {
            if (!db_statement_check(fixture->hub->db, tables[i][j], &fixture->err))
                fail_msg("%s: %s", tables[i][j]->name, fixture->err.message);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(test_hub_open__gives_all_its_parts_and_its_own_texts),
        HUB_TEST(test_hub_open__migrates_only_when_told_to),
        HUB_TEST(test_hub_open__says_which_setting_is_wrong),
        HUB_TEST(test_hub_close__accepts_nothing),
        HUB_TEST(test_hub_check__asks_the_database),
        HUB_TEST(test_hub_open__has_statements_that_fit_the_schema),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
