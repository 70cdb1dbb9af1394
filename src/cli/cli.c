/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include "cli/command.h"
#include "cli/data.h"
#include "cli/nearest.h"

#include <stdarg.h>
#include <string.h>

const struct cli_option cli_settings_options[] = {
    { "--config", "FILE", "read settings from FILE", false, false },
    { "--data", "DIR", "data folder", false, false },
    { "--set", "NAME=VALUE", "any setting; \"berth serve --help\" lists them", false, true },
    { 0 },
};

static void write_str(FILE *out, struct str text)
{
    if (text.len > 0)
        fwrite(text.ptr, 1, text.len, out);
}

enum cli_result cli_fail(struct cli *cli, const struct error *err)
{
    fprintf(cli->err, "berth: %s\n", err->message);
    return CLI_FAILED;
}

enum cli_result cli_usage(struct cli *cli, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(cli->err, "berth: ");
    vfprintf(cli->err, format, arguments);
    fprintf(cli->err, "; see \"berth %s%s--help\"\n", cli->command ? cli->command->name : "",
            cli->command ? " " : "");
    va_end(arguments);
    return CLI_USAGE;
}

struct str cli_quote(struct arena *arena, struct str word)
{
    bool is_plain = word.len > 0;
    for (size_t i = 0; i < word.len && is_plain; i++) {
        unsigned char byte = (unsigned char)word.ptr[i];
        is_plain = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
                   (byte >= 'A' && byte <= 'Z') || (byte && strchr("-_./:=@%+,", byte));
    }
    if (is_plain)
        return word;
    struct buf out AUTO(buf_release);
    buf_init(&out, 4 * word.len + 3);
    buf_append_byte(&out, '\'');
    for (size_t i = 0; i < word.len; i++) {
        if (word.ptr[i] == '\'')
            buf_append(&out, STR("'\\''"));
        else
            buf_append_byte(&out, word.ptr[i]);
    }
    buf_append_byte(&out, '\'');
    return arena_copy(arena, buf_str(&out));
}

enum { DAY_MS = 24 * 60 * 60 * 1000 };

bool cli_hub_open(const struct settings *settings, struct arena *arena, struct hub **out,
                  struct error *err)
{
    if (!data_prepare(settings, arena, err))
        return false;
    bool is_open = str_equal(settings_text(settings, SETTING_SIGNUP), STR("open"));
    struct hub_options options = {
        .database = settings_text(settings, SETTING_DATABASE),
        .storage = settings_text(settings, SETTING_STORAGE),
        .keys = settings_text(settings, SETTING_KEYS),
        .url = settings_text(settings, SETTING_URL),
        .signup = is_open ? SIGNUP_OPEN : SIGNUP_CLOSED,
        .history_ms = settings_number(settings, SETTING_HISTORY_DAYS) * DAY_MS,
        .lease_ms = settings_number(settings, SETTING_COLLECT_LEASE_S) * 1000,
        .migrate = true,
    };
    return hub_open(&options, out, err);
}

bool cli_hub_open_existing(struct cli *cli, struct hub **out, struct error *err)
{
    return data_require(&cli->settings, cli->arena, err) &&
           cli_hub_open(&cli->settings, cli->arena, out, err);
}

/* ---- help ---- */

enum { LEFT_WIDTH = 28 };

static void options_help(FILE *out, const struct cli_option *table)
{
    for (; table && table->name; table++) {
        char left[64];
        snprintf(left, sizeof(left), "%s%s%s", table->name, table->value ? " " : "",
                 table->value ? table->value : "");
        /* What is too long for its column has a line of its own. */
        bool is_long = strlen(left) > LEFT_WIDTH;
        if (is_long)
            fprintf(out, "  %s\n", left);
        fprintf(out, "  %-*s %s%s\n", LEFT_WIDTH, is_long ? "" : left, table->help,
                table->is_required ? " (required)" : "");
    }
}

