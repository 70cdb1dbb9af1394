/* SPDX-License-Identifier: Apache-2.0 */
#include "net/answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIXED_LINES_MAX = 512,   /* status line and the core's own headers */
    SLICES_BEFORE_YIELD = 8, /* of at most a megabyte each */
    SOURCE_PIECE_SIZE = 65536,
    CHUNK_LINE_MAX = 20,
};

static bool has_no_body(int status)
{
    return status == 204 || status == 304;
}

static uint64_t body_length(const struct response *response)
{
    switch (response->body) {
    case BODY_MEMORY:
        return response->memory.len;
    case BODY_FILE:
    case BODY_SOURCE:
        return response->length;
    case BODY_EMPTY:
        break;
    }
    return 0;
}

struct head_writer {
    char *at;
};

static void put(struct head_writer *writer, struct str text)
{
    if (text.len > 0)
        memcpy(writer->at, text.ptr, text.len);
    writer->at += text.len;
}

static void put_header(struct head_writer *writer, struct str name, struct str value)
{
    put(writer, name);
    put(writer, STR(": "));
    put(writer, value);
    put(writer, STR("\r\n"));
}

static void put_number(struct head_writer *writer, uint64_t number)
{
    char digits[20];
    size_t at = sizeof(digits);
    do
        digits[--at] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    put(writer, (struct str){ digits + at, sizeof(digits) - at });
}

static void put_framing(struct head_writer *writer, const struct answer *answer,
                        const struct response *response, const struct answer_facts *facts)
{
    bool is_unknown = response->body == BODY_SOURCE && response->length == RESPONSE_LENGTH_UNKNOWN;
    if (answer->is_chunked) {
        put(writer, STR("Transfer-Encoding: chunked\r\n"));
    } else if (!has_no_body(response->status) && !is_unknown) {
        put(writer, STR("Content-Length: "));
        put_number(writer, body_length(response));
        put(writer, STR("\r\n"));
    }
    if (!facts->keep_alive)
        put(writer, STR("Connection: close\r\n"));
    else if (facts->version_minor == 0)
        put(writer, STR("Connection: keep-alive\r\n"));
}

static struct str head_write(const struct answer *answer, const struct response *response,
                             const struct answer_facts *facts)
{
    size_t size = FIXED_LINES_MAX;
    for (size_t i = 0; i < response->header_count; i++)
        size += response->headers[i].name.len + response->headers[i].value.len + 4;
    char *start = arena_alloc(response->arena, size);
    struct head_writer writer = { start };

    put(&writer, STR("HTTP/1.1 "));
    put_number(&writer, (uint64_t)response->status);
    put(&writer, STR(" "));
    put(&writer, str_from(status_reason(response->status)));
    put(&writer, STR("\r\n"));
    put_header(&writer, STR("Date"), facts->date);
    if (facts->request_id.len > 0)
        put_header(&writer, STR("X-Request-Id"), facts->request_id);
    put_framing(&writer, answer, response, facts);
    for (size_t i = 0; i < response->header_count; i++)
        put_header(&writer, response->headers[i].name, response->headers[i].value);
    put(&writer, STR("\r\n"));
    return (struct str){ start, (size_t)(writer.at - start) };
}

void answer_prepare(struct answer *answer, const struct response *response,
                    const struct answer_facts *facts)
{
    *answer = (struct answer){ 0 };
    bool sends_body = facts->method != METHOD_HEAD && !has_no_body(response->status);
    bool is_unknown = response->body == BODY_SOURCE && response->length == RESPONSE_LENGTH_UNKNOWN;
    answer->is_chunked = is_unknown && facts->version_minor > 0 && !has_no_body(response->status);
    if (sends_body && response->body == BODY_MEMORY)
        answer->memory = response->memory;
    if (sends_body && response->body == BODY_FILE)
        answer->file_left = response->length;
    answer->sends_source = sends_body && response->body == BODY_SOURCE;
    answer->head = head_write(answer, response, facts);
}

static struct iovec piece_of(struct str text)
{
    /* struct iovec has no const form. */
    return (struct iovec){ .iov_base = (void *)(uintptr_t)text.ptr, .iov_len = text.len };
}

