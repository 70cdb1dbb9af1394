/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/collect.h"

#include "collect_fixture.h"
#include "hub/job.h"

static void test_collect_step__ends_a_claim_with_its_lease(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    content_blob(fixture, app, "pushed and left");
    struct collect_result result = collect_all(fixture);
    assert_int_equal(result.blobs + result.claims, 0);
    assert_true(collect_has_blob(fixture, app, "pushed and left"));
    hub_fixture_later(fixture, HOUR_MS + 1000);
    result = collect_all(fixture);
    assert_int_equal(result.claims, 1);
    assert_int_equal(result.blobs, 1);
    assert_int_equal(result.bytes, strlen("pushed and left"));
    assert_false(collect_has_blob(fixture, app, "pushed and left"));
    collect_check_files(fixture, 0);
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM candidate"), 0);
}

static void test_collect_step__keeps_what_a_push_has_seen(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    struct digest digest = content_blob(fixture, app, "layer");
    struct blob blob;
    hub_fixture_later(fixture, HOUR_MS - 60000);
    CHECK(blob_find(fixture->hub, fixture->arena, app, &digest, true, &blob, &fixture->err));
    hub_fixture_later(fixture, HOUR_MS - 60000);
    assert_int_equal(collect_all(fixture).claims, 0);
    assert_true(collect_has_blob(fixture, app, "layer"));
    hub_fixture_later(fixture, HOUR_MS);
    assert_int_equal(collect_all(fixture).blobs, 1);
    collect_check_files(fixture, 0);
}

/* A push that takes longer than a lease: the first layer is there when the manifest comes. */
static void test_collect_step__keeps_leases_while_an_upload_is_under_way(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    int64_t other = content_repository(fixture, "bob/other");
    struct upload upload;
    content_blob(fixture, app, "first layer");
    content_blob(fixture, other, "of another repository");
    CHECK(upload_start(fixture->hub, fixture->arena, app, ALICE, DIGEST_NONE, &upload,
                       &fixture->err));
    assert_int_equal(collect_later(fixture).claims, 1);
    assert_true(collect_has_blob(fixture, app, "first layer"));
    CHECK(upload_cancel(fixture->hub, fixture->arena, &upload, &fixture->err));
    assert_int_equal(collect_all(fixture).claims, 0); /* a lease more */
    assert_int_equal(collect_later(fixture).claims, 1);
    collect_check_files(fixture, 0);
}

static void test_collect_step__keeps_what_manifests_use(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    struct digest one = content_push(fixture, app, "layer 1", "1");
    content_push(fixture, app, "layer 2", "2");
    assert_int_equal(collect_later(fixture).claims, 0);
    collect_check_files(fixture, 3);
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM candidate"), 0);
    CHECK(collect_delete(fixture, app, &one));
    struct collect_result result = collect_all(fixture);
    assert_int_equal(result.blobs, 1); /* the config is shared */
    assert_int_equal(result.bytes, strlen("layer 1"));
    collect_check_files(fixture, 2);
    assert_true(collect_has_blob(fixture, app, CONTENT_CONFIG));
    assert_true(collect_has_blob(fixture, app, "layer 2"));
}

static void test_collect_step__counts_the_claims_of_all_repositories(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    int64_t other = content_repository(fixture, "bob/other");
    struct digest digest = content_push(fixture, app, "layer", "1");
    content_push(fixture, other, "layer", "1");
    collect_later(fixture);
    CHECK(collect_delete(fixture, app, &digest));
    struct collect_result result = collect_all(fixture);
    assert_int_equal(result.claims, 2);
    assert_int_equal(result.blobs, 0);
    assert_false(collect_has_blob(fixture, app, "layer"));
    assert_true(collect_has_blob(fixture, other, "layer"));
    CHECK(collect_delete(fixture, other, &digest));
    assert_int_equal(collect_all(fixture).blobs, 2);
    collect_check_files(fixture, 0);
}

static void test_collect_step__ends_the_blob_of_a_claim_given_up(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    struct digest digest = content_blob(fixture, app, "layer");
    CHECK(blob_forget(fixture->hub, fixture->arena, app, &digest, &fixture->err));
    collect_check_nothing_is_forgotten(fixture);
    assert_int_equal(collect_all(fixture).blobs, 1);
    collect_check_files(fixture, 0);
    content_blob(fixture, app, "layer"); /* under a new name */
    assert_true(collect_has_blob(fixture, app, "layer"));
}

