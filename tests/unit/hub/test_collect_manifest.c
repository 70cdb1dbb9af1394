/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/collect_manifest.h"

#include "collect_fixture.h"

static int64_t referrers_of(struct hub_fixture *fixture, int64_t repository_id,
                            const struct digest *subject)
{
    struct referrer_query query = {
        .repository_id = repository_id,
        .subject = subject,
        .limit = 100,
    };
    struct referrer *list;
    size_t count;
    CHECK(referrer_list(fixture->hub, fixture->arena, &query, &list, &count, &fixture->err));
    return (int64_t)count;
}

/* alice/app with the index "1.0" of two images, beyond all leases. */
struct multi {
    int64_t app;
    struct digest amd64, arm64, index;
};

static struct multi push_multi(struct hub_fixture *fixture)
{
    struct multi multi = { .app = content_repository(fixture, "alice/app") };
    multi.amd64 = content_push(fixture, multi.app, "amd64", "");
    multi.arm64 = content_push(fixture, multi.app, "arm64", "");
    multi.index = collect_push_index(fixture, multi.app, &multi.amd64, &multi.arm64, "1.0");
    collect_later(fixture);
    return multi;
}

static void check_multi(struct hub_fixture *fixture, const struct multi *multi, bool is_there)
{
    assert_int_equal(collect_has(fixture, multi->app, &multi->index), is_there);
    assert_int_equal(collect_has(fixture, multi->app, &multi->amd64), is_there);
    assert_int_equal(collect_has(fixture, multi->app, &multi->arm64), is_there);
}

/* --- an index and its children --------------------------------------------------------------- */

static void test_collect_take_down__frees_the_children_of_an_index(void **state)
{
    struct hub_fixture *fixture = *state;
    struct multi multi = push_multi(fixture);
    CHECK_FAILS(collect_delete(fixture, multi.app, &multi.amd64), ERROR_DENIED,
                "part of the index");
    CHECK(collect_delete(fixture, multi.app, &multi.index));
    check_multi(fixture, &multi, false);
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM manifest"), 0);
    assert_int_equal(collect_all(fixture).blobs, 3);
    collect_check_files(fixture, 0);
}

static void test_collect_take_down__leaves_children_that_something_else_keeps(void **state)
{
    struct hub_fixture *fixture = *state;
    struct multi multi = push_multi(fixture);
    struct digest other = collect_push_index(fixture, multi.app, &multi.arm64, NULL, "other");
    struct digest again = content_push(fixture, multi.app, "amd64", "amd64");
    assert_true(digest_equal(&again, &multi.amd64));
    collect_later(fixture);
    CHECK(collect_delete(fixture, multi.app, &multi.index));
    collect_later(fixture);
    assert_false(collect_has(fixture, multi.app, &multi.index));
    assert_true(collect_has(fixture, multi.app, &multi.amd64)); /* has a tag */
    assert_true(collect_has(fixture, multi.app, &multi.arm64)); /* is part of another index */
    CHECK(collect_delete(fixture, multi.app, &other));
    collect_later(fixture);
    assert_false(collect_has(fixture, multi.app, &multi.arm64));
    assert_true(collect_has(fixture, multi.app, &multi.amd64));
    collect_check_files(fixture, 2);
}

static void test_collect_take_down__goes_down_through_nested_indexes(void **state)
{
    struct hub_fixture *fixture = *state;
    struct multi multi = push_multi(fixture);
    /* Both ways lead to arm64. */
    struct digest outer = collect_push_index(fixture, multi.app, &multi.index, &multi.arm64, "all");
    struct reference tag = { .tag = STR("1.0") };
    CHECK(manifest_delete(fixture->hub, fixture->arena, multi.app, ALICE, &tag, &fixture->err));
    collect_later(fixture);
    check_multi(fixture, &multi, true);
    CHECK_FAILS(collect_delete(fixture, multi.app, &multi.index), ERROR_DENIED,
                "part of the index");
    CHECK(collect_delete(fixture, multi.app, &outer));
    check_multi(fixture, &multi, false);
    collect_all(fixture);
    collect_check_files(fixture, 0);
}

/* The next index of a build may list what its push has just found. */
static void test_collect_take_down__leaves_children_that_a_push_counts_on(void **state)
{
    struct hub_fixture *fixture = *state;
    struct multi multi = push_multi(fixture);
    content_push(fixture, multi.app, "arm64", ""); /* again, by another push */
    CHECK(collect_delete(fixture, multi.app, &multi.index));
    collect_all(fixture);
    assert_false(collect_has(fixture, multi.app, &multi.amd64));
    assert_true(collect_has(fixture, multi.app, &multi.arm64));
    collect_later(fixture);
    assert_false(collect_has(fixture, multi.app, &multi.arm64));
    collect_check_files(fixture, 0);
}

