/* SPDX-License-Identifier: Apache-2.0 */
/* hub/login.h - proving who one is: passwords and identity tokens.
 *
 * Wrong passwords are counted by account name and client address.  Ten different ones within ten minutes lock this
 * pair for ten minutes (ERROR_TOO_MANY with retry_after_s); a hundred from one address lock the address. The
 * same wrong password again is not counted, since docker asks twice (POST, then GET).  Before the lock, each answer
 * comes a little later.  Names that do not exist are treated alike, in time as well.  A good password is remembered
 * for a minute (as a keyed hash, in memory) and not computed again; a change of password or activity ends that at once. */
#pragma once
#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "hub/account.h"
#include "hub/hub.h"

struct login_cache;
struct login_cache *login_cache_new(void);
void login_cache_free(struct login_cache *cache);

/* `name` may be an e-mail address.  `secret` is a password or an identity token.  ERROR_UNAUTHENTICATED
 * "incorrect username or password", ERROR_DENIED for an account that is switched off. */
NODISCARD bool login_check(struct hub *hub, struct arena *arena, struct str name,
                           struct str secret, struct str address, struct account *out,
                           struct error *err);

/* Identity tokens of docker login: 256 random bits behind "berth_rt_". */
NODISCARD bool refresh_token_issue(struct hub *hub, struct arena *arena,
                                   const struct account *account, struct str client,
                                   struct str *out, struct error *err);
NODISCARD bool refresh_token_check(struct hub *hub, struct arena *arena, struct str token,
                                   struct account *out, struct error *err);

/* Removes what is past its time: failures, refresh tokens. */
NODISCARD bool login_sweep(struct hub *hub, struct arena *arena, struct error *err);
