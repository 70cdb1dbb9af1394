/* SPDX-License-Identifier: Apache-2.0 */
#include "cli_fixture.h"

#include "cli/command.h"
#include "cli/process.h"
#include "hub/account.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a start with these flags prints. */
static struct str start_text(struct bench *bench, const struct setting_flag *flags, size_t count,
                             bool has_admin)
{
    struct settings settings;
    struct error err = { 0 };
    struct setting_flag all[8] = { { STR("--data"), STR("data"), str_from(bench->folder) } };
    for (size_t i = 0; i < count; i++)
        all[i + 1] = flags[i];
    struct settings_sources sources = { .flags = all, .flag_count = count + 1 };
    if (!settings_load(bench->arena, &sources, &settings, &err))
        fail_msg("%s", err.message);
    struct hub *hub AUTO(hub_close) = NULL;
    assert_true(cli_hub_open(&settings, bench->arena, &hub, &err));
    struct account account;
    struct account_new admin = { .name = STR("alice"),
                                 .email = STR("a@example.org"),
                                 .password = STR("alice-password"),
                                 .is_admin = true,
                                 .by_administrator = true };
    if (has_admin)
        assert_true(account_add(hub, bench->arena, &admin, &account, &err));

    char *bytes = NULL;
    size_t size = 0;
    const uint16_t ports[] = { 5000, 80 };
    struct serve_plan plan = { .arena = bench->arena,
                               .settings = &settings,
                               .program = "./ber th",
                               .out = open_memstream(&bytes, &size) };
    size_t listen_count = 0;
    struct str *listen = NULL;
    settings_list(&settings, bench->arena, SETTING_LISTEN, &listen, &listen_count);
    struct start_text text = { &plan, hub, ports, listen_count, true };
    assert_true(start_text_print(&text, &err));
    (void)fclose(plan.out);
    struct str written = arena_copy(bench->arena, (struct str){ bytes, size });
    free(bytes);
    return written;
}

static void test_start_text_print__leads_to_the_first_administrator(void **state)
{
    struct bench *bench = *state;
    struct str text = start_text(bench, NULL, 0, false);
    check_has(text, "listens on http://localhost:5000\n");
    check_has(text, "  http://localhost:5000/setup?code=");
    check_has(text, "  './ber th' user add NAME --email ADDRESS --admin --data /tmp/berth-cli-");
    check_has(text, "  docker login localhost:5000\n");
    check_has(text, "  docker push localhost:5000/NAME/IMAGE\n");
}

static void test_start_text_print__leaves_that_out_once_there_is_one(void **state)
{
    struct bench *bench = *state;
    struct str text = start_text(bench, NULL, 0, true);
    assert_false(text_has(text, "setup?code"));
    assert_false(text_has(text, "user add"));
    check_has(text, "  docker login localhost:5000\n");
}

static void test_start_text_print__uses_the_public_address(void **state)
{
    struct bench *bench = *state;
    const struct setting_flag flags[] = {
        { STR("--set"), STR("url"), STR("https://hub.test") },
        { STR("--listen"), STR("listen"), STR("0.0.0.0:5000, [::1]:80") },
    };
    struct str text = start_text(bench, flags, 2, false);
    check_has(text, "listens on http://0.0.0.0:5000 (all addresses), here http://localhost:5000 "
                    "http://[::1]:80, known as https://hub.test\n");
    check_has(text, "  https://hub.test/setup?code=");
    check_has(text, "  docker login hub.test\n");
    assert_false(text_has(text, "berth cert"));
}

static void test_start_text_print__names_other_places_of_the_installation(void **state)
{
    struct bench *bench = *state;
    struct str keys = arena_format(bench->arena, "%s/my keys", bench->folder);
    const struct setting_flag flags[] = { { STR("--set"), STR("keys"), keys } };
    struct str text = start_text(bench, flags, 1, false);
    check_has(text, " --set 'keys=/tmp/berth-cli-");
}

/* In a process of its own, since it changes the process. */
static void test_process_prepare__sets_the_process_up(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        struct settings settings;
        struct rlimit files = { 0 };
        sigset_t blocked;
        settings_init(&settings);
        process_prepare(&settings);
        bool is_done = umask(0) == 077 && signal(SIGPIPE, SIG_DFL) == SIG_IGN &&
                       getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur == files.rlim_max &&
                       sigprocmask(SIG_BLOCK, NULL, &blocked) == 0 &&
                       sigismember(&blocked, SIGTERM);
        _exit(is_done ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLI_TEST(test_start_text_print__leads_to_the_first_administrator),
        CLI_TEST(test_start_text_print__leaves_that_out_once_there_is_one),
        CLI_TEST(test_start_text_print__uses_the_public_address),
        CLI_TEST(test_start_text_print__names_other_places_of_the_installation),
        CLI_TEST(test_process_prepare__sets_the_process_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
