/* SPDX-License-Identifier: Apache-2.0 */
#include "worker_fixture.h"

#include "worker/worker.h"

#include <string.h>

/* What the functions below saw; each test begins with a new one. */
static struct {
    atomic_int runs, failures_wanted, others;
    atomic_int is_blocked;
    char subject[64];
    struct hub *hub;
} seen;

static int setup(void **state)
{
    memset(&seen, 0, sizeof(seen));
    int failed = yard_setup(state);
    const struct yard *yard = *state;
    seen.hub = yard->hub;
    return failed;
}

static bool work(struct worker *worker, struct arena *arena, const struct job *job,
                 struct error *err)
{
    (void)arena;
    assert_ptr_equal(worker_hub(worker), seen.hub);
    (void)snprintf(seen.subject, sizeof(seen.subject), "%.*s", STR_ARG(job->subject));
    bool is_failing = atomic_load(&seen.failures_wanted) > atomic_load(&seen.runs);
    atomic_fetch_add(&seen.runs, 1);
    while (atomic_load(&seen.is_blocked) && !worker_is_stopping(worker))
        wait_ms(2);
    return !is_failing || error_set(err, ERROR_UNAVAILABLE, "the other side is down");
}

static bool work_other(struct worker *worker, struct arena *arena, const struct job *job,
                       struct error *err)
{
    (void)worker;
    (void)arena;
    (void)job;
    (void)err;
    atomic_fetch_add(&seen.others, 1);
    return true;
}

static const struct worker_job_kind kinds[] = {
    { "test", work, 60000 },
    { "other", work_other, 60000 },
};
static const struct worker_job_kind short_kinds[] = { { "test", work, 100 } };

struct order {
    struct str kind, subject;
};

static bool enqueue_tx(struct db_tx *tx, void *context, struct error *err)
{
    const struct order *order = context;
    return job_enqueue(tx, order->kind, order->subject, STR("{}"), 0, err);
}

static void enqueue(struct yard *yard, const char *kind, const char *subject)
{
    struct order order = { str_from(kind), str_from(subject) };
    struct error err = { 0 };
    if (!db_write(yard->hub->db, yard->arena, enqueue_tx, &order, &err))
        fail_msg("%s", err.message);
}

/* Is there a job of this kind that could be leased now? */
static bool has_due_job(struct yard *yard, const char *kind)
{
    struct error err = { 0 };
    struct job job = { 0 };
    struct str name = str_from(kind);
    assert_true(job_lease(yard->hub, yard->arena, &name, 1, 1000, &job, &err));
    return job.id != 0;
}

static struct worker *start(const struct worker_options *options)
{
    struct worker *worker = NULL;
    struct error err = { 0 };
    if (!worker_start(options, &worker, &err))
        fail_msg("%s", err.message);
    return worker;
}

static struct worker *start_kinds(struct yard *yard, unsigned threads, unsigned poll_ms)
{
    const struct worker_options options = { .hub = yard->hub,
                                            .kinds = kinds,
                                            .kind_count = ARRAY_COUNT(kinds),
                                            .job_thread_count = threads,
                                            .poll_ms = poll_ms };
    return start(&options);
}

static void test_worker_start__runs_each_job_once(void **state)
{
    struct yard *yard = *state;
    enqueue(yard, "test", "one");
    enqueue(yard, "other", "two");
    struct worker *worker = start_kinds(yard, 2, 20);
    assert_true(reaches(&seen.runs, 1));
    assert_true(reaches(&seen.others, 1));
    wait_ms(100);
    worker_stop(worker);
    assert_int_equal(atomic_load(&seen.runs), 1);
    assert_string_equal(seen.subject, "one");
    assert_false(has_due_job(yard, "test"));
}

static void test_worker_start__finds_jobs_that_come_later(void **state)
{
    struct yard *yard = *state;
    struct worker *worker AUTO(worker_stop) = start_kinds(yard, 1, 20);
    assert_non_null(worker);
    wait_ms(50);
    enqueue(yard, "test", "late");
    assert_true(reaches(&seen.runs, 1));
}

