/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/scope.h"

struct action_name {
    struct str name;
    enum scope_type type;
    unsigned actions;
};

static unsigned action_from(enum scope_type type, struct str name)
{
    const struct action_name known[] = {
        { STR("pull"), SCOPE_REPOSITORY, SCOPE_PULL },
        { STR("push"), SCOPE_REPOSITORY, SCOPE_PUSH },
        { STR("delete"), SCOPE_REPOSITORY, SCOPE_DELETE },
        { STR("*"), SCOPE_REPOSITORY, SCOPE_ALL },
        { STR("search"), SCOPE_REGISTRY, SCOPE_SEARCH },
        { STR("*"), SCOPE_REGISTRY, SCOPE_ALL },
    };
    for (size_t i = 0; i < ARRAY_COUNT(known); i++) {
        if (known[i].type == type && str_equal(known[i].name, name))
            return known[i].actions;
    }
    return 0;
}

static enum scope_type type_from(struct str name)
{
    if (str_equal(name, STR("repository")))
        return SCOPE_REPOSITORY;
    if (str_equal(name, STR("registry")))
        return SCOPE_REGISTRY;
    return SCOPE_UNKNOWN;
}

/* A scope is one word: blanks separate scopes, and control bytes have no business in logs. */
static bool is_one_word(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] <= ' ' || text.ptr[i] == 0x7F)
            return false;
    }
    return true;
}

bool scope_parse(struct str text, struct scope *out)
{
    /* The name may hold colons itself, type and actions do not. */
    size_t first = str_find(text, ':'), last = str_find_last(text, ':');
    if (first == last || first == 0 || last - first < 2 || !is_one_word(text))
        return false;
    struct scope scope = {
        .type = type_from(str_slice(text, 0, first)),
        .name = str_slice(text, first + 1, last),
    };
    struct str rest = str_after(text, last + 1), action;
    while (str_split(&rest, ',', &action))
        scope.actions |= action_from(scope.type, action);
    *out = scope;
    return true;
}
