/* SPDX-License-Identifier: Apache-2.0 */
/* Properties: a scope's name is a part of its text, it grants nothing for types
 * that we do not know, and written anew from its parts it is the same scope. */
#include "base/arena.h"
#include "oci/scope.h"

#include "fuzz.h"

static struct str write_scope(struct arena *arena, const struct scope *scope)
{
    const char *type = scope->type == SCOPE_REPOSITORY ? "repository" : "registry";
    if (scope->actions == SCOPE_ALL)
        return arena_format(arena, "%s:%.*s:*", type, STR_ARG(scope->name));
    return arena_format(arena, "%s:%.*s:%s%s%s%s", type, STR_ARG(scope->name),
                        scope->actions & SCOPE_SEARCH ? "search," : "",
                        scope->actions & SCOPE_DELETE ? "delete," : "",
                        scope->actions & SCOPE_PUSH ? "push," : "",
                        scope->actions & SCOPE_PULL ? "pull" : "");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = { (const char *)data, size };
    struct scope scope, again;
    if (!scope_parse(input, &scope))
        return 0;
    REQUIRE(scope.name.len > 0 && scope.name.ptr > input.ptr);
    REQUIRE(scope.name.ptr + scope.name.len < input.ptr + input.len);
    REQUIRE((scope.actions & ~(unsigned)SCOPE_ALL) == 0);
    if (scope.type == SCOPE_UNKNOWN) {
        REQUIRE(scope.actions == 0);
        return 0;
    }
    struct arena *arena AUTO(arena_free) = arena_new();
    REQUIRE(scope_parse(write_scope(arena, &scope), &again));
    REQUIRE(again.type == scope.type && again.actions == scope.actions);
    REQUIRE(str_equal(again.name, scope.name));
    return 0;
}
