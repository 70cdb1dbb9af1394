/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/data.h"

#include "cli_fixture.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_data_require__nothing_is_made_in_a_wrong_folder(void **state)
{
    struct bench *bench = *state;
    const char *const words[] = { "user list",
                                  "user change alice --admin yes",
                                  "repo list",
                                  "repo add alice/app",
                                  "gc",
                                  "key rotate",
                                  "migrate --status" };
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        struct str line = arena_format(bench->arena, "%s --data @/wrong", words[i]);
        assert_int_equal(bench_run(bench, "", line.ptr), 1);
        assert_int_equal(text_lines(bench->err), 1);
        check_has(bench->err, "there is no Berth data in ");
        check_has(bench->err, "/wrong; start \"berth serve --data ");
        assert_int_equal(access(bench_path(bench, "wrong"), F_OK), -1);
    }
}

static const char user_add[] = "user add alice --email a@example.org --password-stdin";

static int user_add_run(struct bench *bench, const char *more)
{
    return bench_run(bench, "alice-password\n",
                     arena_format(bench->arena, "%s%s", user_add, more).ptr);
}

static void test_data_require_or_named__makes_a_folder_beside_others(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(user_add_run(bench, " --data @/new/"), 0);
    check_has(bench->out, "/new)");
    struct stat status;
    assert_int_equal(stat(bench_path(bench, "new"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    assert_int_equal(user_add_run(bench, " --data @/none/deep"), 1);
    check_has(bench->err, "there is no Berth data in ");
    assert_int_equal(access(bench_path(bench, "none"), F_OK), -1);
}

static void test_data_require_or_named__makes_none_that_nobody_named(void **state)
{
    struct bench *bench = *state;
    char *const none[] = { NULL };
    char *before = getcwd(NULL, 0);
    assert_non_null(before);
    bench->variables = none;
    assert_int_equal(chdir(bench->folder), 0);
    int code = user_add_run(bench, "");
    bool is_made = access("data", F_OK) == 0;
    assert_int_equal(chdir(before), 0);
    free(before);
    assert_int_equal(code, 1);
    assert_false(is_made);
    check_has(bench->err, "no Berth data in ./data; ");
}

static void test_data_prepare__tells_what_is_in_the_way(void **state)
{
    struct bench *bench = *state;
    bench_write(bench, "file", "");
    assert_int_equal(bench_run(bench, "", "migrate --data @/file"), 1);
    check_has(bench->err, "which is a file; it must be a folder");
    if (geteuid() != 0)
        skip();
    /* Somebody else's folder, looked at by nobody. */
    assert_int_equal(chmod(bench->folder, 0755), 0);
    assert_int_equal(mkdir(bench_path(bench, "theirs"), 0700), 0);
    pid_t child = fork();
    if (child == 0) {
        bool is_told = setuid(65534) == 0 && bench_run(bench, "", "migrate --data @/theirs") == 1 &&
                       text_has(bench->err, "belongs to root: run berth as root, or choose");
        _exit(is_told ? 0 : 1);
    }
    int result = -1;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLI_TEST(test_data_require__nothing_is_made_in_a_wrong_folder),
        CLI_TEST(test_data_require_or_named__makes_a_folder_beside_others),
        CLI_TEST(test_data_require_or_named__makes_none_that_nobody_named),
        CLI_TEST(test_data_prepare__tells_what_is_in_the_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
