/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include "base/limits.h"

#include <assert.h>

void json_init(struct json *json, struct buf *buf)
{
    *json = (struct json){ .buf = buf };
}

/* A value may stand here: after a key, in an array, or once at the top. */
static void begin_value(struct json *json)
{
    if (json->depth == 0) {
        assert(!json->has_item[0]); /* one document, one value */
        json->has_item[0] = true;
        return;
    }
    if (json->closes[json->depth] == '}') {
        assert(json->has_key); /* a member of an object needs its key first */
        json->has_key = false;
        return;
    }
    if (json->has_item[json->depth])
        buf_append_byte(json->buf, ',');
    json->has_item[json->depth] = true;
}

static void open_level(struct json *json, char opens, char closes)
{
    begin_value(json);
    assert(json->depth < JSON_DEPTH_MAX - 1);
    json->depth++;
    json->has_item[json->depth] = false;
    json->closes[json->depth] = closes;
    buf_append_byte(json->buf, opens);
}

void json_write_object(struct json *json)
{
    open_level(json, '{', '}');
}

void json_write_array(struct json *json)
{
    open_level(json, '[', ']');
}

void json_end(struct json *json)
{
    assert(json->depth > 0 && !json->has_key);
    buf_append_byte(json->buf, json->closes[json->depth]);
    json->depth--;
}

/* Two characters for what has a short form, \u00XX for the other control bytes. */
static void put_escaped(struct buf *buf, char c)
{
    switch (c) {
    case '"':
        buf_append(buf, STR("\\\""));
        return;
    case '\\':
        buf_append(buf, STR("\\\\"));
        return;
    case '\n':
        buf_append(buf, STR("\\n"));
        return;
    case '\r':
        buf_append(buf, STR("\\r"));
        return;
    case '\t':
        buf_append(buf, STR("\\t"));
        return;
    default:
        buf_format(buf, "\\u%04x", (unsigned)(unsigned char)c);
    }
}

static bool stands_for_itself(char c)
{
    return (unsigned char)c >= 0x20 && c != '"' && c != '\\' && c != 0x7F;
}

static void put_text(struct buf *buf, struct str text)
{
    buf_append_byte(buf, '"');
    size_t plain = 0; /* bytes at the front of `text` that go out as they are */
    while (plain < text.len) {
        size_t length = str_utf8_length(str_after(text, plain));
        if (length > 0 && stands_for_itself(text.ptr[plain])) {
            plain += length;
            continue;
        }
        buf_append(buf, str_slice(text, 0, plain));
        if (length == 0)
            buf_append(buf, STR("\xEF\xBF\xBD"));
        else
            put_escaped(buf, text.ptr[plain]);
        text = str_after(text, plain + 1);
        plain = 0;
    }
    buf_append(buf, text);
    buf_append_byte(buf, '"');
}

void json_key(struct json *json, const char *key)
{
    assert(json->depth > 0 && json->closes[json->depth] == '}' && !json->has_key);
    if (json->has_item[json->depth])
        buf_append_byte(json->buf, ',');
    json->has_item[json->depth] = true;
    put_text(json->buf, str_from(key));
    buf_append_byte(json->buf, ':');
    json->has_key = true;
}

void json_str(struct json *json, struct str value)
{
    if (!str_is_set(value)) {
        json_write_null(json);
        return;
    }
    begin_value(json);
    put_text(json->buf, value);
}

void json_i64(struct json *json, int64_t value)
{
    begin_value(json);
    buf_append_i64(json->buf, value);
}

void json_bool(struct json *json, bool value)
{
    begin_value(json);
    buf_append(json->buf, value ? STR("true") : STR("false"));
}

void json_write_null(struct json *json)
{
    begin_value(json);
    buf_append(json->buf, STR("null"));
}

void json_key_str(struct json *json, const char *key, struct str value)
{
    json_key(json, key);
    json_str(json, value);
}

void json_key_i64(struct json *json, const char *key, int64_t value)
{
    json_key(json, key);
    json_i64(json, value);
}

void json_key_bool(struct json *json, const char *key, bool value)
{
    json_key(json, key);
    json_bool(json, value);
}

/* The quote that ends the string that starts at `at`, or the end of the text. */
static size_t string_end(struct str text, size_t at)
{
    for (at++; at < text.len && text.ptr[at] != '"'; at++)
        if (text.ptr[at] == '\\')
            at++;
    return at;
}

/* How deep a parser could come in `text`, and of how many values it could make a tree: an empty
 * object is two bytes here and a few hundred there.  A loop, because recursion is one of the two
 * things that it guards against. */
static bool check_shape(struct str text, struct error *err)
{
    int depth = 0, value_count = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '"')
            i = string_end(text, i);
        depth += (c == '{' || c == '[') - (c == '}' || c == ']');
        value_count += c == '{' || c == '[' || c == ',';
        if (depth > JSON_DEPTH_IN_MAX)
            return error_set(err, ERROR_INVALID, "the JSON nests deeper than %d levels at byte %zu",
                             JSON_DEPTH_IN_MAX, i);
        if (value_count > JSON_VALUE_COUNT_IN_MAX)
            return error_set(err, ERROR_TOO_LARGE, "the JSON has more than %d values",
                             JSON_VALUE_COUNT_IN_MAX);
    }
    return true;
}

json_t *json_parse_object(struct str text, struct error *err)
{
    if (!check_shape(text, err))
        return NULL;
    json_error_t trouble;
    json_t *root = json_loadb(text.ptr ? text.ptr : "", text.len, JSON_REJECT_DUPLICATES, &trouble);
    if (!root) {
        /* Its text goes on with a quote of the input, which the position makes needless. */
        struct str reason = str_from(trouble.text);
        reason = str_slice(reason, 0, str_find_text(reason, STR(" near '")));
        (void)error_set(err, ERROR_INVALID, "the JSON is not valid at line %d, column %d: %.*s",
                        trouble.line, trouble.column, STR_ARG(reason));
        return NULL;
    }
    if (!json_is_object(root)) {
        json_decref(root);
        (void)error_set(err, ERROR_INVALID, "the JSON is not an object, it must start with {");
        return NULL;
    }
    return root;
}

struct str json_get_str(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_string(value))
        return STR_NONE;
    return (struct str){ json_string_value(value), json_string_length(value) };
}

json_t *json_get_object(const json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);
    return json_is_object(value) ? value : NULL;
}

json_t *json_get_array(const json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);
    return json_is_array(value) ? value : NULL;
}

bool json_get_i64(const json_t *object, const char *key, int64_t *out)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_integer(value))
        return false;
    *out = (int64_t)json_integer_value(value);
    return true;
}

bool json_has_wrong_type(const json_t *object, const char *key, json_type type)
{
    const json_t *value = json_object_get(object, key);
    return value && json_typeof(value) != type && !json_is_null(value);
}
