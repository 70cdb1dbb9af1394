/* SPDX-License-Identifier: Apache-2.0 */
/* hub/account.h - users and organizations: who owns a namespace.
 *
 * Names: 4 to 30 characters (administrators may give 2 or more on the command line), a name
 * component of the OCI grammar, not one of the reserved words (reserved_names.def), never used
 * before.  A name is the public namespace.  Docker Hub's rules: reference docker-hub 1.1. */
#pragma once
#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "db/db.h"
#include "hub/hub.h"

#include <stdbool.h>
#include <stdint.h>

/* The longest is NAMESPACE_CHARS_MAX. */
enum { NAME_CHARS_MIN = 4, NAME_CHARS_MIN_BY_ADMINISTRATOR = 2 };

enum account_kind { ACCOUNT_USER = 1, ACCOUNT_ORGANIZATION = 2 };

struct account {
    int64_t id; /* 0: nobody */
    enum account_kind kind;
    struct str name;
    struct str email; /* absent for organizations */
    struct str full_name;
    bool is_admin, is_active;
    bool default_private;
    int64_t credential_generation;
    int64_t created_ms;
    int64_t untagged_days; /* after which manifests without a tag go; ACCOUNT_UNTAGGED_STAY */
};

enum { ACCOUNT_UNTAGGED_STAY = -1, UNTAGGED_DAYS_MAX = 3650 };

struct account_new {
    struct str name, email, password, full_name;
    bool is_admin;
    bool by_administrator; /* shorter names are fine; not subject to BERTH_SIGNUP */
};

/* Is the name allowed?  Whether it is free, account_add() finds out.  ERROR_INVALID says which rule
 * is broken. */
NODISCARD bool account_name_check(struct str name, bool by_administrator, struct error *err);
/* Something@host as mail servers take it; upper case is fine here and stored as lower case. */
NODISCARD bool account_email_check(struct str email, struct error *err);
bool account_name_is_reserved(struct str name);

/* Makes a user.  ERROR_CONFLICT "Username or email already exists" does not tell which;
 * ERROR_DENIED if sign-up is closed and no administrator does it.  A name that is taken is
 * ERROR_CONFLICT whatever else is wrong, since docker up to 1.10 registers before each login and
 * goes on at this answer only. */
NODISCARD bool account_add(struct hub *hub, struct arena *arena, const struct account_new *from,
                           struct account *out, struct error *err);

/* The first administrator, by the one-time code that the first start printed; ERROR_DENIED for a
 * wrong code or once there is an administrator. */
NODISCARD bool account_add_first_admin(struct hub *hub, struct arena *arena, struct str code,
                                       const struct account_new *from, struct account *out,
                                       struct error *err);
/* The code, 32 hexadecimal characters, made at the first call; absent once there is an
 * administrator. */
NODISCARD bool account_setup_code(struct hub *hub, struct arena *arena, struct str *code,
                                  struct error *err);

/* *out is all zero if there is none. */
NODISCARD bool account_find(struct db_tx *tx, struct str name, struct account *out,
                            struct error *err);
NODISCARD bool account_find_by_id(struct db_tx *tx, int64_t id, struct account *out,
                                  struct error *err);

struct account_change { /* what is set is changed */
    struct str password, email, full_name;
    const bool *is_admin, *is_active, *default_private;
    const int64_t *untagged_days; /* 0 to UNTAGGED_DAYS_MAX, or ACCOUNT_UNTAGGED_STAY */
};
/* A new password, or another is_active, ends all of the account's tokens.  ERROR_NOT_FOUND,
 * ERROR_CONFLICT (the e-mail address is taken; nobody would be an active administrator any more) or
 * ERROR_INVALID. */
NODISCARD bool account_change(struct hub *hub, struct arena *arena, struct str name,
                              const struct account_change *change, struct error *err);

/* By name, from behind `after` (absent: from the first); `limit` is clamped to PAGE_SIZE_MAX. */
NODISCARD bool account_list(struct hub *hub, struct arena *arena, struct str after, int limit,
                            struct account **out, size_t *count, struct error *err);

/* Where somebody without an account gets one ("http://host/signup"), absent if BERTH_SIGNUP is
 * closed; `origin` is request_origin(). */
struct str account_signup_address(const struct hub *hub, struct arena *arena, struct str origin);
