/* SPDX-License-Identifier: Apache-2.0 */
/* berth check, restore. */
#include "cli/command.h"
#include "cli/list.h"
#include "cli/progress.h"
#include "hub/check.h"
#include "hub/recovery.h"

#include <inttypes.h>

enum { RATE_DEFAULT = 50, RATE_MAX = 1000000, MEGABYTE = 1000000 };
enum { GRACE_S_MAX = 365 * 86400, FINDINGS_AT_ONCE = 50 };

/* False after it has told a usage mistake. */
static bool number_get(struct cli *cli, const char *option, uint64_t max, uint64_t *out)
{
    struct str text = cli_get(cli, option);
    if (!str_is_set(text) || str_to_u64(text, max, out))
        return true;
    (void)cli_usage(cli, "%s takes a whole number up to %" PRIu64, option, max);
    return false;
}

/* ---- check ---- */

static const struct table_column finding_columns[] = {
    { "KIND", false },  { "STATE", false },   { "WHAT", false },
    { "WHERE", false }, { "TROUBLE", false }, { "REPAIR", false },
};

struct checking {
    struct cli *cli;
    struct list list;
    struct arena *page; /* of the findings that are not printed yet */
    size_t count;       /* of those */
    struct progress progress;
};

static void checking_release_auto(struct checking *checking)
{
    arena_free(checking->page);
    list_release_auto(&checking->list);
}

static void findings_print(struct checking *checking)
{
    progress_clear(&checking->progress);
    list_page_end(&checking->list);
    arena_reset(checking->page);
    checking->count = 0;
    table_page(&checking->list.table, checking->page, FINDINGS_AT_ONCE);
    (void)fflush(checking->cli->out);
}

static void finding_json(struct json *json, const struct check_finding *finding)
{
    json_object(json);
    json_key_str(json, "kind", str_from(check_kind_name(finding->kind)));
    json_key_str(json, "state", str_from(check_outcome_name(finding->outcome)));
    json_key_str(json, "what", finding->what);
    json_key_str(json, "where", finding->where);
    json_key_str(json, "trouble", finding->detail);
    json_key_str(json, "repair", finding->repair);
    json_end(json);
}

static void finding_add(void *context, const struct check_finding *finding)
{
    struct checking *checking = context;
    struct arena *page = checking->page;
    if (checking->list.as_json) {
        finding_json(&checking->list.json, finding);
    } else {
        const struct str cells[ARRAY_COUNT(finding_columns)] = {
            str_from(check_kind_name(finding->kind)),
            str_from(check_outcome_name(finding->outcome)),
            arena_copy(page, finding->what),
            finding->where.len > 0 ? arena_copy(page, finding->where) : STR("-"),
            arena_copy(page, finding->detail),
            arena_copy(page, finding->repair),
        };
        table_row(&checking->list.table, cells);
    }
    if (++checking->count == FINDINGS_AT_ONCE)
        findings_print(checking);
}

static void check_draw(void *context, const struct check_progress *progress)
{
    struct checking *checking = context;
    bool has_bytes = progress->phase == CHECK_PHASE_BLOBS;
    const struct progress_state state = {
        .label = check_phase_name(progress->phase),
        .done = progress->done,
        .total = progress->total,
        .bytes = has_bytes ? progress->bytes : 0,
        .bytes_total = has_bytes ? progress->bytes_total : 0,
    };
    progress_draw(&checking->progress, &state);
}

static void check_summary(struct cli *cli, const struct check_result *result)
{
    int64_t found = result->repairable + result->repaired + result->left;
    fprintf(cli->out,
            "Checked %" PRId64 " blobs (%.*s read), %" PRId64 " files, %" PRId64
            " manifests, %" PRId64 " tags, %" PRId64 " claims and %" PRId64 " repositories: ",
            result->blobs, STR_ARG(list_size(cli->arena, result->bytes)), result->files,
            result->manifests, result->tags, result->claims, result->repositories);
    if (found == 0) {
        fprintf(cli->out, "nothing is wrong.\n");
        return;
    }
    fprintf(cli->out, "%" PRId64 " findings, %" PRId64 " repaired.\n", found, result->repaired);
    if (result->repairable > 0)
        fprintf(cli->out, "`%s check --repair` would mend %" PRId64 " of them.\n", cli->program,
                result->repairable);
    if (result->left > 0)
        fprintf(cli->out, "%" PRId64 " cannot be repaired here: see the last column.\n",
                result->left);
}

