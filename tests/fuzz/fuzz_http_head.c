/* SPDX-License-Identifier: Apache-2.0 */
/* Properties: a head gets the same verdict whole and byte by byte; what is taken has one length of
 * body, a valid host, and names and values without controls that lie inside the head in their
 * order; and it is built into a request whose path is normal, or refused with a reason. */
#include "net/address.h"
#include "net/http_parse.h"
#include "net/request_build.h"

#include "fuzz.h"

#include <string.h>

static bool is_inside(struct str part, struct str whole)
{
    return part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len;
}

static void check_headers(const struct http_head *head, struct str whole)
{
    const char *last = whole.ptr;
    size_t lengths = 0, codings = 0, hosts = 0;
    REQUIRE(head->header_count <= HTTP_HEADER_COUNT_MAX);
    for (size_t i = 0; i < head->header_count; i++) {
        struct str name = head->headers[i].name, value = head->headers[i].value;
        REQUIRE(name.len > 0 && is_inside(name, whole) && is_inside(value, whole));
        REQUIRE(name.ptr > last && value.ptr > name.ptr);
        last = value.ptr;
        for (size_t j = 0; j < name.len; j++)
            REQUIRE(http_is_token_character(name.ptr[j]));
        for (size_t j = 0; j < value.len; j++)
            REQUIRE(http_is_value_character(value.ptr[j]));
        lengths += str_equal_ignore_case(name, STR("content-length"));
        codings += str_equal_ignore_case(name, STR("transfer-encoding"));
        hosts += str_equal_ignore_case(name, STR("host"));
    }
    REQUIRE(lengths + codings <= 1 && hosts <= 1);
    REQUIRE((head->content_length == -1) == (codings == 1));
    REQUIRE(hosts == 1 || head->version_minor == 0);
}

static void check_request(const struct http_head *head)
{
    struct arena *arena AUTO(arena_free) = arena_new();
    struct request request = { .arena = arena };
    struct request_origin_facts facts = { .fallback_host = STR("localhost") };
    const char *reason = NULL;
    struct address_range any = { .prefix_bits = 0 };
    facts.trusted_proxies = &any;
    facts.trusted_proxy_count = 1;
    if (!request_build(&request, head, &facts, &reason)) {
        REQUIRE(reason != NULL);
        return;
    }
    REQUIRE(host_is_valid(request.host));
    REQUIRE(str_is_utf8(request.path) && request.path.len > 0);
    REQUIRE(request.path.ptr[0] == '/' || str_equal(request.path, STR("*")));
    REQUIRE(str_find_text(request.path, STR("//")) == request.path.len);
    REQUIRE(str_find_text(request.path, STR("/../")) == request.path.len);
    REQUIRE(!str_ends(request.path, STR("/..")) && !str_ends(request.path, STR("/.")));
    uint8_t address[16];
    REQUIRE(address_parse(request.client_address, address));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    static struct http_head whole, fed; /* one input at a time */
    size_t scanned = 0;
    enum parse_status status = http_head_parse(bytes, size, &scanned, &whole), slowly = PARSE_MORE;
    REQUIRE(scanned <= size);
    scanned = 0;
    size_t count = 0;
    while (slowly == PARSE_MORE && count < size)
        slowly = http_head_parse(bytes, ++count, &scanned, &fed);
    if (status == PARSE_BAD) {
        REQUIRE(whole.status >= 400 && whole.status <= 505 && whole.reason);
        REQUIRE(slowly == PARSE_BAD);
    }
    if (status != PARSE_DONE)
        return 0;
    REQUIRE(slowly == PARSE_DONE && count == whole.size && fed.size == whole.size);
    REQUIRE(whole.size <= HTTP_HEAD_BYTES_MAX && whole.target.len <= HTTP_TARGET_BYTES_MAX);
    REQUIRE(whole.method > METHOD_UNSET && whole.method < METHOD_OTHER);
    REQUIRE(memcmp(bytes + whole.size - 4, "\r\n\r\n", 4) == 0);
    check_headers(&whole, (struct str){ bytes, whole.size });
    check_request(&whole);
    return 0;
}
