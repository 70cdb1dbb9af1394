/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/hub/check_fixture.h - a healthy hub with two images, ways to damage it, and what a
 * check then finds. */
#pragma once
#include "content.h"
#include "hub/check.h"
#include "hub/check.sql.h"
#include "hub/collect.h"
#include "hub/job.h"
#include "hub/recovery.h"

#define HOUR_MS ((int64_t)3600 * 1000)

static inline void check_has(struct str text, const char *part)
{
    if (str_find_text(text, str_from(part)) == text.len)
        fail_msg("'%.*s' has no '%s'", STR_ARG(text), part);
}

/* --- a healthy hub -------------------------------------------------------------------------- */

/* The copies that are due. */
static inline void copy_some(struct hub_fixture *fixture)
{
    struct job job = { .id = 1 };
    while (job.id != 0) {
        CHECK(
            job_lease(fixture->hub, fixture->arena, &RECOVERY_JOB, 1, 60000, &job, &fixture->err));
        if (job.id == 0)
            return;
        CHECK(recovery_copy(fixture->hub, fixture->arena, &job, &fixture->err));
        if (!job_done(fixture->hub, fixture->arena, &job, &fixture->err))
            error_clear(&fixture->err); /* pushed meanwhile: it comes again */
    }
}

static inline void copy_notes(struct hub_fixture *fixture)
{
    hub_fixture_later(fixture, 60 * 1000);
    copy_some(fixture);
}

/* alice/app:1.0 and :latest, bob/tool:edge; three blobs, four claims. */
static inline void push_sample(struct hub_fixture *fixture)
{
    content_push(fixture, content_repository(fixture, "alice/app"), "layer", "1.0 latest");
    content_push(fixture, content_repository(fixture, "bob/tool"), "tool", "edge");
    CHECK(recovery_note_write(fixture->hub, fixture->arena, STR("account/alice"), &fixture->err));
    CHECK(recovery_note_write(fixture->hub, fixture->arena, STR("account/bob"), &fixture->err));
    copy_notes(fixture);
}

/* --- looking -------------------------------------------------------------------------------- */

enum look_at { LOOK = 1, LOOK_QUICKLY, REPAIR };

struct seen {
    struct hub_fixture *fixture;
    struct check_result result;
    struct str text; /* "kind outcome what (where)" and a new line, for each finding */
    int count;
};

static inline void note_finding(void *context, const struct check_finding *finding)
{
    struct seen *seen = context;
    assert_true(finding->detail.len > 0 && finding->repair.len > 0);
    seen->count++;
    seen->text = arena_format(seen->fixture->arena, "%.*s%s %s %.*s (%.*s)\n", STR_ARG(seen->text),
                              check_kind_name(finding->kind), check_outcome_name(finding->outcome),
                              STR_ARG(finding->what), STR_ARG(finding->where));
}

static inline struct seen look(struct hub_fixture *fixture, enum look_at at)
{
    struct seen seen = { .fixture = fixture, .text = STR("") };
    struct check_options options = {
        .repair = at == REPAIR,
        .quick = at == LOOK_QUICKLY,
        .grace_ms = CHECK_GRACE_MS_DEFAULT,
        .found = note_finding,
        .context = &seen,
    };
    CHECK(check_run(fixture->hub, &options, &seen.result, &fixture->err));
    assert_int_equal(seen.result.repairable + seen.result.repaired + seen.result.left, seen.count);
    return seen;
}

/* --- damaging ------------------------------------------------------------------------------- */

static inline struct blob_place check_place(char digit, const char *named_after)
{
    struct blob_place place = { .digest = content_digest(named_after) };
    memset(place.upload_id, digit, UPLOAD_ID_CHARS);
    return place;
}

static inline void write_upload(struct hub_fixture *fixture, const struct blob_place *place,
                                const char *bytes)
{
    struct blob_writer *writer AUTO(blob_writer_close) = NULL;
    CHECK(blob_append(fixture->hub->store, str_from(place->upload_id), 0, &writer, &fixture->err));
    CHECK(blob_write(writer, str_from(bytes), &fixture->err));
    CHECK(blob_sync(writer, &fixture->err));
}

static inline void put_upload(struct hub_fixture *fixture, char digit, const char *bytes)
{
    struct blob_place place = check_place(digit, "");
    write_upload(fixture, &place, bytes);
}

/* A file with these bytes, under the name that other bytes would have. */
static inline void put_file(struct hub_fixture *fixture, char digit, const char *bytes,
                            const char *named_after)
{
    struct blob_place place = check_place(digit, named_after);
    write_upload(fixture, &place, bytes);
    CHECK(blob_finish(fixture->hub->store, &place, strlen(bytes), &fixture->err));
}

static inline size_t list_files(struct hub_fixture *fixture, struct blob_entry entries[static 64])
{
    struct str next;
    size_t count;
    CHECK(blob_list(fixture->hub->store, fixture->arena, STR_NONE, entries, 64, &count, &next,
                    &fixture->err));
    return count;
}

static inline int64_t count_files(struct hub_fixture *fixture)
{
    struct blob_entry entries[64];
    return (int64_t)list_files(fixture, entries);
}

/* Puts other bytes in place of a blob's; NULL: its file goes. */
static inline void damage(struct hub_fixture *fixture, const char *content, const char *bytes)
{
    struct blob_entry entries[64];
    struct digest digest = content_digest(content);
    size_t count = list_files(fixture, entries);
    for (size_t i = 0; i < count; i++) {
        const struct blob_place *place = &entries[i].place;
        if (!digest_equal(&place->digest, &digest))
            continue;
        CHECK(blob_remove(fixture->hub->store, place, &fixture->err));
        if (!bytes)
            return;
        write_upload(fixture, place, bytes);
        CHECK(blob_finish(fixture->hub->store, place, strlen(bytes), &fixture->err));
        return;
    }
    fail_msg("there is no blob '%s'", content);
}

/* The row of a blob and all claims to it. */
static inline void drop_rows(struct hub_fixture *fixture, const char *content)
{
    char text[DIGEST_TEXT_MAX];
    struct digest digest = content_digest(content);
    digest_format(&digest, text);
    hub_fixture_sql(
        fixture, arena_format(fixture->arena, "DELETE FROM claim WHERE digest = '%s'", text).ptr);
    hub_fixture_sql(fixture,
                    arena_format(fixture->arena, "DELETE FROM blob WHERE digest = '%s'", text).ptr);
}

/* A session that has received `size` bytes. */
static inline void add_session(struct hub_fixture *fixture, char digit, int size)
{
    struct blob_place place = check_place(digit, "");
    hub_fixture_sql(fixture,
                    arena_format(fixture->arena,
                                 "INSERT INTO upload (id, repository_id, account_id, size, "
                                 "hash_state, started_ms, touched_ms) SELECT '%s', r.id, %d, %d, "
                                 "%s, 0, 0 FROM repository r WHERE r.name = 'app'",
                                 place.upload_id, ALICE, size, test_database_byte())
                        .ptr);
}
