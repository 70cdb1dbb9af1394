/* SPDX-License-Identifier: Apache-2.0 */
/* Laws of oci/reference, against the grammar of the specification as a POSIX
 * regular expression: a second, independent reading of the same rule. */
#include "base/limits.h"
#include "oci/reference.h"

#include "generate.h"

#include <regex.h>

/* Characters at the edges of the grammar, so that most texts are nearly right. */
static const struct str alphabet = { "ab09._-__--/A:", 14 };

static bool matches(const regex_t *pattern, struct str text)
{
    return regexec(pattern, text.ptr, 0, NULL, 0) == 0; /* generated texts end with a NUL */
}

static void test_name_component__agrees_with_the_grammar(void **state)
{
    (void)state;
    regex_t pattern;
    struct generator generator = generator_new();
    struct arena *arena AUTO(arena_free) = arena_new();
    int taken = 0;
    assert_int_equal(
        regcomp(&pattern, "^[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*$", REG_EXTENDED | REG_NOSUB), 0);
    for (int round = 0; round < 20000; round++) {
        struct str text = generate_text(&generator, arena, 7, alphabet);
        bool expected = matches(&pattern, text);
        if (name_component_is_valid(text) != expected)
            fail_msg("'%s' is%s in the grammar", text.ptr, expected ? "" : " not");
        taken += expected;
        arena_reset(arena);
    }
    regfree(&pattern);
    assert_true(taken > 500); /* the generator does meet both answers */
}

static void test_tag__agrees_with_the_grammar(void **state)
{
    (void)state;
    regex_t pattern;
    struct generator generator = generator_new();
    struct arena *arena AUTO(arena_free) = arena_new();
    assert_int_equal(
        regcomp(&pattern, "^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$", REG_EXTENDED | REG_NOSUB), 0);
    for (int round = 0; round < 5000; round++) {
        struct str text = generate_text(&generator, arena, round % 2 ? 4 : 200,
                                        round % 3 ? str_slice(alphabet, 0, 12) : alphabet);
        if (tag_is_valid(text) != matches(&pattern, text))
            fail_msg("'%s'", text.ptr);
        struct reference reference;
        struct error err = { 0 };
        if (tag_is_valid(text)) {
            assert_true(reference_parse(text, &reference, &err));
            assert_true(str_equal(reference.tag, text));
        }
        arena_reset(arena);
    }
    regfree(&pattern);
}

static void test_repository_name__parts_make_the_same_name(void **state)
{
    (void)state;
    struct generator generator = generator_new();
    struct arena *arena AUTO(arena_free) = arena_new();
    int taken = 0;
    for (int round = 0; round < 20000; round++) {
        struct str text = generate_text(&generator, arena, 8, alphabet);
        struct repository_name name, again;
        struct error err = { 0 };
        if (repository_name_parse(text, &name, &err)) {
            taken++;
            struct str joined =
                arena_format(arena, "%.*s/%.*s", STR_ARG(name.owner), STR_ARG(name.name));
            assert_true(repository_name_parse(joined, &again, &err));
            assert_true(str_equal(name.owner, again.owner) && str_equal(name.name, again.name));
            assert_true(str_equal(joined, text) || repository_name_is_official(name));
        } else {
            assert_int_equal(err.kind, ERROR_INVALID);
        }
        arena_reset(arena);
    }
    assert_true(taken > 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_name_component__agrees_with_the_grammar),
        cmocka_unit_test(test_tag__agrees_with_the_grammar),
        cmocka_unit_test(test_repository_name__parts_make_the_same_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
