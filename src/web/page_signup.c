/* SPDX-License-Identifier: Apache-2.0 */
/* web/page_signup.c - "/signup" and, for the first administrator, "/setup". */
#include "base/limits.h"
#include "hub/access.h"
#include "hub/account.h"
#include "net/form.h"
#include "web/csrf.h"
#include "web/web_internal.h"

/* Why nobody may fill in this form now; absent if somebody may. */
static bool find_obstacle(struct request *request, bool is_setup, struct str code,
                          struct str *obstacle, struct error *err)
{
    struct hub *hub = access_hub(request);
    struct str expected;
    *obstacle = STR_NONE;
    if (!is_setup && hub->signup != SIGNUP_OPEN)
        *obstacle = STR("Accounts on this site are made by its administrator.");
    if (!is_setup)
        return true;
    if (!account_setup_code(hub, request->arena, &expected, err))
        return false;
    if (!str_is_set(expected))
        *obstacle = STR("This site has its administrator already. Ask that person for an account.");
    else if (!str_equal_secret(code, expected))
        *obstacle = STR("This is not the link that the server printed. Open the one from its "
                        "latest start.");
    return true;
}

static struct signup_page page_load(struct request *request, bool is_setup, struct str code,
                                    struct error *err)
{
    struct signup_page page = {
        .layout = layout_load(request, is_setup ? STR("First administrator") : STR("Sign up")),
        .is_setup = is_setup,
        .action = is_setup ? url_literal("setup") : url_literal("signup"),
        .code = code,
        .name_chars_min = is_setup ? NAME_CHARS_MIN_BY_ADMINISTRATOR : NAME_CHARS_MIN,
        .namespace_example =
            arena_format(request->arena, "%.*s/name/app", STR_ARG(layout_registry(request))),
    };
    if (find_obstacle(request, is_setup, code, &page.problem, err))
        page.is_open = !str_is_set(page.problem);
    return page;
}

static bool page_show(struct request *request, struct response *response, struct signup_page *page,
                      int status, struct error *err)
{
    page->csrf = csrf_field(request, response);
    struct html html __attribute__((cleanup(html_release_auto)));
    html_init(&html);
    html_signup(&html, page);
    return page_send(response, status, &html, err);
}

static bool form_show(struct request *request, struct response *response, bool is_setup,
                      struct error *err)
{
    struct form query;
    if (!form_parse(request->arena, request->query, &query, err))
        return false;
    struct signup_page page = page_load(request, is_setup, form_get(&query, "code"), err);
    if (err->kind != ERROR_NONE)
        return false;
    return page_show(request, response, &page, page.is_open ? 200 : 403, err);
}

static bool welcome_show(struct request *request, struct response *response,
                         const struct account *account, struct error *err)
{
    struct welcome_page page = {
        .layout = layout_load(request, STR("Welcome")),
        .name = account->name,
        .registry = layout_registry(request),
        .is_admin = account->is_admin,
    };
    struct html html __attribute__((cleanup(html_release_auto)));
    html_init(&html);
    html_welcome(&html, &page);
    return page_send(response, 201, &html, err);
}

static bool form_take(struct request *request, struct response *response, bool is_setup,
                      struct error *err)
{
    struct str body;
    struct form form;
    if (!request_read_all(request, HTTP_SMALL_BODY_BYTES_MAX, &body, err) ||
        !form_parse(request->arena, body, &form, err) ||
        !csrf_check(request, form_get(&form, "csrf"), err))
        return false;

    struct account_new from = {
        .name = form_get(&form, "name"),
        .email = form_get(&form, "email"),
        .password = form_get(&form, "password"),
        .is_admin = is_setup,
    };
    struct str code = form_get(&form, "code");
    struct account account;
    struct error trouble = { 0 };
    struct hub *hub = access_hub(request);
    bool is_made =
        is_setup ? account_add_first_admin(hub, request->arena, code, &from, &account, &trouble)
                 : account_add(hub, request->arena, &from, &account, &trouble);
    if (is_made)
        return welcome_show(request, response, &account, err);
    if (!error_is_public(&trouble)) {
        *err = trouble;
        return false;
    }
    struct signup_page page = page_load(request, is_setup, code, err);
    if (err->kind != ERROR_NONE)
        return false;
    page.name = from.name;
    page.email = from.email;
    if (page.is_open) /* otherwise it says already why not */
        page.problem = trouble.kind == ERROR_CONFLICT ? STR("This name or e-mail address is taken.")
                                                      : page_sentence(request->arena, &trouble);
    return page_show(request, response, &page, trouble.kind == ERROR_DENIED ? 403 : 400, err);
}

bool signup_get(struct request *request, struct response *response, struct error *err)
{
    return form_show(request, response, false, err);
}

bool signup_post(struct request *request, struct response *response, struct error *err)
{
    return form_take(request, response, false, err);
}

bool setup_get(struct request *request, struct response *response, struct error *err)
{
    return form_show(request, response, true, err);
}

bool setup_post(struct request *request, struct response *response, struct error *err)
{
    return form_take(request, response, true, err);
}
