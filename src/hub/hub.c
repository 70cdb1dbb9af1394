/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/hub.h"

#include "base/limits.h"
#include "base/log.h"
#include "db/migrate.h"
#include "hub/account.sql.h"
#include "hub/cache.h"
#include "hub/keys.h"
#include "hub/login.h"
#include "hub/pull_counter.h"
#include "hub/upload_turn.h"

#include <stdlib.h>
#include <string.h>

/* The hub and the memory behind its texts. */
struct opened_hub {
    struct hub hub; /* first: hub_close() gets a pointer to it */
    struct arena *texts;
};

static bool open_database(const struct hub_options *options, struct db **out, struct error *err)
{
    struct db_options db_options = { .url = options->database };
    struct db *db AUTO(db_close) = NULL;
    struct migrate_status status;
    if (!db_open(&db_options, &db, err))
        return false;
    if (options->migrate ? !migrate_run(db, &status, err) : !migrate_status(db, &status, err))
        return false;
    if (status.applied < status.newest)
        return error_set(
            err, ERROR_UNSUPPORTED,
            "the database is at version %d, this program needs %d: run `berth migrate`",
            status.applied, status.newest);
    *out = TAKE(db);
    return true;
}

bool hub_open(const struct hub_options *options, struct hub **out, struct error *err)
{
    struct opened_hub *opened = calloc(1, sizeof(*opened));
    if (!opened)
        abort();
    struct hub *hub AUTO(hub_close) = &opened->hub;
    opened->texts = arena_new();
    hub->url = arena_copy(opened->texts, options->url);
    hub->signup = options->signup;
    hub->history_ms = options->history_ms;
    hub->lease_ms = options->lease_ms > 0 ? options->lease_ms : (int64_t)CLAIM_LEASE_S * 1000;
    const char *keys = arena_c(opened->texts, options->keys);
    if (!keys_open(keys, &hub->keys, err) || !blob_store_open(options->storage, &hub->store, err) ||
        !open_database(options, &hub->db, err))
        return false;
    hub->cache = cache_new(hub->db);
    hub->logins = login_cache_new();
    hub->pulls = pull_counter_new();
    hub->turns = upload_turns_new();
    *out = TAKE(hub);
    return true;
}

/* Nobody is left who could be told. */
static void write_counts(struct hub *hub)
{
    struct arena *arena AUTO(arena_free) = arena_new();
    struct error err = { 0 };
    if (!pull_counter_flush(hub, arena, &err))
        log_event(LOG_WARN, "pulls_not_counted", LOG_STR("error", str_from(err.message)));
}

void hub_close(struct hub *hub)
{
    if (!hub)
        return;
    if (hub->pulls)
        write_counts(hub);
    upload_turns_free(hub->turns);
    pull_counter_free(hub->pulls);
    login_cache_free(hub->logins);
    cache_free(hub->cache);
    db_close(hub->db);
    blob_store_free(hub->store);
    keys_close(hub->keys);
    struct opened_hub *opened = (struct opened_hub *)hub;
    arena_free(opened->texts);
    free(opened);
}

bool hub_check(struct hub *hub, struct arena *arena, struct error *err)
{
    struct account_site_value_row row;
    bool found; /* either way: what counts is that the database reads a table */
    struct db_tx *tx = db_read(hub->db, arena, err);
    bool answers = tx && sql_account_site_value(tx, STR("setup_code"), &row, &found, err);
    db_tx_end(tx); /* before the store is asked: nothing slow inside a transaction */
    return answers && blob_store_check(hub->store, err);
}
