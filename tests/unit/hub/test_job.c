/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/job.h"

#include "content.h"

enum { LEASE_MS = 60000 };

struct enqueuing {
    const char *kind, *subject;
    int64_t delay_ms;
    bool fails;
};

static bool enqueue_tx(struct db_tx *tx, void *context, struct error *err)
{
    const struct enqueuing *job = context;
    if (!job_enqueue(tx, str_from(job->kind), str_from(job->subject), STR("{\"a\":1}"),
                     job->delay_ms, err))
        return false;
    return !job->fails || error_set(err, ERROR_DENIED, "changed my mind");
}

static void enqueue(struct hub_fixture *fixture, const char *kind, const char *subject,
                    int64_t delay_ms)
{
    struct enqueuing job = { .kind = kind, .subject = subject, .delay_ms = delay_ms };
    CHECK(db_write(fixture->hub->db, fixture->arena, enqueue_tx, &job, &fixture->err));
}

static struct job lease(struct hub_fixture *fixture, const char *kind)
{
    struct job job = { 0 };
    struct str kinds[] = { STR("other"), str_from(kind) };
    CHECK(job_lease(fixture->hub, fixture->arena, kinds, 2, LEASE_MS, &job, &fixture->err));
    return job;
}

static void test_job_lease__gives_what_is_due_longest(void **state)
{
    struct hub_fixture *fixture = *state;
    assert_int_equal(lease(fixture, "mail").id, 0);
    enqueue(fixture, "mail", "late", 5000);
    enqueue(fixture, "mail", "first", 0);
    enqueue(fixture, "build", "x", 0);
    hub_fixture_later(fixture, 1000);
    enqueue(fixture, "mail", "second", 0);

    struct job job = lease(fixture, "mail");
    check_str(job.subject, "first");
    check_str(job.kind, "mail");
    check_str(job.payload, "{\"a\":1}");
    assert_int_equal(job.attempt_count, 1);
    check_str(lease(fixture, "mail").subject, "second");
    assert_int_equal(lease(fixture, "mail").id, 0);
    check_str(lease(fixture, "build").subject, "x");
    hub_fixture_later(fixture, 5000);
    check_str(lease(fixture, "mail").subject, "late");
}

static void test_job_enqueue__belongs_to_its_transaction(void **state)
{
    struct hub_fixture *fixture = *state;
    struct enqueuing job = { .kind = "mail", .subject = "x", .fails = true };
    CHECK_FAILS(db_write(fixture->hub->db, fixture->arena, enqueue_tx, &job, &fixture->err),
                ERROR_DENIED, "changed");
    assert_int_equal(lease(fixture, "mail").id, 0);
}

static void test_job_done__ends_it(void **state)
{
    struct hub_fixture *fixture = *state;
    enqueue(fixture, "mail", "x", 0);
    struct job job = lease(fixture, "mail");
    CHECK(job_done(fixture->hub, fixture->arena, &job, &fixture->err));
    hub_fixture_later(fixture, LEASE_MS * 2);
    assert_int_equal(lease(fixture, "mail").id, 0);
    CHECK_FAILS(job_done(fixture->hub, fixture->arena, &job, &fixture->err), ERROR_CONFLICT,
                "lease");
}

static void test_job_done__of_a_holder_that_was_too_slow(void **state)
{
    struct hub_fixture *fixture = *state;
    enqueue(fixture, "mail", "x", 0);
    struct job slow = lease(fixture, "mail");
    hub_fixture_later(fixture, LEASE_MS - 1000);
    assert_int_equal(lease(fixture, "mail").id, 0);
    hub_fixture_later(fixture, 2000);
    struct job second = lease(fixture, "mail");
    assert_int_equal(second.id, slow.id);
    assert_int_equal(second.attempt_count, 2);
    assert_true(second.fence > slow.fence);
    CHECK_FAILS(job_done(fixture->hub, fixture->arena, &slow, &fixture->err), ERROR_CONFLICT,
                "lease");
    CHECK_FAILS(job_retry(fixture->hub, fixture->arena, &slow, STR("late"), &fixture->err),
                ERROR_CONFLICT, "lease");
    CHECK(job_done(fixture->hub, fixture->arena, &second, &fixture->err));
}

static void test_job_retry__waits_longer_each_time(void **state)
{
    struct hub_fixture *fixture = *state;
    enqueue(fixture, "mail", "x", 0);
    int64_t longest_ms = 5000;
    for (int attempt = 1; attempt <= 20; attempt++) {
        struct job job = lease(fixture, "mail");
        assert_int_equal(job.attempt_count, attempt);
        CHECK(job_retry(fixture->hub, fixture->arena, &job, STR("refused"), &fixture->err));
        CHECK_FAILS(job_done(fixture->hub, fixture->arena, &job, &fixture->err), ERROR_CONFLICT,
                    "");
        hub_fixture_later(fixture, longest_ms / 2 - 1000);
        assert_int_equal(lease(fixture, "mail").id, 0);
        hub_fixture_later(fixture, longest_ms / 2 + 1000);
        longest_ms = longest_ms * 2 > 3600000 ? 3600000 : longest_ms * 2;
    }
    hub_fixture_later(fixture, (int64_t)1000 * 86400000);
    assert_int_equal(lease(fixture, "mail").id, 0);
    assert_int_equal(
        hub_fixture_sql(fixture, "SELECT count(*) FROM job WHERE last_error = 'refused'"), 1);
}

static void test_job_lease__gives_up_on_a_job_that_kills_its_holders(void **state)
{
    struct hub_fixture *fixture = *state;
    enqueue(fixture, "mail", "deadly", 0);
    for (int attempt = 1; attempt <= 20; attempt++) {
        check_str(lease(fixture, "mail").subject, "deadly");
        hub_fixture_later(fixture, LEASE_MS + 1000);
    }
    enqueue(fixture, "mail", "harmless", 0);
    check_str(lease(fixture, "mail").subject, "harmless");
    assert_int_equal(lease(fixture, "mail").id, 0);
    assert_int_equal(
        hub_fixture_sql(fixture, "SELECT count(*) FROM job WHERE last_error LIKE 'the last%'"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONTENT_TEST(test_job_lease__gives_what_is_due_longest),
        CONTENT_TEST(test_job_enqueue__belongs_to_its_transaction),
        CONTENT_TEST(test_job_done__ends_it),
        CONTENT_TEST(test_job_done__of_a_holder_that_was_too_slow),
        CONTENT_TEST(test_job_retry__waits_longer_each_time),
        CONTENT_TEST(test_job_lease__gives_up_on_a_job_that_kills_its_holders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
