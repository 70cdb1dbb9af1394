/* SPDX-License-Identifier: Apache-2.0 */
/* Laws of oci/digest: formatting and parsing undo each other; hashing in pieces,
 * saved and loaded between any two, equals hashing at once. */
#include "oci/digest.h"

#include "generate.h"

#include <string.h>

static void test_digest__format_then_parse_is_identity(void **state)
{
    (void)state;
    struct generator generator = generator_new();
    for (int round = 0; round < 2000; round++) {
        struct digest before = { 0 }, after;
        struct error err = { 0 };
        char text[DIGEST_TEXT_MAX];
        before.algorithm = round % 2 ? DIGEST_SHA256 : DIGEST_SHA512;
        for (size_t i = 0; i < digest_size(before.algorithm); i++)
            before.bytes[i] = (uint8_t)generate_u64(&generator);
        assert_true(digest_parse(digest_format(&before, text), &after, &err));
        assert_true(digest_equal(&before, &after));
        assert_memory_equal(&before, &after, sizeof(before));
    }
}

/* One changed character makes it another digest or none. */
static void test_digest__every_character_counts(void **state)
{
    (void)state;
    struct generator generator = generator_new();
    struct digest before = digest_of(DIGEST_SHA256, STR("abc")), after;
    for (int round = 0; round < 5000; round++) {
        char text[DIGEST_TEXT_MAX];
        struct str formatted = digest_format(&before, text);
        size_t at = generate_below(&generator, formatted.len);
        char drawn = (char)generate_u64(&generator);
        if (drawn == text[at])
            continue;
        text[at] = drawn;
        struct error err = { 0 };
        if (digest_parse(formatted, &after, &err))
            assert_false(digest_equal(&before, &after));
    }
}

static void test_digest_hasher__pieces_equal_the_whole(void **state)
{
    (void)state;
    struct generator generator = generator_new();
    for (int round = 0; round < 400; round++) {
        struct arena *arena AUTO(arena_free) = arena_new();
        enum digest_algorithm algorithm = round % 2 ? DIGEST_SHA256 : DIGEST_SHA512;
        struct str whole = generate_text(&generator, arena, 3000, STR_NONE), rest = whole;
        struct digest_hasher hasher;
        digest_hasher_init(&hasher, algorithm);
        while (rest.len > 0) {
            size_t piece = 1 + generate_below(&generator, rest.len < 300 ? rest.len : 300);
            digest_hasher_update(&hasher, str_slice(rest, 0, piece));
            rest = str_after(rest, piece);

            uint8_t saved[DIGEST_STATE_MAX], again[DIGEST_STATE_MAX];
            size_t size = digest_hasher_save(&hasher, saved);
            memset(&hasher, 0xEE, sizeof(hasher)); /* as after a restart */
            assert_true(digest_hasher_load(&hasher, (struct str){ (const char *)saved, size }));
            assert_int_equal(digest_hasher_save(&hasher, again), size);
            assert_memory_equal(saved, again, size);
        }
        struct digest in_pieces = digest_hasher_digest(&hasher);
        struct digest at_once = digest_of(algorithm, whole);
        assert_true(digest_equal(&in_pieces, &at_once));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digest__format_then_parse_is_identity),
        cmocka_unit_test(test_digest__every_character_counts),
        cmocka_unit_test(test_digest_hasher__pieces_equal_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
