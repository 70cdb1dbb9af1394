/* SPDX-License-Identifier: Apache-2.0 */
/* Laws of base/str and base/hex: parts of a split joined again are the text;
 * what is encoded decodes to itself, and what decodes encodes to itself. */
#include "base/buf.h"
#include "base/hex.h"
#include "base/json.h"

#include "generate.h"

#include <string.h>

static void test_str_split__parts_joined_are_the_text(void **state)
{
    (void)state;
    struct generator generator = generator_new();
    struct arena *arena AUTO(arena_free) = arena_new();
    for (int round = 0; round < 3000; round++) {
        struct str text = generate_text(&generator, arena, 20, STR("ab,,\0")), rest = text, part;
        struct buf joined AUTO(buf_release);
        buf_init(&joined, 100);
        size_t separators = 0, parts = 0;
        for (size_t i = 0; i < text.len; i++)
            separators += text.ptr[i] == ',';
        while (str_split(&rest, ',', &part)) {
            if (parts++ > 0)
                buf_append_byte(&joined, ',');
            assert_int_equal(str_find(part, ','), part.len);
            buf_append(&joined, part);
        }
        assert_int_equal(parts, separators + 1);
        assert_true(str_equal(buf_str(&joined), text));
        arena_reset(arena);
    }
}

static void test_str_compare__is_a_total_order(void **state)
{
    (void)state;
    struct generator generator = generator_new();
    struct arena *arena AUTO(arena_free) = arena_new();
    for (int round = 0; round < 5000; round++) {
        struct str a = generate_text(&generator, arena, 4, STR("ab\xFF"));
        struct str b = generate_text(&generator, arena, 4, STR("ab\xFF"));
        struct str c = generate_text(&generator, arena, 4, STR("ab\xFF"));
        assert_int_equal(str_compare(a, b), -str_compare(b, a));
        assert_int_equal(str_compare(a, b) == 0, str_equal(a, b));
        if (str_compare(a, b) <= 0 && str_compare(b, c) <= 0)
            assert_true(str_compare(a, c) <= 0);
        arena_reset(arena);
    }
}

static void test_number__text_and_back(void **state)
{
    (void)state;
    struct generator generator = generator_new();
    for (int round = 0; round < 5000; round++) {
        uint64_t value = generate_u64(&generator) >> generate_below(&generator, 64), back;
        struct buf buf AUTO(buf_release);
        buf_init(&buf, 32);
        buf_append_u64(&buf, value);
        assert_true(str_to_u64(buf_str(&buf), UINT64_MAX, &back));
        assert_true(back == value);
        assert_true(value == 0 || !str_to_u64(buf_str(&buf), value - 1, &back));
    }
}

static void test_hex__round_trip(void **state)
{
    (void)state;
    struct generator generator = generator_new();
    struct arena *arena AUTO(arena_free) = arena_new();
    for (int round = 0; round < 2000; round++) {
        struct str bytes = generate_text(&generator, arena, 50, STR_NONE);
        char *text = arena_alloc(arena, 2 * bytes.len);
        uint8_t *back = arena_alloc(arena, bytes.len);
        hex_encode((const uint8_t *)bytes.ptr, bytes.len, text);
        assert_true(hex_decode((struct str){ text, 2 * bytes.len }, back, bytes.len));
        assert_memory_equal(back, bytes.ptr, bytes.len);
        arena_reset(arena);
    }
}

static void test_base64__round_trip_both_ways(void **state)
{
    (void)state;
    struct generator generator = generator_new();
    struct arena *arena AUTO(arena_free) = arena_new();
    int taken = 0;
    for (int round = 0; round < 10000; round++) {
        struct str bytes = generate_text(&generator, arena, 50, STR_NONE), out;
        assert_true(base64_decode(arena, base64_encode(arena, bytes), &out));
        assert_true(str_equal(out, bytes));
        assert_true(base64url_decode(arena, base64url_encode(arena, bytes), &out));
        assert_true(str_equal(out, bytes));
        /* And each text that decodes is the only one for its bytes. */
        struct str text = generate_text(&generator, arena, 8, STR("AQgw-_"));
        if (base64url_decode(arena, text, &out)) {
            taken++;
            assert_true(str_equal(base64url_encode(arena, out), text));
        }
        arena_reset(arena);
    }
    assert_true(taken > 500);
}

static void test_json_str__is_read_back(void **state)
{
    (void)state;
    struct generator generator = generator_new();
    struct arena *arena AUTO(arena_free) = arena_new();
    for (int round = 0; round < 5000; round++) {
        struct str text =
            generate_text(&generator, arena, 6, STR("a\"\\/\x1F\xC3\xA9\xE2\x82\xAC"));
        struct buf buf AUTO(buf_release);
        struct json json;
        struct error err = { 0 };
        buf_init(&buf, 200);
        json_init(&json, &buf);
        json_object(&json);
        json_key_str(&json, "k", text);
        json_end(&json);
        json_t *root AUTO(json_decref) = json_parse_object(buf_str(&buf), &err);
        assert_non_null(root);
        assert_int_equal(str_equal(json_get_str(root, "k"), text), str_is_utf8(text));
        arena_reset(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_str_split__parts_joined_are_the_text),
        cmocka_unit_test(test_str_compare__is_a_total_order),
        cmocka_unit_test(test_number__text_and_back),
        cmocka_unit_test(test_hex__round_trip),
        cmocka_unit_test(test_base64__round_trip_both_ways),
        cmocka_unit_test(test_json_str__is_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
