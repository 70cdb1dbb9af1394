/* SPDX-License-Identifier: Apache-2.0 */
/* Each thing is damaged on purpose; then exactly that is found, and mended as far as it can be. */
#include "hub/check.h"

#include "check_fixture.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

/* --- nothing wrong -------------------------------------------------------------------------- */

static void test_check_run__finds_nothing_in_a_healthy_hub(void **state)
{
    struct hub_fixture *fixture = *state;
    push_sample(fixture);
    struct seen seen = look(fixture, LOOK);
    check_str(seen.text, "");
    assert_int_equal(seen.result.blobs, 3);
    assert_int_equal(seen.result.manifests, 2);
    assert_int_equal(seen.result.tags, 3);
    assert_int_equal(seen.result.claims, 4);
    assert_int_equal(seen.result.repositories, 2);
    assert_int_equal(seen.result.bytes, strlen("layer") + strlen("tool") + strlen(CONTENT_CONFIG));
    seen = look(fixture, LOOK_QUICKLY);
    check_str(seen.text, "");
    assert_int_equal(seen.result.bytes, 0);
}

static void test_check_run__reads_at_the_rate_it_is_told(void **state)
{
    struct hub_fixture *fixture = *state;
    enum { BYTES = 400000, RATE = 200000 };
    int64_t app = content_repository(fixture, "alice/app");
    char *text = arena_alloc(fixture->arena, BYTES + 1);
    memset(text, 'x', BYTES);
    content_blob(fixture, app, text);
    int64_t begun_ms = clock_monotonic_ms();
    look(fixture, LOOK);
    assert_true(clock_monotonic_ms() - begun_ms < 800);
    struct seen seen = { .fixture = fixture, .text = STR("") };
    struct check_options options = { .rate = RATE, .found = note_finding, .context = &seen };
    begun_ms = clock_monotonic_ms();
    CHECK(check_run(fixture->hub, &options, &seen.result, &fixture->err));
    assert_true(clock_monotonic_ms() - begun_ms >= 950); /* the first second's worth is free */
}

/* --- blobs ---------------------------------------------------------------------------------- */

/* Found, taken out, and whole again after the next push. */
static void check_lost_blob(struct hub_fixture *fixture, const char *kind, enum look_at quickly)
{
    struct seen seen = look(fixture, quickly);
    check_has(seen.text, kind);
    check_has(seen.text, "alice/app:1.0, alice/app:latest");
    assert_int_equal(seen.result.left, 1);
    assert_int_equal(seen.count, 1);
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM blob"), 3);

    seen = look(fixture, REPAIR);
    check_has(seen.text, kind);
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.result.left, 1);
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM blob"), 2);
    assert_int_equal(count_files(fixture), 2);

    seen = look(fixture, LOOK); /* until somebody pushes, the image is not whole */
    check_has(seen.text, "manifest-lacks left");
    assert_int_equal(seen.count, 1);
    content_push(fixture, content_repository(fixture, "alice/app"), "layer", "1.0 latest");
    copy_notes(fixture);
    check_str(look(fixture, LOOK).text, "");
}

static void test_check_run__finds_a_flipped_byte(void **state)
{
    struct hub_fixture *fixture = *state;
    push_sample(fixture);
    damage(fixture, "layer", "lAyer");
    check_str(look(fixture, LOOK_QUICKLY).text, ""); /* it has the right size */
    check_lost_blob(fixture, "blob-broken left", LOOK);
}

static void test_check_run__finds_a_cut_file(void **state)
{
    struct hub_fixture *fixture = *state;
    push_sample(fixture);
    damage(fixture, "layer", "lay");
    check_lost_blob(fixture, "blob-broken left", LOOK_QUICKLY);
}

static void test_check_run__finds_a_missing_file(void **state)
{
    struct hub_fixture *fixture = *state;
    push_sample(fixture);
    damage(fixture, "layer", NULL);
    check_lost_blob(fixture, "blob-missing left", LOOK_QUICKLY);
}

static void test_check_run__uses_another_file_of_the_same_bytes(void **state)
{
    struct hub_fixture *fixture = *state;
    push_sample(fixture);
    damage(fixture, "layer", "LAYER");
    put_file(fixture, '1', "wrong", "layer");
    put_file(fixture, '2', "layer", "layer");
    struct seen seen = look(fixture, LOOK);
    check_has(seen.text, "blob-broken repairable");
    assert_int_equal(seen.count, 1);
    seen = look(fixture, REPAIR);
    check_has(seen.text, "blob-broken repaired");
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM blob WHERE upload_id LIKE "
                                              "'2222%'"),
                     1);
    hub_fixture_later(fixture, 2 * HOUR_MS);
    seen = look(fixture, REPAIR); /* the wrong one is now one too many */
    check_has(seen.text, "file-unknown repaired");
    assert_int_equal(seen.count, 1);
    check_str(look(fixture, LOOK).text, "");
}

