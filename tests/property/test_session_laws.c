/* SPDX-License-Identifier: Apache-2.0 */
/* Laws of hub/upload: whatever is done to upload sessions in whatever order, broken connections and
 * failing databases included, they and plain arrays agree on size and bytes; a blob appears only
 * under the digest of the bytes that were acknowledged. */
#include "../unit/hub/content.h"
#include "generate.h"

enum { ROUNDS = 12, STEPS = 40, SESSIONS = 3, PIECE_MAX = 300, BYTES_MAX = STEPS * PIECE_MAX };

struct model {
    struct upload upload;
    char bytes[BYTES_MAX];
    size_t size;
    bool is_open;
};

struct machine {
    struct hub_fixture *fixture;
    struct generator generator;
    int64_t repository_id;
    struct model sessions[SESSIONS];
};

static void start(struct machine *machine, struct model *model)
{
    struct hub_fixture *fixture = machine->fixture;
    enum digest_algorithm algorithm =
        (enum digest_algorithm)generate_below(&machine->generator, DIGEST_SHA512 + 1);
    CHECK(upload_start(fixture->hub, fixture->arena, machine->repository_id, ALICE, algorithm,
                       &model->upload, &fixture->err));
    model->is_open = true;
    model->size = 0;
}

static struct text_source piece(struct machine *machine)
{
    return (struct text_source){
        .text = generate_text(&machine->generator, machine->fixture->arena, PIECE_MAX, STR_NONE),
        .step = generate_below(&machine->generator, 40),
        .breaks = generate_below(&machine->generator, 3) == 0,
    };
}

/* Where the next bytes are said to go: mostly right. */
static int64_t offset(struct machine *machine, const struct model *model)
{
    switch (generate_below(&machine->generator, 5)) {
    case 0:
        return -1;
    case 1:
        return (int64_t)generate_below(&machine->generator, model->size + 10);
    default:
        return (int64_t)model->size;
    }
}

static void take(struct model *model, const struct text_source *source)
{
    assert_true(model->size + source->text.len <= BYTES_MAX);
    memcpy(model->bytes + model->size, source->text.ptr, source->text.len);
    model->size += source->text.len;
}

static void append(struct machine *machine, struct model *model)
{
    struct hub_fixture *fixture = machine->fixture;
    struct text_source source = piece(machine);
    int64_t at = offset(machine, model);
    bool is_right = at < 0 || at == (int64_t)model->size;
    struct upload_source from = { .read = text_source_read, .state = &source };
    bool ok =
        upload_append(fixture->hub, fixture->arena, &model->upload, at, -1, from, &fixture->err);
    assert_int_equal(ok, is_right && !source.breaks);
    if (!is_right)
        check_error(&fixture->err, ERROR_RANGE, "stands at");
    else if (source.breaks)
        check_error(&fixture->err, ERROR_UNAVAILABLE, "the connection broke");
    if (is_right)
        take(model, &source);
}

static void check_blob(struct machine *machine, const struct digest *digest, struct str expected)
{
    struct hub_fixture *fixture = machine->fixture;
    struct blob blob;
    struct blob_reader *reader AUTO(blob_reader_close) = NULL;
    char *bytes = arena_alloc(fixture->arena, expected.len + 1);
    CHECK(blob_find(fixture->hub, fixture->arena, machine->repository_id, digest, false, &blob,
                    &fixture->err));
    CHECK(blob_open(fixture->hub->store, &blob.place, &reader, &fixture->err));
    assert_int_equal(reader->size, expected.len);
    if (expected.len > 0)
        assert_int_equal(blob_read(reader, 0, bytes, expected.len, &fixture->err), expected.len);
    assert_memory_equal(bytes, expected.ptr, expected.len);
}

