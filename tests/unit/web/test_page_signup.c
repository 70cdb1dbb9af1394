/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/account.h"
#include "web_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* Opens the form at `target` and sends it back with these fields. */
static struct loopback_response *fill_in(struct site *site, const char *target, const char *fields)
{
    struct loopback_response *form AUTO(loopback_free) = site_ask(site, "GET", target, "", "");
    struct str field = site_between(form, "name=\"csrf\" value=\"", "\"");
    struct str cookie = loopback_header(form, "Set-Cookie");
    cookie = str_slice(cookie, 0, str_find(cookie, ';'));
    struct arena *arena AUTO(arena_free) = arena_new();
    const char *path =
        arena_c(arena, str_slice(str_from(target), 0, str_find(str_from(target), '?')));
    return site_ask(site, "POST", path,
                    arena_format(arena, "Cookie: %.*s\r\n", STR_ARG(cookie)).ptr,
                    arena_format(arena, "csrf=%.*s&%s", STR_ARG(field), fields).ptr);
}

static const char alice[] = "name=alice&email=alice%40example.com&password=correct+horse";

static void test_signup__makes_an_account_and_shows_what_to_type(void **state)
{
    (void)state;
    struct site *site AUTO(site_free) = site_new(SIGNUP_OPEN);
    struct loopback_response *page AUTO(loopback_free) = fill_in(site, "/signup", alice);
    assert_int_equal(page->status, 201);
    assert_true(site_shows(page, "docker login -u alice localhost:5000"));

    struct arena *arena AUTO(arena_free) = arena_new();
    struct error err = { 0 };
    struct db_tx *tx AUTO(db_tx_end) = db_read(site->hub->db, arena, &err);
    struct account account;
    assert_true(account_find(tx, STR("alice"), &account, &err));
    assert_true(account.id > 0 && !account.is_admin);
}

static void test_signup__shows_a_problem_and_keeps_what_was_typed(void **state)
{
    (void)state;
    struct site *site AUTO(site_free) = site_new(SIGNUP_OPEN);
    struct loopback_response *page AUTO(loopback_free) =
        fill_in(site, "/signup", "name=alice&email=alice%40example.com&password=tiny5");
    assert_int_equal(page->status, 400);
    assert_true(site_shows(page, "role=\"alert\""));
    assert_true(site_shows(page, "value=\"alice@example.com\""));
    assert_false(site_shows(page, "tiny5"));
}

static void test_signup__cannot_make_an_administrator(void **state)
{
    (void)state;
    struct site *site AUTO(site_free) = site_new(SIGNUP_OPEN);
    struct arena *arena AUTO(arena_free) = arena_new();
    struct loopback_response *page AUTO(loopback_free) =
        fill_in(site, "/signup", arena_format(arena, "%s&is_admin=1&admin=true", alice).ptr);
    assert_int_equal(page->status, 201);
    assert_false(site_shows(page, "administrator"));
}

static void test_signup__says_who_makes_accounts_where_it_is_closed(void **state)
{
    (void)state;
    struct site *site AUTO(site_free) = site_new(SIGNUP_CLOSED);
    struct loopback_response *page AUTO(loopback_free) = site_ask(site, "GET", "/signup", "", "");
    assert_int_equal(page->status, 403);
    assert_true(site_shows(page, "made by its administrator"));
    assert_false(site_shows(page, "<form"));
}

static void test_setup__makes_the_first_administrator_once(void **state)
{
    (void)state;
    struct site *site AUTO(site_free) = site_new(SIGNUP_CLOSED);
    struct arena *arena AUTO(arena_free) = arena_new();
    struct error err = { 0 };
    struct str code;
    assert_true(account_setup_code(site->hub, arena, &code, &err));
    const char *target = arena_format(arena, "/setup?code=%.*s", STR_ARG(code)).ptr;
    const char *fields = arena_format(arena, "code=%.*s&%s", STR_ARG(code), alice).ptr;

    struct loopback_response *page AUTO(loopback_free) = fill_in(site, target, fields);
    assert_int_equal(page->status, 201);
    assert_true(site_shows(page, "administrator"));

    struct loopback_response *again AUTO(loopback_free) = site_ask(site, "GET", target, "", "");
    assert_int_equal(again->status, 403);
    assert_true(site_shows(again, "has its administrator already"));
    assert_false(site_shows(again, "<form"));
}

static void test_setup__shows_no_form_for_a_wrong_code(void **state)
{
    (void)state;
    struct site *site AUTO(site_free) = site_new(SIGNUP_CLOSED);
    struct loopback_response *page AUTO(loopback_free) =
        site_ask(site, "GET", "/setup?code=00000000000000000000000000000000", "", "");
    assert_int_equal(page->status, 403);
    assert_true(site_shows(page, "not the link"));
    assert_false(site_shows(page, "<form"));
}

static void test_setup__refuses_a_wrong_code_that_is_posted(void **state)
{
    (void)state;
    struct site *site AUTO(site_free) = site_new(SIGNUP_CLOSED);
    struct arena *arena AUTO(arena_free) = arena_new();
    struct error err = { 0 };
    struct str code;
    assert_true(account_setup_code(site->hub, arena, &code, &err));
    const char *target = arena_format(arena, "/setup?code=%.*s", STR_ARG(code)).ptr;
    const char *fields = arena_format(arena, "code=%032d&%s", 0, alice).ptr;
    struct loopback_response *page AUTO(loopback_free) = fill_in(site, target, fields);
    assert_int_equal(page->status, 403);
    assert_false(site_shows(page, "Welcome"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signup__makes_an_account_and_shows_what_to_type),
        cmocka_unit_test(test_signup__shows_a_problem_and_keeps_what_was_typed),
        cmocka_unit_test(test_signup__cannot_make_an_administrator),
        cmocka_unit_test(test_signup__says_who_makes_accounts_where_it_is_closed),
        cmocka_unit_test(test_setup__makes_the_first_administrator_once),
        cmocka_unit_test(test_setup__shows_no_form_for_a_wrong_code),
        cmocka_unit_test(test_setup__refuses_a_wrong_code_that_is_posted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
