/* SPDX-License-Identifier: Apache-2.0 */
/* berth user add, change, list. */
#include "base/clock.h"
#include "base/limits.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/data.h"
#include "cli/list.h"
#include "hub/account.h"

static bool password_get(struct cli *cli, struct str *out, struct error *err)
{
    if (cli_has(cli, "--password-stdin"))
        return password_read(cli->environment->in, cli->arena, out, err);
    return password_ask(cli->environment->in, cli->err, cli->arena, out, err);
}

/* Which of the two is taken: what Docker's sentence keeps from strangers, the administrator may
 * know. */
static enum cli_result conflict_fail(struct cli *cli, struct hub *hub,
                                     const struct account_new *from, const struct error *why)
{
    struct account account = { 0 };
    struct error ignored = { 0 }, told = { 0 };
    if (why->kind != ERROR_CONFLICT)
        return cli_fail(cli, why);
    struct db_tx *tx AUTO(db_tx_end) = db_read(hub->db, cli->arena, &ignored);
    if (!tx || !account_find(tx, from->name, &account, &ignored))
        return cli_fail(cli, why);
    if (account.id != 0)
        error_set(&told, ERROR_CONFLICT, "there is already an account '%.*s'",
                  STR_ARG(account.name));
    else
        error_set(&told, ERROR_CONFLICT, "the e-mail address %.*s belongs to another account",
                  STR_ARG(str_slice(from->email, 0, 100)));
    return cli_fail(cli, &told);
}

enum cli_result command_user_add(struct cli *cli)
{
    struct error error = { 0 };
    struct account_new from = { .name = cli->arguments[0],
                                .email = cli_get(cli, "--email"),
                                .full_name = cli_get(cli, "--full-name"),
                                .is_admin = cli_has(cli, "--admin"),
                                .by_administrator = true };
    /* What is wrong already is told before anybody types a password twice. */
    if (!account_name_check(from.name, true, &error) || !account_email_check(from.email, &error) ||
        !data_require_or_named(&cli->settings, cli->arena, &error))
        return cli_fail(cli, &error);
    if (!password_get(cli, &from.password, &error))
        return cli_fail(cli, &error);
    struct hub *hub AUTO(hub_close) = NULL;
    struct account account;
    if (!cli_hub_open(&cli->settings, cli->arena, &hub, &error))
        return cli_fail(cli, &error);
    if (!account_add(hub, cli->arena, &from, &account, &error))
        return conflict_fail(cli, hub, &from, &error);
    const bool is_private = true;
    struct account_change change = { .default_private = &is_private };
    if (cli_has(cli, "--private-default") &&
        !account_change(hub, cli->arena, from.name, &change, &error))
        return cli_fail(cli, &error);
    struct str data = settings_text(&cli->settings, SETTING_DATA);
    fprintf(cli->out, "Added %s %.*s (data: %.*s).\n", from.is_admin ? "administrator" : "user",
            STR_ARG(account.name), STR_ARG(path_absolute(cli->arena, data)));
    return CLI_OK;
}

static bool visibility_get(struct cli *cli, bool *is_private, bool *is_given)
{
    struct str text = cli_get(cli, "--default-visibility");
    *is_given = str_is_set(text);
    *is_private = str_equal(text, STR("private"));
    if (!*is_given || *is_private || str_equal(text, STR("public")))
        return true;
    cli_usage(cli, "--default-visibility is '%.*s'; allowed: public, private",
              STR_ARG(str_slice(text, 0, 60)));
    return false;
}

/* "off" or a number of days. */
static bool untagged_get(struct cli *cli, int64_t *days, bool *is_given)
{
    struct str text = cli_get(cli, "--untagged-days");
    uint64_t number = 0;
    *is_given = str_is_set(text);
    if (!*is_given)
        return true;
    bool is_off = str_equal(text, STR("off"));
    if (!is_off && !str_to_u64(text, UNTAGGED_DAYS_MAX, &number)) {
        cli_usage(cli, "--untagged-days is '%.*s'; allowed: 0 to %d, off",
                  STR_ARG(str_slice(text, 0, 60)), UNTAGGED_DAYS_MAX);
        return false;
    }
    *days = is_off ? ACCOUNT_UNTAGGED_STAY : (int64_t)number;
    return true;
}

