/* SPDX-License-Identifier: Apache-2.0 */
/* How settings are shown: masked values, and the texts that are generated from the table. */
#include "cli/settings.h"

static bool parameter_is_secret(struct str name)
{
    return str_find_text(name, STR("password")) < name.len ||
           str_find_text(name, STR("secret")) < name.len;
}

/* Everything between the first ":" behind "://" and the last "@": a password may hold any
 * character if it was not encoded, so rather too much is hidden than too little. */
static void user_part_mask(struct buf *out, struct str *text)
{
    size_t scheme = str_find_text(*text, STR("://"));
    size_t at = str_find_last(*text, '@');
    if (scheme == text->len || at == text->len || at < scheme)
        return;
    struct str user = str_slice(*text, scheme + 3, at);
    size_t colon = str_find(user, ':');
    if (colon == user.len)
        return;
    buf_append(out, str_slice(*text, 0, scheme + 3 + colon));
    buf_append(out, STR(":***"));
    *text = str_after(*text, at);
}

static void query_mask(struct buf *out, struct str text)
{
    size_t question = str_find(text, '?');
    buf_append(out, str_slice(text, 0, question));
    if (question == text.len)
        return;
    struct str rest = str_after(text, question + 1), part = STR_NONE;
    for (char separator = '?'; str_split(&rest, '&', &part); separator = '&') {
        size_t equals = str_find(part, '=');
        buf_append_byte(out, separator);
        if (equals < part.len && parameter_is_secret(str_slice(part, 0, equals))) {
            buf_append(out, str_slice(part, 0, equals));
            buf_append(out, STR("=***"));
        } else {
            buf_append(out, part);
        }
    }
}

struct str setting_value_shown(struct arena *arena, struct str value)
{
    if (!str_is_set(value))
        return value;
    struct buf out AUTO(buf_release);
    buf_init(&out, 2 * (SETTING_VALUE_BYTES_MAX + value.len)); /* a mask may be longer */
    user_part_mask(&out, &value);
    query_mask(&out, value);
    return arena_copy(arena, buf_str(&out));
}

struct str settings_shown(const struct settings *settings, struct arena *arena, enum setting_id id)
{
    return setting_value_shown(arena, settings->values[id].text);
}

void settings_help_write(struct buf *out)
{
    struct arena *arena AUTO(arena_free) = arena_new();
    for (int id = 0; id < SETTING_COUNT; id++) {
        const struct setting_row *row = &setting_table[id];
        struct str name = setting_name(arena, id);
        struct str variable = setting_environment_name(arena, id);
        buf_format(out, "  %-30.*s %.*s\n      %s\n", STR_ARG(name), STR_ARG(variable), row->help);
        if (row->fallback[0])
            buf_format(out, "      default %s; allowed: %s\n", row->fallback, row->allowed);
        else
            buf_format(out, "      not set by default; allowed: %s\n", row->allowed);
    }
}

static void cell_write(struct buf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '|' || *text == '<' || *text == '*')
            buf_append_byte(out, '\\');
        buf_append_byte(out, *text);
    }
}

static const char manual_head[] =
    "# Settings\n"
    "\n"
    "<!-- Generated from src/cli/settings.def by `berth settings --manual`; a test compares. -->\n"
    "\n"
    "Berth starts without any setting. What you set comes from four places; each wins over those "
    "below it:\n"
    "\n"
    "1. flags: `--listen`, `--data`, and for all others `--set NAME=VALUE`\n"
    "2. the environment: the variables of the table\n"
    "3. one file in INI form, named by `--config FILE` or `BERTH_CONFIG`\n"
    "4. the defaults\n"
    "\n"
    "`berth settings` shows what holds and where it comes from, with passwords hidden; it takes "
    "the same flags.\n"
    "A wrong value or an unknown name stops the start with one line that says where it stands and "
    "what is allowed.\n"
    "An empty value counts as not set. Relative paths start at the current folder, `<data>` is the "
    "data folder.\n"
    "\n"
    "```ini\n"
    "; names without a dot stand before the first section (or in [berth])\n"
    "listen = 0.0.0.0:443\n"
    "url = https://hub.example.com\n"
    "\n"
    "[tls]\n"
    "certificate = /etc/berth/server.crt\n"
    "key = /etc/berth/server.key\n"
    "```\n"
    "\n"
    "A line of the file has at most 198 bytes, and `;` behind a space begins a comment; give "
    "longer values by the\n"
    "environment. Certificate and keys are read again on `SIGHUP`; everything else needs a "
    "restart.\n"
    "\n"
    "| name | variable | what it does | default | allowed |\n"
    "|---|---|---|---|---|\n";

void settings_manual_write(struct buf *out)
{
    struct arena *arena AUTO(arena_free) = arena_new();
    buf_append(out, str_from(manual_head));
    for (int id = 0; id < SETTING_COUNT; id++) {
        const struct setting_row *row = &setting_table[id];
        struct str name = setting_name(arena, id);
        struct str variable = setting_environment_name(arena, id);
        buf_format(out, "| `%.*s` | `%.*s` | ", STR_ARG(name), STR_ARG(variable));
        cell_write(out, row->help);
        if (row->fallback[0])
            buf_format(out, " | `%s` | ", row->fallback);
        else
            buf_append(out, STR(" | | "));
        cell_write(out, row->allowed);
        buf_append(out, STR(" |\n"));
    }
}
