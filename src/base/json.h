/* SPDX-License-Identifier: Apache-2.0 */
/* base/json.h - JSON out, and bounded JSON in.
 *
 * Out: a writer that puts the commas itself and escapes by type.  Nesting
 * mistakes are asserts.  Text that is not UTF-8 is written with U+FFFD.
 *
 *     struct json json;
 *     json_init(&json, &buf);
 *     json_object(&json);
 *     json_key_str(&json, "name", name);
 *     json_end(&json);
 *
 * In: jansson, behind limits of size, depth and number and with duplicate keys refused
 * (RFC 8259 leaves them open; two readings of one document are an attack). */
#pragma once
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/str.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JSON_DEPTH_MAX = 32 };

struct json {
    struct buf *buf;
    int depth;
    bool has_key; /* written, its value is still to come */
    bool has_item[JSON_DEPTH_MAX];
    char closes[JSON_DEPTH_MAX];
};

void json_init(struct json *json, struct buf *buf);
void json_write_object(struct json *json);
void json_write_array(struct json *json);
void json_write_null(struct json *json);
/* jansson has functions of these names; a second symbol of one name would take the place of its
 * own inside it.  So the writer's are called by macros, and jansson's are out of reach here. */
#define json_object(json) json_write_object(json)
#define json_array(json) json_write_array(json)
#define json_null(json) json_write_null(json)
void json_end(struct json *json); /* closes the innermost object or array */
void json_key(struct json *json, const char *key);
void json_str(struct json *json, struct str value); /* absent is written as null */
void json_i64(struct json *json, int64_t value);
void json_bool(struct json *json, bool value);
void json_key_str(struct json *json, const char *key, struct str value);
void json_key_i64(struct json *json, const char *key, int64_t value);
void json_key_bool(struct json *json, const char *key, bool value);

static inline void json_decref_auto(json_t **slot)
{
    json_decref(*slot);
}

/* Parses one JSON document that is a whole object, at most JSON_DEPTH_IN_MAX deep;
 * its size is for the caller to bound.  Text with a NUL (\u0000) is refused.  NULL and
 * ERROR_INVALID with the position otherwise, ERROR_TOO_LARGE for one of more than
 * JSON_VALUE_COUNT_IN_MAX values.  Release with json_decref(). */
NODISCARD json_t *json_parse_object(struct str text, struct error *err);

/* Borrowed members of an object.  Absent (STR_NONE, NULL, fallback) when the key
 * is missing or of another type; json_has_wrong_type() tells these apart. */
struct str json_get_str(const json_t *object, const char *key);
json_t *json_get_object(const json_t *object, const char *key);
json_t *json_get_array(const json_t *object, const char *key);
bool json_get_i64(const json_t *object, const char *key, int64_t *out);
/* Is the key there with a value of another type?  A null counts as missing. */
bool json_has_wrong_type(const json_t *object, const char *key, json_type type);