enum cli_result command_user_change(struct cli *cli)
{
    bool is_admin = false, has_admin = false, is_active = false, has_active = false;
    bool is_private = false, has_private = false, has_untagged = false;
    int64_t untagged_days = 0;
    if (!cli_get_yes_no(cli, "--admin", &is_admin, &has_admin) ||
        !cli_get_yes_no(cli, "--active", &is_active, &has_active) ||
        !visibility_get(cli, &is_private, &has_private) ||
        !untagged_get(cli, &untagged_days, &has_untagged))
        return CLI_USAGE;
    bool has_password = cli_has(cli, "--password") || cli_has(cli, "--password-stdin");
    struct account_change change = { .email = cli_get(cli, "--email"),
                                     .full_name = cli_get(cli, "--full-name"),
                                     .is_admin = has_admin ? &is_admin : NULL,
                                     .is_active = has_active ? &is_active : NULL,
                                     .default_private = has_private ? &is_private : NULL,
                                     .untagged_days = has_untagged ? &untagged_days : NULL };
    if (!has_password && !str_is_set(change.email) && !str_is_set(change.full_name) && !has_admin &&
        !has_active && !has_private && !has_untagged)
        return cli_usage(cli, "nothing to change was given");
    struct error error = { 0 };
    if (has_password && !password_get(cli, &change.password, &error))
        return cli_fail(cli, &error);
    struct hub *hub AUTO(hub_close) = NULL;
    if (!cli_hub_open_existing(cli, &hub, &error) ||
        !account_change(hub, cli->arena, cli->arguments[0], &change, &error))
        return cli_fail(cli, &error);
    fprintf(cli->out, "Changed %.*s.\n", STR_ARG(cli->arguments[0]));
    return CLI_OK;
}

/* ---- list ---- */

static const struct table_column user_columns[] = {
    { "NAME", false }, { "EMAIL", false }, { "FULL NAME", false },
    { "ROLE", false }, { "STATE", false }, { "CREATED (UTC)", false },
};

static struct str role_of(const struct account *account)
{
    if (account->kind == ACCOUNT_ORGANIZATION)
        return STR("organization");
    return account->is_admin ? STR("administrator") : STR("user");
}

static void user_json(struct json *json, const struct account *account)
{
    char created[CLOCK_TEXT_MAX];
    json_object(json);
    json_key_str(json, "name", account->name);
    json_key_str(json, "kind",
                 account->kind == ACCOUNT_ORGANIZATION ? STR("organization") : STR("user"));
    json_key_str(json, "email", account->email);
    json_key_str(json, "full_name", account->full_name);
    json_key_bool(json, "admin", account->is_admin);
    json_key_bool(json, "active", account->is_active);
    json_key_bool(json, "default_private", account->default_private);
    if (account->untagged_days == ACCOUNT_UNTAGGED_STAY)
        json_key_str(json, "untagged_days", STR_NONE);
    else
        json_key_i64(json, "untagged_days", account->untagged_days);
    json_key_str(json, "created", clock_format_rfc3339(account->created_ms, created));
    json_end(json);
}

static void users_show(struct list *list, struct arena *arena, const struct account *accounts,
                       size_t count)
{
    table_page(&list->table, arena, count);
    for (size_t i = 0; i < count; i++) {
        const struct account *account = &accounts[i];
        if (list->as_json) {
            user_json(&list->json, account);
            continue;
        }
        const struct str cells[ARRAY_COUNT(user_columns)] = {
            account->name,
            account->email,
            account->full_name,
            role_of(account),
            account->is_active ? STR("active") : STR("off"),
            list_time(arena, account->created_ms),
        };
        table_row(&list->table, cells);
    }
    list_page_end(list);
}

static bool users_list(struct cli *cli, struct hub *hub, struct list *list, struct error *err)
{
    struct str after = STR_NONE;
    struct account *accounts = NULL;
    for (size_t count = PAGE_SIZE_MAX; count == PAGE_SIZE_MAX;) {
        struct arena *arena AUTO(arena_free) = arena_new();
        if (!account_list(hub, arena, after, PAGE_SIZE_MAX, &accounts, &count, err))
            return false;
        users_show(list, arena, accounts, count);
        if (count > 0)
            after = arena_copy(cli->arena, accounts[count - 1].name);
    }
    return true;
}

enum cli_result command_user_list(struct cli *cli)
{
    struct error error = { 0 };
    struct hub *hub AUTO(hub_close) = NULL;
    struct list list AUTO(list_release);
    list_begin(&list, cli, user_columns, ARRAY_COUNT(user_columns));
    if (!cli_hub_open_existing(cli, &hub, &error) || !users_list(cli, hub, &list, &error))
        return cli_fail(cli, &error);
    list_end(&list);
    return CLI_OK;
}
