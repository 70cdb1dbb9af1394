/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/recovery_note.h"

#include "base/json.h"

#include <inttypes.h>

enum { NOTE_VERSION = 1 };

/* --- heads ---------------------------------------------------------------------------------- */

void note_account_write(struct buf *out, const struct note_account *account)
{
    struct json json;
    json_init(&json, out);
    json_object(&json);
    json_key_i64(&json, "version", NOTE_VERSION);
    json_key_i64(&json, "kind", account->kind);
    if (str_is_set(account->email))
        json_key_str(&json, "email", account->email);
    json_key_str(&json, "full_name", account->full_name);
    json_key_bool(&json, "admin", account->is_admin);
    json_key_bool(&json, "active", account->is_active);
    json_key_bool(&json, "default_private", account->default_private);
    if (account->untagged_days != DB_NULL_INT)
        json_key_i64(&json, "untagged_days", account->untagged_days);
    json_key_i64(&json, "created_ms", account->created_ms);
    json_end(&json);
    buf_append_byte(out, '\n');
}

static json_t *head_parse(struct str note, struct str *rest, struct error *err)
{
    struct str head;
    *rest = note;
    (void)str_split(rest, '\n', &head);
    json_t *object = json_parse_object(head, err);
    int64_t version = 0;
    if (!object)
        return NULL;
    if (json_get_i64(object, "version", &version) && version == NOTE_VERSION)
        return object;
    json_decref(object);
    error_set(err, ERROR_INVALID, "the note has version %" PRId64 ", this program knows %d",
              version, NOTE_VERSION);
    return NULL;
}

static bool truth(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

bool note_account_read(struct arena *arena, struct str note, struct note_account *out,
                       struct error *err)
{
    struct str rest;
    json_t *object AUTO(json_decref) = head_parse(note, &rest, err);
    if (!object)
        return false;
    struct note_account account = {
        .email = arena_copy(arena, json_get_str(object, "email")),
        .full_name = arena_copy(arena, json_get_str(object, "full_name")),
        .is_admin = truth(object, "admin"),
        .is_active = truth(object, "active"),
        .default_private = truth(object, "default_private"),
        .untagged_days = DB_NULL_INT,
    };
    (void)json_get_i64(object, "untagged_days", &account.untagged_days);
    if (!json_get_i64(object, "kind", &account.kind) ||
        !json_get_i64(object, "created_ms", &account.created_ms))
        return error_set(err, ERROR_INVALID, "the note of an account is not whole");
    *out = account;
    return true;
}

void note_repository_write(struct buf *out, const struct note_repository *repository)
{
    struct json json;
    json_init(&json, out);
    json_object(&json);
    json_key_i64(&json, "version", NOTE_VERSION);
    json_key_bool(&json, "private", repository->is_private);
    json_key_bool(&json, "automated", repository->is_automated);
    json_key_str(&json, "description", repository->description);
    json_key_str(&json, "full_description", repository->full_description);
    json_key_i64(&json, "created_ms", repository->created_ms);
    json_end(&json);
    buf_append_byte(out, '\n');
}

bool note_repository_read(struct arena *arena, struct str note, struct note_repository *out,
                          struct str *rest, struct error *err)
{
    struct str lines;
    json_t *object AUTO(json_decref) = head_parse(note, &lines, err);
    if (!object)
        return false;
    struct note_repository repository = {
        .is_private = truth(object, "private"),
        .is_automated = truth(object, "automated"),
        .description = arena_copy(arena, json_get_str(object, "description")),
        .full_description = arena_copy(arena, json_get_str(object, "full_description")),
    };
    /* Whether strangers may see it must not be guessed. */
    if (!json_is_boolean(json_object_get(object, "private")) ||
        !json_get_i64(object, "created_ms", &repository.created_ms))
        return error_set(err, ERROR_INVALID, "the note of a repository is not whole");
    *out = repository;
    *rest = lines;
    return true;
}

/* --- lines ---------------------------------------------------------------------------------- */

void note_manifest_write(struct buf *out, const struct digest *digest, int64_t pushed_ms,
                         struct str media_type)
{
    char text[DIGEST_TEXT_MAX];
    buf_format(out, "manifest %.*s %" PRId64 " %.*s\n", STR_ARG(digest_format(digest, text)),
               pushed_ms, STR_ARG(media_type));
}

void note_tag_write(struct buf *out, struct str name, const struct digest *digest,
                    int64_t pushed_ms)
{
    char text[DIGEST_TEXT_MAX];
    buf_format(out, "tag %.*s %.*s %" PRId64 "\n", STR_ARG(name),
               STR_ARG(digest_format(digest, text)), pushed_ms);
}

void note_end_write(struct buf *out, const struct note_counts *counts)
{
    buf_format(out, "end %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 "\n", counts->updated_ms,
               counts->pulls, counts->pushes, counts->stars);
}

static bool take_digest(struct str *line, struct digest *out)
{
    struct str word;
    struct error ignored = { 0 };
    return str_split(line, ' ', &word) && digest_parse(word, out, &ignored);
}

static bool take_number(struct str *line, int64_t *out)
{
    struct str word;
    uint64_t number;
    if (!str_split(line, ' ', &word) || !str_to_u64(word, INT64_MAX, &number))
        return false;
    *out = (int64_t)number;
    return true;
}

static bool take_word(struct str *line, struct str *out)
{
    return str_split(line, ' ', out) && out->len > 0;
}

static bool line_parse(struct str line, struct note_line *out)
{
    struct str word;
    if (!str_split(&line, ' ', &word))
        return false;
    if (str_equal(word, STR("manifest"))) {
        out->kind = NOTE_MANIFEST;
        if (!take_digest(&line, &out->digest) || !take_number(&line, &out->pushed_ms))
            return false;
        out->text = line;
        return line.len > 0;
    }
    if (str_equal(word, STR("tag"))) {
        out->kind = NOTE_TAG;
        return take_word(&line, &out->text) && take_digest(&line, &out->digest) &&
               take_number(&line, &out->pushed_ms) && !str_is_set(line);
    }
    struct note_counts *counts = &out->counts;
    out->kind = NOTE_END;
    return str_equal(word, STR("end")) && take_number(&line, &counts->updated_ms) &&
           take_number(&line, &counts->pulls) && take_number(&line, &counts->pushes) &&
           take_number(&line, &counts->stars) && !str_is_set(line);
}

bool note_line_read(struct str *rest, struct note_line *out, struct error *err)
{
    struct note_line line = { 0 };
    struct str text, left = *rest;
    /* A line is whole when something follows it, be it nothing behind its end. */
    if (!str_split(&left, '\n', &text) || !str_is_set(left) || !line_parse(text, &line) ||
        (line.kind == NOTE_END && left.len > 0))
        return error_set(err, ERROR_INVALID, "the note of a repository is cut off or damaged");
    *rest = line.kind == NOTE_END ? STR_NONE : left;
    *out = line;
    return true;
}

struct str note_without_counts(struct str note)
{
    if (note.len == 0)
        return note;
    struct str body = str_slice(note, 0, note.len - 1);
    return str_slice(body, 0, str_find_last(body, '\n'));
}
