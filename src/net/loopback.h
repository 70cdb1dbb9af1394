/* SPDX-License-Identifier: Apache-2.0 */
/* net/loopback.h - a request through router and handler without a socket, for tests of surfaces.
 *
 *     struct loopback_response *response AUTO(loopback_free) =
 *         loopback_request(router, hub, STR("GET /v2/ HTTP/1.1\r\nHost: localhost\r\n\r\n"));
 *     assert_int_equal(response->status, 401);
 *     loopback_header(response, "WWW-Authenticate") ...
 *
 * The client is 127.0.0.1.  A head that the parser refuses gives the parser's status. */
#pragma once
#include "net/router.h"

struct loopback_response {
    struct arena *arena; /* holds all of it */
    int status;
    const struct header *headers;
    size_t header_count;
    struct str body; /* of a memory, file or source body alike; also what HEAD leaves out */
    bool is_cut;     /* a source failed, or a file was shorter than promised */
};

/* `bytes`: a head and, right behind it, its body (chunked or not).  Never NULL. */
struct loopback_response *loopback_request(const struct router *router, void *app,
                                           struct str bytes);
void loopback_free(struct loopback_response *response);
DEFINE_AUTO(struct loopback_response, loopback_free);

/* The first header of this name (case does not matter); absent if there is none. */
struct str loopback_header(const struct loopback_response *response, const char *name);
