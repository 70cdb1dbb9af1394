/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_parse.h"

#include "net/address.h"

#include <string.h>

/* One bit for each ASCII character, so that a test is a shift and no table of 256. */
#define BIT(character) (UINT64_C(1) << ((character)&63))

bool http_is_token_character(char character)
{
    static const uint64_t token[2] = {
        BIT('!') | BIT('#') | BIT('$') | BIT('%') | BIT('&') | BIT('\'') | BIT('*') | BIT('+') |
            BIT('-') | BIT('.') | UINT64_C(0x3ff) << 48, /* 0-9 */
        UINT64_C(0x3ffffff) << 1 | UINT64_C(0x3ffffff) << 33 | BIT('^') | BIT('_') | BIT('`') |
            BIT('|') | BIT('~'), /* A-Z and a-z */
    };
    unsigned char byte = (unsigned char)character;
    return byte < 128 && (token[byte >> 6] >> (byte & 63) & 1);
}

bool http_is_value_character(char character)
{
    unsigned char byte = (unsigned char)character;
    return (byte >= 0x20 && byte != 0x7f) || byte == '\t';
}

static bool is_target_character(char character)
{
    return character > 0x20 && character < 0x7f && character != '#';
}

static enum parse_status bad(struct http_head *head, int status, const char *reason)
{
    head->status = status;
    head->reason = reason;
    return PARSE_BAD;
}

/* Looks for the empty line that ends a head, from where the last call stopped.  Line ends other
 * than CR LF and control characters are found on the way, so that a client that speaks something
 * else is told at once. */
static enum parse_status find_end(const char *bytes, size_t count, size_t *scanned,
                                  struct http_head *out)
{
    size_t at = *scanned;
    while (at < count) {
        char character = bytes[at];
        if (character != '\r') {
            if (!http_is_value_character(character))
                return bad(out, 400,
                           character == '\n' ? "line end without CR"
                                             : "control character in the head");
            at++;
            continue;
        }
        if (at + 1 == count)
            break;
        if (bytes[at + 1] != '\n')
            return bad(out, 400, "CR without LF");
        /* One empty line ahead of the request line is let pass (RFC 9112 2.2). */
        bool is_empty_line = at > 0 && bytes[at - 1] == '\n';
        at += 2;
        if (is_empty_line) {
            *scanned = at;
            out->size = at;
            return at > HTTP_HEAD_BYTES_MAX ? bad(out, 431, "request head too large") : PARSE_DONE;
        }
    }
    *scanned = at;
    if (count < HTTP_HEAD_BYTES_MAX)
        return PARSE_MORE;
    if (!memchr(bytes + 2, '\r', HTTP_HEAD_BYTES_MAX - 2))
        return bad(out, 414, "request target too long");
    return bad(out, 431, "request head too large");
}

static enum method method_from(struct str text)
{
    for (enum method method = METHOD_GET; method < METHOD_OTHER; method++)
        if (str_equal(text, method_name(method)))
            return method;
    return METHOD_OTHER;
}

static bool is_digit(char character)
{
    return character >= '0' && character <= '9';
}

static enum parse_status parse_version(struct str text, struct http_head *out)
{
    if (text.len != 8 || memcmp(text.ptr, "HTTP/", 5) != 0 || !is_digit(text.ptr[5]) ||
        text.ptr[6] != '.' || !is_digit(text.ptr[7]))
        return bad(out, 400, "malformed request line");
    if (text.ptr[5] != '1' || text.ptr[7] > '1')
        return bad(out, 505, "HTTP version not supported; this server speaks HTTP/1.1");
    out->version_minor = text.ptr[7] - '0';
    return PARSE_DONE;
}

/* The authority of an absolute target; absent for the other forms. */
static struct str target_authority(struct str target)
{
    size_t scheme = 0;
    if (str_equal_ignore_case(str_slice(target, 0, 7), STR("http://")))
        scheme = 7;
    else if (str_equal_ignore_case(str_slice(target, 0, 8), STR("https://")))
        scheme = 8;
    if (scheme == 0)
        return STR_NONE;
    struct str rest = str_after(target, scheme);
    size_t end = 0;
    while (end < rest.len && rest.ptr[end] != '/' && rest.ptr[end] != '?')
        end++;
    return str_slice(rest, 0, end);
}

