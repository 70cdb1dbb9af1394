/* SPDX-License-Identifier: Apache-2.0 */
/* hub/recovery_note.h - the form of the notes in the store.  Only hub/recovery*.c use it.
 *
 * A note of an account is a JSON object on one line.  That of a repository begins with one, and has
 * a line for each manifest, by digest, and for each tag, by name:
 *
 *     {"version":1,"private":false,...}
 *     manifest sha256:... <time of the push> <media type>
 *     tag 1.0 sha256:... <time of the push>
 *     end <time of the last push> <pulls> <pushes> <stars>
 *
 * The last line tells that the note is whole.  Read strictly: a line of another form is
 * ERROR_INVALID.  Pure. */
#pragma once
#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "db/statement.h"
#include "oci/digest.h"

#include <stdbool.h>
#include <stdint.h>

enum { RECOVERY_NOTE_BYTES_MAX = 64 * 1024 * 1024 };

struct note_account {
    int64_t kind;     /* enum account_kind */
    struct str email; /* absent: none */
    struct str full_name;
    bool is_admin, is_active, default_private;
    int64_t untagged_days; /* DB_NULL_INT: manifests without a tag stay */
    int64_t created_ms;
};

struct note_repository {
    bool is_private, is_automated;
    struct str description, full_description;
    int64_t created_ms;
};

struct note_counts {
    int64_t updated_ms, pulls, pushes, stars;
};

void note_account_write(struct buf *out, const struct note_account *account);
NODISCARD bool note_account_read(struct arena *arena, struct str note, struct note_account *out,
                                 struct error *err);

void note_repository_write(struct buf *out, const struct note_repository *repository);
void note_manifest_write(struct buf *out, const struct digest *digest, int64_t pushed_ms,
                         struct str media_type);
void note_tag_write(struct buf *out, struct str name, const struct digest *digest,
                    int64_t pushed_ms);
void note_end_write(struct buf *out, const struct note_counts *counts);

enum note_line_kind { NOTE_MANIFEST = 1, NOTE_TAG, NOTE_END };

struct note_line {
    enum note_line_kind kind;
    struct digest digest;
    int64_t pushed_ms;
    struct str text;           /* media type, or the tag's name */
    struct note_counts counts; /* of the end */
};

/* Reads the head; *rest is what note_line_read() takes lines from. */
NODISCARD bool note_repository_read(struct arena *arena, struct str note,
                                    struct note_repository *out, struct str *rest,
                                    struct error *err);
/* The next line.  Behind the end there is none: ERROR_INVALID, as for a note that is cut off. */
NODISCARD bool note_line_read(struct str *rest, struct note_line *out, struct error *err);

/* Everything but the last line: what must be equal to be current. */
struct str note_without_counts(struct str note);