static void test_check_run__adopts_the_file_of_a_lost_row(void **state)
{
    struct hub_fixture *fixture = *state;
    push_sample(fixture);
    drop_rows(fixture, "layer");
    hub_fixture_later(fixture, 2 * HOUR_MS);
    struct seen seen = look(fixture, LOOK);
    check_has(seen.text, "blob-unknown repairable");
    check_has(seen.text, "alice/app:1.0");
    check_has(seen.text, "manifest-lacks left");
    assert_int_equal(seen.count, 2);
    seen = look(fixture, REPAIR);
    check_has(seen.text, "blob-unknown repaired");
    check_has(seen.text, "manifest-lacks repaired");
    assert_int_equal(seen.result.left, 0);
    check_str(look(fixture, LOOK).text, "");
    struct digest layer = content_digest("layer");
    struct blob blob;
    CHECK(blob_find(fixture->hub, fixture->arena, content_repository(fixture, "alice/app"), &layer,
                    false, &blob, &fixture->err));
    assert_false(blob_find(fixture->hub, fixture->arena, content_repository(fixture, "bob/tool"),
                           &layer, false, &blob, &fixture->err));
    check_error(&fixture->err, ERROR_NOT_FOUND, "");
}

static void test_check_run__adopts_no_file_with_other_bytes(void **state)
{
    struct hub_fixture *fixture = *state;
    push_sample(fixture);
    damage(fixture, "layer", "LAYER");
    drop_rows(fixture, "layer");
    hub_fixture_later(fixture, 2 * HOUR_MS);
    struct seen seen = look(fixture, REPAIR);
    check_has(seen.text, "file-unknown repaired");
    check_has(seen.text, "manifest-lacks left");
    assert_int_equal(seen.count, 2);
    assert_int_equal(count_files(fixture), 2);
}

static void test_check_run__removes_a_file_that_nothing_needs(void **state)
{
    struct hub_fixture *fixture = *state;
    push_sample(fixture);
    put_file(fixture, 'a', "stray", "stray");
    check_str(look(fixture, REPAIR).text, ""); /* perhaps a push is just about to make its row */
    hub_fixture_later(fixture, 2 * HOUR_MS);
    struct seen seen = look(fixture, LOOK);
    check_has(seen.text, "file-unknown repairable");
    assert_int_equal(seen.count, 1);
    assert_int_equal(count_files(fixture), 4);
    look(fixture, REPAIR);
    assert_int_equal(count_files(fixture), 3);
    check_str(look(fixture, LOOK).text, "");
}

static void test_check_run__leaves_files_alone_that_something_explains(void **state)
{
    struct hub_fixture *fixture = *state;
    push_sample(fixture);
    put_file(fixture, 'a', "stray", "stray");
    hub_fixture_later(fixture, 2 * HOUR_MS);
    hub_fixture_sql(fixture, "INSERT INTO job (kind, subject, payload, due_ms, created_ms) VALUES "
                             "('blob_remove', '', '[\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"]', 0, 0)");
    check_str(look(fixture, REPAIR).text, ""); /* a removal waits */
    hub_fixture_sql(fixture, "DELETE FROM job WHERE kind = 'blob_remove'");
    add_session(fixture, 'a', 5); /* it ends just now: the blob is there, its row comes */
    check_str(look(fixture, REPAIR).text, "");
    hub_fixture_sql(fixture, "DELETE FROM upload");
    assert_int_equal(look(fixture, REPAIR).count, 1);
}

static void test_check_run__repairs_nothing_when_the_store_is_empty(void **state)
{
    struct hub_fixture *fixture = *state;
    push_sample(fixture);
    damage(fixture, "layer", NULL);
    damage(fixture, "tool", NULL);
    damage(fixture, CONTENT_CONFIG, NULL);
    assert_int_equal(look(fixture, LOOK).result.left, 3);
    struct seen seen = { .fixture = fixture, .text = STR("") };
    struct check_options options = { .repair = true, .found = note_finding, .context = &seen };
    assert_false(check_run(fixture->hub, &options, &seen.result, &fixture->err));
    check_error(&fixture->err, ERROR_CONFLICT, "mounted");
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM blob"), 3);
}

