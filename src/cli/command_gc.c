/* SPDX-License-Identifier: Apache-2.0 */
/* berth gc: what keeps content, and collecting what nothing keeps. */
#include "base/clock.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/list.h"
#include "hub/collect.h"

#include <inttypes.h>
#include <time.h>
#include <unistd.h>

enum {
    PAUSE_MS = 200,          /* between looks at what a running server does */
    PATIENCE_MS = 60 * 1000, /* without any progress */
};

/* ---- report ---- */

static const struct table_column reason_columns[] = {
    { "KEPT", false }, { "BLOBS", true }, { "SIZE", true }, { "BYTES", true }, { "WHY", false },
};

static const char *const reason_words[COLLECT_REASON_COUNT] = {
    [COLLECT_TAGGED] = "reached from a tag",
    [COLLECT_UNTAGGED] = "only in manifests without a tag",
    [COLLECT_HISTORY] = "only in what was deleted and can still be brought back",
    [COLLECT_LEASED] = "pushed lately, no manifest yet",
    [COLLECT_FREE] = "nothing: goes within a minute",
};

static void report_json(struct json *json, const struct collect_report *report)
{
    json_object(json);
    for (int i = 0; i < COLLECT_REASON_COUNT; i++) {
        json_key(json, collect_reason_text((enum collect_reason)i));
        json_object(json);
        json_key_i64(json, "blobs", report->blobs[i]);
        json_key_i64(json, "bytes", report->bytes[i]);
        json_end(json);
    }
    json_key_i64(json, "removals_waiting", report->files_waiting);
    json_end(json);
}

static void report_table(struct cli *cli, const struct collect_report *report)
{
    struct table table;
    table_init(&table, reason_columns, ARRAY_COUNT(reason_columns));
    table_page(&table, cli->arena, COLLECT_REASON_COUNT);
    for (int i = 0; i < COLLECT_REASON_COUNT; i++) {
        const struct str cells[ARRAY_COUNT(reason_columns)] = {
            str_from(collect_reason_text((enum collect_reason)i)),
            list_number(cli->arena, report->blobs[i]),
            list_size(cli->arena, report->bytes[i]),
            list_number(cli->arena, report->bytes[i]),
            str_from(reason_words[i]),
        };
        table_row(&table, cells);
    }
    table_write(&table, cli->out);
    if (report->files_waiting > 0)
        fprintf(cli->out, "%" PRId64 " removals of files wait for the server.\n",
                report->files_waiting);
}

static bool report_show(struct cli *cli, struct hub *hub, struct error *err)
{
    struct collect_report report;
    if (!collect_explain(hub, cli->arena, &report, err))
        return false;
    if (!cli_has(cli, "--json")) {
        report_table(cli, &report);
        return true;
    }
    struct buf out AUTO(buf_release);
    struct json json;
    buf_init(&out, 65536);
    json_init(&json, &out);
    report_json(&json, &report);
    struct str text = buf_str(&out);
    fprintf(cli->out, "%.*s\n", STR_ARG(text));
    return true;
}

/* ---- run ---- */

struct gc_run {
    struct cli *cli;
    struct hub *hub;
    struct collect_result sum;
    bool shows_progress;
};

static void progress(const struct gc_run *run)
{
    if (run->shows_progress)
        fprintf(run->cli->err,
                "\rcollected %" PRId64 " manifests, %" PRId64 " blobs, %" PRId64 " bytes ",
                run->sum.manifests, run->sum.blobs, run->sum.bytes);
}

static bool run_steps(struct gc_run *run, bool *worked, struct error *err)
{
    struct collect_result result = { .is_more = true };
    while (result.is_more) {
        struct arena *arena AUTO(arena_free) = arena_new();
        if (!collect_step(run->hub, arena, &result, err))
            return false;
        run->sum.manifests += result.manifests;
        run->sum.blobs += result.blobs;
        run->sum.bytes += result.bytes;
        *worked = *worked || result.manifests + result.claims + result.blobs > 0;
        progress(run);
    }
    return true;
}

static bool run_jobs(struct gc_run *run, bool *worked, struct error *err)
{
    bool ran = true;
    while (ran) {
        struct arena *arena AUTO(arena_free) = arena_new();
        if (!collect_run_job(run->hub, arena, &ran, err))
            return false;
        *worked = *worked || ran;
    }
    return true;
}

/* A server may be running and have some of the work in its hands. */
static bool run_all(struct gc_run *run, struct error *err)
{
    int64_t patience_ms = clock_monotonic_ms() + PATIENCE_MS, waiting = 1;
    while (true) {
        struct arena *arena AUTO(arena_free) = arena_new();
        int64_t before = waiting;
        bool worked = false;
        if (!run_steps(run, &worked, err) || !run_jobs(run, &worked, err) ||
            !collect_waiting(run->hub, arena, &waiting, err))
            return false;
        if (waiting == 0)
            return true;
        if (worked || waiting != before)
            patience_ms = clock_monotonic_ms() + PATIENCE_MS;
        if (clock_monotonic_ms() > patience_ms)
            return error_set(err, ERROR_UNAVAILABLE,
                             "%" PRId64
                             " removals of files do not come to an end; the server's log "
                             "says why",
                             waiting);
        const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };
        nanosleep(&pause, NULL);
    }
}

static bool gc_run(struct cli *cli, struct hub *hub, struct error *err)
{
    struct gc_run run = { .cli = cli, .hub = hub };
    int fd = fileno(cli->err);
    run.shows_progress = fd >= 0 && isatty(fd);
    bool is_done = run_all(&run, err);
    if (run.shows_progress)
        fprintf(cli->err, "\n");
    if (is_done && !cli_has(cli, "--json"))
        fprintf(cli->out,
                "Collected %" PRId64 " manifests and %" PRId64 " blobs of %" PRId64 " bytes.\n",
                run.sum.manifests, run.sum.blobs, run.sum.bytes);
    return is_done;
}

/* ---- the command ---- */

static bool may_purge(struct cli *cli, struct error *err)
{
    int fd = fileno(cli->environment->in);
    if (cli_has(cli, "--yes") || fd < 0 || !isatty(fd))
        return true;
    return confirm_ask(cli->environment->in, cli->err,
                       "Deleted tags and manifests cannot be brought back after this.", "purge",
                       err);
}

enum cli_result command_gc(struct cli *cli)
{
    struct error error = { 0 };
    bool purges = cli_has(cli, "--purge");
    struct hub *hub AUTO(hub_close) = NULL;
    if ((purges && !may_purge(cli, &error)) || !cli_hub_open_existing(cli, &hub, &error) ||
        (purges && !collect_purge(hub, cli->arena, &error)) ||
        ((purges || cli_has(cli, "--run")) && !gc_run(cli, hub, &error)) ||
        !report_show(cli, hub, &error))
        return cli_fail(cli, &error);
    return CLI_OK;
}
