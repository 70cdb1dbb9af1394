/* SPDX-License-Identifier: Apache-2.0 */
/* Properties: a settings file that is accepted leaves only values that typed reading takes without
 * asserts, and these, written as a file again, are accepted with the same result.  A refusal is one
 * line. */
#include "base/buf.h"
#include "cli/settings.h"

#include "fuzz.h"

static bool read_file(struct arena *arena, struct str text, struct settings *settings,
                      struct error *err)
{
    settings_init(settings);
    return settings_read_text(arena, settings, STR("f"), text, err) &&
           settings_complete(arena, settings, err);
}

static void read_typed(struct arena *arena, const struct settings *settings)
{
    for (int id = 0; id < SETTING_COUNT; id++) {
        struct str *list = NULL;
        struct address_range *ranges = NULL;
        size_t count = 0;
        enum setting_type type = setting_table[id].type;
        if (type == SETTING_TYPE_LISTEN) {
            settings_list(settings, arena, (enum setting_id)id, &list, &count);
            REQUIRE(count > 0);
        } else if (type == SETTING_TYPE_RANGES) {
            settings_ranges(settings, arena, (enum setting_id)id, &ranges, &count);
        } else if (type == SETTING_TYPE_NUMBER) {
            REQUIRE(settings_number(settings, (enum setting_id)id) >= 0);
        } else if (type == SETTING_TYPE_CHOICE) {
            REQUIRE(settings_choice(settings, (enum setting_id)id) >= 0);
        }
        (void)settings_shown(settings, arena, (enum setting_id)id);
    }
}

/* What came from the file, one section and line for each. */
static struct str write_file(struct arena *arena, const struct settings *settings)
{
    struct buf out AUTO(buf_release);
    buf_init(&out, 1024 * 1024);
    for (int id = 0; id < SETTING_COUNT; id++) {
        const struct setting_value *value = &settings->values[id];
        if (value->origin != ORIGIN_FILE)
            continue;
        const struct setting_row *row = &setting_table[id];
        buf_format(&out, "[%s]\n%s=%.*s\n", row->section[0] ? row->section : "berth", row->key,
                   STR_ARG(value->text));
    }
    return str_is_set(buf_str(&out)) ? arena_copy(arena, buf_str(&out)) : STR("");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena AUTO(arena_free) = arena_new();
    struct settings settings, again;
    struct error err = { 0 };
    if (!read_file(arena, (struct str){ (const char *)data, size }, &settings, &err)) {
        struct str message = str_from(err.message);
        REQUIRE(err.kind == ERROR_INVALID);
        REQUIRE(message.len > 0 && str_find(message, '\n') == message.len);
        return 0;
    }
    read_typed(arena, &settings);
    REQUIRE(read_file(arena, write_file(arena, &settings), &again, &err));
    for (int id = 0; id < SETTING_COUNT; id++)
        REQUIRE(str_equal(settings.values[id].text, again.values[id].text));
    return 0;
}
