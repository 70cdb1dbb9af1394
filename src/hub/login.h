/* SPDX-License-Identifier: Apache-2.0 */
/* hub/login.h - proving who one is: passwords and identity tokens.
 *
 * Wrong passwords are counted by the name that was given (so an account's e-mail address counts for
 * itself) and client address, in the database and by its clock, so that all nodes count together.
 * Ten within ten minutes lock this pair for ten minutes (ERROR_TOO_MANY with retry_after_s); a
 * hundred from one address lock the address.  Guesses that were sent together with those that lock
 * are refused as well, right or wrong.  An IPv6 client counts as its /64.  The last wrong password
 * again is neither counted nor, within a minute, computed or delayed: docker asks twice (POST, then
 * GET), and a client with an old password asks for ever.  Before the lock, each other answer comes
 * a little later: 100 ms for each failure so far, at most a second.  Names that do not exist are
 * treated alike, in time as well.
 *
 * A good password is remembered for a minute (as a keyed hash, in memory) and not computed again;
 * the account is read anew at each use, so that a change of password or activity ends that at once.
 * Any thread; never inside a transaction. */
#pragma once
#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "hub/account.h"
#include "hub/hub.h"

struct login_cache;
struct login_cache *login_cache_new(void);
void login_cache_free(struct login_cache *cache);

/* `name` may be an e-mail address.  `secret` is a password, or an identity token of this account
 * (whose name may then be empty, "<token>" or all zeros, as docker sends it). ERROR_UNAUTHENTICATED
 * "incorrect username or password", ERROR_DENIED for an account that is switched off.  Failures are
 * logged (login_failed). */
NODISCARD bool login_check(struct hub *hub, struct arena *arena, struct str name, struct str secret,
                           struct str address, struct account *out, struct error *err);

/* Identity tokens of docker login: 256 random bits behind "berth_rt_", stored as SHA-256.  They end
 * REFRESH_TOKEN_LIFE_S after their last use (noted at most once an hour), with the account's
 * password or activity, and when REFRESH_TOKENS_PER_ACCOUNT_MAX newer ones are there. */
NODISCARD bool refresh_token_issue(struct hub *hub, struct arena *arena,
                                   const struct account *account, struct str client,
                                   struct str *out, struct error *err);
NODISCARD bool refresh_token_check(struct hub *hub, struct arena *arena, struct str token,
                                   struct account *out, struct error *err);

/* Removes what is past its time: failures, refresh tokens. */
NODISCARD bool login_sweep(struct hub *hub, struct arena *arena, struct error *err);