static void command_help_write(FILE *out, const struct cli_command *command)
{
    fprintf(out, "Usage: berth %s%s%s [options]\n\n%s.\n", command->name,
            command->arguments[0] ? " " : "", command->arguments, command->summary);
    if (command->more)
        fprintf(out, "\n%s\n", command->more);
    fprintf(out, "\nOptions:\n");
    options_help(out, command->options);
    if (command->uses_settings)
        options_help(out, cli_settings_options);
    fprintf(out, "  %-28s %s\n", "--help", "this text");
    if (command->run != command_serve)
        return;
    struct buf settings AUTO(buf_release);
    buf_init(&settings, 65536);
    settings_help_write(&settings);
    fprintf(out, "\nSettings (for --set, the environment and the file):\n");
    write_str(out, buf_str(&settings));
}

/* Those of one group ("user"), or all. */
static void overview_write(FILE *out, struct str group)
{
    fprintf(out, "Usage: berth %.*s%sCOMMAND [options]\n\nCommands:\n", STR_ARG(group),
            group.len > 0 ? " " : "");
    for (const struct cli_command *command = cli_commands; command->name; command++) {
        struct str name = str_from(command->name);
        bool is_in_group =
            str_starts(name, group) && name.len > group.len && name.ptr[group.len] == ' ';
        if (group.len == 0 || is_in_group)
            fprintf(out, "  %-14s %s\n", command->name, command->summary);
    }
    fprintf(out, "\n\"berth COMMAND --help\" tells more.\n");
}

/* ---- which command ---- */

/* Finds the command that the words begin with; *used of them are its name. */
static const struct cli_command *command_find(int argc, char *const *argv, int *used)
{
    for (const struct cli_command *command = cli_commands; command->name; command++) {
        struct str rest = str_from(command->name), part = STR_NONE;
        int count = 0;
        bool fits = true;
        while (fits && str_split(&rest, ' ', &part)) {
            fits = count < argc && str_equal(str_from(argv[count]), part);
            count++;
        }
        if (fits) {
            *used = count;
            return command;
        }
    }
    return NULL;
}

static bool is_group(struct str word)
{
    for (const struct cli_command *command = cli_commands; command->name; command++) {
        struct str name = str_from(command->name);
        if (str_starts(name, word) && name.len > word.len && name.ptr[word.len] == ' ')
            return true;
    }
    return false;
}

static bool is_help_word(struct str word)
{
    return str_equal(word, STR("--help")) || str_equal(word, STR("-h"));
}

static enum cli_result command_unknown(struct cli *cli, int argc, char *const *argv)
{
    struct str first = str_from(argv[0]);
    struct str second = argc > 1 ? str_from(argv[1]) : STR_NONE;
    bool in_group = is_group(first);
    if (in_group && (argc == 1 || is_help_word(second))) {
        overview_write(argc == 1 ? cli->err : cli->out, first);
        return argc == 1 ? CLI_USAGE : CLI_OK;
    }
    struct str one = first;
    struct str two = argc > 1 ? arena_format(cli->arena, "%s %s", argv[0], argv[1]) : first;
    struct str turned = argc > 1 ? arena_format(cli->arena, "%s %s", argv[1], argv[0]) : first;
    const char *best = NULL;
    unsigned best_distance = 0;
    for (const struct cli_command *command = cli_commands; command->name; command++) {
        struct str name = str_from(command->name);
        struct str typed = str_find(name, ' ') < name.len ? two : one;
        bool is_turned = str_equal(turned, name);
        unsigned distance = is_turned ? 0 : word_distance(typed, name);
        if ((is_turned || word_is_near(typed, name)) && (!best || distance < best_distance)) {
            best = command->name;
            best_distance = distance;
        }
    }
    bool has_two = in_group || (best && str_equal(turned, str_from(best)));
    struct str typed = str_slice(has_two ? two : one, 0, 60);
    if (best)
        fprintf(cli->err, "berth: unknown command \"%.*s\"; did you mean \"berth %s\"?\n",
                STR_ARG(typed), best);
    else
        fprintf(cli->err, "berth: unknown command \"%.*s\"; \"berth help\" lists all\n",
                STR_ARG(typed));
    return CLI_USAGE;
}

