/* SPDX-License-Identifier: Apache-2.0 */
/* Properties: an object that json_parse_object() takes is within the depth limit
 * and, written out and read again, equal to itself; any bytes that json_str()
 * writes can be read again, and come back unchanged if they were UTF-8. */
#include "base/json.h"
#include "base/limits.h"

#include "fuzz.h"

static int depth_of(json_t *value)
{
    int deepest = 0;
    size_t index;
    const char *key;
    json_t *member;
    json_object_foreach(value, key, member)
    {
        int depth = depth_of(member);
        deepest = depth > deepest ? depth : deepest;
    }
    json_array_foreach(value, index, member)
    {
        int depth = depth_of(member);
        deepest = depth > deepest ? depth : deepest;
    }
    return json_is_object(value) || json_is_array(value) ? deepest + 1 : 0;
}

static void try_reading(struct str input)
{
    struct error err = { 0 };
    json_t *root AUTO(json_decref) = json_parse_object(input, &err);
    if (!root) {
        REQUIRE(err.kind == ERROR_INVALID && str_is_utf8(str_from(err.message)));
        return;
    }
    REQUIRE(depth_of(root) <= JSON_DEPTH_IN_MAX);
    char *text = json_dumps(root, JSON_COMPACT);
    REQUIRE(text);
    json_t *again AUTO(json_decref) = json_parse_object(str_from(text), &err);
    REQUIRE(again && json_equal(root, again));
    free(text);
}

static void try_writing(struct str input)
{
    struct buf buf AUTO(buf_release);
    struct json json;
    struct error err = { 0 };
    buf_init(&buf, 6 * input.len + 16);
    json_init(&json, &buf);
    json_object(&json);
    json_key_str(&json, "a", input);
    json_end(&json);
    REQUIRE(!buf.failed);
    REQUIRE(str_is_utf8(buf_str(&buf)));
    if (str_find(input, '\0') < input.len)
        return; /* written as \u0000, which our reader refuses on purpose */
    json_t *root AUTO(json_decref) = json_parse_object(buf_str(&buf), &err);
    REQUIRE(root);
    if (str_is_utf8(input))
        REQUIRE(str_equal(json_get_str(root, "a"), input));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = { (const char *)data, size };
    try_reading(input);
    try_writing(input);
    return 0;
}