static void test_collect_take_down__a_child_put_again_stays(void **state)
{
    struct hub_fixture *fixture = *state;
    struct multi multi = push_multi(fixture);
    content_push(fixture, multi.app, "arm64", "");
    CHECK(collect_delete(fixture, multi.app, &multi.index));
    collect_all(fixture);
    content_push(fixture, multi.app, "arm64", ""); /* for its own sake: the index has gone */
    collect_later(fixture);
    assert_true(collect_has(fixture, multi.app, &multi.arm64));
    collect_check_files(fixture, 2);
}

static void test_manifest_lease__keeps_a_child_that_a_push_was_told_of(void **state)
{
    struct hub_fixture *fixture = *state;
    struct multi multi = push_multi(fixture);
    struct hub *hub = fixture->hub;
    int64_t before = hub_fixture_sql(fixture, "SELECT max(lease_until_ms) FROM manifest");
    CHECK(manifest_lease(hub, fixture->arena, multi.app, &multi.arm64, &fixture->err));
    int64_t renewed = hub_fixture_sql(fixture, "SELECT max(lease_until_ms) FROM manifest");
    assert_true(renewed > before + HOUR_MS);
    hub_fixture_later(fixture, 60000);
    CHECK(manifest_lease(hub, fixture->arena, multi.app, &multi.arm64, &fixture->err));
    assert_int_equal(hub_fixture_sql(fixture, "SELECT max(lease_until_ms) FROM manifest"), renewed);
    CHECK(collect_delete(fixture, multi.app, &multi.index));
    collect_all(fixture);
    assert_true(collect_has(fixture, multi.app, &multi.arm64));
    CHECK_FAILS(manifest_lease(hub, fixture->arena, multi.app, &multi.amd64, &fixture->err),
                ERROR_NOT_FOUND, "sha256:");
    collect_push_index(fixture, multi.app, &multi.arm64, NULL, "next");
    collect_later(fixture);
    assert_true(collect_has(fixture, multi.app, &multi.arm64));
    collect_check_files(fixture, 2);
}

/* --- a subject and its referrers ----------------------------------------------------------------
 */

static void test_collect_take_down__takes_referrers_along(void **state)
{
    struct hub_fixture *fixture = *state;
    struct multi multi = push_multi(fixture);
    struct digest signature =
        collect_push_referrer(fixture, multi.app, &multi.index, "signature", "");
    struct digest second =
        collect_push_referrer(fixture, multi.app, &signature, "signature of it", "");
    struct digest tagged = collect_push_referrer(fixture, multi.app, &multi.index, "sbom", "sbom");
    struct digest of_child =
        collect_push_referrer(fixture, multi.app, &multi.arm64, "attestation", "");
    collect_later(fixture);
    assert_int_equal(referrers_of(fixture, multi.app, &multi.index), 2);
    CHECK(collect_delete(fixture, multi.app, &multi.index));
    check_multi(fixture, &multi, false);
    assert_false(collect_has(fixture, multi.app, &signature));
    assert_false(collect_has(fixture, multi.app, &second));
    assert_false(collect_has(fixture, multi.app, &of_child));
    assert_true(collect_has(fixture, multi.app, &tagged));
    assert_int_equal(referrers_of(fixture, multi.app, &multi.index), 1);
    collect_later(fixture);
    collect_check_files(fixture, 2); /* the one with a tag */
}

static void test_collect_take_down__hides_thousands_at_once_and_ends_them_in_steps(void **state)
{
    struct hub_fixture *fixture = *state;
    enum { REFERRER_COUNT = GOING_COUNT_MAX + 100 };
    int64_t app = content_repository(fixture, "alice/app");
    struct digest subject = content_push(fixture, app, "layer", "1"), digest;
    const char *subject_json = collect_subject(fixture, &subject);
    for (int i = 0; i < REFERRER_COUNT; i++) {
        struct str more =
            arena_format(fixture->arena, "%s,\"annotations\":{\"n\":\"%d\"}", subject_json, i);
        CHECK(content_put(fixture, app, content_image(fixture->arena, "layer", more.ptr), "",
                          &digest));
    }
    collect_later(fixture);
    CHECK(collect_delete(fixture, app, &subject));
    assert_int_equal(referrers_of(fixture, app, &subject), 0);
    assert_false(collect_has(fixture, app, &digest));
    collect_check_nothing_is_forgotten(fixture);
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM manifest"),
                     REFERRER_COUNT + 1 - GOING_COUNT_MAX);
    collect_all(fixture);
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM manifest"), 0);
    collect_check_files(fixture, 0);
}

