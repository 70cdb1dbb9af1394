/* SPDX-License-Identifier: Apache-2.0 */
#include "net/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static const uint8_t v4_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static bool is_v4(const uint8_t address[static 16])
{
    return memcmp(address, v4_prefix, sizeof(v4_prefix)) == 0;
}

static void set_v4(uint8_t out[static 16], const void *ip)
{
    memcpy(out, v4_prefix, sizeof(v4_prefix));
    memcpy(out + 12, ip, 4);
}

bool address_parse(struct str text, uint8_t out[static 16])
{
    char copy[INET6_ADDRSTRLEN];
    if (text.len >= 2 && text.ptr[0] == '[' && text.ptr[text.len - 1] == ']')
        text = str_slice(text, 1, text.len - 1);
    if (text.len == 0 || text.len >= sizeof(copy) || memchr(text.ptr, 0, text.len))
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = 0;
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, copy, &v4) == 1) {
        set_v4(out, &v4);
        return true;
    }
    if (inet_pton(AF_INET6, copy, &v6) != 1)
        return false;
    memcpy(out, &v6, 16);
    return true;
}

struct str address_format(const uint8_t address[static 16], char text[static ADDRESS_TEXT_MAX])
{
    if (is_v4(address))
        inet_ntop(AF_INET, address + 12, text, ADDRESS_TEXT_MAX);
    else
        inet_ntop(AF_INET6, address, text, ADDRESS_TEXT_MAX);
    return str_from(text);
}

void address_from_socket(const struct sockaddr_storage *from, uint8_t out[static 16])
{
    if (from->ss_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, from, sizeof(v4));
        set_v4(out, &v4.sin_addr);
    } else {
        struct sockaddr_in6 v6;
        memcpy(&v6, from, sizeof(v6));
        memcpy(out, &v6.sin6_addr, 16);
    }
}

bool address_range_parse(struct str text, struct address_range *out, struct error *err)
{
    struct address_range range;
    size_t slash = str_find(text, '/');
    if (!address_parse(str_slice(text, 0, slash), range.bytes))
        return error_set(err, ERROR_INVALID,
                         "'%.*s' is not an address range; write 10.0.0.0/8 or fd00::/8",
                         STR_ARG(text));
    unsigned width = is_v4(range.bytes) ? 32 : 128;
    uint64_t bits = width;
    if (slash < text.len && !str_to_u64(str_after(text, slash + 1), width, &bits))
        return error_set(err, ERROR_INVALID,
                         "'%.*s' is not an address range: at most /%u can follow the address",
                         STR_ARG(text), width);
    range.prefix_bits = (unsigned)bits + (128 - width);
    *out = range;
    return true;
}

bool address_range_holds(const struct address_range *range, const uint8_t address[16])
{
    unsigned bytes = range->prefix_bits / 8, bits = range->prefix_bits % 8;
    if (memcmp(range->bytes, address, bytes) != 0)
        return false;
    return bits == 0 || (range->bytes[bytes] ^ address[bytes]) >> (8 - bits) == 0;
}

bool address_is_in(const struct address_range *ranges, size_t count, const uint8_t address[16])
{
    for (size_t i = 0; i < count; i++)
        if (address_range_holds(&ranges[i], address))
            return true;
    return false;
}

static bool is_host_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
}

bool host_is_valid(struct str host)
{
    size_t colon = host.len;
    if (host.len == 0 || host.len > 255)
        return false;
    if (host.ptr[0] == '[') {
        uint8_t address[16];
        size_t bracket = str_find(host, ']');
        if (bracket == host.len || !address_parse(str_slice(host, 0, bracket + 1), address))
            return false;
        colon = bracket + 1;
        if (colon < host.len && host.ptr[colon] != ':')
            return false;
    } else {
        colon = str_find(host, ':');
        for (size_t i = 0; i < colon; i++)
            if (!is_host_character(host.ptr[i]))
                return false;
    }
    uint64_t port;
    return colon > 0 && (colon == host.len || str_to_u64(str_after(host, colon + 1), 65535, &port));
}

void listen_address_set_v4(struct listen_address *address, in_addr_t ip)
{
    struct sockaddr_in v4 = { .sin_family = AF_INET,
                              .sin_port = htons(address->port),
                              .sin_addr.s_addr = ip };
    memset(&address->address, 0, sizeof(address->address));
    memcpy(&address->address, &v4, sizeof(v4));
    address->address_size = sizeof(v4);
}

void listen_address_set_v6(struct listen_address *address, const struct in6_addr *ip)
{
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
                               .sin6_port = htons(address->port),
                               .sin6_addr = *ip };
    memset(&address->address, 0, sizeof(address->address));
    memcpy(&address->address, &v6, sizeof(v6));
    address->address_size = sizeof(v6);
}

bool listen_address_parse(struct str text, struct listen_address *out, struct error *err)
{
    struct listen_address parsed = { 0 };
    uint64_t port;
    size_t colon = str_find_last(text, ':');
    if (colon >= text.len || !str_to_u64(str_after(text, colon + 1), 65535, &port))
        return error_set(err, ERROR_INVALID,
                         "cannot listen on '%.*s': write ADDRESS:PORT, as in localhost:5000",
                         STR_ARG(text));
    parsed.port = (uint16_t)port;
    struct str host = str_slice(text, 0, colon);
    uint8_t bytes[16];
    if (host.len == 0) {
        parsed.is_any = true;
        listen_address_set_v6(&parsed, &in6addr_any);
    } else if (str_equal_ignore_case(host, STR("localhost"))) {
        parsed.is_localhost = true;
        listen_address_set_v4(&parsed, htonl(INADDR_LOOPBACK));
    } else if (address_parse(host, bytes) && is_v4(bytes)) {
        in_addr_t ip;
        memcpy(&ip, bytes + 12, 4);
        listen_address_set_v4(&parsed, ip);
    } else if (host.ptr[0] == '[' && address_parse(host, bytes)) {
        struct in6_addr ip;
        memcpy(&ip, bytes, 16);
        listen_address_set_v6(&parsed, &ip);
    } else {
        return error_set(err, ERROR_INVALID,
                         "cannot listen on '%.*s': the part before the port must be localhost, an "
                         "IPv4 address or an IPv6 address in brackets",
                         STR_ARG(text));
    }
    *out = parsed;
    return true;
}

struct str socket_address_format(const struct sockaddr_storage *address,
                                 char text[static ADDRESS_TEXT_MAX])
{
    uint8_t bytes[16];
    char ip[ADDRESS_TEXT_MAX];
    address_from_socket(address, bytes);
    /* The port lies at the same place in both families. */
    struct sockaddr_in v4;
    memcpy(&v4, address, sizeof(v4));
    bool needs_brackets = address->ss_family == AF_INET6 && !is_v4(bytes);
    address_format(bytes, ip);
    snprintf(text, ADDRESS_TEXT_MAX, needs_brackets ? "[%.45s]:%u" : "%.45s:%u", ip,
             (unsigned)ntohs(v4.sin_port));
    return str_from(text);
}
