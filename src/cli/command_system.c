/* SPDX-License-Identifier: Apache-2.0 */
/* berth serve, settings, version, migrate, key rotate. */
#include "base/json.h"
#include "cli/command.h"
#include "cli/data.h"
#include "cli/list.h"
#include "db/migrate.h"
#include "hub/keys.h"

enum cli_result command_serve(struct cli *cli)
{
    struct error error = { 0 };
    struct serve_plan plan = {
        .arena = cli->arena, .settings = &cli->settings, .program = cli->program, .out = cli->out
    };
    if (!cli->environment->serve(&plan, &error))
        return cli_fail(cli, &error);
    return CLI_OK;
}

enum cli_result command_version(struct cli *cli)
{
    fprintf(cli->out, "berth %s\n", BERTH_VERSION);
    return CLI_OK;
}

/* ---- settings ---- */

static const struct table_column setting_columns[] = {
    { "NAME", false },
    { "VALUE", false },
    { "FROM", false },
};

static void setting_json(struct json *json, struct str name, struct str value, struct str from)
{
    json_object(json);
    json_key_str(json, "name", name);
    json_key_str(json, "value", value);
    json_key_str(json, "from", from);
    json_end(json);
}

enum { MANUAL_BYTES_MAX = 1024 * 1024 };

static enum cli_result manual_print(struct cli *cli)
{
    struct buf out AUTO(buf_release);
    buf_init(&out, MANUAL_BYTES_MAX);
    settings_manual_write(&out);
    struct str text = buf_str(&out);
    fwrite(text.ptr, 1, text.len, cli->out);
    return CLI_OK;
}

enum cli_result command_settings(struct cli *cli)
{
    if (cli_has(cli, "--manual"))
        return manual_print(cli);
    struct list list AUTO(list_release);
    list_begin(&list, cli, setting_columns, ARRAY_COUNT(setting_columns));
    table_page(&list.table, cli->arena, SETTING_COUNT);
    for (int id = 0; id < SETTING_COUNT; id++) {
        const struct setting_value *value = &cli->settings.values[id];
        const struct str cells[ARRAY_COUNT(setting_columns)] = {
            setting_name(cli->arena, (enum setting_id)id),
            settings_shown(&cli->settings, cli->arena, (enum setting_id)id),
            str_is_set(value->where) ? value->where : STR("default"),
        };
        if (list.as_json)
            setting_json(&list.json, cells[0], cells[1], cells[2]);
        else
            table_row(&list.table, cells);
    }
    list_page_end(&list);
    list_end(&list);
    return CLI_OK;
}

/* ---- migrate ---- */

static bool database_open(struct cli *cli, struct db **out, struct error *err)
{
    bool makes = !cli_has(cli, "--status");
    if (makes ? !data_prepare(&cli->settings, cli->arena, err)
              : !data_require(&cli->settings, cli->arena, err))
        return false;
    struct db_options options = { .url = settings_text(&cli->settings, SETTING_DATABASE) };
    return db_open(&options, out, err);
}

static void migrate_status_print(struct cli *cli, const struct migrate_status *status)
{
    if (cli_has(cli, "--json"))
        fprintf(cli->out, "{\"applied\":%d,\"newest\":%d}\n", status->applied, status->newest);
    else
        fprintf(cli->out, "Migration %d of %d%s.\n", status->applied, status->newest,
                status->applied == status->newest ? ": up to date" : ": run \"berth migrate\"");
}

enum cli_result command_migrate(struct cli *cli)
{
    struct error error = { 0 };
    struct db *db AUTO(db_close) = NULL;
    struct migrate_status status;
    if (!database_open(cli, &db, &error))
        return cli_fail(cli, &error);
    bool is_known = cli_has(cli, "--status") ? migrate_status(db, &status, &error)
                                             : migrate_run(db, &status, &error);
    if (!is_known)
        return cli_fail(cli, &error);
    migrate_status_print(cli, &status);
    return CLI_OK;
}

/* ---- keys ---- */

enum cli_result command_key_rotate(struct cli *cli)
{
    struct error error = { 0 };
    const char *folder = arena_c(cli->arena, settings_text(&cli->settings, SETTING_KEYS));
    struct keys *keys AUTO(keys_close) = NULL;
    if (!data_require(&cli->settings, cli->arena, &error) || !keys_open(folder, &keys, &error) ||
        !keys_rotate(keys, &error))
        return cli_fail(cli, &error);
    fprintf(cli->out,
            "Added a key to %s.\n"
            "Copy the folder to every node, then send each running server SIGHUP (or restart it):\n"
            "the new key signs from then on, and what older keys signed stays valid while they are "
            "there.\n",
            folder);
    return CLI_OK;
}