/* --- uploads -------------------------------------------------------------------------------- */

static void test_check_run__finds_sessions_without_their_bytes(void **state)
{
    struct hub_fixture *fixture = *state;
    push_sample(fixture);
    add_session(fixture, 'a', 5);
    add_session(fixture, 'b', 0); /* no byte has come yet: it needs no file */
    add_session(fixture, 'c', 5);
    add_session(fixture, 'd', 5);
    put_upload(fixture, 'c', "abc");
    put_upload(fixture, 'd', "abcdefg"); /* more than is known of is fine */
    struct seen seen = look(fixture, LOOK);
    check_has(seen.text, "upload-lost repairable aaaa");
    check_has(seen.text, "upload-lost repairable cccc");
    assert_int_equal(seen.count, 2);
    assert_int_equal(look(fixture, REPAIR).result.repaired, 2);
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM upload"), 2);
    check_str(look(fixture, LOOK).text, "");
}

static void test_check_run__finds_bytes_without_a_session(void **state)
{
    struct hub_fixture *fixture = *state;
    push_sample(fixture);
    add_session(fixture, 'b', 3);
    put_upload(fixture, 'a', "abc");
    put_upload(fixture, 'b', "abc");
    put_upload(fixture, 'c', "abc");
    check_str(look(fixture, REPAIR).text, ""); /* perhaps a blob in one request */
    hub_fixture_later(fixture, 2 * HOUR_MS);
    struct seen seen = look(fixture, LOOK);
    check_has(seen.text, "upload-unknown repairable aaaa");
    check_has(seen.text, "upload-unknown repairable cccc");
    assert_int_equal(seen.count, 2);
    assert_int_equal(look(fixture, REPAIR).result.repaired, 2);
    check_str(look(fixture, LOOK).text, "");
    assert_int_equal(count_files(fixture), 4);
}

/* --- claims, tags --------------------------------------------------------------------------- */

static void test_check_run__claims_again_what_is_there(void **state)
{
    struct hub_fixture *fixture = *state;
    push_sample(fixture);
    hub_fixture_sql(fixture, "DELETE FROM claim");
    struct seen seen = look(fixture, LOOK);
    check_has(seen.text, "manifest-lacks repairable");
    assert_int_equal(seen.count, 2);
    assert_int_equal(look(fixture, REPAIR).result.repaired, 2);
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM claim"), 4);
    check_str(look(fixture, LOOK).text, "");
}

static void test_check_run__gives_no_right_to_foreign_layers(void **state)
{
    struct hub_fixture *fixture = *state;
    push_sample(fixture); /* bob has "tool" */
    int64_t far = content_repository(fixture, "alice/far");
    struct digest digest;
    content_blob(fixture, far, CONTENT_CONFIG);
    CHECK(content_put(fixture, far, content_far_image(fixture->arena, "tool"), "1.0", &digest));
    copy_notes(fixture);
    check_str(look(fixture, REPAIR).text, "");
    hub_fixture_sql(fixture, "DELETE FROM claim");
    look(fixture, REPAIR);
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM claim"), 5);
}

static void test_check_run__finds_a_claim_on_nothing(void **state)
{
    test_only_sqlite(); /* PostgreSQL does not let one make it */
    struct hub_fixture *fixture = *state;
    push_sample(fixture);
    int64_t app = content_repository(fixture, "alice/app");
    hub_fixture_sql(fixture, arena_format(fixture->arena,
                                          "INSERT INTO claim VALUES (%lld, 'sha256:%064d', 0)",
                                          (long long)app, 0)
                                 .ptr);
    struct seen seen = look(fixture, LOOK);
    check_has(seen.text, "claim-dangling repairable sha256:00000");
    assert_int_equal(seen.count, 1);
    look(fixture, REPAIR);
    check_str(look(fixture, LOOK).text, "");
}

static void test_check_run__points_a_lost_tag_where_the_note_says(void **state)
{
    test_only_sqlite();
    struct hub_fixture *fixture = *state;
    push_sample(fixture);
    hub_fixture_sql(fixture, "UPDATE tag SET manifest_id = 4711 WHERE name = 'latest'");
    struct seen seen = look(fixture, LOOK);
    check_has(seen.text, "tag-dangling repairable alice/app:latest");
    look(fixture, REPAIR);
    copy_notes(fixture);
    check_str(look(fixture, LOOK).text, "");
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM tag"), 3);
}

