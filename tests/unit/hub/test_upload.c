/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/upload.h"

#include "base/limits.h"
#include "content.h"

#include <pthread.h>

static struct upload start(struct hub_fixture *fixture, int64_t repository_id)
{
    struct upload upload = { 0 };
    CHECK(upload_start(fixture->hub, fixture->arena, repository_id, ALICE, DIGEST_NONE, &upload,
                       &fixture->err));
    return upload;
}

static bool append(struct hub_fixture *fixture, struct upload *upload, int64_t offset,
                   const char *text)
{
    return upload_append(fixture->hub, fixture->arena, upload, offset, -1,
                         SOURCE(.text = str_from(text), .step = 3), &fixture->err);
}

static bool finish(struct hub_fixture *fixture, struct upload *upload, const char *rest,
                   const char *whole)
{
    struct digest digest = content_digest(whole);
    return upload_finish(fixture->hub, fixture->arena, upload, -1, SOURCE(.text = str_from(rest)),
                         &digest, &fixture->err);
}

/* How many uploads and blobs lie in the store? */
static void count_stored(struct hub_fixture *fixture, size_t *uploads, size_t *blobs)
{
    struct blob_entry entries[32];
    size_t count;
    struct str next;
    CHECK(blob_list(fixture->hub->store, fixture->arena, STR_NONE, entries, 32, &count, &next,
                    &fixture->err));
    *uploads = *blobs = 0;
    for (size_t i = 0; i < count; i++)
        *(entries[i].is_upload ? uploads : blobs) += 1;
}

static void check_stored(struct hub_fixture *fixture, size_t uploads, size_t blobs)
{
    size_t actual_uploads, actual_blobs;
    count_stored(fixture, &actual_uploads, &actual_blobs);
    assert_int_equal(actual_uploads, uploads);
    assert_int_equal(actual_blobs, blobs);
}

static void check_content(struct hub_fixture *fixture, int64_t repository_id, const char *text)
{
    struct digest digest = content_digest(text);
    struct blob blob;
    struct blob_reader *reader AUTO(blob_reader_close) = NULL;
    char *bytes = arena_alloc(fixture->arena, strlen(text) + 1);
    CHECK(blob_find(fixture->hub, fixture->arena, repository_id, &digest, false, &blob,
                    &fixture->err));
    assert_int_equal(blob.size, strlen(text));
    CHECK(blob_open(fixture->hub->store, &blob.place, &reader, &fixture->err));
    assert_int_equal(reader->size, strlen(text));
    if (*text)
        assert_int_equal(blob_read(reader, 0, bytes, strlen(text), &fixture->err), strlen(text));
    assert_string_equal(bytes, text);
}

/* --- the way of an upload ------------------------------------------------------------------ */

static void test_upload_finish__makes_blob_and_claim(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    struct upload upload = start(fixture, app), again;
    assert_int_equal(upload.id.len, UPLOAD_ID_CHARS);
    CHECK(append(fixture, &upload, 0, "hello "));
    CHECK(append(fixture, &upload, -1, "wor"));
    assert_int_equal(upload.size, 9);
    CHECK(upload_find(fixture->hub, fixture->arena, upload.id, app, ALICE, &again, &fixture->err));
    assert_int_equal(again.size, 9);
    CHECK(finish(fixture, &again, "ld", "hello world"));
    assert_int_equal(again.size, 11);
    check_content(fixture, app, "hello world");
    check_stored(fixture, 0, 1);
    CHECK_FAILS(
        upload_find(fixture->hub, fixture->arena, upload.id, app, ALICE, &again, &fixture->err),
        ERROR_NOT_FOUND, "start a new one");
}

static void test_upload_finish__without_any_bytes(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    struct upload upload = start(fixture, app);
    CHECK(finish(fixture, &upload, "", ""));
    check_content(fixture, app, "");
    struct upload second = start(fixture, app);
    CHECK(append(fixture, &second, 0, "all of it"));
    CHECK(finish(fixture, &second, "", "all of it"));
    check_content(fixture, app, "all of it");
}

