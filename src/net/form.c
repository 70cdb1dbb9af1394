/* SPDX-License-Identifier: Apache-2.0 */
#include "net/form.h"

#include "base/hex.h"

static bool decode(struct arena *arena, struct str text, bool plus_is_space, struct str *out)
{
    char *bytes = arena_alloc(arena, text.len + 1);
    size_t size = 0;
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.ptr[i];
        if (byte == '%') {
            if (text.len - i < 3)
                return false;
            int high = hex_digit_value(text.ptr[i + 1]), low = hex_digit_value(text.ptr[i + 2]);
            if (high < 0 || low < 0)
                return false;
            byte = (char)(high << 4 | low);
            i += 2;
        } else if (byte == '+' && plus_is_space) {
            byte = ' ';
        }
        bytes[size++] = byte;
    }
    struct str decoded = { bytes, size };
    if (!str_is_utf8(decoded)) /* refuses NUL too */
        return false;
    *out = decoded;
    return true;
}

bool url_decode(struct arena *arena, struct str text, struct str *out)
{
    return decode(arena, text, false, out);
}

bool form_parse(struct arena *arena, struct str text, struct form *out, struct error *err)
{
    size_t count_max = 1;
    for (size_t i = 0; i < text.len; i++)
        count_max += text.ptr[i] == '&';
    if (count_max > FORM_FIELD_COUNT_MAX)
        return error_set(err, ERROR_TOO_LARGE, "more than %d form fields", FORM_FIELD_COUNT_MAX);

    struct form form = { .fields = arena_alloc(arena, count_max * sizeof(struct form_field)) };
    struct str rest = text, pair;
    while (str_split(&rest, '&', &pair)) {
        if (pair.len == 0)
            continue;
        size_t equals = str_find(pair, '=');
        struct form_field *field = &form.fields[form.count];
        if (!decode(arena, str_slice(pair, 0, equals), true, &field->name) ||
            !decode(arena, str_after(pair, equals + 1), true, &field->value))
            return error_set(err, ERROR_INVALID,
                             "form field %zu is not properly percent-encoded UTF-8",
                             form.count + 1);
        form.count++;
    }
    *out = form;
    return true;
}

struct str form_get_nth(const struct form *form, const char *name, size_t nth)
{
    struct str wanted = str_from(name);
    for (size_t i = 0; i < form->count; i++)
        if (str_equal(form->fields[i].name, wanted) && nth-- == 0)
            return form->fields[i].value;
    return STR_NONE;
}

struct str form_get(const struct form *form, const char *name)
{
    return form_get_nth(form, name, 0);
}