static void test_worker_start__leaves_jobs_of_other_kinds(void **state)
{
    struct yard *yard = *state;
    enqueue(yard, "foreign", "x");
    struct worker *worker = start_kinds(yard, 1, 10);
    wait_ms(60);
    worker_stop(worker);
    assert_true(has_due_job(yard, "foreign"));
}

static void test_worker_start__keeps_a_failed_job_for_later(void **state)
{
    struct yard *yard = *state;
    atomic_store(&seen.failures_wanted, 1);
    enqueue(yard, "test", "again");
    struct worker *worker = start_kinds(yard, 1, 10);
    assert_true(reaches(&seen.runs, 1));
    wait_ms(60);
    worker_stop(worker);
    assert_int_equal(atomic_load(&seen.runs), 1); /* not at once */
    assert_false(has_due_job(yard, "test"));
    clock_shift_for_test(3600000);
    bool is_kept = has_due_job(yard, "test");
    clock_shift_for_test(-3600000);
    assert_true(is_kept);
}

/* The first thread is slower than its lease; the second one takes the job and ends it.  What the
 * first one reports then is dropped. */
static void test_worker_start__drops_the_result_of_a_lost_lease(void **state)
{
    struct yard *yard = *state;
    const struct worker_options options = { .hub = yard->hub,
                                            .kinds = short_kinds,
                                            .kind_count = 1,
                                            .job_thread_count = 1,
                                            .poll_ms = 10 };
    atomic_store(&seen.failures_wanted, 1); /* the slow one fails: its retry must not count */
    atomic_store(&seen.is_blocked, 1);
    enqueue(yard, "test", "slow");
    struct worker *worker = start(&options);
    assert_true(reaches(&seen.runs, 1));

    struct error err = { 0 };
    struct job job = { 0 };
    struct str name = STR("test");
    for (int i = 0; i < 500 && job.id == 0; i++) {
        wait_ms(10);
        assert_true(job_lease(yard->hub, yard->arena, &name, 1, 60000, &job, &err));
    }
    assert_int_equal(job.attempt_count, 2);
    atomic_store(&seen.is_blocked, 0);
    wait_ms(100);
    worker_stop(worker);
    /* Ours still: neither ended nor put back by the slow one. */
    assert_true(job_done(yard->hub, yard->arena, &job, &err));
}

static void test_worker_start__goes_on_when_the_database_comes_back(void **state)
{
    struct yard *yard = *state;
    db_fail_nth_for_test(1);
    struct worker *worker AUTO(worker_stop) = start_kinds(yard, 1, 10);
    assert_non_null(worker);
    wait_ms(50);
    enqueue(yard, "test", "after");
    assert_true(reaches(&seen.runs, 1));
}

static void test_worker_wake__does_not_wait_for_the_poll(void **state)
{
    struct yard *yard = *state;
    struct worker *worker AUTO(worker_stop) = start_kinds(yard, 2, 600000);
    wait_ms(50);
    enqueue(yard, "test", "now");
    worker_wake(worker);
    assert_true(reaches(&seen.runs, 1));
}

static void test_worker_stop__is_quick_when_idle(void **state)
{
    struct worker *worker = start_kinds(*state, 4, 600000);
    wait_ms(30);
    int64_t begun_ms = clock_monotonic_ms();
    worker_stop(worker);
    assert_true(clock_monotonic_ms() - begun_ms < 1000);
    worker_stop(NULL);
}

static void test_worker_stop__waits_for_what_runs(void **state)
{
    struct yard *yard = *state;
    atomic_store(&seen.is_blocked, 1);
    enqueue(yard, "test", "running");
    struct worker *worker = start_kinds(yard, 1, 10);
    assert_true(reaches(&seen.runs, 1));
    worker_stop(worker); /* the job sees that it is to end, and is reported done */
    struct error err = { 0 };
    struct job job = { 0 };
    struct str name = STR("test");
    clock_shift_for_test(7200000);
    bool is_leased = job_lease(yard->hub, yard->arena, &name, 1, 1000, &job, &err);
    clock_shift_for_test(-7200000);
    assert_true(is_leased);
    assert_int_equal(job.id, 0);
}