static void test_check_run__drops_a_tag_that_nobody_knows_the_target_of(void **state)
{
    test_only_sqlite();
    struct hub_fixture *fixture = *state;
    push_sample(fixture);
    CHECK(note_remove(fixture->hub->store, STR("repository/alice/app"), &fixture->err));
    hub_fixture_sql(fixture, "UPDATE tag SET manifest_id = 4711 WHERE name = 'latest'");
    struct seen seen = look(fixture, REPAIR);
    check_has(seen.text, "tag-dangling left alice/app:latest");
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM tag"), 2);
}

/* --- repositories --------------------------------------------------------------------------- */

static void test_check_run__writes_search_words_anew(void **state)
{
    struct hub_fixture *fixture = *state;
    static const char *const changes[] = {
        "DELETE FROM search_term WHERE term = 'tool'",
        "UPDATE search_term SET term = 'other' WHERE term = 'tool'",
        "UPDATE search_term SET rank = 1 WHERE term = 'tool'",
        "UPDATE repository SET search_rank = 1 WHERE name = 'tool'",
    };
    push_sample(fixture);
    for (size_t i = 0; i < ARRAY_COUNT(changes); i++) {
        hub_fixture_sql(fixture, changes[i]);
        struct seen seen = look(fixture, LOOK);
        check_has(seen.text, "search-index repairable bob/tool");
        assert_int_equal(seen.count, 1);
        look(fixture, REPAIR);
        check_str(look(fixture, LOOK).text, "");
    }
}

static void test_check_run__writes_recovery_notes_anew(void **state)
{
    struct hub_fixture *fixture = *state;
    push_sample(fixture);
    struct digest digest = digest_of(DIGEST_SHA256, content_image(fixture->arena, "layer", ""));
    struct str document = recovery_document_note(fixture->arena, &digest);
    CHECK(note_remove(fixture->hub->store, STR("repository/bob/tool"), &fixture->err));
    CHECK(note_put(fixture->hub->store, STR("account/alice"), STR("{}\n"), &fixture->err));
    CHECK(note_put(fixture->hub->store, document, STR("{}"), &fixture->err));
    struct seen seen = look(fixture, LOOK);
    check_has(seen.text, "recovery-note repairable repository/bob/tool");
    check_has(seen.text, "recovery-note repairable account/alice");
    check_has(seen.text, "recovery-note repairable alice/app@sha256:");
    assert_int_equal(seen.count, 3);
    assert_int_equal(look(fixture, REPAIR).result.repaired, 3);
    check_str(look(fixture, LOOK).text, "");
}

/* --- beside running pushes ------------------------------------------------------------------ */

struct pushing {
    struct hub_fixture *fixture;
    int64_t repository_id;
    atomic_bool stops;
};

/* Pushes, moves a tag, deletes, collects, copies: everything that goes on in a server. */
static void *push_on(void *argument)
{
    struct pushing *pushing = argument;
    struct hub *hub = pushing->fixture->hub;
    struct hub_fixture own = { .hub = hub };
    for (int i = 0; !atomic_load(&pushing->stops); i++) {
        own.arena = arena_new();
        const char *layer = arena_format(own.arena, "layer %d", i % 7).ptr;
        struct digest digest = content_push(&own, pushing->repository_id, layer, "moving");
        struct reference reference = { .digest = digest };
        struct collect_result collected;
        if (i % 3 == 0 &&
            !manifest_delete(hub, own.arena, pushing->repository_id, ALICE, &reference, &own.err))
            fail_msg("%s", own.err.message);
        bool ran;
        if (!collect_step(hub, own.arena, &collected, &own.err) ||
            !collect_run_job(hub, own.arena, &ran, &own.err))
            fail_msg("%s", own.err.message);
        copy_some(&own);
        arena_free(own.arena);
    }
    return NULL;
}

static void test_check_run__reports_nothing_of_running_pushes(void **state)
{
    struct hub_fixture *fixture = *state;
    push_sample(fixture);
    fixture->hub->history_ms = 0;
    fixture->hub->lease_ms = 0; /* what goes goes at once, files too */
    struct pushing pushing = { .fixture = fixture,
                               .repository_id = content_repository(fixture, "alice/busy") };
    copy_notes(fixture);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, push_on, &pushing), 0);
    struct str found = STR("");
    for (int i = 0; i < 40 && found.len == 0; i++)
        found = look(fixture, i % 2 ? REPAIR : LOOK).text;
    atomic_store(&pushing.stops, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    check_str(found, "");
}

/* A blob whose row was read in the first page and that is collected before its turn comes. */
struct vanishing {
    struct seen seen; /* first: note_finding() gets it */
    const char *content;
    bool is_gone;
};

