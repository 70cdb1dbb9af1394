/* SPDX-License-Identifier: Apache-2.0 */
/* What each type of setting allows, and typed reading of what was checked. */
#include "cli/settings.h"
#include "net/address.h"

const struct setting_row setting_table[SETTING_COUNT] = {
#define SETTING(id, section, key, type, fallback, allowed, help)                                   \
    [SETTING_##id] = { section, key, SETTING_TYPE_##type, fallback, allowed, help },
#include "cli/settings.def"
};

static struct str list_next(struct str *rest)
{
    struct str part = STR_NONE;
    while (str_split(rest, ',', &part)) {
        part = str_trim(part);
        if (part.len > 0)
            return part;
    }
    return STR_NONE;
}

static bool listen_is_valid(struct str value)
{
    size_t count = 0;
    for (struct str part = list_next(&value); str_is_set(part); part = list_next(&value)) {
        struct listen_address ignored;
        struct error error = { 0 };
        if (!listen_address_parse(part, &ignored, &error))
            return false;
        count++;
    }
    return count > 0;
}

static bool ranges_are_valid(struct str value)
{
    size_t count = 0;
    for (struct str part = list_next(&value); str_is_set(part); part = list_next(&value)) {
        struct address_range ignored;
        struct error error = { 0 };
        if (!address_range_parse(part, &ignored, &error))
            return false;
        count++;
    }
    return count > 0;
}

static bool url_normalize(struct str value, struct str *normal)
{
    struct str rest = STR_NONE;
    if (str_starts(value, STR("http://")))
        rest = str_after(value, 7);
    else if (str_starts(value, STR("https://")))
        rest = str_after(value, 8);
    if (str_ends(rest, STR("/")))
        rest.len--;
    if (rest.len == 0 || !host_is_valid(rest))
        return false;
    *normal = (struct str){ value.ptr, (size_t)(rest.ptr - value.ptr) + rest.len };
    return true;
}

static bool choice_find(const char *allowed, struct str value, int *place)
{
    struct str rest = str_from(allowed);
    int at = 0;
    for (struct str part = list_next(&rest); str_is_set(part); part = list_next(&rest), at++) {
        if (str_equal(part, value)) {
            *place = at;
            return true;
        }
    }
    return false;
}

/* The bounds stand in the table as people read them: "4 to 10000". */
static bool number_parse(const char *allowed, struct str value, uint64_t *out)
{
    struct str bounds = str_from(allowed);
    size_t middle = str_find_text(bounds, STR(" to "));
    uint64_t low = 0, high = 0;
    bool is_range = str_to_u64(str_slice(bounds, 0, middle), INT64_MAX, &low) &&
                    str_to_u64(str_after(bounds, middle + 4), INT64_MAX, &high);
    assert(is_range);
    (void)is_range;
    return str_to_u64(value, high, out) && *out >= low;
}

static bool starts_and_goes_on(struct str value, struct str prefix)
{
    return str_starts(value, prefix) && value.len > prefix.len;
}

static bool text_is_plain(struct str value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char byte = (unsigned char)value.ptr[i];
        if (byte < 0x20 || byte == 0x7f)
            return false;
    }
    return value.len <= SETTING_VALUE_BYTES_MAX && str_is_utf8(value);
}

bool setting_check(enum setting_id id, struct str value, struct str *normal)
{
    const struct setting_row *row = &setting_table[id];
    if (!text_is_plain(value))
        return false;
    *normal = value;
    int place = 0;
    uint64_t number = 0;
    switch (row->type) {
    case SETTING_TYPE_LISTEN:
        return listen_is_valid(value);
    case SETTING_TYPE_PATH:
        return value.len > 0;
    case SETTING_TYPE_URL:
        return url_normalize(value, normal);
    case SETTING_TYPE_DATABASE:
        return starts_and_goes_on(value, STR("sqlite:")) ||
               starts_and_goes_on(value, STR("postgres://")) ||
               starts_and_goes_on(value, STR("postgresql://"));
    case SETTING_TYPE_STORAGE:
        return starts_and_goes_on(value, STR("file:")) || starts_and_goes_on(value, STR("s3://"));
    case SETTING_TYPE_CHOICE:
        return choice_find(row->allowed, value, &place);
    case SETTING_TYPE_RANGES:
        return ranges_are_valid(value);
    case SETTING_TYPE_NUMBER:
        return number_parse(row->allowed, value, &number);
    }
    assert(false); /* the table has no other types */
    return false;
}

struct str settings_text(const struct settings *settings, enum setting_id id)
{
    return settings->values[id].text;
}

int64_t settings_number(const struct settings *settings, enum setting_id id)
{
    assert(setting_table[id].type == SETTING_TYPE_NUMBER);
    uint64_t number = 0;
    bool is_valid = number_parse(setting_table[id].allowed, settings->values[id].text, &number);
    assert(is_valid);
    (void)is_valid;
    return (int64_t)number;
}

int settings_choice(const struct settings *settings, enum setting_id id)
{
    assert(setting_table[id].type == SETTING_TYPE_CHOICE);
    int place = 0;
    bool is_valid = choice_find(setting_table[id].allowed, settings->values[id].text, &place);
    assert(is_valid);
    (void)is_valid;
    return place;
}

void settings_list(const struct settings *settings, struct arena *arena, enum setting_id id,
                   struct str **out, size_t *count)
{
    assert(setting_table[id].type == SETTING_TYPE_LISTEN ||
           setting_table[id].type == SETTING_TYPE_RANGES);
    struct str text = settings->values[id].text;
    size_t most = 1;
    for (size_t i = 0; i < text.len; i++)
        most += text.ptr[i] == ',';
    struct str *list = arena_alloc(arena, most * sizeof(*list));
    size_t found = 0;
    for (struct str part = list_next(&text); str_is_set(part); part = list_next(&text))
        list[found++] = part;
    *out = list;
    *count = found;
}

void settings_ranges(const struct settings *settings, struct arena *arena, enum setting_id id,
                     struct address_range **out, size_t *count)
{
    struct str *list = NULL;
    settings_list(settings, arena, id, &list, count);
    struct address_range *ranges = arena_alloc(arena, (*count + 1) * sizeof(*ranges));
    for (size_t i = 0; i < *count; i++) {
        struct error error = { 0 };
        bool is_valid = address_range_parse(list[i], &ranges[i], &error);
        assert(is_valid);
        (void)is_valid;
    }
    *out = ranges;
}
