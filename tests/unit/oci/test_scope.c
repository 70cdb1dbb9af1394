/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/scope.h"

#include "../check.h"

static void test_scope_parse__takes_what_it_knows(void **state)
{
    (void)state;
    const struct {
        const char *text;
        enum scope_type type;
        const char *name;
        unsigned actions;
    } rows[] = {
        { "repository:alice/web:pull", SCOPE_REPOSITORY, "alice/web", SCOPE_PULL },
        { "repository:alice/web:pull,push", SCOPE_REPOSITORY, "alice/web",
          SCOPE_PULL | SCOPE_PUSH },
        { "repository:alice/web:push,pull,pull", SCOPE_REPOSITORY, "alice/web",
          SCOPE_PULL | SCOPE_PUSH },
        { "repository:web:delete", SCOPE_REPOSITORY, "web", SCOPE_DELETE },
        { "repository:web:*", SCOPE_REPOSITORY, "web", SCOPE_ALL },
        { "repository:web:pull,fly", SCOPE_REPOSITORY, "web", SCOPE_PULL },
        { "repository:web:PULL", SCOPE_REPOSITORY, "web", 0 },
        { "repository:web:search", SCOPE_REPOSITORY, "web", 0 },
        { "repository:web:", SCOPE_REPOSITORY, "web", 0 },
        { "repository:host:5000/web:pull", SCOPE_REPOSITORY, "host:5000/web", SCOPE_PULL },
        { "registry:catalog:*", SCOPE_REGISTRY, "catalog", SCOPE_ALL },
        { "registry:catalog:search", SCOPE_REGISTRY, "catalog", SCOPE_SEARCH },
        { "registry:catalog:pull", SCOPE_REGISTRY, "catalog", 0 },
        { "repository(plugin):web:pull", SCOPE_UNKNOWN, "web", 0 },
        { "Repository:web:pull", SCOPE_UNKNOWN, "web", 0 },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct scope scope;
        assert_true(scope_parse(str_from(rows[i].text), &scope));
        assert_int_equal(scope.type, rows[i].type);
        check_str(scope.name, rows[i].name);
        assert_int_equal(scope.actions, rows[i].actions);
    }
}

static void test_scope_parse__refuses_what_is_none(void **state)
{
    (void)state;
    const struct str refused[] = { STR(""),
                                   STR("repository"),
                                   STR("repository:web"),
                                   STR(":web:pull"),
                                   STR("repository::pull"),
                                   STR("::"),
                                   STR("repository:web:pull repository:a:pull"),
                                   STR("repository:w\0b:pull"),
                                   STR("repository:web:pull\n"),
                                   STR_NONE };
    for (size_t i = 0; i < ARRAY_COUNT(refused); i++) {
        struct scope scope = { .actions = 77 };
        assert_false(scope_parse(refused[i], &scope));
        assert_int_equal(scope.actions, 77);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scope_parse__takes_what_it_knows),
        cmocka_unit_test(test_scope_parse__refuses_what_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