/* ---- tasks ---- */

static bool task_count(struct hub *hub, struct arena *arena, struct error *err)
{
    assert_ptr_equal(hub, seen.hub);
    assert_non_null(arena);
    bool is_failing = atomic_load(&seen.failures_wanted) > atomic_load(&seen.runs);
    atomic_fetch_add(&seen.runs, 1);
    return !is_failing || error_set(err, ERROR_INTERNAL, "broken on purpose");
}

static bool task_other(struct hub *hub, struct arena *arena, struct error *err)
{
    (void)hub;
    (void)arena;
    (void)err;
    atomic_fetch_add(&seen.others, 1);
    return true;
}

static struct worker *start_tasks(struct yard *yard, const struct worker_task *tasks, size_t count)
{
    const struct worker_options options = { .hub = yard->hub, .tasks = tasks, .task_count = count };
    return start(&options);
}

static void test_worker_start__runs_tasks_again_and_again(void **state)
{
    const struct worker_task tasks[] = { { "often", task_count, 10 },
                                         { "also", task_other, 20 },
                                         { "rare", task_other, 3600000 } };
    struct worker *worker AUTO(worker_stop) = start_tasks(*state, tasks, ARRAY_COUNT(tasks));
    assert_non_null(worker);
    assert_true(reaches(&seen.runs, 5));
    assert_true(reaches(&seen.others, 2));
}

static void test_worker_start__runs_a_failing_task_less_often(void **state)
{
    const struct worker_task tasks[] = { { "failing", task_count, 20 } };
    atomic_store(&seen.failures_wanted, 1000);
    struct worker *worker = start_tasks(*state, tasks, 1);
    wait_ms(700); /* without backoff: 35 times; with it at 20, 60, 140, 300, 620 */
    worker_stop(worker);
    assert_in_range(atomic_load(&seen.runs), 3, 6);
}

static void test_worker_start__a_task_that_recovers_is_back_at_its_pace(void **state)
{
    const struct worker_task tasks[] = { { "recovering", task_count, 10 } };
    atomic_store(&seen.failures_wanted, 5);
    struct worker *worker AUTO(worker_stop) = start_tasks(*state, tasks, 1);
    assert_non_null(worker);
    assert_true(reaches(&seen.runs, 40)); /* at the pace of the fifth failure: eleven seconds */
    /* Two further failures count from the beginning: 20 and 40 ms, not 640 and 1280. */
    int64_t begun_ms = clock_monotonic_ms();
    int now = atomic_load(&seen.runs);
    atomic_store(&seen.failures_wanted, now + 3);
    assert_true(reaches(&seen.runs, now + 6));
    assert_true(clock_monotonic_ms() - begun_ms < 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORKER_TEST_AFTER(setup, test_worker_start__runs_each_job_once),
        WORKER_TEST_AFTER(setup, test_worker_start__finds_jobs_that_come_later),
        WORKER_TEST_AFTER(setup, test_worker_start__leaves_jobs_of_other_kinds),
        WORKER_TEST_AFTER(setup, test_worker_start__keeps_a_failed_job_for_later),
        WORKER_TEST_AFTER(setup, test_worker_start__drops_the_result_of_a_lost_lease),
        WORKER_TEST_AFTER(setup, test_worker_start__goes_on_when_the_database_comes_back),
        WORKER_TEST_AFTER(setup, test_worker_wake__does_not_wait_for_the_poll),
        WORKER_TEST_AFTER(setup, test_worker_stop__is_quick_when_idle),
        WORKER_TEST_AFTER(setup, test_worker_stop__waits_for_what_runs),
        WORKER_TEST_AFTER(setup, test_worker_start__runs_tasks_again_and_again),
        WORKER_TEST_AFTER(setup, test_worker_start__runs_a_failing_task_less_often),
        WORKER_TEST_AFTER(setup, test_worker_start__a_task_that_recovers_is_back_at_its_pace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
