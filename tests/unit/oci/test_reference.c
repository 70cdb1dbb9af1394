/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/reference.h"

#include "oci/about.h"

#include "../check.h"

#include <string.h>

static void test_name_component_is_valid__by_the_grammar(void **state)
{
    (void)state;
    const struct str taken[] = { STR("a"),    STR("0"),   STR("a.b"),    STR("a_b"),
                                 STR("a__b"), STR("a-b"), STR("a----b"), STR("a.b_c__d-e"),
                                 STR("1a"),   STR("v2"),  STR("a--1") };
    const struct str refused[] = { STR(""),         STR("A"),    STR(".a"),   STR("a."),
                                   STR("a..b"),     STR("_a"),   STR("a_"),   STR("a___b"),
                                   STR("-a"),       STR("a-"),   STR("a._b"), STR("a.-b"),
                                   STR("a/b"),      STR("a b"),  STR("a\n"),  STR("a\0b"),
                                   STR("\xC3\xA9"), STR("a-_b"), STR("_"),    STR("a____b") };
    for (size_t i = 0; i < ARRAY_COUNT(taken); i++)
        assert_true(name_component_is_valid(taken[i]));
    for (size_t i = 0; i < ARRAY_COUNT(refused); i++)
        assert_false(name_component_is_valid(refused[i]));
}

static void test_repository_name_parse__one_part_is_official(void **state)
{
    (void)state;
    struct error err = { 0 };
    struct repository_name name;
    assert_true(repository_name_parse(STR("nginx"), &name, &err));
    check_str(name.owner, "library");
    check_str(name.name, "nginx");
    assert_true(repository_name_is_official(name));
    assert_true(repository_name_parse(STR("library/nginx"), &name, &err));
    assert_true(repository_name_is_official(name));
    assert_true(repository_name_parse(STR("alice/web-app"), &name, &err));
    check_str(name.owner, "alice");
    check_str(name.name, "web-app");
    assert_false(repository_name_is_official(name));
}

static void test_repository_name_parse__says_which_rule(void **state)
{
    (void)state;
    const struct {
        const char *text, *part;
    } refused[] = {
        { "", "is empty" },
        { "/", "part of the repository name is empty" },
        { "a/", "part of the repository name is empty" },
        { "/a", "part of the repository name is empty" },
        { "a/b/c", "more than two parts" },
        { "a//b", "more than two parts" },
        { "Alice/web", "upper-case" },
        { "alice/Web", "upper-case" },
        { "alice/we b", "is no repository name" },
        { "alice/..", "is no repository name" },
        { "alice/web:1", "is no repository name" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(refused); i++) {
        struct error err = { 0 };
        struct repository_name name = { 0 };
        assert_false(repository_name_parse(str_from(refused[i].text), &name, &err));
        assert_int_equal(err.about, ABOUT_NAME);
        check_error(&err, ERROR_INVALID, refused[i].part);
        assert_false(str_is_set(name.name));
    }
}

static void test_repository_name_parse__counts_the_namespace(void **state)
{
    (void)state;
    char text[300];
    struct error err = { 0 };
    struct repository_name name;
    memset(text, 'a', sizeof(text));
    text[4] = '/';
    assert_true(repository_name_parse((struct str){ text, 255 }, &name, &err));
    assert_false(repository_name_parse((struct str){ text, 256 }, &name, &err));
    check_error(&err, ERROR_INVALID, "longer than 255");
    text[4] = 'a';
    assert_true(repository_name_parse((struct str){ text, 247 }, &name, &err));
    assert_false(repository_name_parse((struct str){ text, 248 }, &name, &err));
    check_error(&err, ERROR_INVALID, "longer than 255");
}

static void test_tag_is_valid__by_the_grammar(void **state)
{
    (void)state;
    char text[129];
    memset(text, 'x', sizeof(text));
    assert_true(tag_is_valid((struct str){ text, 128 }));
    assert_false(tag_is_valid((struct str){ text, 129 }));
    assert_true(tag_is_valid(STR("_")));
    assert_true(tag_is_valid(STR("V1.0-rc_1")));
    const struct str refused[] = { STR(""),    STR(".a"),  STR("-a"),      STR("a/b"),
                                   STR("a:b"), STR("a b"), STR("a\n"),     STR("a\0"),
                                   STR("a+b"), STR("@"),   STR("\xC3\xA9") };
    for (size_t i = 0; i < ARRAY_COUNT(refused); i++)
        assert_false(tag_is_valid(refused[i]));
}

static void test_reference_parse__tells_tags_from_digests(void **state)
{
    (void)state;
    struct error err = { 0 };
    struct reference reference;
    assert_true(reference_parse(STR("v1"), &reference, &err));
    check_str(reference.tag, "v1");
    assert_false(digest_is_set(&reference.digest));

    char text[DIGEST_TEXT_MAX];
    struct digest digest = digest_of(DIGEST_SHA256, STR("abc"));
    assert_true(reference_parse(digest_format(&digest, text), &reference, &err));
    assert_false(str_is_set(reference.tag));
    assert_true(digest_equal(&reference.digest, &digest));

    assert_false(reference_parse(STR("sha256:ab"), &reference, &err));
    assert_int_equal(err.about, ABOUT_DIGEST);
    check_error(&err, ERROR_INVALID, "64");
    assert_false(reference_parse(STR(".v1"), &reference, &err));
    assert_int_equal(err.about, ABOUT_TAG);
    check_error(&err, ERROR_INVALID, "'.v1' is no tag");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_name_component_is_valid__by_the_grammar),
        cmocka_unit_test(test_repository_name_parse__one_part_is_official),
        cmocka_unit_test(test_repository_name_parse__says_which_rule),
        cmocka_unit_test(test_repository_name_parse__counts_the_namespace),
        cmocka_unit_test(test_tag_is_valid__by_the_grammar),
        cmocka_unit_test(test_reference_parse__tells_tags_from_digests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