static void collect_it(void *context, const struct check_progress *progress)
{
    struct vanishing *vanishing = context;
    if (vanishing->is_gone || progress->bytes == 0)
        return;
    drop_rows(vanishing->seen.fixture, vanishing->content);
    damage(vanishing->seen.fixture, vanishing->content, NULL);
    vanishing->is_gone = true;
}

static void test_check_run__reports_nothing_that_was_collected_meanwhile(void **state)
{
    struct hub_fixture *fixture = *state;
    push_sample(fixture);
    const char *last = "";
    for (int i = 0; content_digest(last).bytes[0] != 0xFF; i++) /* behind all others */
        last = arena_format(fixture->arena, "%d", i).ptr;
    content_blob(fixture, content_repository(fixture, "alice/app"), last);
    struct vanishing vanishing = { .seen = { .fixture = fixture, .text = STR("") },
                                   .content = last };
    struct check_options options = { .found = note_finding,
                                     .progress = collect_it,
                                     .context = &vanishing };
    CHECK(check_run(fixture->hub, &options, &vanishing.seen.result, &fixture->err));
    assert_true(vanishing.is_gone);
    check_str(vanishing.seen.text, "");
}

/* A disk that fails once is asked again; if it is something else that fails, the check says so. */
static void test_check_run__takes_no_passing_failure_for_damage(void **state)
{
    struct hub_fixture *fixture = *state;
    struct str setting = arena_format(fixture->arena, "file:%s/blobs", fixture->folder);
    blob_store_free(TAKE(fixture->hub->store));
    CHECK(blob_store_open(setting, &fixture->hub->store, &fixture->err));
    push_sample(fixture);
    int good = 0;
    for (unsigned nth = 1; nth <= 24; nth++) {
        struct seen seen = { .fixture = fixture, .text = STR("") };
        struct check_options options = { .found = note_finding, .context = &seen };
        file_fail_nth_for_test(nth, EIO);
        bool is_done = check_run(fixture->hub, &options, &seen.result, &fixture->err);
        file_fail_nth_for_test(0, 0);
        check_str(seen.text, "");
        if (!is_done)
            check_error(&fixture->err, ERROR_INTERNAL, "");
        good += is_done;
    }
    assert_true(good >= 6); /* three blobs: opening and reading */
}

static void test_statements__of_the_check_prepare(void **state)
{
    struct hub_fixture *fixture = *state;
    for (const struct db_statement *const *each = check_statements; *each; each++)
        CHECK(db_statement_check(fixture->hub->db, *each, &fixture->err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONTENT_TEST(test_check_run__finds_nothing_in_a_healthy_hub),
        CONTENT_TEST(test_check_run__reads_at_the_rate_it_is_told),
        CONTENT_TEST(test_check_run__finds_a_flipped_byte),
        CONTENT_TEST(test_check_run__finds_a_cut_file),
        CONTENT_TEST(test_check_run__finds_a_missing_file),
        CONTENT_TEST(test_check_run__uses_another_file_of_the_same_bytes),
        CONTENT_TEST(test_check_run__adopts_the_file_of_a_lost_row),
        CONTENT_TEST(test_check_run__adopts_no_file_with_other_bytes),
        CONTENT_TEST(test_check_run__removes_a_file_that_nothing_needs),
        CONTENT_TEST(test_check_run__leaves_files_alone_that_something_explains),
        CONTENT_TEST(test_check_run__repairs_nothing_when_the_store_is_empty),
        CONTENT_TEST(test_check_run__finds_sessions_without_their_bytes),
        CONTENT_TEST(test_check_run__finds_bytes_without_a_session),
        CONTENT_TEST(test_check_run__claims_again_what_is_there),
        CONTENT_TEST(test_check_run__gives_no_right_to_foreign_layers),
        CONTENT_TEST(test_check_run__finds_a_claim_on_nothing),
        CONTENT_TEST(test_check_run__points_a_lost_tag_where_the_note_says),
        CONTENT_TEST(test_check_run__drops_a_tag_that_nobody_knows_the_target_of),
        CONTENT_TEST(test_check_run__writes_search_words_anew),
        CONTENT_TEST(test_check_run__writes_recovery_notes_anew),
        CONTENT_TEST(test_check_run__reports_nothing_of_running_pushes),
        CONTENT_TEST(test_check_run__reports_nothing_that_was_collected_meanwhile),
        CONTENT_TEST(test_check_run__takes_no_passing_failure_for_damage),
        CONTENT_TEST(test_statements__of_the_check_prepare),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