/* --- history ------------------------------------------------------------------------------------
 */

static void test_manifest_delete__is_hidden_inside_the_window(void **state)
{
    struct hub_fixture *fixture = *state;
    fixture->hub->history_ms = 7 * DAY_MS;
    struct multi multi = push_multi(fixture);
    struct digest signature =
        collect_push_referrer(fixture, multi.app, &multi.index, "signature", "");
    collect_later(fixture);
    CHECK(collect_delete(fixture, multi.app, &multi.index));
    check_multi(fixture, &multi, false);
    assert_int_equal(referrers_of(fixture, multi.app, &multi.index), 0);
    CHECK_FAILS(collect_delete(fixture, multi.app, &multi.index), ERROR_NOT_FOUND, "sha256:");
    CHECK_FAILS(collect_delete(fixture, multi.app, &multi.amd64), ERROR_NOT_FOUND, "sha256:");
    hub_fixture_later(fixture, 6 * DAY_MS);
    collect_all(fixture);
    collect_check_files(fixture, 4);
    struct digest config = content_digest(CONTENT_CONFIG);
    CHECK_FAILS(blob_forget(fixture->hub, fixture->arena, multi.app, &config, &fixture->err),
                ERROR_DENIED, "bring back");

    /* Putting the index again brings all of it back. */
    struct digest again = collect_push_index(fixture, multi.app, &multi.amd64, &multi.arm64, "1.0");
    assert_true(digest_equal(&again, &multi.index));
    check_multi(fixture, &multi, true);
    assert_true(collect_has(fixture, multi.app, &signature));
    hub_fixture_later(fixture, 8 * DAY_MS);
    collect_all(fixture);
    check_multi(fixture, &multi, true);
    collect_check_files(fixture, 4);

    CHECK(collect_delete(fixture, multi.app, &multi.index));
    hub_fixture_later(fixture, 7 * DAY_MS + 1000);
    collect_all(fixture);
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM manifest"), 0);
    collect_check_files(fixture, 0);
}

static void test_manifest_delete__a_child_can_outlive_its_index_in_history(void **state)
{
    struct hub_fixture *fixture = *state;
    fixture->hub->history_ms = 7 * DAY_MS;
    struct multi multi = push_multi(fixture);
    content_push(fixture, multi.app, "arm64", "arm64");
    hub_fixture_later(fixture, 3 * DAY_MS);
    struct reference tag = { .tag = STR("arm64") };
    CHECK(manifest_delete(fixture->hub, fixture->arena, multi.app, ALICE, &tag, &fixture->err));
    fixture->hub->history_ms = 5 * DAY_MS;
    hub_fixture_sql(fixture, "DELETE FROM tag WHERE name = '1.0'"); /* without history */
    CHECK(collect_delete(fixture, multi.app, &multi.index));
    check_multi(fixture, &multi, false);
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM manifest"), 1);
    collect_all(fixture);
    collect_check_files(fixture, 2);
    hub_fixture_later(fixture, 4 * DAY_MS);
    collect_all(fixture);
    collect_check_files(fixture, 2);
    hub_fixture_later(fixture, DAY_MS + 1000);
    collect_all(fixture);
    collect_check_files(fixture, 0);
}

static void test_collect_bring_back__leaves_what_was_deleted_by_itself(void **state)
{
    struct hub_fixture *fixture = *state;
    fixture->hub->history_ms = 7 * DAY_MS;
    int64_t app = content_repository(fixture, "alice/app");
    struct digest image = content_push(fixture, app, "layer", "1.0");
    struct digest bad = collect_push_referrer(fixture, app, &image, "bad signature", "bad");
    struct digest good = collect_push_referrer(fixture, app, &image, "good signature", "");
    CHECK(collect_delete(fixture, app, &bad));
    hub_fixture_later(fixture, 1000);
    CHECK(collect_delete(fixture, app, &image));
    hub_fixture_later(fixture, 1000);
    content_push(fixture, app, "layer", "1.0");
    assert_true(collect_has(fixture, app, &good));
    assert_false(collect_has(fixture, app, &bad));
    hub_fixture_later(fixture, 8 * DAY_MS);
    collect_all(fixture);
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM manifest"), 2);
    collect_check_files(fixture, 3);
}

