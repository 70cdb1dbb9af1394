/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/progress.h"

#include "cli_fixture.h"

#include <stdlib.h>

static void test_progress_line__tells_share_speed_and_time(void **state)
{
    struct bench *bench = *state;
    struct progress_state half = {
        .label = "blobs", .done = 3, .total = 9, .bytes = 1200000000, .bytes_total = 2400000000
    };
    check_str(progress_line(bench->arena, &half, 24000),
              "blobs [##########----------]  50 %  1.2 GB of 2.4 GB  50.0 MB/s  0:24 left");
    half.bytes = 2400000;
    check_str(progress_line(bench->arena, &half, 10000),
              "blobs [--------------------]   0 %  2.4 MB of 2.4 GB  240.0 kB/s  2:46:30 left");
    half.bytes = 3000000000; /* more than was there at the start */
    check_str(progress_line(bench->arena, &half, 60000),
              "blobs [####################] 100 %  3.0 GB of 2.4 GB  50.0 MB/s");
}

static void test_progress_line__counts_things_where_there_are_no_bytes(void **state)
{
    struct bench *bench = *state;
    struct progress_state tags = { .label = "tags", .done = 30, .total = 40 };
    check_str(progress_line(bench->arena, &tags, 500),
              "tags [###############-----]  75 %  30 of 40");
    tags.total = 0;
    check_str(progress_line(bench->arena, &tags, 500), "tags  30");
    tags.bytes = 1000;
    check_str(progress_line(bench->arena, &tags, 0), "tags  30  1.0 kB  0 B/s");
}

static void test_progress_draw__shows_nothing_where_there_is_no_terminal(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    struct cli cli = { .err = open_memstream(&text, &size) };
    struct progress progress;
    progress_begin(&progress, &cli);
    progress_draw(&progress, &(struct progress_state){ .label = "blobs" });
    progress_clear(&progress);
    assert_int_equal(fclose(cli.err), 0);
    assert_int_equal(size, 0);
    free(text);
}

static void test_progress_clear__leaves_an_empty_line(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    struct progress progress = { .err = open_memstream(&text, &size), .is_shown = true };
    progress_draw(&progress, &(struct progress_state){ .label = "tags", .done = 1234567 });
    progress_draw(&progress, &(struct progress_state){ .label = "again" }); /* too soon */
    progress_clear(&progress);
    progress_clear(&progress);
    assert_int_equal(fclose(progress.err), 0);
    assert_string_equal(text, "\rtags  1234567\r             \r");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLI_TEST(test_progress_line__tells_share_speed_and_time),
        CLI_TEST(test_progress_line__counts_things_where_there_are_no_bytes),
        cmocka_unit_test(test_progress_draw__shows_nothing_where_there_is_no_terminal),
        cmocka_unit_test(test_progress_clear__leaves_an_empty_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