static void test_upload_whole__makes_blob_and_claim(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    content_blob(fixture, app, "whole");
    check_content(fixture, app, "whole");
    struct digest other = content_digest("other");
    CHECK_FAILS(upload_whole(fixture->hub, fixture->arena, app, ALICE, SOURCE(.text = STR("whole")),
                             &other, &fixture->err),
                ERROR_INVALID, "not sha256:");
    CHECK_FAILS(upload_whole(fixture->hub, fixture->arena, app, ALICE,
                             SOURCE(.text = STR("oth"), .breaks = true), &other, &fixture->err),
                ERROR_UNAVAILABLE, "the connection broke");
    check_stored(fixture, 0, 1);
}

static void test_upload_finish__refuses_another_digest_and_ends_the_session(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    struct upload upload = start(fixture, app), again;
    CHECK(append(fixture, &upload, 0, "hello"));
    char expected[DIGEST_TEXT_MAX], actual[DIGEST_TEXT_MAX];
    struct digest wrong = content_digest("other"), right = content_digest("hello");
    (void)digest_format(&wrong, expected);
    (void)digest_format(&right, actual);
    assert_false(finish(fixture, &upload, "", "other"));
    assert_int_equal(fixture->err.about, ABOUT_DIGEST);
    assert_non_null(strstr(fixture->err.message, expected));
    check_error(&fixture->err, ERROR_INVALID, actual);
    CHECK_FAILS(
        upload_find(fixture->hub, fixture->arena, upload.id, app, ALICE, &again, &fixture->err),
        ERROR_NOT_FOUND, "start a new one");
    check_stored(fixture, 0, 0);
}

static void test_upload_finish__another_algorithm_reads_the_bytes_again(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    struct upload upload = start(fixture, app);
    CHECK(append(fixture, &upload, 0, "hello "));
    struct digest digest = digest_of(DIGEST_SHA512, STR("hello world"));
    CHECK(upload_finish(fixture->hub, fixture->arena, &upload, 6, SOURCE(.text = STR("world")),
                        &digest, &fixture->err));
    struct blob blob;
    CHECK(blob_find(fixture->hub, fixture->arena, app, &digest, false, &blob, &fixture->err));

    struct upload second = start(fixture, app);
    CHECK_FAILS(upload_finish(fixture->hub, fixture->arena, &second, 0,
                              SOURCE(.text = STR("other")), &digest, &fixture->err),
                ERROR_INVALID, "sha512:");
}

static void test_upload_start__with_sha512_goes_on_with_it(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    struct upload upload;
    CHECK(upload_start(fixture->hub, fixture->arena, app, ALICE, DIGEST_SHA512, &upload,
                       &fixture->err));
    CHECK(append(fixture, &upload, 0, "hello "));
    struct digest digest = digest_of(DIGEST_SHA512, STR("hello world"));
    CHECK(upload_finish(fixture->hub, fixture->arena, &upload, -1, SOURCE(.text = STR("world")),
                        &digest, &fixture->err));
}

/* --- what is refused ----------------------------------------------------------------------- */

static void test_upload_find__knows_nothing_of_others_sessions(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    int64_t other = content_repository(fixture, "alice/other");
    struct upload upload = start(fixture, app), found;
    CHECK_FAILS(
        upload_find(fixture->hub, fixture->arena, upload.id, other, ALICE, &found, &fixture->err),
        ERROR_NOT_FOUND, "start a new one");
    CHECK_FAILS(
        upload_find(fixture->hub, fixture->arena, upload.id, app, BOB, &found, &fixture->err),
        ERROR_NOT_FOUND, "start a new one");

    struct upload forged = upload;
    forged.account_id = BOB;
    CHECK_FAILS(append(fixture, &forged, -1, "x"), ERROR_NOT_FOUND, "start a new one");
    CHECK_FAILS(finish(fixture, &forged, "x", "x"), ERROR_NOT_FOUND, "start a new one");
    CHECK_FAILS(upload_cancel(fixture->hub, fixture->arena, &forged, &fixture->err),
                ERROR_NOT_FOUND, "start a new one");
    forged = upload;
    forged.repository_id = other;
    CHECK_FAILS(finish(fixture, &forged, "x", "x"), ERROR_NOT_FOUND, "start a new one");
    CHECK(finish(fixture, &upload, "x", "x"));
}