/* A wrong digest ends the session as a right one does. */
static void finish(struct machine *machine, struct model *model)
{
    struct hub_fixture *fixture = machine->fixture;
    struct text_source source = piece(machine);
    source.breaks = false;
    take(model, &source);
    struct str whole = { model->bytes, model->size };
    bool is_right = generate_below(&machine->generator, 4) != 0;
    struct digest digest =
        digest_of(generate_below(&machine->generator, 2) ? DIGEST_SHA256 : DIGEST_SHA512,
                  is_right ? whole : STR("other bytes"));
    struct upload_source from = { .read = text_source_read, .state = &source };
    bool ok = upload_finish(fixture->hub, fixture->arena, &model->upload, -1, from, &digest,
                            &fixture->err);
    assert_int_equal(ok, is_right);
    if (ok)
        check_blob(machine, &digest, whole);
    else
        check_error(&fixture->err, ERROR_INVALID, "the bytes have digest");
    model->is_open = false;
}

/* Something fails at the database: what was not acknowledged may or may not have happened. */
static void append_with_trouble(struct machine *machine, struct model *model)
{
    struct hub_fixture *fixture = machine->fixture;
    struct text_source source = piece(machine);
    source.breaks = false;
    struct upload_source from = { .read = text_source_read, .state = &source };
    db_fail_nth_for_test(1 + (unsigned)generate_below(&machine->generator, 6));
    bool ok = upload_append(fixture->hub, fixture->arena, &model->upload, (int64_t)model->size, -1,
                            from, &fixture->err);
    db_fail_nth_for_test(0);
    if (!ok)
        check_error(&fixture->err, ERROR_UNAVAILABLE, "");
    struct upload found;
    CHECK(upload_find(fixture->hub, fixture->arena, model->upload.id, machine->repository_id, ALICE,
                      &found, &fixture->err));
    if (ok)
        assert_int_equal(found.size, model->size + source.text.len);
    if (found.size != (int64_t)model->size)
        take(model, &source);
}

static void cancel(struct machine *machine, struct model *model)
{
    struct hub_fixture *fixture = machine->fixture;
    CHECK(upload_cancel(fixture->hub, fixture->arena, &model->upload, &fixture->err));
    model->is_open = false;
}

static void check_session(struct machine *machine, const struct model *model)
{
    struct hub_fixture *fixture = machine->fixture;
    struct upload found;
    bool ok = upload_find(fixture->hub, fixture->arena, model->upload.id, machine->repository_id,
                          ALICE, &found, &fixture->err);
    assert_int_equal(ok, model->is_open);
    if (ok)
        assert_int_equal(found.size, model->size);
    else
        check_error(&fixture->err, ERROR_NOT_FOUND, "start a new one");
}

static void step(struct machine *machine)
{
    struct model *model = &machine->sessions[generate_below(&machine->generator, SESSIONS)];
    if (!model->is_open)
        start(machine, model);
    switch (generate_below(&machine->generator, 10)) {
    case 0:
        cancel(machine, model);
        break;
    case 1:
    case 2:
        finish(machine, model);
        break;
    case 3:
    case 4:
        append_with_trouble(machine, model);
        break;
    default:
        append(machine, model);
        break;
    }
    check_session(machine, model);
}

static void test_upload__sessions_agree_with_plain_arrays(void **state)
{
    struct hub_fixture *fixture = *state;
    struct machine *machine = calloc(1, sizeof(*machine));
    machine->fixture = fixture;
    machine->generator = generator_new();
    machine->repository_id = content_repository(fixture, "alice/app");
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < STEPS; i++)
            step(machine);
        for (size_t i = 0; i < SESSIONS; i++) {
            if (machine->sessions[i].is_open)
                cancel(machine, &machine->sessions[i]);
        }
    }
    /* Nothing is left over: no session, no bytes but those of blobs, one file for each of these. */
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM upload"), 0);
    struct blob_entry *entries = arena_alloc(fixture->arena, 1000 * sizeof(*entries));
    size_t count;
    struct str next;
    CHECK(blob_list(fixture->hub->store, fixture->arena, STR_NONE, entries, 1000, &count, &next,
                    &fixture->err));
    for (size_t i = 0; i < count; i++)
        assert_false(entries[i].is_upload);
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM blob"), count);
    free(machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONTENT_TEST(test_upload__sessions_agree_with_plain_arrays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
