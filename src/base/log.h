/* SPDX-License-Identifier: Apache-2.0 */
/* base/log.h - one line per event, for people and for machines.
 *
 * A line is `time level event key=value ...` (logfmt) or, with LOG_JSON, one
 * JSON object.  Values are escaped, so that nothing from a client can start a
 * line of its own.  Two places log failures: the end of a request and the end of
 * a job; everything below returns its error.
 *
 * What log_configure() sets is the one permitted state of the whole process,
 * because every layer logs: call it once at start.  Before that: info, text, stderr.
 * Values beyond 2 KB are cut, fields beyond 32 KB dropped with truncated=true.
 *
 * Any thread; a line is written with one write().  The request id of the
 * thread's current request is added by itself. */
#pragma once
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_DEBUG = 0, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_TEXT = 0, LOG_JSON };

struct log_field {
    const char *key;
    struct str text; /* used if set */
    int64_t number;
};

#define LOG_STR(name, value) ((struct log_field){ .key = (name), .text = (value) })
#define LOG_INT(name, value) ((struct log_field){ .key = (name), .number = (value) })

void log_configure(enum log_level level, enum log_format format, int fd);
bool log_enabled(enum log_level level);
void log_write(enum log_level level, const char *event, const struct log_field *fields,
               int field_count);

/* log_event(LOG_INFO, "listening", LOG_STR("address", address));
 * At least one field; log_write(level, event, NULL, 0) for none. */
#define log_event(level, event, ...)                                                               \
    do {                                                                                           \
        const struct log_field fields_[] = { __VA_ARGS__ };                                        \
        log_write((level), (event), fields_, (int)(sizeof(fields_) / sizeof(fields_[0])));         \
    } while (0)

/* The id that this thread's lines carry from now on; STR_NONE ends it.  Borrowed. */
void log_set_request_id(struct str id);