/* Head and memory in one call as long as both are there. */
static int64_t send_memory(struct answer *answer, struct transport *transport)
{
    while (answer->head.len + answer->memory.len > 0) {
        struct iovec pieces[2] = { piece_of(answer->head), piece_of(answer->memory) };
        bool has_head = answer->head.len > 0, has_memory = answer->memory.len > 0;
        int64_t sent = transport->ops->write(transport, has_head ? pieces : pieces + 1,
                                             has_head && has_memory ? 2 : 1, answer->file_left > 0);
        if (sent < 0)
            return sent;
        size_t of_head = (size_t)sent < answer->head.len ? (size_t)sent : answer->head.len;
        answer->head = str_after(answer->head, of_head);
        answer->memory = str_after(answer->memory, (size_t)sent - of_head);
        answer->bytes_out += (size_t)sent - of_head;
    }
    return ANSWER_SENT;
}

int64_t answer_send(struct answer *answer, struct response *response, struct transport *transport,
                    char *scratch)
{
    int64_t sent = send_memory(answer, transport);
    if (sent < 0)
        return sent;
    for (int slice = 0; answer->file_left > 0; slice++) {
        if (slice == SLICES_BEFORE_YIELD)
            return ANSWER_YIELD;
        sent = transport->ops->send_file(transport, response->fd, response->offset,
                                         answer->file_left, scratch);
        if (sent == IO_END)
            return IO_FAILED; /* the file is shorter than was promised */
        if (sent < 0)
            return sent;
        response->offset += (uint64_t)sent;
        answer->file_left -= (uint64_t)sent;
        answer->bytes_out += (uint64_t)sent;
    }
    return ANSWER_SENT;
}

static bool write_pieces(struct transport *transport, struct str first, struct str second,
                         int64_t stall_timeout_ms)
{
    return transport_write_all(transport, first, stall_timeout_ms) &&
           transport_write_all(transport, second, stall_timeout_ms);
}

/* One piece of a source, framed. */
static bool send_piece(struct answer *answer, struct transport *transport, char *room, size_t size,
                       int64_t stall_timeout_ms)
{
    answer->bytes_out += size;
    struct str content = { room + CHUNK_LINE_MAX, size };
    if (answer->is_chunked) {
        /* The size line goes right in front of the content, the line end right behind. */
        char line[CHUNK_LINE_MAX + 1];
        int line_size = snprintf(line, sizeof(line), "%zx\r\n", size);
        assert(line_size > 0 && line_size <= CHUNK_LINE_MAX);
        content.ptr -= line_size;
        memcpy(room + CHUNK_LINE_MAX - line_size, line, (size_t)line_size);
        memcpy(room + CHUNK_LINE_MAX + size, "\r\n", 2);
        content.len = (size_t)line_size + size + 2;
    }
    return write_pieces(transport, answer->head, content, stall_timeout_ms);
}

static bool pull(struct answer *answer, struct response *response, struct transport *transport,
                 char *room, int64_t stall_timeout_ms, struct error *err)
{
    uint64_t left = response->length; /* RESPONSE_LENGTH_UNKNOWN is the largest number */
    while (left > 0) {
        size_t wanted = left < SOURCE_PIECE_SIZE ? (size_t)left : SOURCE_PIECE_SIZE;
        int64_t got =
            response->source.read(response->source.state, room + CHUNK_LINE_MAX, wanted, err);
        if (got < 0)
            return false;
        if (got == 0)
            break;
        assert((size_t)got <= wanted);
        left -= (uint64_t)got;
        if (!send_piece(answer, transport, room, (size_t)got, stall_timeout_ms))
            return false;
        answer->head = STR("");
    }
    if (response->length != RESPONSE_LENGTH_UNKNOWN && left > 0)
        return error_set(err, ERROR_INTERNAL, "a body source ended %llu bytes early",
                         (unsigned long long)left);
    return write_pieces(transport, answer->head, answer->is_chunked ? STR("0\r\n\r\n") : STR(""),
                        stall_timeout_ms);
}

bool answer_send_source(struct answer *answer, struct response *response,
                        struct transport *transport, int64_t stall_timeout_ms, struct error *err)
{
    char *room = malloc(CHUNK_LINE_MAX + SOURCE_PIECE_SIZE + 2);
    if (!room)
        abort();
    bool is_sent = pull(answer, response, transport, room, stall_timeout_ms, err);
    free(room);
    return is_sent;
}
