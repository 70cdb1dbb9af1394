/* SPDX-License-Identifier: Apache-2.0 */
/* registry/registry.h - what docker, podman, helm and their like talk to.
 *
 * Three surfaces (net/router.h), because their clients read failures in three forms:
 *
 *     /v2/     the OCI distribution API, distribution-spec 1.1; {"errors":[{"code","message"}]}
 *     /token   registry tokens, for what a 401 of /v2/ asks; {"details","errors"}
 *     /v1/     `docker search`, and login of docker up to 1.10; a JSON string
 *
 * Handlers are thin: they parse, call the domain (hub/) and render.  Who may do what is decided by
 * the column `access` of the tables in routes.c; request->app is the struct hub.  Constant; any
 * thread. */
#pragma once
#include "net/router.h"

extern const struct surface registry_surface;
extern const struct surface token_surface;
extern const struct surface registry_v1_surface;
