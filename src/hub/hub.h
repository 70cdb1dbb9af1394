/* SPDX-License-Identifier: Apache-2.0 */
/* hub/hub.h - the domain as one object: database, store, keys and settings.
 *
 * Made once at the start (main, or a command of the command line) and passed down; there is no
 * global.  What hangs from it is safe for any thread.  Every rule of Berth lives in this folder,
 * once; surfaces parse, ask and render. */
#pragma once
#include "base/arena.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/str.h"
#include "db/db.h"
#include "storage/blob_store.h"

#include <stdbool.h>
#include <stdint.h>

enum signup { SIGNUP_CLOSED = 0, SIGNUP_INVITE, SIGNUP_OPEN };

struct hub_options {
    struct str database; /* BERTH_DATABASE */
    struct str storage;  /* BERTH_STORAGE */
    struct str keys;     /* BERTH_KEYS: folder, made if missing */
    struct str url;      /* BERTH_URL: public address without a final slash; absent if not set */
    enum signup signup;
    int64_t history_ms; /* BERTH_HISTORY_DAYS: how long a tag's history keeps content; 0: not */
    int64_t lease_ms;   /* BERTH_COLLECT_LEASE_S; 0: CLAIM_LEASE_S */
    bool migrate; /* bring the database up to date at opening; otherwise an old one is an error */
};

struct cache;
struct keys;
struct login_cache;
struct pull_counter;
struct upload_turns;

struct hub {
    struct db *db;
    struct blob_store *store;
    struct keys *keys;
    struct cache *cache; /* hub/cache.h */
    struct login_cache *logins;
    struct pull_counter *pulls;
    struct upload_turns *turns;
    struct str url; /* absent if not set */
    enum signup signup;
    int64_t history_ms, lease_ms;
};

/* Texts of the options are copied.  Besides what db, storage and keys may say: ERROR_UNSUPPORTED
 * with the hint `berth migrate` for a database that is older than the program. */
NODISCARD bool hub_open(const struct hub_options *options, struct hub **out, struct error *err);
void hub_close(struct hub *hub); /* writes what is still counted in memory; accepts NULL */
DEFINE_AUTO(struct hub, hub_close);

/* Are database and store usable now?  For /readyz. */
NODISCARD bool hub_check(struct hub *hub, struct arena *arena, struct error *err);
