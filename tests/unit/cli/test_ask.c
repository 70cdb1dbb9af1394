/* SPDX-License-Identifier: Apache-2.0 */
#include "cli_fixture.h"

#include "base/limits.h"
#include "cli/ask.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static bool read_from(struct bench *bench, const char *text, struct str *out, struct error *err)
{
    char copy[2 * PASSWORD_BYTES_MAX];
    (void)snprintf(copy, sizeof(copy), "%s", text);
    FILE *in = text[0] ? fmemopen(copy, strlen(copy), "r") : fopen("/dev/null", "r");
    bool is_read = password_read(in, bench->arena, out, err);
    (void)fclose(in);
    return is_read;
}

static void test_password_read__takes_the_first_line(void **state)
{
    struct str out = STR_NONE;
    struct error err = { 0 };
    assert_true(read_from(*state, "a pass word\nmore\n", &out, &err));
    check_str(out, "a pass word");
    assert_true(read_from(*state, " spaces stay \r\n", &out, &err));
    check_str(out, " spaces stay ");
    assert_true(read_from(*state, "no end", &out, &err));
    check_str(out, "no end");
}

static void test_password_read__refuses_nothing_and_too_much(void **state)
{
    struct str out = STR_NONE;
    struct error err = { 0 };
    char text[PASSWORD_BYTES_MAX + 3];
    assert_false(read_from(*state, "", &out, &err));
    check_error(&err, ERROR_INVALID, "no password was given");
    assert_false(read_from(*state, "\n", &out, &err));
    check_error(&err, ERROR_INVALID, "no password was given");
    (void)snprintf(text, sizeof(text), "%0*d\n", PASSWORD_BYTES_MAX, 0);
    assert_true(read_from(*state, text, &out, &err));
    assert_int_equal(out.len, PASSWORD_BYTES_MAX);
    (void)snprintf(text, sizeof(text), "%0*d\n", PASSWORD_BYTES_MAX + 1, 0);
    assert_false(read_from(*state, text, &out, &err));
    check_error(&err, ERROR_INVALID, "at most 1024 bytes");
}

static void test_password_ask__needs_a_terminal(void **state)
{
    struct bench *bench = *state;
    struct str out = STR_NONE;
    struct error err = { 0 };
    FILE *in = fopen("/dev/null", "r");
    assert_false(password_ask(in, stderr, bench->arena, &out, &err));
    (void)fclose(in);
    check_error(&err, ERROR_INVALID, "use --password-stdin");
}

/* ---- a person at a terminal ---- */

struct person {
    int terminal; /* the person's side */
    const char *types;
    bool saw_echo;
};

static bool echo_is_on(int terminal)
{
    struct termios now;
    assert_int_equal(tcgetattr(terminal, &now), 0);
    return (now.c_lflag & ECHO) != 0;
}

/* Waits for the question, as TCSAFLUSH drops what was typed before it. */
static void *person_run(void *argument)
{
    struct person *person = argument;
    const struct timespec pause = { 0, 2000000 };
    for (int i = 0; i < 1000 && echo_is_on(person->terminal); i++)
        (void)nanosleep(&pause, NULL);
    person->saw_echo = echo_is_on(person->terminal);
    assert_int_equal(write(person->terminal, person->types, strlen(person->types)),
                     strlen(person->types));
    return NULL;
}

static bool ask(struct bench *bench, const char *types, struct str *out, struct error *err)
{
    struct person person = { .terminal = posix_openpt(O_RDWR | O_NOCTTY), .types = types };
    char name[64];
    assert_true(person.terminal >= 0);
    assert_int_equal(grantpt(person.terminal), 0);
    assert_int_equal(unlockpt(person.terminal), 0);
    assert_int_equal(ptsname_r(person.terminal, name, sizeof(name)), 0);
    int fd = open(name, O_RDWR | O_NOCTTY);
    assert_true(fd >= 0);
    FILE *in = fdopen(fd, "r"), *prompts = fopen("/dev/null", "w");
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, person_run, &person), 0);
    bool is_given = password_ask(in, prompts, bench->arena, out, err);
    (void)pthread_join(thread, NULL);
    assert_false(person.saw_echo);
    assert_true(echo_is_on(person.terminal));
    (void)fclose(in);
    (void)fclose(prompts);
    (void)close(person.terminal);
    return is_given;
}

static void test_password_ask__takes_what_is_typed_twice(void **state)
{
    struct str out = STR_NONE;
    struct error err = { 0 };
    assert_true(ask(*state, "correct horse\ncorrect horse\n", &out, &err));
    check_str(out, "correct horse");
}

static void test_password_ask__refuses_two_that_differ(void **state)
{
    struct str out = STR_NONE;
    struct error err = { 0 };
    assert_false(ask(*state, "correct horse\ncorrect house\n", &out, &err));
    check_error(&err, ERROR_INVALID, "the two passwords differ");
}

static void test_password_ask__ends_at_ctrl_c_with_the_echo_on(void **state)
{
    struct str out = STR_NONE;
    struct error err = { 0 };
    assert_false(ask(*state, "correct\x03", &out, &err));
    check_error(&err, ERROR_INVALID, "no password was given");
}

static bool confirm(const char *types, struct error *err)
{
    FILE *in = fmemopen((void *)(uintptr_t)types, strlen(types), "r");
    FILE *prompts = fopen("/dev/null", "w");
    assert_non_null(in);
    bool is_given = confirm_ask(in, prompts, "All of it goes.", "purge", err);
    (void)fclose(in);
    (void)fclose(prompts);
    return is_given;
}

static void test_confirm_ask__wants_the_very_word(void **state)
{
    (void)state;
    struct error err = { 0 };
    assert_true(confirm("purge\n", &err));
    assert_true(confirm("purge\r\n", &err));
    const char *others[] = { "y\n", "\n", "purges\n", " " };
    for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
        assert_false(confirm(others[i], &err));
        check_error(&err, ERROR_INVALID, "nothing was done");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLI_TEST(test_password_read__takes_the_first_line),
        CLI_TEST(test_password_read__refuses_nothing_and_too_much),
        CLI_TEST(test_password_ask__needs_a_terminal),
        CLI_TEST(test_password_ask__takes_what_is_typed_twice),
        CLI_TEST(test_password_ask__refuses_two_that_differ),
        CLI_TEST(test_password_ask__ends_at_ctrl_c_with_the_echo_on),
        CLI_TEST(test_confirm_ask__wants_the_very_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
