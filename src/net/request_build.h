/* SPDX-License-Identifier: Apache-2.0 */
/* net/request_build.h - from a parsed head to a request: the path made normal, and who asks by
 * which address, with the word of trusted proxies taken into account.  Pure but for the arena. */
#pragma once
#include "net/http.h"
#include "net/http_parse.h"
#include "net/server.h"

struct request_origin_facts {
    uint8_t peer[16];
    bool is_tls;
    struct str fallback_host; /* our own address, for HTTP/1.0 without Host */
    const struct address_range *trusted_proxies;
    size_t trusted_proxy_count;
};

/* Fills method, target, path, query, headers, client_address, is_https, host and content_length;
 * request->arena must be set.  False with *reason for a path that is refused (400). */
bool request_build(struct request *request, const struct http_head *head,
                   const struct request_origin_facts *facts, const char **reason);

/* The client behind trusted proxies. */
void request_client_address(const struct request *request, const struct request_origin_facts *facts,
                            uint8_t out[static 16]);
