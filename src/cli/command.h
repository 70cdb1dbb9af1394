/* SPDX-License-Identifier: Apache-2.0 */
/* cli/command.h - what a command is, and what its handler gets.  Private to src/cli.
 *
 * Parsed is: --name value, --name=value, flags, and "--" in front of arguments that begin with a
 * dash.  Which options there are stands in the command's row; asking for another one is a bug. */
#pragma once
#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/settings.h"
#include "hub/hub.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct cli_option {
    const char *name;  /* "--email"; NULL ends a table */
    const char *value; /* what people read for its value, "ADDRESS"; NULL: a flag */
    const char *help;
    bool is_required, repeats;
};

struct cli;

struct cli_command {
    const char *name;      /* "user add" */
    const char *arguments; /* "NAME" */
    size_t argument_min, argument_max;
    const char *summary; /* one line */
    const char *more;    /* further lines of --help, or NULL */
    enum cli_result (*run)(struct cli *cli);
    const struct cli_option *options;
    bool uses_settings; /* takes --config, --data and --set, and has cli->settings */
};

enum { CLI_VALUE_COUNT_MAX = 64, CLI_ARGUMENT_COUNT_MAX = 4 };

struct cli_value {
    const struct cli_option *option;
    struct str text;
};

struct cli {
    const struct cli_environment *environment;
    const struct cli_command *command;
    const char *program;
    struct arena *arena;
    FILE *out, *err;
    struct str arguments[CLI_ARGUMENT_COUNT_MAX];
    size_t argument_count;
    struct cli_value values[CLI_VALUE_COUNT_MAX];
    size_t value_count;
    bool wants_help;
    struct settings settings;
};

extern const struct cli_command cli_commands[]; /* ends with a row whose name is NULL */
extern const struct cli_option cli_settings_options[];

/* Takes the words behind the command's name apart; ERROR_INVALID for a usage mistake. */
NODISCARD bool cli_parse(struct cli *cli, int argc, char *const *argv, struct error *err);

bool cli_has(const struct cli *cli, const char *option);
struct str cli_get(const struct cli *cli, const char *option); /* absent if not given */
struct str cli_get_nth(const struct cli *cli, const char *option, size_t nth);
/* "yes" or "no" into *out; *is_given tells.  False after it has told a usage mistake. */
NODISCARD bool cli_get_yes_no(struct cli *cli, const char *option, bool *out, bool *is_given);

/* Both print one line on stderr. */
enum cli_result cli_fail(struct cli *cli, const struct error *err);
enum cli_result cli_usage(struct cli *cli, const char *format, ...) PRINTF_LIKE(2, 3);

/* Makes the data folder if it is missing (0700), brings the database up to date. */
NODISCARD bool cli_hub_open(const struct settings *settings, struct arena *arena, struct hub **out,
                            struct error *err);

/* The same for commands that look at or change what is there: ERROR_NOT_FOUND where nothing is. */
NODISCARD bool cli_hub_open_existing(struct cli *cli, struct hub **out, struct error *err);

/* A word as a shell would read it back. */
struct str cli_quote(struct arena *arena, struct str word);

enum cli_result command_serve(struct cli *cli);
enum cli_result command_settings(struct cli *cli);
enum cli_result command_version(struct cli *cli);
enum cli_result command_help(struct cli *cli);
enum cli_result command_migrate(struct cli *cli);
enum cli_result command_gc(struct cli *cli);
enum cli_result command_key_rotate(struct cli *cli);
enum cli_result command_cert(struct cli *cli);
enum cli_result command_check(struct cli *cli);
enum cli_result command_restore(struct cli *cli);
enum cli_result command_user_add(struct cli *cli);
enum cli_result command_user_change(struct cli *cli);
enum cli_result command_user_list(struct cli *cli);
enum cli_result command_repo_add(struct cli *cli);
enum cli_result command_repo_change(struct cli *cli);
enum cli_result command_repo_list(struct cli *cli);
