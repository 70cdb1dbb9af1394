/* SPDX-License-Identifier: Apache-2.0 */
/* Property: what form_parse() takes is UTF-8 without NUL, within the limit of fields, and written
 * as a form again it is parsed to the same fields.  A path that decodes is no longer than its text.
 */
#include "base/buf.h"
#include "net/form.h"

#include "fuzz.h"

static void check_again(struct arena *arena, const struct form *form)
{
    struct form again;
    struct error err = { 0 };
    struct buf buf;
    buf_init(&buf, 1 << 24);
    for (size_t i = 0; i < form->count; i++) {
        buf_append(&buf, i ? STR("&") : STR(""));
        buf_append_url(&buf, form->fields[i].name);
        buf_append_byte(&buf, '=');
        buf_append_url(&buf, form->fields[i].value);
    }
    REQUIRE(form_parse(arena, buf_str(&buf), &again, &err));
    REQUIRE(again.count == form->count);
    for (size_t i = 0; i < form->count; i++) {
        REQUIRE(str_equal(again.fields[i].name, form->fields[i].name));
        REQUIRE(str_equal(again.fields[i].value, form->fields[i].value));
    }
    buf_release(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena AUTO(arena_free) = arena_new();
    struct str input = { (const char *)data, size }, path;
    struct error err = { 0 };
    struct form form;
    if (url_decode(arena, input, &path))
        REQUIRE(path.len <= size && str_is_utf8(path));
    if (!form_parse(arena, input, &form, &err)) {
        REQUIRE(err.kind == ERROR_INVALID || err.kind == ERROR_TOO_LARGE);
        return 0;
    }
    REQUIRE(form.count <= FORM_FIELD_COUNT_MAX);
    for (size_t i = 0; i < form.count; i++)
        REQUIRE(str_is_utf8(form.fields[i].name) && str_is_utf8(form.fields[i].value));
    check_again(arena, &form);
    return 0;
}
