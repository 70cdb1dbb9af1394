/* SPDX-License-Identifier: Apache-2.0 */
#include "worker_fixture.h"

#include "hub/collect.h"
#include "worker/worker.h"

static const char upload[] = "0123456789abcdef0123456789abcdef";

static struct blob_place store_blob(struct yard *yard)
{
    struct error err = { 0 };
    struct blob_writer *writer = NULL;
    struct blob_place place = { .digest = digest_of(DIGEST_SHA256, STR("bytes")) };
    (void)snprintf(place.upload_id, sizeof(place.upload_id), "%s", upload);
    assert_true(blob_append(yard->hub->store, str_from(upload), 0, &writer, &err));
    assert_true(blob_write(writer, STR("bytes"), &err));
    assert_true(blob_sync(writer, &err));
    blob_writer_close(writer);
    assert_true(blob_finish(yard->hub->store, &place, 5, &err));
    return place;
}

static void test_blob_remove_run__removes_the_files_that_the_job_names(void **state)
{
    struct yard *yard = *state;
    struct error err = { 0 };
    struct blob_place place = store_blob(yard);
    char text[DIGEST_TEXT_MAX];
    struct job job = {
        .kind = COLLECT_JOB,
        .payload =
            arena_format(yard->arena, "{\"files\":[{\"digest\":\"%.*s\",\"upload\":\"%s\"}]}",
                         STR_ARG(digest_format(&place.digest, text)), upload),
    };
    const struct worker_options options = { .hub = yard->hub };
    struct worker *worker AUTO(worker_stop) = NULL;
    struct blob_reader *reader = NULL;
    assert_true(worker_start(&options, &worker, &err));
    for (int i = 0; i < 2; i++) { /* a job may run twice */
        assert_true(blob_remove_run(worker, yard->arena, &job, &err));
        assert_false(blob_open(yard->hub->store, &place, &reader, &err));
        check_error(&err, ERROR_NOT_FOUND, "");
    }
    job.payload = STR("[]");
    assert_false(blob_remove_run(worker, yard->arena, &job, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORKER_TEST(test_blob_remove_run__removes_the_files_that_the_job_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