static void test_upload_append__refuses_another_offset(void **state)
{
    struct hub_fixture *fixture = *state;
    struct upload upload = start(fixture, content_repository(fixture, "alice/app"));
    CHECK(append(fixture, &upload, 0, "hello"));
    assert_false(append(fixture, &upload, 4, "xyz"));
    assert_int_equal(fixture->err.about, ABOUT_RANGE);
    check_error(&fixture->err, ERROR_RANGE, "stands at 5 bytes, these start at 4");
    CHECK_FAILS(append(fixture, &upload, 6, "xyz"), ERROR_RANGE, "5 bytes");
    CHECK(append(fixture, &upload, 5, " world"));
    CHECK(finish(fixture, &upload, "", "hello world"));
}

static void test_upload_append__refuses_another_length(void **state)
{
    struct hub_fixture *fixture = *state;
    struct upload upload = start(fixture, content_repository(fixture, "alice/app"));
    struct hub *hub = fixture->hub;
    CHECK_FAILS(upload_append(hub, fixture->arena, &upload, 0, 4, SOURCE(.text = STR("hello")),
                              &fixture->err),
                ERROR_INVALID, "the 4 bytes");
    CHECK_FAILS(upload_append(hub, fixture->arena, &upload, -1, 6, SOURCE(.text = STR("hello")),
                              &fixture->err),
                ERROR_INVALID, "the 6 bytes");
    CHECK(upload_append(hub, fixture->arena, &upload, 5, 6, SOURCE(.text = STR(" world")),
                        &fixture->err));
    CHECK(finish(fixture, &upload, "", "hello world"));
}

static void test_upload_start__limits_sessions_of_an_account(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    hub_fixture_sql(fixture,
                    arena_format(fixture->arena,
                                 "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                                 "WHERE i < %d) INSERT INTO upload SELECT 'u' || i, %lld, %d, 0, "
                                 "%s, 0, 0 FROM n",
                                 UPLOADS_OPEN_PER_ACCOUNT_MAX, (long long)app, ALICE,
                                 test_database_byte())
                        .ptr);
    struct upload upload;
    CHECK_FAILS(
        upload_start(fixture->hub, fixture->arena, app, ALICE, DIGEST_NONE, &upload, &fixture->err),
        ERROR_TOO_MANY, "1000 unfinished uploads");
    CHECK(
        upload_start(fixture->hub, fixture->arena, app, BOB, DIGEST_NONE, &upload, &fixture->err));
}

/* --- trouble ------------------------------------------------------------------------------- */

static void test_upload_append__keeps_what_arrived_before_the_connection_broke(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    struct upload upload = start(fixture, app), found;
    CHECK_FAILS(upload_append(fixture->hub, fixture->arena, &upload, 0, -1,
                              SOURCE(.text = STR("hello"), .step = 2, .breaks = true),
                              &fixture->err),
                ERROR_UNAVAILABLE, "the connection broke");
    CHECK(upload_find(fixture->hub, fixture->arena, upload.id, app, ALICE, &found, &fixture->err));
    assert_int_equal(found.size, 5);

    struct digest digest = content_digest("hello world");
    CHECK_FAILS(upload_finish(fixture->hub, fixture->arena, &upload, 5,
                              SOURCE(.text = STR(" wor"), .breaks = true), &digest, &fixture->err),
                ERROR_UNAVAILABLE, "the connection broke");
    CHECK(finish(fixture, &upload, "ld", "hello world"));
    check_content(fixture, app, "hello world");
}

