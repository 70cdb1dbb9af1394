/* SPDX-License-Identifier: Apache-2.0 */
/* hub/repository.h - repositories: a named set of manifests, tags and claims in somebody's
 * namespace.
 *
 * Made by a push or ahead of one.  Whoever calls has asked hub/access.h already; the functions here
 * keep the rules of the data, not of persons.  Each change to what search sees updates the index in
 * the same transaction. */
#pragma once
#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "db/db.h"
#include "hub/account.h"
#include "hub/hub.h"
#include "oci/reference.h"

#include <stdbool.h>
#include <stdint.h>

struct repository {
    int64_t id; /* 0: none */
    int64_t owner_id;
    struct repository_name name;
    bool is_private, is_automated;
    struct str description, full_description;
    int64_t star_count, pull_count, push_count;
    int64_t created_ms, updated_ms;
};

/* "alice/app"; official ones without their namespace: "centos". */
struct str repository_shown_name(struct arena *arena, struct repository_name name);

/* out->id is 0 if there is none. */
NODISCARD bool repository_find(struct db_tx *tx, struct repository_name name,
                               struct repository *out, struct error *err);

/* The repository that a push goes to: made with the owner's default visibility if it is missing. */
NODISCARD bool repository_ensure(struct hub *hub, struct arena *arena, struct repository_name name,
                                 int64_t *id, struct error *err);

struct repository_change { /* what is set is changed */
    struct str description, full_description;
    const bool *is_private, *is_automated;
};
/* ERROR_CONFLICT if it exists; ERROR_NOT_FOUND about the account if the owner does not. */
NODISCARD bool repository_add(struct hub *hub, struct arena *arena, struct repository_name name,
                              const struct repository_change *with, struct error *err);
NODISCARD bool repository_change(struct hub *hub, struct arena *arena, struct repository_name name,
                                 const struct repository_change *change, struct error *err);

struct repository_list_query {
    const struct account *viewer; /* NULL: the administrator's command line, which sees all */
    struct str owner;             /* only this namespace; absent: all */
    struct str after;             /* "namespace/name" to start behind; absent: from the first */
    int limit;                    /* clamped to PAGE_SIZE_MAX + 1 (hub/page.h) */
};
/* Ordered by namespace, then by name, each as bytes (so "al/z" comes before "al-b/a").  Entries
 * leave full_description absent. */
NODISCARD bool repository_list(struct hub *hub, struct arena *arena,
                               const struct repository_list_query *query, struct repository **out,
                               size_t *count, struct error *err);