enum cli_result command_help(struct cli *cli)
{
    char *words[2] = { NULL, NULL };
    for (size_t i = 0; i < cli->argument_count; i++) {
        struct str word = arena_copy(cli->arena, cli->arguments[i]);
        words[i] = arena_alloc(cli->arena, word.len + 1);
        memcpy(words[i], word.ptr, word.len);
    }
    int used = 0;
    int count = (int)cli->argument_count;
    if (count == 0) {
        overview_write(cli->out, STR(""));
        return CLI_OK;
    }
    const struct cli_command *command = command_find(count, words, &used);
    if (command)
        command_help_write(cli->out, command);
    else if (count == 1 && is_group(cli->arguments[0]))
        overview_write(cli->out, cli->arguments[0]);
    else
        return command_unknown(cli, count, words);
    return CLI_OK;
}

/* ---- settings of a command ---- */

static void flags_collect(const struct cli *cli, struct setting_flag *flags, size_t *count)
{
    for (size_t i = 0; i < cli->value_count; i++) {
        struct str name = str_from(cli->values[i].option->name);
        struct str text = cli->values[i].text;
        struct setting_flag flag = { .flag = name, .value = text };
        if (str_equal(name, STR("--data")) || str_equal(name, STR("--listen"))) {
            flag.key = str_after(name, 2);
        } else if (str_equal(name, STR("--set"))) {
            size_t equals = str_find(text, '='); /* command_start() has seen it */
            flag.key = str_trim(str_slice(text, 0, equals));
            flag.value = str_after(text, equals + 1);
        } else {
            continue;
        }
        flags[(*count)++] = flag;
    }
}

static bool settings_prepare(struct cli *cli, struct error *err)
{
    struct setting_flag flags[CLI_VALUE_COUNT_MAX];
    size_t count = 0;
    flags_collect(cli, flags, &count);
    struct settings_sources sources = { .file = cli_get(cli, "--config"),
                                        .environment = cli->environment->variables,
                                        .flags = flags,
                                        .flag_count = count };
    return settings_load(cli->arena, &sources, &cli->settings, err);
}

static struct str cli_set_nth(const struct cli *cli, size_t nth)
{
    return cli->command->uses_settings ? cli_get_nth(cli, "--set", nth) : STR_NONE;
}

static enum cli_result command_start(struct cli *cli, int argc, char *const *argv)
{
    struct error error = { 0 };
    if (!cli_parse(cli, argc, argv, &error))
        return cli_usage(cli, "%s", error.message);
    if (cli->wants_help) {
        command_help_write(cli->out, cli->command);
        return CLI_OK;
    }
    for (size_t i = 0; str_is_set(cli_set_nth(cli, i)); i++) {
        struct str text = cli_set_nth(cli, i);
        if (str_find(text, '=') == text.len)
            return cli_usage(cli, "--set %.*s: write NAME=VALUE", STR_ARG(str_slice(text, 0, 60)));
    }
    if (cli->command->uses_settings && !settings_prepare(cli, &error))
        return cli_fail(cli, &error);
    return cli->command->run(cli);
}

int cli_run(const struct cli_environment *environment, int argc, char *const *argv)
{
    struct arena *arena AUTO(arena_free) = arena_new();
    struct cli cli = { .environment = environment,
                       .program = argc > 0 ? argv[0] : "berth",
                       .arena = arena,
                       .out = environment->out,
                       .err = environment->err };
    if (argc < 2) {
        overview_write(cli.err, STR(""));
        return CLI_USAGE;
    }
    struct str first = str_from(argv[1]);
    if (is_help_word(first)) {
        overview_write(cli.out, STR(""));
        return CLI_OK;
    }
    int used = 0;
    if (str_equal(first, STR("--version"))) {
        cli.command = NULL;
        return command_version(&cli);
    }
    cli.command = command_find(argc - 1, argv + 1, &used);
    if (!cli.command)
        return command_unknown(&cli, argc - 1, argv + 1);
    enum cli_result result = command_start(&cli, argc - 1 - used, argv + 1 + used);
    /* What was asked for has not been said: say so (disk full, closed pipe). */
    if (fflush(cli.out) != 0 && result == CLI_OK) {
        fprintf(cli.err, "berth: cannot write the output\n");
        return CLI_FAILED;
    }
    return result;
}