static void test_collect_bring_back__an_index_shows_its_hidden_children(void **state)
{
    struct hub_fixture *fixture = *state;
    fixture->hub->history_ms = 7 * DAY_MS;
    struct multi multi = push_multi(fixture);
    CHECK(collect_delete(fixture, multi.app, &multi.index));
    collect_push_index(fixture, multi.app, &multi.arm64, NULL, "other");
    assert_true(collect_has(fixture, multi.app, &multi.arm64));
    assert_false(collect_has(fixture, multi.app, &multi.amd64));
    hub_fixture_later(fixture, 8 * DAY_MS);
    collect_all(fixture);
    assert_true(collect_has(fixture, multi.app, &multi.arm64));
    collect_check_files(fixture, 2);
}

/* --- the policy for what has no tag
 * ---------------------------------------------------------------- */

static void set_policy(struct hub_fixture *fixture, int64_t days)
{
    struct account_change change = { .untagged_days = &days };
    CHECK(account_change(fixture->hub, fixture->arena, STR("alice"), &change, &fixture->err));
}

static void test_collect_untagged__goes_by_the_policy_of_its_namespace(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    int64_t other = content_repository(fixture, "bob/other");
    struct digest old = content_push(fixture, app, "layer 1", "latest");
    struct digest foreign = content_push(fixture, other, "layer 1", "");
    struct digest child = content_push(fixture, app, "child", "");
    collect_push_index(fixture, app, &child, NULL, "index");
    struct digest signature = collect_push_referrer(fixture, app, &child, "signature", "");
    set_policy(fixture, 10);
    collect_later(fixture);
    content_push(fixture, app, "layer 2", "latest");
    struct digest loose = content_push(fixture, app, "layer 3", "");
    hub_fixture_later(fixture, 9 * DAY_MS);
    collect_all(fixture);
    assert_true(collect_has(fixture, app, &old));
    assert_true(collect_has(fixture, app, &loose));
    hub_fixture_later(fixture, DAY_MS + 1000);
    collect_all(fixture);
    assert_false(collect_has(fixture, app, &old));
    assert_false(collect_has(fixture, app, &loose));
    assert_true(collect_has(fixture, app, &child));
    assert_true(collect_has(fixture, app, &signature));
    assert_true(collect_has(fixture, other, &foreign));
    collect_check_nothing_is_forgotten(fixture);
}

static void test_collect_untagged__a_new_policy_holds_for_what_is_there(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    struct digest loose = content_push(fixture, app, "layer 1", "");
    struct digest kept = content_push(fixture, app, "layer 2", "1");
    hub_fixture_later(fixture, 20 * DAY_MS);
    collect_all(fixture);
    assert_true(collect_has(fixture, app, &loose));
    set_policy(fixture, 30);
    collect_all(fixture);
    assert_true(collect_has(fixture, app, &loose));
    set_policy(fixture, ACCOUNT_UNTAGGED_STAY);
    hub_fixture_later(fixture, 20 * DAY_MS);
    collect_all(fixture);
    assert_true(collect_has(fixture, app, &loose));
    set_policy(fixture, 0);
    collect_all(fixture);
    assert_false(collect_has(fixture, app, &loose));
    assert_true(collect_has(fixture, app, &kept));
    collect_check_files(fixture, 2);
    int64_t wrong = UNTAGGED_DAYS_MAX + 1;
    struct account_change change = { .untagged_days = &wrong };
    CHECK_FAILS(account_change(fixture->hub, fixture->arena, STR("alice"), &change, &fixture->err),
                ERROR_INVALID, "0 to 3650 days");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONTENT_TEST(test_collect_take_down__frees_the_children_of_an_index),
        CONTENT_TEST(test_collect_take_down__leaves_children_that_something_else_keeps),
        CONTENT_TEST(test_collect_take_down__goes_down_through_nested_indexes),
        CONTENT_TEST(test_collect_take_down__leaves_children_that_a_push_counts_on),
        CONTENT_TEST(test_collect_take_down__a_child_put_again_stays),
        CONTENT_TEST(test_manifest_lease__keeps_a_child_that_a_push_was_told_of),
        CONTENT_TEST(test_collect_take_down__takes_referrers_along),
        CONTENT_TEST(test_collect_take_down__hides_thousands_at_once_and_ends_them_in_steps),
        CONTENT_TEST(test_manifest_delete__is_hidden_inside_the_window),
        CONTENT_TEST(test_manifest_delete__a_child_can_outlive_its_index_in_history),
        CONTENT_TEST(test_collect_bring_back__leaves_what_was_deleted_by_itself),
        CONTENT_TEST(test_collect_bring_back__an_index_shows_its_hidden_children),
        CONTENT_TEST(test_collect_untagged__goes_by_the_policy_of_its_namespace),
        CONTENT_TEST(test_collect_untagged__a_new_policy_holds_for_what_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
