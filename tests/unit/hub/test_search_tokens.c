/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/search.h"

#include "../check.h"

/* The words, joined by blanks. */
static void check_tokens(const char *text, bool with_prefixes, size_t max, const char *expected)
{
    struct arena *arena AUTO(arena_free) = arena_new();
    struct str *words, joined = STR("");
    size_t count = search_tokens(arena, str_from(text), with_prefixes, max, &words);
    for (size_t i = 0; i < count; i++)
        joined =
            arena_format(arena, "%.*s%s%.*s", STR_ARG(joined), i ? " " : "", STR_ARG(words[i]));
    check_str(joined, expected);
}

static void test_search_tokens__splits_at_punctuation(void **state)
{
    (void)state;
    check_tokens("", false, 9, "");
    check_tokens("--- ...", false, 9, "");
    check_tokens("alice/my-app_v.one", false, 9, "alice my app v one");
    check_tokens("The official build of CentOS.", false, 9, "the official build of centos");
    check_tokens("a\xE2\x80\x94z \xF0\x9F\x90\xB3 b", false, 9, "a z b"); /* dash, whale */
}

static void test_search_tokens__splits_between_letters_and_digits(void **state)
{
    (void)state;
    check_tokens("ansible/centos7-ansible", false, 9, "ansible centos 7");
    check_tokens("k8s sha256", false, 9, "k 8 s sha 256");
}

static void test_search_tokens__gives_each_word_once(void **state)
{
    (void)state;
    check_tokens("App app APP other app", false, 9, "app other");
}

static void test_search_tokens__folds_case_beyond_ascii(void **state)
{
    (void)state;
    check_tokens("\u00C4PFEL \u0416\u0423\u041A \u03A3\u0391 \u0141\u00F3d\u017A \u0401\u0436",
                 false, 9,
                 "\u00E4pfel \u0436\u0443\u043A \u03C3\u03B1 \u0142\u00F3d\u017A \u0451\u0436");
    check_tokens("\uFF21\uFF22\uFF11", false, 9, "ab 1"); /* full width */
}

static void test_search_tokens__pairs_cjk_characters(void **state)
{
    (void)state;
    check_tokens("\u6570\u636E\u5E93", false, 9, "\u6570\u636E \u636E\u5E93");
    check_tokens("\u732B", false, 9, "\u732B");
    check_tokens("\u6570\u636E\u3002\u5E93 mysql\u6570", false, 9,
                 "\u6570\u636E \u5E93 mysql \u6570");
    check_tokens("\u732B\u732B\u732B", false, 9, "\u732B\u732B");
}

static void test_search_tokens__prefixes_come_behind_the_words(void **state)
{
    (void)state;
    check_tokens("cent/os7", true, 20, "cent os 7 ce cen");
    check_tokens("\u00E4\u00F6\u00FCs", true, 20,
                 "\u00E4\u00F6\u00FCs \u00E4\u00F6 \u00E4\u00F6\u00FC");
    check_tokens("abcd abce", true, 20, "abcd abce ab abc");
}

static void test_search_tokens__keeps_its_limits(void **state)
{
    (void)state;
    check_tokens("one two three", false, 2, "one two");
    check_tokens("one two three", true, 4, "one two three on");
    check_tokens("one", false, 0, "");
    check_tokens("abcdefghijklmnopqrstuvwxyzabcdefghij", false, 9,
                 "abcdefghijklmnopqrstuvwxyzabcdef");
}

static void test_search_tokens__survives_what_is_not_utf8(void **state)
{
    (void)state;
    check_tokens("ab\xFF"
                 "cd\xC3",
                 false, 9, "ab cd");
    struct arena *arena AUTO(arena_free) = arena_new();
    struct str *words;
    assert_int_equal(search_tokens(arena, STR("a\0b"), false, 9, &words), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_search_tokens__splits_at_punctuation),
        cmocka_unit_test(test_search_tokens__splits_between_letters_and_digits),
        cmocka_unit_test(test_search_tokens__gives_each_word_once),
        cmocka_unit_test(test_search_tokens__folds_case_beyond_ascii),
        cmocka_unit_test(test_search_tokens__pairs_cjk_characters),
        cmocka_unit_test(test_search_tokens__prefixes_come_behind_the_words),
        cmocka_unit_test(test_search_tokens__keeps_its_limits),
        cmocka_unit_test(test_search_tokens__survives_what_is_not_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