static void test_upload_append__cuts_off_what_the_database_does_not_know(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    struct upload upload = start(fixture, app);
    CHECK(append(fixture, &upload, 0, "hello"));
    struct blob_writer *writer = NULL; /* as a process that died before its transaction */
    CHECK(blob_append(fixture->hub->store, upload.id, 5, &writer, &fixture->err));
    CHECK(blob_write(writer, STR("garbage"), &fixture->err));
    blob_writer_close(writer);
    CHECK(finish(fixture, &upload, "", "hello"));
    check_content(fixture, app, "hello");
}

static void test_upload_append__ends_a_session_whose_bytes_are_gone(void **state)
{
    struct hub_fixture *fixture = *state;
    struct upload upload = start(fixture, content_repository(fixture, "alice/app"));
    CHECK(append(fixture, &upload, 0, "hello"));
    CHECK(blob_upload_remove(fixture->hub->store, upload.id, &fixture->err));
    CHECK_FAILS(append(fixture, &upload, 5, " world"), ERROR_NOT_FOUND, "start a new one");
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM upload"), 0);
}

/* A source that, halfway, does with the session what another request could do. */
struct meddler {
    struct hub_fixture *fixture;
    struct upload *upload;
    bool cancels;
    int step;
};

static int64_t meddler_read(void *state, void *bytes, size_t size, struct error *err)
{
    struct meddler *meddler = state;
    struct hub_fixture *fixture = meddler->fixture;
    (void)size;
    (void)err;
    if (meddler->step++ > 0)
        return 0;
    if (meddler->cancels) {
        CHECK(upload_cancel(fixture->hub, fixture->arena, meddler->upload, &fixture->err));
    } else {
        struct upload same = *meddler->upload;
        CHECK_FAILS(append(fixture, &same, -1, "XXXX"), ERROR_RANGE, "another request");
        CHECK_FAILS(finish(fixture, &same, "XXXX", "XXXX"), ERROR_RANGE, "another request");
    }
    memcpy(bytes, "hello", 5);
    return 5;
}

static void test_upload_append__one_request_at_a_time(void **state)
{
    struct hub_fixture *fixture = *state;
    struct upload upload = start(fixture, content_repository(fixture, "alice/app"));
    struct meddler meddler = { .fixture = fixture, .upload = &upload };
    struct upload_source source = { .read = meddler_read, .state = &meddler };
    CHECK(upload_append(fixture->hub, fixture->arena, &upload, 0, -1, source, &fixture->err));
    CHECK(finish(fixture, &upload, "", "hello"));
}

/* Turns hold within one process; what another node does shows in the database. */
static int64_t other_node_read(void *state, void *bytes, size_t size, struct error *err)
{
    struct meddler *meddler = state;
    (void)size;
    (void)err;
    if (meddler->step++ > 0)
        return 0;
    hub_fixture_sql(meddler->fixture, "UPDATE upload SET size = size + 4");
    memcpy(bytes, "hello", 5);
    return 5;
}

static void test_upload_append__loses_to_another_node(void **state)
{
    struct hub_fixture *fixture = *state;
    struct upload upload = start(fixture, content_repository(fixture, "alice/app"));
    struct meddler meddler = { .fixture = fixture, .upload = &upload };
    struct upload_source source = { .read = other_node_read, .state = &meddler };
    CHECK_FAILS(upload_append(fixture->hub, fixture->arena, &upload, 0, -1, source, &fixture->err),
                ERROR_RANGE, "another request has appended");
    assert_int_equal(hub_fixture_sql(fixture, "SELECT size FROM upload"), 4);

    hub_fixture_sql(fixture, "UPDATE upload SET size = 0");
    meddler.step = 0;
    struct digest digest = content_digest("hello");
    CHECK_FAILS(
        upload_finish(fixture->hub, fixture->arena, &upload, 0, source, &digest, &fixture->err),
        ERROR_NOT_FOUND, "continued meanwhile");
    check_stored(fixture, 0, 0);
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM blob"), 0);
}