static enum parse_status parse_target(struct http_head *out)
{
    struct str target = out->target;
    if (target.len > HTTP_TARGET_BYTES_MAX)
        return bad(out, 414, "request target too long");
    for (size_t i = 0; i < target.len; i++)
        if (!is_target_character(target.ptr[i]))
            return bad(out, 400, "character not allowed in the request target");
    if (target.len > 0 && target.ptr[0] == '/')
        return PARSE_DONE;
    if (str_equal(target, STR("*")) && out->method == METHOD_OPTIONS)
        return PARSE_DONE;
    struct str authority = target_authority(target);
    if (!str_is_set(authority))
        return bad(out, 400, "malformed request target");
    if (!host_is_valid(authority))
        return bad(out, 400, "malformed host in the request target");
    out->host = authority;
    return PARSE_DONE;
}

static enum parse_status parse_request_line(struct str line, struct http_head *out)
{
    size_t space = str_find(line, ' ');
    out->method_text = str_slice(line, 0, space);
    if (space == 0 || space >= line.len)
        return bad(out, 400, "malformed request line");
    for (size_t i = 0; i < space; i++)
        if (!http_is_token_character(line.ptr[i]))
            return bad(out, 400, "malformed method");
    struct str rest = str_after(line, space + 1);
    size_t second = str_find(rest, ' ');
    if (second == 0 || second >= rest.len)
        return bad(out, 400, "malformed request line");
    out->target = str_slice(rest, 0, second);
    enum parse_status status = parse_version(str_after(rest, second + 1), out);
    if (status != PARSE_DONE)
        return status;
    out->method = method_from(out->method_text);
    if (out->method == METHOD_OTHER)
        return bad(out, 501, "method not implemented");
    return parse_target(out);
}

/* What the framing and routing headers said, until all were seen. */
struct framing {
    bool has_length, has_coding, has_host, says_close, says_keep_alive;
};

static enum parse_status note_length(struct str value, struct framing *framing,
                                     struct http_head *out)
{
    uint64_t length;
    if (framing->has_length)
        return bad(out, 400, "repeated Content-Length");
    if (!str_to_u64(value, INT64_MAX, &length))
        return bad(out, 400, "malformed Content-Length");
    framing->has_length = true;
    out->content_length = (int64_t)length;
    return PARSE_DONE;
}

static enum parse_status note_coding(struct str value, struct framing *framing,
                                     struct http_head *out)
{
    if (framing->has_coding)
        return bad(out, 400, "repeated Transfer-Encoding");
    if (!str_equal_ignore_case(value, STR("chunked")))
        return bad(out, 501, "transfer coding not implemented; only chunked is");
    framing->has_coding = true;
    return PARSE_DONE;
}

static enum parse_status note_host(struct str value, struct framing *framing, struct http_head *out)
{
    if (framing->has_host)
        return bad(out, 400, "repeated Host");
    if (!host_is_valid(value))
        return bad(out, 400, "malformed Host");
    framing->has_host = true;
    if (!str_is_set(out->host))
        out->host = value;
    return PARSE_DONE;
}

static void note_connection(struct str value, struct framing *framing)
{
    struct str rest = value, option;
    while (str_split(&rest, ',', &option)) {
        option = str_trim(option);
        framing->says_close |= str_equal_ignore_case(option, STR("close"));
        framing->says_keep_alive |= str_equal_ignore_case(option, STR("keep-alive"));
    }
}

static enum parse_status note_expect(struct str value, struct http_head *out)
{
    if (!str_equal_ignore_case(value, STR("100-continue")))
        return bad(out, 417, "expectation not supported; only 100-continue is");
    out->expects_continue = out->version_minor > 0;
    return PARSE_DONE;
}

