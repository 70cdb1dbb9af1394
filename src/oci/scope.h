/* SPDX-License-Identifier: Apache-2.0 */
/* oci/scope.h - token scopes: what a client asks to do.
 *
 * Grammar (distribution "Token Scope Documentation"): type ":" name ":" action ("," action)*,
 * where name may itself hold a colon (a host with a port).  Order of actions does
 * not matter.  Unknown types and actions are kept out of the result, not errors:
 * a smaller grant is no failure.  The type "repository(plugin)" is an unknown one.
 * "*" sets every bit: who grants takes those that mean something for the type.
 * Pure; borrows the text. */
#pragma once
#include "base/cleanup.h"
#include "base/str.h"

#include <stdbool.h>

enum scope_type { SCOPE_UNKNOWN = 0, SCOPE_REPOSITORY, SCOPE_REGISTRY };

/* A set of actions; "*" is all of them. */
enum scope_action {
    SCOPE_PULL = 1 << 0,
    SCOPE_PUSH = 1 << 1,
    SCOPE_DELETE = 1 << 2,
    SCOPE_CATALOG = 1 << 3, /* registry:catalog:* */
    SCOPE_SEARCH = 1 << 4,  /* registry:catalog:search */
    SCOPE_ALL = (1 << 5) - 1,
};

struct scope {
    enum scope_type type;
    struct str name;
    unsigned actions; /* of enum scope_action */
};

NODISCARD bool scope_parse(struct str text, struct scope *out);
