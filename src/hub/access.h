/* SPDX-License-Identifier: Apache-2.0 */
/* hub/access.h - who may do what.  The one place where that is decided.
 *
 * A caller is somebody (or nobody), with a ceiling: a registry token can do no more than its
 * scopes, whoever holds it.  What is allowed is decided anew at each request from the database, so
 * that a withdrawn right ends at once, open tokens or not.
 *
 * To those who may not see it, a private repository is one that does not exist, in answer and time:
 * to nobody both are ERROR_UNAUTHENTICATED (the client may log in and ask again), to somebody
 * ERROR_NOT_FOUND about the repository.  Pushing where one may not is ERROR_DENIED with the same
 * sentence whether the repository exists or not.
 *
 * ERROR_UNAUTHENTICATED is about ABOUT_CREDENTIALS when what was sent does not hold, and about
 * ABOUT_REPOSITORY or nothing when a login, or a token with more scopes, would help.
 *
 * Any thread.  Each call but access_rights() uses transactions of its own. */
#pragma once
#include "base/error.h"
#include "base/str.h"
#include "db/db.h"
#include "hub/account.h"
#include "hub/hub.h"
#include "net/router.h"
#include "oci/scope.h"

#include <stdbool.h>
#include <stdint.h>

/* What a route needs.  The column `access` of every route table. */
enum access {
    ACCESS_UNSET = ROUTE_ACCESS_UNSET,
    ACCESS_PUBLIC,    /* anybody; credentials are not even looked at */
    ACCESS_ANYBODY,   /* anybody; wrong credentials are refused, right ones tell the caller */
    ACCESS_SIGNED_IN, /* any account; with a registry token only to look (GET and HEAD) */
    ACCESS_PULL,      /* to read the repository of the path */
    ACCESS_LOOK,      /* the same; one that the caller may create counts as empty */
    ACCESS_PUSH,      /* to add to it; it may be one that the push is about to create */
    ACCESS_DELETE,    /* to take away from it */
    ACCESS_CATALOG,   /* to list the repositories that one may see: any account */
    ACCESS_ADMIN,     /* site administrators */
    ACCESS_COUNT,
};

enum credential { CREDENTIAL_NONE = 0, CREDENTIAL_PASSWORD, CREDENTIAL_REGISTRY_TOKEN };

struct caller {
    struct account account; /* id 0: nobody */
    enum credential credential;
    bool has_ceiling; /* a registry token: no more than `scopes` */
    const struct scope *scopes;
    size_t scope_count;

    /* With ACCESS_PULL, LOOK, PUSH and DELETE: the repository of the path.  id 0: it does not exist
     * yet (LOOK and PUSH only). */
    int64_t repository_id;
    bool repository_is_private;
};

/* What somebody may do with a repository.  With one that does not exist: can_push says whether the
 * account may create it, the others are false. */
struct rights {
    bool can_see, can_pull, can_push, can_delete, can_administer;
};

/* What is known about the place that the caller wants to reach. */
struct access_subject {
    bool owner_exists;
    int64_t owner_id;
    bool is_official; /* the namespace `library`: only administrators push there */
    bool repository_exists;
    bool is_private;
    /* From collaborators and teams come further facts here (issue "The hub"). */
};

/* Pure: the decision itself, without ceilings. */
struct rights access_rights(const struct account *account, const struct access_subject *subject);

/* The authorize function of all surfaces (net/router.h): finds out who asks, decides, and sets
 * request->caller to a struct caller in the request's arena. */
bool access_authorize(struct request *request, struct error *err);
const struct caller *access_caller(const struct request *request);
static inline struct hub *access_hub(const struct request *request)
{
    return request->app;
}

/* Who asks: from the Authorization header (Basic, Bearer; nothing is nobody). ERROR_UNAUTHENTICATED
 * for credentials that do not hold. */
NODISCARD bool access_identify(struct request *request, struct caller *out, struct error *err);

/* Takes from the requested scopes what the account (id 0: nobody) may not have; never an error for
 * a smaller grant.  Who may create a repository gets pull with push, since a push looks before it
 * writes.  Every account gets the catalog, which lists what it may see, and everybody gets search.
 */
NODISCARD bool access_grant(struct hub *hub, struct arena *arena, const struct account *account,
                            struct scope *scopes, size_t count, struct error *err);

/* May this caller read that repository?  For the source of a mount.  *repository_id is 0 if not,
 * whatever the reason. */
NODISCARD bool access_readable(struct hub *hub, struct arena *arena, const struct caller *caller,
                               struct repository_name name, int64_t *repository_id,
                               struct error *err);

/* A registry token (JWT) of TOKEN_LIFE_S for what was granted, for nobody as well (account id 0).
 * *issued_ms is the time that its life counts from.  ERROR_TOO_LARGE for more scopes than fit into
 * TOKEN_BYTES_MAX. */
NODISCARD bool access_token_issue(struct hub *hub, struct arena *arena,
                                  const struct account *account, const struct scope *granted,
                                  size_t granted_count, struct str *token, int64_t *issued_ms,
                                  struct error *err);
