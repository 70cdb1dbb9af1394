/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include "../check.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_error_set__records_and_gives_false(void **state)
{
    (void)state;
    struct error err = { 0 };
    assert_false(error_set(&err, ERROR_NOT_FOUND, "tag '%s' is not there", "v1"));
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    assert_string_equal(err.message, "tag 'v1' is not there");
    assert_int_equal(err.about, 0);
    error_clear(&err);
    assert_int_equal(err.kind, ERROR_NONE);
    assert_false(error_set_about(&err, 5, ERROR_INVALID, "%d", 3));
    assert_int_equal(err.about, 5);
    assert_string_equal(err.message, "3");
}

static void test_error_set__cuts_between_characters(void **state)
{
    (void)state;
    char text[400];
    for (size_t skew = 0; skew < 4; skew++) {
        struct error err = { 0 };
        memset(text, 'a', skew);
        for (size_t i = skew; i + 3 < sizeof(text); i += 3)
            memcpy(text + i, "\xE2\x82\xAC", 4);
        (void)error_set(&err, ERROR_INVALID, "%s", text);
        assert_true(str_is_utf8(str_from(err.message)));
        assert_true(strlen(err.message) >= sizeof(err.message) - 4);

        error_clear(&err);
        (void)error_set_errno(&err, EIO, "%s", text);
        assert_true(str_is_utf8(str_from(err.message)));
        assert_true(str_ends(str_from(err.message), str_from(strerror(EIO))));
    }
}

static void test_error_set__makes_quotes_of_clients_printable(void **state)
{
    (void)state;
    struct error err = { 0 };
    (void)error_set(&err, ERROR_INVALID, "%s.", "a\n\x1B[31m\x7F\xC3\xA9\xFF\xE2\x82");
    assert_string_equal(err.message, "a??[31m?\xC3\xA9???.");
    error_clear(&err);
    (void)error_set_errno(&err, EIO, "%s", "\xFF");
    assert_string_equal(err.message, "?: Input/output error");
}

/* A second failure over the first is a bug and must not pass. */
static void test_error_set__twice_aborts(void **state)
{
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit none = { 0 };
        (void)setrlimit(RLIMIT_CORE, &none);
        int fd = open("/dev/null", O_WRONLY);
        (void)dup2(fd, STDERR_FILENO);
        (void)signal(SIGABRT, SIG_DFL);
        struct error err = { 0 };
        (void)error_set(&err, ERROR_INVALID, "first");
        (void)error_set(&err, ERROR_INVALID, "second");
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void test_error_set_errno__tells_a_full_disk(void **state)
{
    (void)state;
    struct error err = { 0 };
    assert_false(error_set_errno(&err, ENOSPC, "could not write %d", 1));
    assert_string_equal(err.message, "could not write 1: No space left on device");
    check_error(&err, ERROR_NO_SPACE, "1");
    (void)error_set_errno(&err, EDQUOT, "x");
    check_error(&err, ERROR_NO_SPACE, "x: ");
    (void)error_set_errno(&err, EIO, "x");
    check_error(&err, ERROR_INTERNAL, "x: ");
}

static void test_error_kind_name__differs_for_each(void **state)
{
    (void)state;
    for (int a = ERROR_NONE; a <= ERROR_INTERNAL; a++) {
        for (int b = ERROR_NONE; b < a; b++)
            assert_string_not_equal(error_kind_name((enum error_kind)a),
                                    error_kind_name((enum error_kind)b));
    }
}

static void test_error_is_public__hides_our_troubles(void **state)
{
    (void)state;
    for (int kind = ERROR_NONE; kind <= ERROR_INTERNAL; kind++) {
        struct error err = { .kind = (enum error_kind)kind };
        bool is_ours = kind == ERROR_NONE || kind == ERROR_INTERNAL || kind == ERROR_UNAVAILABLE;
        assert_int_equal(error_is_public(&err), !is_ours);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_error_set__records_and_gives_false),
        cmocka_unit_test(test_error_set__cuts_between_characters),
        cmocka_unit_test(test_error_set__makes_quotes_of_clients_printable),
        cmocka_unit_test(test_error_set__twice_aborts),
        cmocka_unit_test(test_error_set_errno__tells_a_full_disk),
        cmocka_unit_test(test_error_kind_name__differs_for_each),
        cmocka_unit_test(test_error_is_public__hides_our_troubles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
