/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "api/health.h"
#include "base/clock.h"

#include <fcntl.h>
#include <unistd.h>

/* The whole part of the value behind "name ". */
static int64_t value_of(struct str text, struct str name)
{
    struct str line = STR_NONE;
    while (str_split(&text, '\n', &line)) {
        uint64_t value = 0;
        if (!str_starts(line, name) || line.len <= name.len || line.ptr[name.len] != ' ')
            continue;
        struct str number = str_after(line, name.len + 1);
        assert_true(str_to_u64(str_slice(number, 0, str_find(number, '.')), INT64_MAX, &value));
        return (int64_t)value;
    }
    fail_msg("no %.*s", STR_ARG(name));
    return -1;
}

static int64_t value_now(struct str name)
{
    struct buf out AUTO(buf_release);
    buf_init(&out, 65536);
    process_metrics_write(&out);
    assert_false(out.failed);
    return value_of(buf_str(&out), name);
}

static void test_process_metrics_write__knows_when_the_process_began(void **state)
{
    (void)state;
    int64_t age_s = clock_now_ms() / 1000 - value_now(STR("process_start_time_seconds"));
    assert_in_range(age_s + 5, 0, 125);
}

static void test_process_metrics_write__counts_open_files(void **state)
{
    (void)state;
    int64_t before = value_now(STR("process_open_fds"));
    int fd = open("/dev/null", O_RDONLY);
    assert_int_equal(value_now(STR("process_open_fds")), before + 1);
    (void)close(fd);
    assert_int_equal(value_now(STR("process_open_fds")), before);
    assert_true(value_now(STR("process_max_fds")) > before);
}

static void test_process_metrics_write__measures_memory(void **state)
{
    (void)state;
    int64_t resident = value_now(STR("process_resident_memory_bytes"));
    assert_true(resident > 100000);
    assert_true(value_now(STR("process_virtual_memory_bytes")) >= resident);
}

static void test_process_metrics_write__says_what_runs(void **state)
{
    (void)state;
    struct buf out AUTO(buf_release);
    buf_init(&out, 65536);
    process_metrics_write(&out);
    struct str wanted = STR("berth_build_info{version=\"" BERTH_VERSION "\",compiler=");
    assert_true(str_find_text(buf_str(&out), wanted) < buf_str(&out).len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_process_metrics_write__knows_when_the_process_began),
        cmocka_unit_test(test_process_metrics_write__counts_open_files),
        cmocka_unit_test(test_process_metrics_write__measures_memory),
        cmocka_unit_test(test_process_metrics_write__says_what_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