static bool check_options_get(struct cli *cli, struct check_options *options)
{
    uint64_t rate = RATE_DEFAULT, grace_s = CHECK_GRACE_MS_DEFAULT / 1000;
    if (!number_get(cli, "--rate", RATE_MAX, &rate) ||
        !number_get(cli, "--grace", GRACE_S_MAX, &grace_s))
        return false;
    options->repair = cli_has(cli, "--repair");
    options->quick = cli_has(cli, "--quick");
    options->rate = (int64_t)rate * MEGABYTE;
    options->grace_ms = (int64_t)grace_s * 1000;
    return true;
}

enum cli_result command_check(struct cli *cli)
{
    struct error error = { 0 };
    struct checking checking AUTO(checking_release) = { .cli = cli, .page = arena_new() };
    struct check_options options = { .found = finding_add,
                                     .progress = check_draw,
                                     .context = &checking };
    struct check_result result;
    struct hub *hub AUTO(hub_close) = NULL;
    if (!check_options_get(cli, &options))
        return CLI_USAGE;
    list_begin(&checking.list, cli, finding_columns, ARRAY_COUNT(finding_columns));
    table_page(&checking.list.table, checking.page, FINDINGS_AT_ONCE);
    if (!cli_hub_open_existing(cli, &hub, &error))
        return cli_fail(cli, &error);
    progress_begin(&checking.progress, cli);
    bool is_done = check_run(hub, &options, &result, &error);
    if (checking.count > 0)
        findings_print(&checking);
    progress_clear(&checking.progress);
    if (!is_done)
        return cli_fail(cli, &error);
    list_end(&checking.list);
    if (!checking.list.as_json)
        check_summary(cli, &result);
    return result.repairable + result.left > 0 ? CLI_FAILED : CLI_OK;
}

/* ---- restore ---- */

struct restoring {
    struct cli *cli;
    struct progress progress;
};

static void lost_print(void *context, struct str what, struct str why)
{
    struct restoring *restoring = context;
    progress_clear(&restoring->progress);
    fprintf(restoring->cli->out, "Not restored: %.*s: %.*s\n", STR_ARG(what), STR_ARG(why));
}

static void restore_draw(void *context, const struct recovery_progress *progress)
{
    static const char *const labels[] = {
        [RECOVERY_BLOBS] = "blobs",
        [RECOVERY_ACCOUNTS] = "accounts",
        [RECOVERY_REPOSITORIES] = "repositories",
        [RECOVERY_END] = "unneeded blobs",
    };
    struct restoring *restoring = context;
    const struct progress_state state = {
        .label = labels[progress->phase],
        .done = progress->done,
        .bytes = progress->phase == RECOVERY_BLOBS ? progress->bytes : 0,
    };
    progress_draw(&restoring->progress, &state);
}

static void restore_summary(struct cli *cli, const struct recovery_result *result)
{
    fprintf(cli->out,
            "Restored %" PRId64 " accounts, %" PRId64 " repositories, %" PRId64
            " manifests, %" PRId64 " tags and %" PRId64 " blobs (%.*s).\n",
            result->accounts, result->repositories, result->manifests, result->tags, result->blobs,
            STR_ARG(list_size(cli->arena, result->bytes)));
    if (result->lost > 0)
        fprintf(cli->out, "%" PRId64 " things could not be restored: see above.\n", result->lost);
    if (result->unneeded > 0)
        fprintf(cli->out,
                "%" PRId64 " blobs (%.*s) belong to no image that was restored. Their files are "
                "still there; `%s check --repair` removes them.\n",
                result->unneeded, STR_ARG(list_size(cli->arena, result->unneeded_bytes)),
                cli->program);
    if (result->accounts > 0)
        fprintf(cli->out,
                "Passwords and tokens are not in the store. Give each account a new password:\n"
                "  %s user change NAME --password\n",
                cli->program);
}

enum cli_result command_restore(struct cli *cli)
{
    struct error error = { 0 };
    struct restoring restoring = { .cli = cli };
    struct recovery_options options = {
        .trust = cli_has(cli, "--trust"),
        .lost = lost_print,
        .progress = restore_draw,
        .context = &restoring,
    };
    struct recovery_result result;
    struct hub *hub AUTO(hub_close) = NULL;
    if (!cli_has(cli, "--from-store"))
        return cli_usage(cli, "say what to restore from: --from-store");
    if (!cli_hub_open(&cli->settings, cli->arena, &hub, &error))
        return cli_fail(cli, &error);
    progress_begin(&restoring.progress, cli);
    bool is_done = recovery_restore(hub, &options, &result, &error);
    progress_clear(&restoring.progress);
    if (!is_done)
        return cli_fail(cli, &error);
    restore_summary(cli, &result);
    return result.lost > 0 ? CLI_FAILED : CLI_OK;
}