static enum parse_status note_header(const struct header *header, struct framing *framing,
                                     struct http_head *out)
{
    struct str name = header->name, value = header->value;
    /* By length first: most headers concern none of this. */
    switch (name.len) {
    case 4:
        if (str_equal_ignore_case(name, STR("Host")))
            return note_host(value, framing, out);
        break;
    case 6:
        if (str_equal_ignore_case(name, STR("Expect")))
            return note_expect(value, out);
        break;
    case 10:
        if (str_equal_ignore_case(name, STR("Connection")))
            note_connection(value, framing);
        break;
    case 14:
        if (str_equal_ignore_case(name, STR("Content-Length")))
            return note_length(value, framing, out);
        break;
    case 17:
        if (str_equal_ignore_case(name, STR("Transfer-Encoding")))
            return note_coding(value, framing, out);
        break;
    default:
        break;
    }
    return PARSE_DONE;
}

static enum parse_status parse_header(struct str line, struct http_head *out)
{
    if (out->header_count == HTTP_HEADER_COUNT_MAX)
        return bad(out, 431, "too many header lines");
    if (line.ptr[0] == ' ' || line.ptr[0] == '\t')
        return bad(out, 400, "folded header line");
    size_t colon = 0;
    while (colon < line.len && http_is_token_character(line.ptr[colon]))
        colon++;
    if (colon == 0 || colon == line.len || line.ptr[colon] != ':')
        return bad(out, 400, "malformed header name");
    out->headers[out->header_count++] = (struct header){
        .name = str_slice(line, 0, colon),
        .value = str_trim(str_after(line, colon + 1)),
    };
    return PARSE_DONE;
}

/* Is the last header one that says what the request means, and was there one before?  Somebody on
 * the way may have gone by the other. */
static bool is_ambiguous(const struct http_head *head)
{
    const struct str names[] = { STR("Content-Type"), STR("Content-Range"), STR("Range"),
                                 STR("If-Range") };
    struct str last = head->headers[head->header_count - 1].name;
    bool may_stand_once = false;
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        may_stand_once |= str_equal_ignore_case(last, names[i]);
    for (size_t i = 0; may_stand_once && i + 1 < head->header_count; i++)
        if (str_equal_ignore_case(last, head->headers[i].name))
            return true;
    return false;
}

static enum parse_status finish(const struct framing *framing, struct http_head *out)
{
    if (framing->has_coding) {
        if (framing->has_length)
            return bad(out, 400, "both Content-Length and Transfer-Encoding");
        if (out->version_minor == 0)
            return bad(out, 400, "Transfer-Encoding in HTTP/1.0");
        out->content_length = -1;
    }
    if (!framing->has_host && out->version_minor > 0)
        return bad(out, 400, "Host is missing");
    out->keep_alive = !framing->says_close && (out->version_minor > 0 || framing->says_keep_alive);
    if (out->content_length == 0)
        out->expects_continue = false;
    return PARSE_DONE;
}

/* The next line without its end; the head is known to be whole. */
static struct str take_line(const char *bytes, size_t *at)
{
    const char *start = bytes + *at;
    const char *end = start;
    while (*end != '\r')
        end++;
    *at += (size_t)(end - start) + 2;
    return (struct str){ start, (size_t)(end - start) };
}

enum parse_status http_head_parse(const char *bytes, size_t count, size_t *scanned,
                                  struct http_head *out)
{
    enum parse_status status = find_end(bytes, count, scanned, out);
    if (status != PARSE_DONE)
        return status;

    out->method = METHOD_UNSET;
    out->method_text = out->target = out->host = STR_NONE;
    out->version_minor = 1;
    out->header_count = 0;
    out->content_length = 0;
    out->keep_alive = out->expects_continue = false;
    out->status = 0;
    out->reason = NULL;

    size_t at = bytes[0] == '\r' ? 2 : 0;
    struct framing framing = { 0 };
    status = parse_request_line(take_line(bytes, &at), out);
    while (status == PARSE_DONE && at < out->size - 2) {
        status = parse_header(take_line(bytes, &at), out);
        if (status == PARSE_DONE && is_ambiguous(out))
            status = bad(out, 400, "a header twice that may stand once");
        if (status == PARSE_DONE)
            status = note_header(&out->headers[out->header_count - 1], &framing, out);
    }
    return status == PARSE_DONE ? finish(&framing, out) : status;
}