static void test_upload_cancel__while_another_request_writes(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    struct upload upload = start(fixture, app);
    struct meddler meddler = { .fixture = fixture, .upload = &upload, .cancels = true };
    struct upload_source source = { .read = meddler_read, .state = &meddler };
    CHECK_FAILS(upload_append(fixture->hub, fixture->arena, &upload, 0, -1, source, &fixture->err),
                ERROR_NOT_FOUND, "start a new one");
    check_stored(fixture, 0, 0);

    upload = start(fixture, app);
    meddler.step = 0;
    struct digest digest = content_digest("hello");
    CHECK_FAILS(
        upload_finish(fixture->hub, fixture->arena, &upload, 0, source, &digest, &fixture->err),
        ERROR_NOT_FOUND, "cancelled");
    check_stored(fixture, 0, 0);
}

static void test_upload_cancel__removes_session_and_bytes(void **state)
{
    struct hub_fixture *fixture = *state;
    struct upload upload = start(fixture, content_repository(fixture, "alice/app"));
    CHECK(append(fixture, &upload, 0, "hello"));
    CHECK(upload_cancel(fixture->hub, fixture->arena, &upload, &fixture->err));
    check_stored(fixture, 0, 0);
    CHECK_FAILS(upload_cancel(fixture->hub, fixture->arena, &upload, &fixture->err),
                ERROR_NOT_FOUND, "start a new one");
    CHECK_FAILS(append(fixture, &upload, -1, "x"), ERROR_NOT_FOUND, "start a new one");
}

/* --- the same content twice ----------------------------------------------------------------- */

static void test_upload_finish__keeps_one_copy_of_a_digest(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    int64_t other = content_repository(fixture, "bob/other");
    content_blob(fixture, app, "layer");
    struct upload upload = start(fixture, other);
    CHECK(finish(fixture, &upload, "layer", "layer"));
    check_stored(fixture, 0, 1);
    check_content(fixture, app, "layer");
    check_content(fixture, other, "layer");
}

static void test_upload_finish__heals_a_blob_whose_bytes_are_lost(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    struct digest digest = content_blob(fixture, app, "layer");
    struct blob blob;
    CHECK(blob_find(fixture->hub, fixture->arena, app, &digest, false, &blob, &fixture->err));
    CHECK(blob_remove(fixture->hub->store, &blob.place, &fixture->err));
    content_blob(fixture, app, "layer");
    check_content(fixture, app, "layer");
    check_stored(fixture, 0, 1);
}

struct pusher {
    struct hub_fixture *fixture;
    int64_t repository_id;
    bool ok;
};

static void *push_many(void *state)
{
    struct pusher *pusher = state;
    struct arena *arena AUTO(arena_free) = arena_new();
    struct error err = { 0 };
    pusher->ok = true;
    for (int i = 0; i < 10 && pusher->ok; i++) {
        struct str text = arena_format(arena, "layer %d", i);
        struct digest digest = digest_of(DIGEST_SHA256, text);
        pusher->ok = upload_whole(pusher->fixture->hub, arena, pusher->repository_id, ALICE,
                                  SOURCE(.text = text), &digest, &err);
    }
    return NULL;
}

