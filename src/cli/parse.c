/* SPDX-License-Identifier: Apache-2.0 */
/* From words to options and arguments; see command.h. */
#include "cli/command.h"
#include "cli/nearest.h"

#include <string.h>

static const struct cli_option *option_find_in(const struct cli_option *table, struct str name)
{
    for (; table && table->name; table++) {
        if (str_equal(str_from(table->name), name))
            return table;
    }
    return NULL;
}

static const struct cli_option *option_find(const struct cli *cli, struct str name)
{
    const struct cli_option *option = option_find_in(cli->command->options, name);
    if (!option && cli->command->uses_settings)
        option = option_find_in(cli_settings_options, name);
    return option;
}

static const char *option_near_in(const struct cli_option *table, struct str name)
{
    for (; table && table->name; table++) {
        if (word_is_near(name, str_from(table->name)))
            return table->name;
    }
    return NULL;
}

static bool refuse_option(const struct cli *cli, struct str name, struct error *err)
{
    const char *near = option_near_in(cli->command->options, name);
    if (!near && cli->command->uses_settings)
        near = option_near_in(cli_settings_options, name);
    if (near)
        return error_set(err, ERROR_INVALID, "unknown option %.*s; did you mean %s?",
                         STR_ARG(str_slice(name, 0, 60)), near);
    return error_set(err, ERROR_INVALID, "unknown option %.*s", STR_ARG(str_slice(name, 0, 60)));
}

/* Takes argv[*at] and, for an option with a value, the word behind it. */
static bool option_take(struct cli *cli, char *const *argv, int argc, int *at, struct error *err)
{
    struct str word = str_from(argv[*at]);
    size_t equals = str_find(word, '=');
    struct str name = str_slice(word, 0, equals);
    if (str_equal(name, STR("--help")) || str_equal(name, STR("-h"))) {
        cli->wants_help = true;
        return true;
    }
    const struct cli_option *option = option_find(cli, name);
    if (!option)
        return refuse_option(cli, name, err);
    if (!option->repeats && cli_has(cli, option->name))
        return error_set(err, ERROR_INVALID, "%s is given twice", option->name);
    struct str text = STR("");
    if (equals < word.len) {
        if (!option->value)
            return error_set(err, ERROR_INVALID, "%s takes no value", option->name);
        text = str_after(word, equals + 1);
    } else if (option->value) {
        if (*at + 1 >= argc)
            return error_set(err, ERROR_INVALID, "%s needs a value: %s %s", option->name,
                             option->name, option->value);
        text = str_from(argv[++*at]);
    }
    if (cli->value_count == CLI_VALUE_COUNT_MAX)
        return error_set(err, ERROR_INVALID, "too many options; %d are allowed",
                         CLI_VALUE_COUNT_MAX);
    cli->values[cli->value_count++] = (struct cli_value){ option, text };
    return true;
}

static bool requirements_check(const struct cli *cli, struct error *err)
{
    const struct cli_command *command = cli->command;
    if (cli->argument_count < command->argument_min)
        return error_set(err, ERROR_INVALID, "missing: %s", command->arguments);
    for (const struct cli_option *option = command->options; option && option->name; option++) {
        if (option->is_required && !cli_has(cli, option->name))
            return error_set(err, ERROR_INVALID, "missing: %s %s", option->name, option->value);
    }
    return true;
}

bool cli_parse(struct cli *cli, int argc, char *const *argv, struct error *err)
{
    bool only_arguments = false;
    for (int at = 0; at < argc; at++) {
        const char *word = argv[at];
        if (!only_arguments && strcmp(word, "--") == 0) {
            only_arguments = true;
        } else if (!only_arguments && word[0] == '-' && word[1] != '\0') {
            if (!option_take(cli, argv, argc, &at, err))
                return false;
        } else if (cli->argument_count == cli->command->argument_max) {
            return error_set(err, ERROR_INVALID, "unexpected: %.60s", word);
        } else {
            cli->arguments[cli->argument_count++] = str_from(word);
        }
    }
    return cli->wants_help || requirements_check(cli, err);
}

struct str cli_get_nth(const struct cli *cli, const char *option, size_t nth)
{
    const struct cli_option *row = option_find(cli, str_from(option));
    assert(row);
    for (size_t i = 0; i < cli->value_count; i++) {
        if (cli->values[i].option == row && nth-- == 0)
            return cli->values[i].text;
    }
    return STR_NONE;
}

struct str cli_get(const struct cli *cli, const char *option)
{
    return cli_get_nth(cli, option, 0);
}

bool cli_has(const struct cli *cli, const char *option)
{
    return str_is_set(cli_get(cli, option));
}

bool cli_get_yes_no(struct cli *cli, const char *option, bool *out, bool *is_given)
{
    struct str text = cli_get(cli, option);
    *is_given = str_is_set(text);
    if (!*is_given)
        return true;
    *out = str_equal(text, STR("yes"));
    if (*out || str_equal(text, STR("no")))
        return true;
    cli_usage(cli, "%s is '%.*s'; allowed: yes, no", option, STR_ARG(str_slice(text, 0, 60)));
    return false;
}
