/* SPDX-License-Identifier: Apache-2.0 */
#include "worker_fixture.h"

#include "hub/recovery.h"
#include "oci/reference.h"
#include "worker/worker.h"

static const struct worker_job_kind kinds[] = {
    { "recovery_copy", recovery_copy_run, 60000 },
};

static bool change_tx(struct db_tx *tx, void *context, struct error *err)
{
    (void)context;
    return recovery_account_changed(tx, OFFICIAL_OWNER, err);
}

static void test_recovery_copy_run__writes_the_note_that_a_change_asked_for(void **state)
{
    struct yard *yard = *state;
    struct error err = { 0 };
    struct worker *worker AUTO(worker_stop) = NULL;
    const struct worker_options options = {
        .hub = yard->hub, .kinds = kinds, .kind_count = 1, .poll_ms = 10
    };
    assert_true(db_write(yard->hub->db, yard->arena, change_tx, NULL, &err));
    assert_true(worker_start(&options, &worker, &err));
    struct str note = STR_NONE;
    for (int i = 0; i < 1000 && !str_is_set(note); i++) { /* due after five seconds */
        if (!note_get(yard->hub->store, yard->arena, STR("account/library"), 1000, &note, &err))
            error_clear(&err);
        wait_ms(10);
    }
    assert_true(str_find_text(note, STR("\"kind\":2")) < note.len);
}

static void test_recovery_copy_run__tells_a_store_that_fails(void **state)
{
    struct yard *yard = *state;
    struct error err = { 0 };
    const struct worker_options options = { .hub = yard->hub };
    struct worker *worker AUTO(worker_stop) = NULL;
    assert_true(worker_start(&options, &worker, &err));
    struct job job = { .subject = STR("no such kind of note") };
    assert_false(recovery_copy_run(worker, yard->arena, &job, &err));
    check_error(&err, ERROR_INVALID, "no name of a note");
    job.subject = STR("account/library");
    for (int i = 0; i < 2; i++) /* a job may run twice */
        assert_true(recovery_copy_run(worker, yard->arena, &job, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORKER_TEST(test_recovery_copy_run__writes_the_note_that_a_change_asked_for),
        WORKER_TEST(test_recovery_copy_run__tells_a_store_that_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