static void test_upload_whole__of_the_same_bytes_at_once(void **state)
{
    struct hub_fixture *fixture = *state;
    struct pusher pushers[4];
    pthread_t threads[4];
    const char *names[] = { "alice/a", "alice/b", "bob/c", "bob/d" };
    for (size_t i = 0; i < 4; i++) {
        pushers[i] = (struct pusher){ fixture, content_repository(fixture, names[i]), false };
        assert_int_equal(pthread_create(&threads[i], NULL, push_many, &pushers[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(pushers[i].ok);
    }
    check_stored(fixture, 0, 10);
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM claim"), 40);
    check_content(fixture, pushers[3].repository_id, "layer 9");
}

/* --- sweeping ------------------------------------------------------------------------------ */

static int64_t sweep(struct hub_fixture *fixture)
{
    int64_t count = -1;
    CHECK(upload_sweep(fixture->hub, fixture->arena, &count, &fixture->err));
    return count;
}

static void test_upload_sweep__takes_what_nobody_touched_for_a_day(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    content_blob(fixture, app, "a blob");
    struct upload old = start(fixture, app), empty = start(fixture, app), touched, found;
    CHECK(append(fixture, &old, 0, "old"));
    touched = start(fixture, app);
    struct blob_writer *writer = NULL; /* of a process that died */
    CHECK(blob_append(fixture->hub->store, STR("0123456789abcdef0123456789abcdef"), 0, &writer,
                      &fixture->err));
    blob_writer_close(writer);
    (void)empty;
    assert_int_equal(sweep(fixture), 0);

    hub_fixture_later(fixture, (int64_t)UPLOAD_LIFE_S * 1000 - 1000);
    CHECK(append(fixture, &touched, 0, "touched"));
    hub_fixture_later(fixture, 10000);
    assert_int_equal(sweep(fixture), 3);
    check_stored(fixture, 1, 1);
    CHECK(upload_find(fixture->hub, fixture->arena, touched.id, app, ALICE, &found, &fixture->err));
    CHECK_FAILS(append(fixture, &old, 3, "x"), ERROR_NOT_FOUND, "start a new one");
}

/* --- faults -------------------------------------------------------------------------------- */

/* Whichever statement or commit of a push fails: no claim without its bytes, and the push can be
 * repeated. */
static void test_upload_finish__any_failure_can_be_repeated(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    for (unsigned n = 1; n <= 40; n++) {
        struct upload upload = start(fixture, app);
        CHECK(append(fixture, &upload, 0, "hel"));
        db_fail_nth_for_test(n);
        bool done = finish(fixture, &upload, "lo", "hello");
        db_fail_nth_for_test(0);
        if (done) {
            assert_true(n > 5);
            check_content(fixture, app, "hello");
            return;
        }
        check_error(&fixture->err, ERROR_UNAVAILABLE, "");
        assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM claim"), 0);
        if (!finish(fixture, &upload, "lo", "hello")) /* the session may have gone */
            check_error(&fixture->err, ERROR_NOT_FOUND, "start a new one");
        content_blob(fixture, app, "hello");
        check_content(fixture, app, "hello");
        hub_fixture_sql(fixture, "DELETE FROM claim");
        hub_fixture_sql(fixture, "DELETE FROM blob");
    }
    fail_msg("forty failures were not enough");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONTENT_TEST(test_upload_finish__makes_blob_and_claim),
        CONTENT_TEST(test_upload_finish__without_any_bytes),
        CONTENT_TEST(test_upload_whole__makes_blob_and_claim),
        CONTENT_TEST(test_upload_finish__refuses_another_digest_and_ends_the_session),
        CONTENT_TEST(test_upload_finish__another_algorithm_reads_the_bytes_again),
        CONTENT_TEST(test_upload_start__with_sha512_goes_on_with_it),
        CONTENT_TEST(test_upload_find__knows_nothing_of_others_sessions),
        CONTENT_TEST(test_upload_append__refuses_another_offset),
        CONTENT_TEST(test_upload_append__refuses_another_length),
        CONTENT_TEST(test_upload_start__limits_sessions_of_an_account),
        CONTENT_TEST(test_upload_append__keeps_what_arrived_before_the_connection_broke),
        CONTENT_TEST(test_upload_append__cuts_off_what_the_database_does_not_know),
        CONTENT_TEST(test_upload_append__ends_a_session_whose_bytes_are_gone),
        CONTENT_TEST(test_upload_append__one_request_at_a_time),
        CONTENT_TEST(test_upload_append__loses_to_another_node),
        CONTENT_TEST(test_upload_cancel__while_another_request_writes),
        CONTENT_TEST(test_upload_cancel__removes_session_and_bytes),
        CONTENT_TEST(test_upload_finish__keeps_one_copy_of_a_digest),
        CONTENT_TEST(test_upload_finish__heals_a_blob_whose_bytes_are_lost),
        CONTENT_TEST(test_upload_whole__of_the_same_bytes_at_once),
        CONTENT_TEST(test_upload_sweep__takes_what_nobody_touched_for_a_day),
        CONTENT_TEST(test_upload_finish__any_failure_can_be_repeated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
