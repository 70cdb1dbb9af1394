/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/settings.h"

#include "base/file.h"
#include "cli/nearest.h"

#include <ctype.h>
#include <ini.h>
#include <string.h>

#define ENVIRONMENT_PREFIX STR("BERTH_")

struct str setting_name(struct arena *arena, enum setting_id id)
{
    const struct setting_row *row = &setting_table[id];
    return arena_format(arena, "%s%s%s", row->section, row->section[0] ? "." : "", row->key);
}

static char letter_normalize(char letter)
{
    if (letter == '.')
        return '_';
    if (letter >= 'a' && letter <= 'z')
        return (char)(letter - 'a' + 'A');
    return letter;
}

/* "limit.workers" and "Limit_Workers" become "LIMIT_WORKERS". */
static struct str name_normalize(struct arena *arena, struct str name)
{
    char *text = arena_alloc(arena, name.len + 1);
    for (size_t i = 0; i < name.len; i++)
        text[i] = letter_normalize(name.ptr[i]);
    return (struct str){ text, name.len };
}

struct str setting_environment_name(struct arena *arena, enum setting_id id)
{
    struct str name = name_normalize(arena, setting_name(arena, id));
    return arena_format(arena, "BERTH_%.*s", STR_ARG(name));
}

/* What stands between a source and the table: how the source calls a setting, and where it stands.
 */
struct assignment {
    struct str shown; /* the name as it was written there */
    struct str name;  /* "LIMIT_WORKERS" */
    struct str value;
    enum setting_origin origin;
    struct str where;
};

static bool setting_find(struct arena *arena, struct str name, enum setting_id *out)
{
    for (int id = 0; id < SETTING_COUNT; id++) {
        if (str_equal(name_normalize(arena, setting_name(arena, id)), name)) {
            *out = (enum setting_id)id;
            return true;
        }
    }
    return false;
}

/* Short, without controls, so that a message stays one line. */
static struct str text_for_message(struct arena *arena, struct str text)
{
    enum { SHOWN_BYTES_MAX = 80 };
    bool is_cut = text.len > SHOWN_BYTES_MAX;
    text = str_slice(text, 0, SHOWN_BYTES_MAX);
    while (is_cut && text.len > 0 && !str_is_utf8(text))
        text.len--;
    char *copy = arena_alloc(arena, text.len + 1);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];
        copy[i] = text.ptr[i];
        if (byte < 0x20 || byte == 0x7f)
            copy[i] = '?';
    }
    return arena_format(arena, "%.*s%s", (int)text.len, copy, is_cut ? "..." : "");
}

static bool refuse_unknown(struct arena *arena, const struct assignment *from, struct error *err)
{
    struct str best = STR_NONE;
    unsigned best_distance = 0;
    for (int id = 0; id < SETTING_COUNT; id++) {
        struct str known = setting_name(arena, id);
        struct str name = name_normalize(arena, known);
        /* What is only cut short is what was meant: tls.cert is no slip in tls.key. */
        bool is_begun = from->name.len >= 3 && str_starts(name, from->name);
        unsigned distance = is_begun ? 0 : word_distance(from->name, name);
        if ((is_begun || word_is_near(from->name, name)) &&
            (!str_is_set(best) || distance < best_distance)) {
            best = from->origin == ORIGIN_ENVIRONMENT ? setting_environment_name(arena, id) : known;
            best_distance = distance;
        }
    }
    struct str shown = text_for_message(arena, from->shown);
    if (str_is_set(best))
        return error_set(err, ERROR_INVALID, "%.*s: there is no setting %.*s; did you mean %.*s?",
                         STR_ARG(from->where), STR_ARG(shown), STR_ARG(best));
    return error_set(err, ERROR_INVALID,
                     "%.*s: there is no setting %.*s; \"berth serve --help\" lists all",
                     STR_ARG(from->where), STR_ARG(shown));
}

