/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"

#include <errno.h>
#include <stdatomic.h>
#include <unistd.h>

enum {
    VALUE_BYTES_MAX = 2048,      /* longer values are cut */
    LINE_BYTES_FULL = 32 * 1024, /* no further fields from here on */
    LINE_BYTES_MAX = 64 * 1024,  /* a cut value that is all escapes still fits */
};

/* The one state of the whole process that log.h announces. */
static atomic_int configured_level = LOG_INFO, configured_format = LOG_TEXT,
                  configured_fd = STDERR_FILENO;
static _Thread_local struct str request_id;

void log_configure(enum log_level level, enum log_format format, int fd)
{
    atomic_store(&configured_level, (int)level);
    atomic_store(&configured_format, (int)format);
    atomic_store(&configured_fd, fd);
}

bool log_enabled(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&configured_level, memory_order_relaxed);
}

void log_set_request_id(struct str id)
{
    request_id = id;
}

static const char *level_name(enum log_level level)
{
    switch (level) {
    case LOG_DEBUG:
        return "debug";
    case LOG_INFO:
        return "info";
    case LOG_WARN:
        return "warn";
    case LOG_ERROR:
        break;
    }
    return "error";
}

/* At most VALUE_BYTES_MAX bytes, not cut within a character. */
static struct str shorten(struct str value)
{
    if (value.len <= VALUE_BYTES_MAX)
        return value;
    size_t end = VALUE_BYTES_MAX;
    while (end > VALUE_BYTES_MAX - 4 && ((unsigned char)value.ptr[end] & 0xC0) == 0x80)
        end--;
    return str_slice(value, 0, end);
}

/* Bytes of a character that a terminal and a log reader show as it is; 0 for
 * control characters (of C1 as well) and for what is not UTF-8. */
static size_t printable_length(struct str text)
{
    size_t length = str_utf8_length(text);
    unsigned char first = length > 0 ? (unsigned char)text.ptr[0] : 0;
    if (length == 1 && (first < 0x20 || first == 0x7F))
        return 0;
    if (first == 0xC2 && (unsigned char)text.ptr[1] < 0xA0)
        return 0;
    return length;
}

static bool needs_quotes(struct str value)
{
    if (value.len == 0)
        return true;
    for (size_t i = 0; i < value.len;) {
        char c = value.ptr[i];
        size_t length = printable_length(str_after(value, i));
        if (length == 0 || c == ' ' || c == '"' || c == '=' || c == '\\')
            return true;
        i += length;
    }
    return false;
}

static void put_value(struct buf *line, struct str value)
{
    value = shorten(value);
    if (!needs_quotes(value)) {
        buf_append(line, value);
        return;
    }
    buf_append_byte(line, '"');
    while (value.len > 0) {
        size_t length = printable_length(value);
        char c = value.ptr[0];
        if (c == '\n')
            buf_append(line, STR("\\n"));
        else if (length == 0)
            buf_format(line, "\\x%02x", (unsigned)(unsigned char)c);
        else if (c == '"' || c == '\\')
            buf_format(line, "\\%c", c);
        else
            buf_append(line, str_slice(value, 0, length));
        value = str_after(value, length > 0 ? length : 1);
    }
    buf_append_byte(line, '"');
}

static void put_text_line(struct buf *line, struct str time, enum log_level level,
                          const char *event, const struct log_field *fields, int field_count)
{
    buf_append(line, time);
    buf_format(line, " %s ", level_name(level));
    put_value(line, str_from(event));
    if (str_is_set(request_id)) {
        buf_append(line, STR(" request_id="));
        put_value(line, request_id);
    }
    for (int i = 0; i < field_count; i++) {
        if (line->len > LINE_BYTES_FULL) {
            buf_append(line, STR(" truncated=true"));
            break;
        }
        buf_format(line, " %s=", fields[i].key);
        if (str_is_set(fields[i].text))
            put_value(line, fields[i].text);
        else
            buf_append_i64(line, fields[i].number);
    }
}

static void put_json_line(struct buf *line, struct str time, enum log_level level,
                          const char *event, const struct log_field *fields, int field_count)
{
    struct json json;
    json_init(&json, line);
    json_object(&json);
    json_key_str(&json, "time", time);
    json_key_str(&json, "level", str_from(level_name(level)));
    json_key_str(&json, "event", str_from(event));
    if (str_is_set(request_id))
        json_key_str(&json, "request_id", shorten(request_id));
    for (int i = 0; i < field_count; i++) {
        if (line->len > LINE_BYTES_FULL) {
            json_key_bool(&json, "truncated", true);
            break;
        }
        if (str_is_set(fields[i].text))
            json_key_str(&json, fields[i].key, shorten(fields[i].text));
        else
            json_key_i64(&json, fields[i].key, fields[i].number);
    }
    json_end(&json);
}

void log_write(enum log_level level, const char *event, const struct log_field *fields,
               int field_count)
{
    if (!log_enabled(level))
        return;
    int errno_before = errno; /* a log line between a call and the look at errno does no harm */
    char time_text[CLOCK_TEXT_MAX];
    struct str time = clock_format_rfc3339(clock_now_ms(), time_text);
    struct buf line AUTO(buf_release);
    buf_init(&line, LINE_BYTES_MAX);
    if (atomic_load(&configured_format) == LOG_JSON)
        put_json_line(&line, time, level, event, fields, field_count);
    else
        put_text_line(&line, time, level, event, fields, field_count);
    buf_append_byte(&line, '\n');
    /* One write, so that lines of several threads and processes do not mix.  A log
     * that cannot be written has nowhere to complain. */
    ssize_t written;
    do {
        written = write(atomic_load(&configured_fd), line.data, line.len);
    } while (written < 0 && errno == EINTR);
    errno = errno_before;
}
