/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/registry.h"

#include "hub/access.h"
#include "registry/registry_internal.h"

/* clang-format off */
static const struct route registry_routes[] = {
    { METHOD_GET,    "/v2/",                                     ACCESS_ANYBODY,
      registry_version_get,      "Is this a registry, and am I logged in?" },
    { METHOD_GET,    "/v2/_catalog",                             ACCESS_CATALOG,
      registry_catalog_get,      "List the repositories that one may see" },
    { METHOD_GET,    "/v2/{repository}/manifests/{reference}",   ACCESS_PULL,
      registry_manifest_get,     "Pull a manifest by tag or digest" },
    { METHOD_PUT,    "/v2/{repository}/manifests/{reference}",   ACCESS_PUSH,
      registry_manifest_put,     "Push a manifest under a tag or digest" },
    { METHOD_DELETE, "/v2/{repository}/manifests/{reference}",   ACCESS_DELETE,
      registry_manifest_delete,  "Delete a tag, or a manifest with its tags" },
    { METHOD_GET,    "/v2/{repository}/blobs/{digest}",          ACCESS_PULL,
      registry_blob_get,         "Pull a blob, whole or in part" },
    { METHOD_DELETE, "/v2/{repository}/blobs/{digest}",          ACCESS_DELETE,
      registry_blob_delete,      "Give up a blob that no manifest refers to" },
    { METHOD_POST,   "/v2/{repository}/blobs/uploads/",          ACCESS_PUSH,
      registry_upload_start,     "Start an upload, mount a blob, or push one in a single request" },
    { METHOD_GET,    "/v2/{repository}/blobs/uploads/{session}", ACCESS_PUSH,
      registry_upload_get,       "How far has an upload come?" },
    { METHOD_PATCH,  "/v2/{repository}/blobs/uploads/{session}", ACCESS_PUSH,
      registry_upload_append,    "Append a chunk, or stream, to an upload" },
    { METHOD_PUT,    "/v2/{repository}/blobs/uploads/{session}", ACCESS_PUSH,
      registry_upload_finish,    "Finish an upload: check its digest and keep the blob" },
    { METHOD_DELETE, "/v2/{repository}/blobs/uploads/{session}", ACCESS_PUSH,
      registry_upload_cancel,    "Cancel an upload" },
    { METHOD_GET,    "/v2/{repository}/tags/list",               ACCESS_PULL,
      registry_tags_get,         "List the tags of a repository" },
    { METHOD_GET,    "/v2/{repository}/referrers/{digest}",      ACCESS_LOOK,
      registry_referrers_get,    "List what refers to a manifest: signatures, attestations" },
    { 0 },
};

/* Public, as they look at the credentials themselves: wrong ones are part of their business. */
static const struct route token_routes[] = {
    { METHOD_GET,    "/token",                                   ACCESS_PUBLIC,
      token_get,                 "Get a registry token, with a password or anonymously" },
    { METHOD_POST,   "/token",                                   ACCESS_PUBLIC,
      token_post,                "Get a registry token, with a password or an identity token" },
    { 0 },
};

static const struct route v1_routes[] = {
    { METHOD_GET,    "/v1/_ping",                                ACCESS_PUBLIC,
      v1_ping_get,               "Is this a server that docker search can ask?" },
    { METHOD_GET,    "/v1/search",                               ACCESS_ANYBODY,
      v1_search_get,             "Search repositories, as docker search does" },
    { METHOD_GET,    "/v1/users/",                               ACCESS_SIGNED_IN,
      v1_users_get,              "Check a user name and password, for docker up to 1.10" },
    { METHOD_POST,   "/v1/users/",                               ACCESS_PUBLIC,
      v1_users_post,             "Sign up, for docker login up to 1.10" },
    { 0 },
};
/* clang-format on */

const struct surface registry_surface = {
    .name = "registry",
    .prefix = "/v2/",
    .routes = registry_routes,
    .refuse = registry_refuse,
};

const struct surface token_surface = {
    .name = "token",
    .prefix = "/token",
    .routes = token_routes,
    .refuse = token_refuse,
};

const struct surface registry_v1_surface = {
    .name = "v1",
    .prefix = "/v1/",
    .routes = v1_routes,
    .refuse = v1_refuse,
};
