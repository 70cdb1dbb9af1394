/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/json.h"

#include "../check.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_SEEN = 128 * 1024 };

struct log_test {
    int read_fd, write_fd;
    char line[LINE_MAX_SEEN];
};

static int set_up(void **state)
{
    struct log_test *test = calloc(1, sizeof(*test));
    int pair[2];
    if (!test || pipe(pair) < 0)
        return -1;
    test->read_fd = pair[0];
    test->write_fd = pair[1];
    log_configure(LOG_INFO, LOG_TEXT, test->write_fd);
    *state = test;
    return 0;
}

static int tear_down(void **state)
{
    struct log_test *test = *state;
    log_configure(LOG_INFO, LOG_TEXT, STDERR_FILENO);
    log_set_request_id(STR_NONE);
    close(test->read_fd);
    close(test->write_fd);
    free(test);
    return 0;
}

/* What has been logged; the pipe holds 64 KB, which is as long as a line gets. */
static struct str logged(struct log_test *test)
{
    ssize_t got = read(test->read_fd, test->line, sizeof(test->line));
    assert_true(got > 0);
    return (struct str){ test->line, (size_t)got };
}

/* Without the time, which must be there. */
static struct str logged_after_time(struct log_test *test)
{
    struct str line = logged(test);
    assert_true(line.len > 25 && line.ptr[10] == 'T' && line.ptr[23] == 'Z' && line.ptr[24] == ' ');
    return str_after(line, 25);
}

static void test_log_write__text(void **state)
{
    log_event(LOG_INFO, "listening", LOG_STR("address", STR("127.0.0.1:5000")),
              LOG_INT("workers", 7), LOG_STR("note", STR("")));
    check_str(logged_after_time(*state),
              "info listening address=127.0.0.1:5000 workers=7 note=\"\"\n");
    log_write(LOG_WARN, "bare", NULL, 0);
    check_str(logged_after_time(*state), "warn bare\n");
}

static void test_log_write__no_value_starts_a_line(void **state)
{
    log_event(LOG_ERROR, "request",
              LOG_STR("path", STR("/a b\"c\\d=\n2026 info\r\x1B[31m\xC2\x9B\xFF\xC3\xA9")));
    check_str(logged_after_time(*state), "error request path=\"/a b\\\"c\\\\d=\\n2026 "
                                         "info\\x0d\\x1b[31m\\xc2\\x9b\\xff\xC3\xA9\"\n");
}

static void test_log_write__json(void **state)
{
    struct log_test *test = *state;
    log_configure(LOG_INFO, LOG_JSON, test->write_fd);
    log_set_request_id(STR("r1"));
    log_event(LOG_INFO, "request", LOG_STR("path", STR("/\n")), LOG_INT("status", 200));
    struct error err = { 0 };
    struct str line = logged(test);
    assert_true(str_ends(line, STR("}\n")));
    assert_int_equal(str_find(line, '\n'), line.len - 1);
    json_t *root AUTO(json_decref) = json_parse_object(line, &err);
    int64_t status = 0;
    assert_non_null(root);
    check_str(json_get_str(root, "level"), "info");
    check_str(json_get_str(root, "event"), "request");
    check_str(json_get_str(root, "request_id"), "r1");
    check_str(json_get_str(root, "path"), "/\n");
    assert_true(json_get_i64(root, "status", &status));
    assert_int_equal(status, 200);
}

static void test_log_write__bounds_the_line(void **state)
{
    struct log_test *test = *state;
    enum { COUNT = 40, LONG = 5000 };
    char text[LONG];
    memset(text, 0x01, sizeof(text)); /* each byte becomes six in JSON */
    struct log_field fields[COUNT];
    for (int i = 0; i < COUNT; i++)
        fields[i] = LOG_STR("value", ((struct str){ text, sizeof(text) }));
    log_write(LOG_INFO, "long", fields, COUNT);
    struct str line = logged(test);
    assert_true(line.len < 64 * 1024);
    assert_true(str_ends(line, STR(" truncated=true\n")));
    log_configure(LOG_INFO, LOG_JSON, test->write_fd);
    log_write(LOG_INFO, "long", fields, COUNT);
    line = logged(test);
    assert_true(line.len < 64 * 1024);
    assert_true(str_ends(line, STR("\"truncated\":true}\n")));
}

static void test_log_enabled__by_level(void **state)
{
    struct log_test *test = *state;
    assert_false(log_enabled(LOG_DEBUG));
    assert_true(log_enabled(LOG_INFO));
    log_write(LOG_DEBUG, "hidden", NULL, 0);
    log_write(LOG_INFO, "shown", NULL, 0);
    check_str(logged_after_time(test), "info shown\n");
    log_configure(LOG_DEBUG, LOG_TEXT, test->write_fd);
    assert_true(log_enabled(LOG_DEBUG));
}

static void *log_from_thread(void *unused)
{
    log_write(LOG_INFO, "other", NULL, 0);
    return unused;
}

static void test_log_set_request_id__belongs_to_the_thread(void **state)
{
    pthread_t thread;
    log_set_request_id(STR("r1"));
    assert_int_equal(pthread_create(&thread, NULL, log_from_thread, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    check_str(logged_after_time(*state), "info other\n");
    log_write(LOG_INFO, "mine", NULL, 0);
    check_str(logged_after_time(*state), "info mine request_id=r1\n");
    log_set_request_id(STR_NONE);
    log_write(LOG_INFO, "mine", NULL, 0);
    check_str(logged_after_time(*state), "info mine\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_log_write__text, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_log_write__no_value_starts_a_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_log_write__json, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_log_write__bounds_the_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_log_enabled__by_level, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_log_set_request_id__belongs_to_the_thread, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
