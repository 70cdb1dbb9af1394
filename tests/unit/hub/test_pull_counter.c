/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/pull_counter.h"

#include "content.h"
#include "hub/search.h"

#include <pthread.h>

static int64_t pulls_of(struct hub_fixture *fixture, int64_t repository_id)
{
    return hub_fixture_sql(
        fixture, arena_format(fixture->arena, "SELECT pull_count FROM repository WHERE id = %lld",
                              (long long)repository_id)
                     .ptr);
}

static void test_pull_counter_flush__writes_sums(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    int64_t other = content_repository(fixture, "bob/other");
    for (int i = 0; i < 5; i++)
        pull_counter_add(fixture->hub->pulls, app);
    pull_counter_add(fixture->hub->pulls, other);
    pull_counter_add(fixture->hub->pulls, 999999); /* gone meanwhile */
    assert_int_equal(pulls_of(fixture, app), 0);
    CHECK(pull_counter_flush(fixture->hub, fixture->arena, &fixture->err));
    CHECK(pull_counter_flush(fixture->hub, fixture->arena, &fixture->err));
    assert_int_equal(pulls_of(fixture, app), 5);
    assert_int_equal(pulls_of(fixture, other), 1);
    pull_counter_add(fixture->hub->pulls, app);
    CHECK(pull_counter_flush(fixture->hub, fixture->arena, &fixture->err));
    assert_int_equal(pulls_of(fixture, app), 6);
}

static void test_pull_counter_flush__moves_the_rank(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    for (int i = 0; i < 100; i++)
        pull_counter_add(fixture->hub->pulls, app);
    CHECK(pull_counter_flush(fixture->hub, fixture->arena, &fixture->err));
    int64_t rank = search_rank(content_name("alice/app"), 0, 100);
    assert_int_equal(hub_fixture_sql(fixture, "SELECT search_rank FROM repository"), rank);
    assert_int_equal(hub_fixture_sql(fixture, "SELECT min(rank) FROM search_term"), rank);
    assert_int_equal(hub_fixture_sql(fixture, "SELECT max(rank) FROM search_term"), rank);
}

static void test_pull_counter_flush__keeps_counts_that_could_not_be_written(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    pull_counter_add(fixture->hub->pulls, app);
    db_fail_nth_for_test(1);
    CHECK_FAILS(pull_counter_flush(fixture->hub, fixture->arena, &fixture->err), ERROR_UNAVAILABLE,
                "");
    pull_counter_add(fixture->hub->pulls, app);
    CHECK(pull_counter_flush(fixture->hub, fixture->arena, &fixture->err));
    assert_int_equal(pulls_of(fixture, app), 2);
}

enum { REPOSITORY_COUNT = 600, THREAD_COUNT = 4, ROUNDS = 20 };

static void *pull_all(void *state)
{
    struct hub_fixture *fixture = state;
    for (int round = 0; round < ROUNDS; round++) {
        for (int64_t id = 1; id <= REPOSITORY_COUNT; id++)
            pull_counter_add(fixture->hub->pulls, id);
    }
    return NULL;
}

/* More repositories than one transaction takes, counted by several threads while sums are written.
 */
static void test_pull_counter_add__from_many_threads(void **state)
{
    struct hub_fixture *fixture = *state;
    hub_fixture_sql(fixture,
                    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE "
                    "i < 600) INSERT INTO repository (id, owner_id, name, created_ms, "
                    "updated_ms) SELECT i, 101, 'r' || i, 0, 0 FROM n");
    pthread_t threads[THREAD_COUNT];
    for (size_t i = 0; i < THREAD_COUNT; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, pull_all, fixture), 0);
    CHECK(pull_counter_flush(fixture->hub, fixture->arena, &fixture->err));
    for (size_t i = 0; i < THREAD_COUNT; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    CHECK(pull_counter_flush(fixture->hub, fixture->arena, &fixture->err));
    assert_int_equal(hub_fixture_sql(fixture, "SELECT min(pull_count) FROM repository"),
                     THREAD_COUNT * ROUNDS);
    assert_int_equal(hub_fixture_sql(fixture, "SELECT max(pull_count) FROM repository"),
                     THREAD_COUNT * ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONTENT_TEST(test_pull_counter_flush__writes_sums),
        CONTENT_TEST(test_pull_counter_flush__moves_the_rank),
        CONTENT_TEST(test_pull_counter_flush__keeps_counts_that_could_not_be_written),
        CONTENT_TEST(test_pull_counter_add__from_many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
