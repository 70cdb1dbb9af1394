/* SPDX-License-Identifier: Apache-2.0 */
/* berth repo add, change, list. */
#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "cli/command.h"
#include "cli/list.h"
#include "hub/account.h"
#include "hub/repository.h"

static bool stream_read(FILE *in, struct arena *arena, struct str *out, struct error *err)
{
    enum { BYTES_MAX = FULL_DESCRIPTION_BYTES_MAX };
    char *text = arena_alloc(arena, BYTES_MAX + 1);
    size_t len = fread(text, 1, BYTES_MAX + 1, in);
    if (ferror(in))
        return error_set(err, ERROR_INVALID, "cannot read the description from standard input");
    if (len > BYTES_MAX)
        return error_set(err, ERROR_TOO_LARGE, "a full description has at most %d bytes",
                         BYTES_MAX);
    *out = (struct str){ text, len };
    return true;
}

static bool full_description_get(struct cli *cli, struct str *out, struct error *err)
{
    struct str path = cli_get(cli, "--full-description-file");
    if (!str_is_set(path))
        return true;
    if (str_equal(path, STR("-")))
        return stream_read(cli->environment->in, cli->arena, out, err);
    return file_read_all(cli->arena, arena_c(cli->arena, path), FULL_DESCRIPTION_BYTES_MAX, out,
                         err);
}

enum repo_action { REPO_ADD = 1, REPO_CHANGE };

static enum cli_result repo_write(struct cli *cli, enum repo_action action)
{
    bool is_private = false, has_private = false, is_automated = false, has_automated = false;
    if (!cli_get_yes_no(cli, "--private", &is_private, &has_private) ||
        !cli_get_yes_no(cli, "--automated", &is_automated, &has_automated))
        return CLI_USAGE;
    if (action == REPO_CHANGE && cli->value_count == 0)
        return cli_usage(cli, "nothing to change was given");
    struct error error = { 0 };
    struct repository_name name;
    struct repository_change change = { .description = cli_get(cli, "--description"),
                                        .is_private = has_private ? &is_private : NULL,
                                        .is_automated = has_automated ? &is_automated : NULL };
    struct hub *hub AUTO(hub_close) = NULL;
    if (!repository_name_parse(cli->arguments[0], &name, &error) ||
        !full_description_get(cli, &change.full_description, &error) ||
        !cli_hub_open_existing(cli, &hub, &error))
        return cli_fail(cli, &error);
    bool is_done = action == REPO_ADD ? repository_add(hub, cli->arena, name, &change, &error)
                                      : repository_change(hub, cli->arena, name, &change, &error);
    if (!is_done && error.kind == ERROR_NOT_FOUND && repository_name_is_official(name)) {
        struct error hint = { 0 };
        error_set(&hint, error.kind,
                  "%s; without a namespace it is the official image, those of "
                  "people are NAMESPACE/%.*s",
                  error.message, STR_ARG(str_slice(name.name, 0, 60)));
        return cli_fail(cli, &hint);
    }
    if (!is_done)
        return cli_fail(cli, &error);
    fprintf(cli->out, "%s %.*s.\n", action == REPO_ADD ? "Added" : "Changed",
            STR_ARG(cli->arguments[0]));
    return CLI_OK;
}

enum cli_result command_repo_add(struct cli *cli)
{
    return repo_write(cli, REPO_ADD);
}

enum cli_result command_repo_change(struct cli *cli)
{
    return repo_write(cli, REPO_CHANGE);
}

/* ---- list ---- */

static const struct table_column repo_columns[] = {
    { "REPOSITORY", false },  { "VISIBILITY", false }, { "AUTOMATED", false },
    { "PULLS", true },        { "STARS", true },       { "UPDATED (UTC)", false },
    { "DESCRIPTION", false },
};

static struct str full_name(struct arena *arena, struct repository_name name)
{
    return arena_format(arena, "%.*s/%.*s", STR_ARG(name.owner), STR_ARG(name.name));
}

static void repo_json(struct json *json, struct arena *arena, const struct repository *repository)
{
    char created[CLOCK_TEXT_MAX], updated[CLOCK_TEXT_MAX];
    json_object(json);
    json_key_str(json, "name", full_name(arena, repository->name));
    json_key_bool(json, "private", repository->is_private);
    json_key_bool(json, "automated", repository->is_automated);
    json_key_str(json, "description", repository->description);
    json_key_i64(json, "pulls", repository->pull_count);
    json_key_i64(json, "pushes", repository->push_count);
    json_key_i64(json, "stars", repository->star_count);
    json_key_str(json, "created", clock_format_rfc3339(repository->created_ms, created));
    json_key_str(json, "updated", clock_format_rfc3339(repository->updated_ms, updated));
    json_end(json);
}

static void repos_show(struct list *list, struct arena *arena, const struct repository *rows,
                       size_t count)
{
    table_page(&list->table, arena, count);
    for (size_t i = 0; i < count; i++) {
        const struct repository *row = &rows[i];
        if (list->as_json) {
            repo_json(&list->json, arena, row);
            continue;
        }
        const struct str cells[ARRAY_COUNT(repo_columns)] = {
            full_name(arena, row->name),
            row->is_private ? STR("private") : STR("public"),
            row->is_automated ? STR("yes") : STR("no"),
            list_number(arena, row->pull_count),
            list_number(arena, row->star_count),
            list_time(arena, row->updated_ms),
            row->description,
        };
        table_row(&list->table, cells);
    }
    list_page_end(list);
}

static bool owner_check(struct cli *cli, struct hub *hub, struct error *err)
{
    if (cli->argument_count == 0)
        return true;
    struct account account;
    struct db_tx *tx AUTO(db_tx_end) = db_read(hub->db, cli->arena, err);
    if (!tx || !account_find(tx, cli->arguments[0], &account, err))
        return false;
    return account.id != 0 || str_equal(cli->arguments[0], OFFICIAL_OWNER) ||
           error_set(err, ERROR_NOT_FOUND, "there is no account or organization '%.*s'",
                     STR_ARG(str_slice(cli->arguments[0], 0, 80)));
}

static bool repos_list(struct cli *cli, struct hub *hub, struct list *list, struct error *err)
{
    struct repository_list_query query = { .owner = cli->argument_count > 0 ? cli->arguments[0]
                                                                            : STR_NONE,
                                           .after = STR_NONE,
                                           .limit = PAGE_SIZE_MAX };
    struct repository *rows = NULL;
    for (size_t count = PAGE_SIZE_MAX; count == PAGE_SIZE_MAX;) {
        struct arena *arena AUTO(arena_free) = arena_new();
        if (!repository_list(hub, arena, &query, &rows, &count, err))
            return false;
        repos_show(list, arena, rows, count);
        if (count > 0)
            query.after = full_name(cli->arena, rows[count - 1].name);
    }
    return true;
}

enum cli_result command_repo_list(struct cli *cli)
{
    struct error error = { 0 };
    struct hub *hub AUTO(hub_close) = NULL;
    struct list list AUTO(list_release);
    list_begin(&list, cli, repo_columns, ARRAY_COUNT(repo_columns));
    if (!cli_hub_open_existing(cli, &hub, &error) || !owner_check(cli, hub, &error) ||
        !repos_list(cli, hub, &list, &error))
        return cli_fail(cli, &error);
    list_end(&list);
    return CLI_OK;
}