static bool assign(struct arena *arena, struct settings *settings, const struct assignment *from,
                   struct error *err)
{
    enum setting_id id = SETTING_COUNT;
    if (!setting_find(arena, from->name, &id))
        return refuse_unknown(arena, from, err);
    struct setting_value *slot = &settings->values[id];
    if (slot->origin == from->origin && from->origin == ORIGIN_FILE)
        return error_set(err, ERROR_INVALID, "%.*s: %.*s stands already in %.*s; remove one",
                         STR_ARG(from->where), STR_ARG(from->shown), STR_ARG(slot->where));
    struct str value = str_trim(from->value);
    if (value.len == 0)
        return true;
    struct str normal = STR_NONE;
    if (id == SETTING_SIGNUP && str_equal(value, STR("invite")))
        return error_set(err, ERROR_INVALID,
                         "%.*s: %.*s: invite is not supported by this version: use closed or open",
                         STR_ARG(from->where), STR_ARG(from->shown));
    if (!setting_check(id, value, &normal)) {
        struct str shown = text_for_message(arena, setting_value_shown(arena, value));
        return error_set(err, ERROR_INVALID, "%.*s: %.*s is '%.*s'; allowed: %s",
                         STR_ARG(from->where), STR_ARG(from->shown), STR_ARG(shown),
                         setting_table[id].allowed);
    }
    *slot = (struct setting_value){ .text = arena_copy(arena, normal),
                                    .origin = from->origin,
                                    .where = from->where };
    return true;
}

/* ---- the file ---- */

struct file_reading {
    struct arena *arena;
    struct settings *settings;
    struct str name, rest;
    int line; /* of what ini_parse_stream() has last read */
    struct error *err;
    bool failed;
};

static struct str line_name(const struct file_reading *reading)
{
    return arena_format(reading->arena, "%.*s:%d", STR_ARG(reading->name), reading->line);
}

/* One line for libinih, which has a buffer of fixed size: what does not fit is refused, since
 * the library would take the rest for a line of its own.  Without its indentation, which would
 * make it a continuation of the line before. */
static char *line_read(char *out, int size, void *stream)
{
    struct file_reading *reading = stream;
    struct str line = STR_NONE;
    if (reading->failed || !str_split(&reading->rest, '\n', &line))
        return NULL;
    reading->line++;
    line = str_trim(line);
    if (str_find(line, '\0') < line.len || line.len + 2 > (size_t)size) {
        reading->failed = true;
        error_set(
            reading->err, ERROR_INVALID,
            "%.*s: a line may have %d bytes, without NUL; give long values by the environment",
            STR_ARG(line_name(reading)), size - 2);
        return NULL;
    }
    memcpy(out, line.ptr, line.len);
    out[line.len] = '\n';
    out[line.len + 1] = '\0';
    return out;
}

static int line_take(void *user, const char *section, const char *key, const char *value)
{
    struct file_reading *reading = user;
    if (reading->failed)
        return 1;
    struct arena *arena = reading->arena;
    bool is_main = section[0] == '\0' || strcmp(section, "berth") == 0;
    struct str shown =
        is_main ? arena_copy(arena, str_from(key)) : arena_format(arena, "%s.%s", section, key);
    struct assignment from = { .shown = shown,
                               .name = name_normalize(arena, shown),
                               .value = str_from(value),
                               .origin = ORIGIN_FILE,
                               .where = line_name(reading) };
    if (!assign(arena, reading->settings, &from, reading->err))
        reading->failed = true;
    return 1;
}

bool settings_read_text(struct arena *arena, struct settings *settings, struct str name,
                        struct str text, struct error *err)
{
    struct file_reading reading = { .arena = arena,
                                    .settings = settings,
                                    .name = name,
                                    .rest = str_is_set(text) ? text : STR(""),
                                    .err = err };
    int bad_line = ini_parse_stream(line_read, &reading, line_take, &reading);
    if (reading.failed)
        return false;
    if (bad_line != 0)
        return error_set(err, ERROR_INVALID, "%.*s:%d: neither [section] nor key = value",
                         STR_ARG(name), bad_line);
    return true;
}

/* ---- the environment ---- */

/* Kubernetes gives every pod variables about the services beside it; for one that is called
 * "berth" they begin like ours. */
static bool is_of_kubernetes(struct str name, struct str value)
{
    struct str rest = str_after(name, ENVIRONMENT_PREFIX.len);
    if (str_starts(rest, STR("SERVICE_HOST")) || str_starts(rest, STR("SERVICE_PORT")))
        return true;
    if (str_equal(rest, STR("PORT")))
        return str_find_text(value, STR("://")) < value.len;
    return str_starts(rest, STR("PORT_")) && rest.len > 5 && isdigit((unsigned char)rest.ptr[5]);
}

static bool is_not_a_setting(struct str name, struct str value)
{
    return !str_starts(name, ENVIRONMENT_PREFIX) || str_equal(name, STR("BERTH_CONFIG")) ||
           str_starts(name, STR("BERTH_TEST_")) || is_of_kubernetes(name, value);
}

