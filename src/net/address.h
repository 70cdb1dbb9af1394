/* SPDX-License-Identifier: Apache-2.0 */
/* net/address.h - internet addresses, address ranges and hosts as text.
 *
 * Inside, each address is 16 bytes; IPv4 is ::ffff:a.b.c.d.  Names are never
 * resolved here.  Pure; any thread. */
#pragma once
#include "base/error.h"
#include "base/str.h"
#include "net/server.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum { ADDRESS_TEXT_MAX = 64 }; /* "[v6]:port" and a NUL */

/* An address alone: "10.0.0.1", "::1" or "[::1]". */
NODISCARD bool address_parse(struct str text, uint8_t out[static 16]);
/* Without a port; IPv4 in its dotted form. */
struct str address_format(const uint8_t address[static 16], char text[static ADDRESS_TEXT_MAX]);
void address_from_socket(const struct sockaddr_storage *from, uint8_t out[static 16]);

/* Does one of the ranges hold the address? */
bool address_is_in(const struct address_range *ranges, size_t count, const uint8_t address[16]);

/* A Host header or authority: a name of letters, digits, "-", "." and "_", an IPv4 address or an
 * IPv6 one in brackets, with or without a port.  It ends up in links, so nothing else passes. */
bool host_is_valid(struct str host);

/* Where to listen: see server_options.listen.  Sets is_localhost for "localhost". */
struct listen_address {
    struct sockaddr_storage address;
    socklen_t address_size;
    bool is_localhost, is_any;
    uint16_t port;
};
NODISCARD bool listen_address_parse(struct str text, struct listen_address *out, struct error *err);
void listen_address_set_v4(struct listen_address *address, in_addr_t ip);
void listen_address_set_v6(struct listen_address *address, const struct in6_addr *ip);
struct str socket_address_format(const struct sockaddr_storage *address,
                                 char text[static ADDRESS_TEXT_MAX]);
