/* SPDX-License-Identifier: Apache-2.0 */
/* hub/authorization.h - reading the Authorization header.
 *
 * Two schemes, whatever their case: Basic (RFC 7617: name and password in UTF-8) and Bearer (RFC
 * 6750: one token).  Nothing is checked here but the form.  Pure; the parts live in the arena or
 * borrow the value. */
#pragma once
#include "base/arena.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>

enum authorization_scheme { AUTHORIZATION_NONE = 0, AUTHORIZATION_BASIC, AUTHORIZATION_BEARER };

struct authorization {
    enum authorization_scheme scheme;
    struct str name, secret; /* Basic; both may be empty */
    struct str token;        /* Bearer; not empty */
};

/* An absent value is AUTHORIZATION_NONE; so is a Basic one with neither name nor password, which
 * clients send that have no login.  ERROR_UNAUTHENTICATED for everything else that is not of this
 * form. */
NODISCARD bool authorization_parse(struct arena *arena, struct str value, struct authorization *out,
                                   struct error *err);