static void test_collect_step__works_through_more_than_one_step_takes(void **state)
{
    struct hub_fixture *fixture = *state;
    enum { BLOB_COUNT = 300 };
    int64_t app = content_repository(fixture, "alice/app");
    for (int i = 0; i < BLOB_COUNT; i++)
        content_blob(fixture, app, arena_format(fixture->arena, "blob %d", i).ptr);
    hub_fixture_later(fixture, 2 * HOUR_MS);
    struct collect_result first;
    CHECK(collect_step(fixture->hub, fixture->arena, &first, &fixture->err));
    assert_true(first.is_more);
    assert_in_range(first.blobs, 1, BLOB_COUNT - 1);
    assert_int_equal(first.blobs + collect_all(fixture).blobs, BLOB_COUNT);
    collect_check_files(fixture, 0);
}

/* Whatever fails, it is all done or to be done. */
static void test_collect_step__a_failure_loses_nothing(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    struct digest one = content_push(fixture, app, "layer 1", "1");
    content_push(fixture, app, "layer 2", "2");
    collect_later(fixture);
    CHECK(collect_delete(fixture, app, &one));
    content_blob(fixture, app, "left");
    hub_fixture_later(fixture, 2 * HOUR_MS);
    bool done = false;
    int failures = 0;
    for (unsigned nth = 1; !done; nth++) {
        struct collect_result step = { .is_more = true };
        db_fail_nth_for_test(nth);
        while (step.is_more && fixture->err.kind == ERROR_NONE) {
            if (!collect_step(fixture->hub, fixture->arena, &step, &fixture->err))
                failures++;
        }
        db_fail_nth_for_test(0);
        done = fixture->err.kind == ERROR_NONE;
        error_clear(&fixture->err);
        collect_check_nothing_is_forgotten(fixture);
        assert_true(collect_has_blob(fixture, app, "layer 2"));
    }
    assert_true(failures > 5);
    collect_all(fixture);
    collect_check_files(fixture, 2);
}

static void test_collect_remove_files__can_be_done_twice(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    content_blob(fixture, app, "layer");
    hub_fixture_later(fixture, 2 * HOUR_MS);
    struct collect_result result;
    struct job job;
    CHECK(collect_step(fixture->hub, fixture->arena, &result, &fixture->err));
    assert_int_equal(collect_files(fixture), 1);
    content_blob(fixture, app, "layer"); /* the same content meanwhile: another file */
    CHECK(job_lease(fixture->hub, fixture->arena, &COLLECT_JOB, 1, 1000, &job, &fixture->err));
    for (int i = 0; i < 2; i++)
        CHECK(collect_remove_files(fixture->hub, fixture->arena, &job, &fixture->err));
    CHECK(job_done(fixture->hub, fixture->arena, &job, &fixture->err));
    assert_true(collect_has_blob(fixture, app, "layer"));
    collect_check_files(fixture, 1);
    job.payload = STR("{\"files\":[{\"digest\":\"sha256:x\",\"upload\":\"y\"}]}");
    CHECK_FAILS(collect_remove_files(fixture->hub, fixture->arena, &job, &fixture->err),
                ERROR_INTERNAL, "does not say");
}

static void test_collect_step__forgets_history_beyond_the_window(void **state)
{
    struct hub_fixture *fixture = *state;
    fixture->hub->history_ms = 7 * DAY_MS;
    int64_t app = content_repository(fixture, "alice/app");
    content_push(fixture, app, "layer 1", "latest");
    content_push(fixture, app, "layer 2", "latest");
    collect_all(fixture);
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM tag_history"), 1);
    hub_fixture_later(fixture, 8 * DAY_MS);
    collect_all(fixture);
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM tag_history"), 0);
    collect_check_files(fixture, 3); /* a manifest without a tag stays */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONTENT_TEST(test_collect_step__ends_a_claim_with_its_lease),
        CONTENT_TEST(test_collect_step__keeps_what_a_push_has_seen),
        CONTENT_TEST(test_collect_step__keeps_leases_while_an_upload_is_under_way),
        CONTENT_TEST(test_collect_step__keeps_what_manifests_use),
        CONTENT_TEST(test_collect_step__counts_the_claims_of_all_repositories),
        CONTENT_TEST(test_collect_step__ends_the_blob_of_a_claim_given_up),
        CONTENT_TEST(test_collect_step__works_through_more_than_one_step_takes),
        CONTENT_TEST(test_collect_step__a_failure_loses_nothing),
        CONTENT_TEST(test_collect_remove_files__can_be_done_twice),
        CONTENT_TEST(test_collect_step__forgets_history_beyond_the_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
