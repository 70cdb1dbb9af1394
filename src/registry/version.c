/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/registry_internal.h"

#include "hub/access.h"

/* Clients come here first.  Without credentials they must get the challenge, or they would never
 * log in; the token of somebody anonymous is good enough. */
bool registry_version_get(struct request *request, struct response *response, struct error *err)
{
    if (access_caller(request)->credential == CREDENTIAL_NONE)
        return error_set(err, ERROR_UNAUTHENTICATED, "authentication required");
    registry_header(response);
    response_header(response, "Cache-Control", STR("no-store"));
    response_status(response, 200);
    response_memory(response, "application/json", STR("{}"));
    return true;
}