static bool environment_read(struct arena *arena, struct settings *settings,
                             char *const *environment, struct error *err)
{
    for (; environment && *environment; environment++) {
        struct str entry = str_from(*environment);
        size_t equals = str_find(entry, '=');
        struct str name = str_slice(entry, 0, equals);
        struct str value = str_after(entry, equals + 1);
        if (is_not_a_setting(name, value))
            continue;
        struct assignment from = { .shown = name,
                                   .name = str_after(name, ENVIRONMENT_PREFIX.len),
                                   .value = value,
                                   .origin = ORIGIN_ENVIRONMENT,
                                   .where = STR("environment") };
        if (!assign(arena, settings, &from, err))
            return false;
    }
    return true;
}

static struct str environment_file(char *const *environment)
{
    for (; environment && *environment; environment++) {
        struct str entry = str_from(*environment);
        if (str_starts(entry, STR("BERTH_CONFIG=")))
            return str_after(entry, 13);
    }
    return STR_NONE;
}

/* ---- all together ---- */

void settings_init(struct settings *settings)
{
    *settings = (struct settings){ 0 };
    for (int id = 0; id < SETTING_COUNT; id++) {
        if (setting_table[id].fallback[0])
            settings->values[id].text = str_from(setting_table[id].fallback);
    }
}

static struct str data_put(struct arena *arena, const struct settings *settings, struct str text)
{
    struct str mark = STR("<data>");
    size_t at = str_find_text(text, mark);
    struct str data = settings->values[SETTING_DATA].text;
    struct str behind = str_after(text, at + mark.len);
    return arena_format(arena, "%.*s%.*s%.*s", (int)at, text.ptr, STR_ARG(data), STR_ARG(behind));
}

bool settings_complete(struct arena *arena, struct settings *settings, struct error *err)
{
    for (int id = 0; id < SETTING_COUNT; id++) {
        struct setting_value *value = &settings->values[id];
        if (value->origin == ORIGIN_DEFAULT &&
            str_find_text(value->text, STR("<data>")) < value->text.len)
            value->text = data_put(arena, settings, value->text);
    }
    const struct setting_value *certificate = &settings->values[SETTING_TLS_CERTIFICATE];
    const struct setting_value *key = &settings->values[SETTING_TLS_KEY];
    if (str_is_set(certificate->text) != str_is_set(key->text)) {
        const struct setting_value *given = str_is_set(key->text) ? key : certificate;
        return error_set(
            err, ERROR_INVALID, "%.*s: tls.%s is '%.*s' but tls.%s is not set; https needs both",
            STR_ARG(given->where), given == key ? "key" : "certificate",
            STR_ARG(text_for_message(arena, given->text)), given == key ? "certificate" : "key");
    }
    return true;
}

/* `origin` is who named the file. */
static bool file_read(struct arena *arena, struct settings *settings, const char *origin,
                      struct str path, struct error *err)
{
    struct str text = STR_NONE;
    struct error why = { 0 };
    if (!file_read_all(arena, arena_c(arena, path), SETTINGS_FILE_BYTES_MAX, &text, &why))
        return why.kind == ERROR_NOT_FOUND
                   ? error_set(err, why.kind, "%s %.*s: the file does not exist", origin,
                               STR_ARG(path))
                   : error_set(err, why.kind, "%s %.*s: %s", origin, STR_ARG(path), why.message);
    settings->file = path;
    return settings_read_text(arena, settings, path, text, err);
}

bool settings_load(struct arena *arena, const struct settings_sources *sources,
                   struct settings *out, struct error *err)
{
    struct settings settings;
    settings_init(&settings);
    struct str file =
        str_is_set(sources->file) ? sources->file : environment_file(sources->environment);
    const char *origin = str_is_set(sources->file) ? "--config" : "environment: BERTH_CONFIG";
    if (file.len > 0 && !file_read(arena, &settings, origin, arena_copy(arena, file), err))
        return false;
    if (!environment_read(arena, &settings, sources->environment, err))
        return false;
    for (size_t i = 0; i < sources->flag_count; i++) {
        const struct setting_flag *flag = &sources->flags[i];
        struct assignment from = { .shown = flag->key,
                                   .name = name_normalize(arena, flag->key),
                                   .value = flag->value,
                                   .origin = ORIGIN_FLAG,
                                   .where = arena_format(arena, "flag %.*s", STR_ARG(flag->flag)) };
        if (!assign(arena, &settings, &from, err))
            return false;
    }
    if (!settings_complete(arena, &settings, err))
        return false;
    *out = settings;
    return true;
}
