/* SPDX-License-Identifier: Apache-2.0 */
#include "worker_fixture.h"

#include "worker/worker.h"

#include <string.h>

static void test_worker_tasks__are_whole_and_named_once(void **state)
{
    (void)state;
    assert_true(worker_task_count >= 3);
    for (size_t i = 0; i < worker_task_count; i++) {
        assert_non_null(worker_tasks[i].run);
        assert_true(worker_tasks[i].every_ms >= 1000);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(worker_tasks[i].name, worker_tasks[j].name);
    }
}

static void test_worker_tasks__run_on_an_empty_hub(void **state)
{
    struct yard *yard = *state;
    for (size_t i = 0; i < worker_task_count; i++) {
        struct error err = { 0 };
        if (!worker_tasks[i].run(yard->hub, yard->arena, &err))
            fail_msg("%s: %s", worker_tasks[i].name, err.message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORKER_TEST(test_worker_tasks__are_whole_and_named_once),
        WORKER_TEST(test_worker_tasks__run_on_an_empty_hub),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
