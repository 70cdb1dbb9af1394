/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include "base/limits.h"

#include "../check.h"

#include <string.h>

static void test_json_write__puts_the_commas(void **state)
{
    (void)state;
    struct buf buf AUTO(buf_release);
    struct json json;
    buf_init(&buf, 1000);
    json_init(&json, &buf);
    json_object(&json);
    json_key_str(&json, "a", STR("x"));
    json_key(&json, "list");
    json_array(&json);
    json_i64(&json, -1);
    json_bool(&json, true);
    json_null(&json);
    json_object(&json);
    json_end(&json);
    json_array(&json);
    json_end(&json);
    json_end(&json);
    json_key_i64(&json, "n", INT64_MAX);
    json_key_bool(&json, "b", false);
    json_key_str(&json, "absent", STR_NONE);
    json_end(&json);
    check_str(buf_str(&buf), "{\"a\":\"x\",\"list\":[-1,true,null,{},[]],"
                             "\"n\":9223372036854775807,\"b\":false,\"absent\":null}");
}

static void test_json_str__escapes(void **state)
{
    (void)state;
    struct buf buf AUTO(buf_release);
    struct json json;
    buf_init(&buf, 1000);
    json_init(&json, &buf);
    json_str(&json, STR("\"\\/\n\r\t\0\x1F\x7F\xC3\xA9<"));
    check_str(buf_str(&buf), "\"\\\"\\\\/\\n\\r\\t\\u0000\\u001f\\u007f\xC3\xA9<\"");
}

static void test_json_str__replaces_what_is_not_utf8(void **state)
{
    (void)state;
    struct buf buf AUTO(buf_release);
    struct json json;
    buf_init(&buf, 1000);
    json_init(&json, &buf);
    json_str(&json, STR("a\xFF"
                        "b\xED\xA0\x80\xC3"));
    check_str(buf_str(&buf), "\"a\xEF\xBF\xBD"
                             "b\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

static void test_json_parse_object__reads_members(void **state)
{
    (void)state;
    struct error err = { 0 };
    struct str text = STR("{\"s\":\"x\",\"i\":-7,\"o\":{},\"a\":[1],\"n\":null,\"r\":1.5}");
    json_t *root AUTO(json_decref) = json_parse_object(text, &err);
    int64_t number = 0;
    assert_non_null(root);
    check_str(json_get_str(root, "s"), "x");
    assert_false(str_is_set(json_get_str(root, "i")));
    assert_false(str_is_set(json_get_str(root, "missing")));
    assert_true(json_get_i64(root, "i", &number));
    assert_int_equal(number, -7);
    assert_false(json_get_i64(root, "r", &number));
    assert_non_null(json_get_object(root, "o"));
    assert_null(json_get_object(root, "a"));
    assert_int_equal(json_array_size(json_get_array(root, "a")), 1);
    assert_null(json_get_array(root, "o"));
}

static void test_json_has_wrong_type__takes_null_for_missing(void **state)
{
    (void)state;
    struct error err = { 0 };
    json_t *root AUTO(json_decref) = json_parse_object(STR("{\"s\":\"x\",\"n\":null}"), &err);
    assert_false(json_has_wrong_type(root, "s", JSON_STRING));
    assert_true(json_has_wrong_type(root, "s", JSON_ARRAY));
    assert_false(json_has_wrong_type(root, "n", JSON_ARRAY));
    assert_false(json_has_wrong_type(root, "missing", JSON_ARRAY));
}

static void test_json_parse_object__refuses(void **state)
{
    (void)state;
    const struct {
        struct str text;
        const char *part;
    } refused[] = {
        { STR_NONE, "not valid" },
        { STR(""), "not valid" },
        { STR("[]"), "must start with {" },
        { STR("7"), "not valid" },
        { STR("{} {}"), "not valid" },
        { STR("{\"a\":1,\"a\":1}"), "duplicate" },
        { STR("{\"a\":\"\\u0000\"}"), "not valid" },
        { STR("{\"a\":\"\xFF\"}"), "not valid" },
        { STR("{\"a\":99999999999999999999}"), "not valid" },
        { STR("{\"a\":1,}"), "line 1, column 8" },
        { STR("{}\0"), "not valid" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(refused); i++) {
        struct error err = { 0 };
        assert_null(json_parse_object(refused[i].text, &err));
        check_error(&err, ERROR_INVALID, refused[i].part);
    }
}

/* {"a":[[[...]]]} with `depth` levels in all. */
static struct str nested(char *text, size_t depth)
{
    size_t at = 0;
    memcpy(text, "{\"a\":", 5);
    at = 5;
    for (size_t i = 1; i < depth; i++)
        text[at++] = '[';
    for (size_t i = 1; i < depth; i++)
        text[at++] = ']';
    text[at++] = '}';
    return (struct str){ text, at };
}

static void test_json_parse_object__bounds_the_depth(void **state)
{
    (void)state;
    char text[3000];
    struct error err = { 0 };
    json_t *deepest AUTO(json_decref) = json_parse_object(nested(text, 32), &err);
    assert_non_null(deepest);
    assert_null(json_parse_object(nested(text, 33), &err));
    check_error(&err, ERROR_INVALID, "deeper than 32");
    assert_null(json_parse_object(nested(text, 1400), &err));
    check_error(&err, ERROR_INVALID, "deeper than 32");

    /* Brackets within strings do not count, not even behind an escaped quote. */
    memcpy(text, "{\"a\\\"", 5);
    memset(text + 5, '[', 100);
    memcpy(text + 105, "\":1}", 4);
    json_t *flat AUTO(json_decref) = json_parse_object((struct str){ text, 109 }, &err);
    assert_non_null(flat);
}

/* {"a":[{},{},...]}: `count` values in all, the object and the array among them. */
static void put_many(struct buf *buf, size_t count)
{
    buf_clear(buf);
    buf_append(buf, STR("{\"a\":[{}"));
    for (size_t i = 3; i < count; i++)
        buf_append(buf, i % 2 ? STR(",0") : STR(",\",[{\""));
    buf_append(buf, STR("]}"));
}

/* Two bytes of text make a tree of hundreds: a manifest of 4 MB would take more than 300 MB. */
static void test_json_parse_object__bounds_the_number_of_values(void **state)
{
    (void)state;
    struct buf buf AUTO(buf_release);
    struct error err = { 0 };
    buf_init(&buf, 4000000);
    put_many(&buf, JSON_VALUE_COUNT_IN_MAX);
    json_t *largest AUTO(json_decref) = json_parse_object(buf_str(&buf), &err);
    assert_non_null(largest);
    put_many(&buf, JSON_VALUE_COUNT_IN_MAX + 1);
    assert_null(json_parse_object(buf_str(&buf), &err));
    check_error(&err, ERROR_TOO_LARGE, "more than 200000 values");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_write__puts_the_commas),
        cmocka_unit_test(test_json_str__escapes),
        cmocka_unit_test(test_json_str__replaces_what_is_not_utf8),
        cmocka_unit_test(test_json_parse_object__reads_members),
        cmocka_unit_test(test_json_has_wrong_type__takes_null_for_missing),
        cmocka_unit_test(test_json_parse_object__refuses),
        cmocka_unit_test(test_json_parse_object__bounds_the_depth),
        cmocka_unit_test(test_json_parse_object__bounds_the_number_of_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
