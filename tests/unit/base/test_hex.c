/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hex.h"

#include "../check.h"

#include <string.h>

static void test_hex__encodes_and_decodes(void **state)
{
    (void)state;
    const uint8_t bytes[] = { 0x00, 0x1F, 0xA0, 0xFF };
    uint8_t back[4];
    char text[8];
    hex_encode(bytes, sizeof(bytes), text);
    check_str((struct str){ text, sizeof(text) }, "001fa0ff");
    assert_true(hex_decode((struct str){ text, sizeof(text) }, back, sizeof(back)));
    assert_memory_equal(back, bytes, sizeof(bytes));
}

static void test_hex_digit_value__takes_both_cases(void **state)
{
    (void)state;
    const char digits[] = "0123456789abcdef", capitals[] = "0123456789ABCDEF",
               others[] = "/:@G`g-\xB0";
    for (int i = 0; i < 16; i++) {
        assert_int_equal(hex_digit_value(digits[i]), i);
        assert_int_equal(hex_digit_value(capitals[i]), i);
    }
    for (size_t i = 0; i < sizeof(others); i++)
        assert_int_equal(hex_digit_value(others[i]), -1);
}

static void test_hex_decode__refuses_and_leaves_the_output(void **state)
{
    (void)state;
    uint8_t out[2] = { 1, 2 };
    const struct str refused[] = { STR("00FF"), STR("00f"),  STR("00ff0"), STR("00ff00"),
                                   STR(""),     STR("00fg"), STR("00 f"),  STR("0x00") };
    for (size_t i = 0; i < ARRAY_COUNT(refused); i++)
        assert_false(hex_decode(refused[i], out, sizeof(out)));
    assert_int_equal(out[0], 1);
    assert_int_equal(out[1], 2);
}

/* The vectors of RFC 4648 section 10. */
static void test_base64__follows_the_rfc(void **state)
{
    (void)state;
    const struct {
        const char *plain, *padded, *bare;
    } vectors[] = {
        { "", "", "" },
        { "f", "Zg==", "Zg" },
        { "fo", "Zm8=", "Zm8" },
        { "foo", "Zm9v", "Zm9v" },
        { "foob", "Zm9vYg==", "Zm9vYg" },
        { "fooba", "Zm9vYmE=", "Zm9vYmE" },
        { "foobar", "Zm9vYmFy", "Zm9vYmFy" },
        { "\xFB\xFF\xBE", "+/++", "-_--" },
    };
    struct arena *arena AUTO(arena_free) = arena_new();
    for (size_t i = 0; i < ARRAY_COUNT(vectors); i++) {
        struct str plain = str_from(vectors[i].plain), out;
        check_str(base64_encode(arena, plain), vectors[i].padded);
        check_str(base64url_encode(arena, plain), vectors[i].bare);
        assert_true(base64_decode(arena, str_from(vectors[i].padded), &out));
        assert_true(str_equal(out, plain));
        assert_true(base64url_decode(arena, str_from(vectors[i].bare), &out));
        assert_true(str_equal(out, plain));
    }
    struct str out;
    assert_true(base64_decode(arena, STR("Zg"), &out)); /* padding may be missing, whole */
    check_str(out, "f");
}

static void test_base64_decode__refuses(void **state)
{
    (void)state;
    struct arena *arena AUTO(arena_free) = arena_new();
    struct str out = STR("untouched");
    const struct str refused[] = { STR("Z"),    STR("Zg="),  STR("Zh=="),  STR("Zm9="),
                                   STR("Z g="), STR("Zg\n"), STR("Z==="),  STR("===="),
                                   STR("="),    STR("-_--"), STR("Zg==Z"), STR("Zm9v=") };
    for (size_t i = 0; i < ARRAY_COUNT(refused); i++)
        assert_false(base64_decode(arena, refused[i], &out));
    assert_false(base64url_decode(arena, STR("Zg=="), &out));
    assert_false(base64url_decode(arena, STR("+/++"), &out));
    assert_false(base64url_decode(arena, STR("Zh"), &out));
    check_str(out, "untouched");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hex__encodes_and_decodes),
        cmocka_unit_test(test_hex_digit_value__takes_both_cases),
        cmocka_unit_test(test_hex_decode__refuses_and_leaves_the_output),
        cmocka_unit_test(test_base64__follows_the_rfc),
        cmocka_unit_test(test_base64_decode__refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
