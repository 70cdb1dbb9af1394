/* SPDX-License-Identifier: Apache-2.0 */
#include "cli_fixture.h"

#include "cli/settings.h"

static struct settings load(struct bench *bench, const char *file, char *const *environment,
                            const struct setting_flag *flags, size_t flag_count)
{
    struct error err = { 0 };
    struct settings settings;
    struct settings_sources sources = {
        .file = str_from(file), .environment = environment, .flags = flags, .flag_count = flag_count
    };
    if (!settings_load(bench->arena, &sources, &settings, &err))
        fail_msg("%s", err.message);
    return settings;
}

/* The line that a start with this environment stops with. */
static void check_refused(struct bench *bench, const char *variable, const char *part)
{
    char text[8192];
    (void)snprintf(text, sizeof(text), "%s", variable);
    char *const environment[] = { text, NULL };
    struct error err = { 0 };
    struct settings settings;
    struct settings_sources sources = { .environment = environment };
    assert_false(settings_load(bench->arena, &sources, &settings, &err));
    check_error(&err, ERROR_INVALID, part);
}

static void check_file_refused(struct bench *bench, const char *text, const char *part)
{
    struct error err = { 0 };
    struct settings settings;
    settings_init(&settings);
    bool is_done =
        settings_read_text(bench->arena, &settings, STR("b.conf"), str_from(text), &err) &&
        settings_complete(bench->arena, &settings, &err);
    assert_false(is_done);
    check_error(&err, ERROR_INVALID, part);
}

static void test_settings_load__has_the_defaults(void **state)
{
    struct settings settings = load(*state, NULL, NULL, NULL, 0);
    check_str(settings_text(&settings, SETTING_LISTEN), "localhost:5000");
    check_str(settings_text(&settings, SETTING_DATA), "./data");
    check_str(settings_text(&settings, SETTING_DATABASE), "sqlite:./data/berth.db");
    check_str(settings_text(&settings, SETTING_STORAGE), "file:./data/blobs");
    check_str(settings_text(&settings, SETTING_KEYS), "./data/keys");
    check_str(settings_text(&settings, SETTING_SIGNUP), "closed");
    assert_false(str_is_set(settings_text(&settings, SETTING_URL)));
    assert_false(str_is_set(settings.file));
    assert_int_equal(settings.values[SETTING_KEYS].origin, ORIGIN_DEFAULT);
}

static void test_settings_load__defaults_follow_the_data_folder(void **state)
{
    const struct setting_flag flag = { STR("--data"), STR("data"), STR("/srv/b") };
    struct settings settings = load(*state, NULL, NULL, &flag, 1);
    check_str(settings_text(&settings, SETTING_DATABASE), "sqlite:/srv/b/berth.db");
    check_str(settings_text(&settings, SETTING_STORAGE), "file:/srv/b/blobs");
    check_str(settings_text(&settings, SETTING_KEYS), "/srv/b/keys");
}

static void test_settings_load__flag_wins_over_environment_over_file(void **state)
{
    struct bench *bench = *state;
    bench_write(bench, "b.conf", "listen = :1\nsignup = closed\ndata = /f\n");
    char listen[] = "BERTH_LISTEN=:2", signup[] = "BERTH_SIGNUP=open", other[] = "PATH=/bin";
    char *const environment[] = { listen, other, signup, NULL };
    const struct setting_flag flag = { STR("--listen"), STR("listen"), STR(":3") };
    const char *file = bench_path(bench, "b.conf");
    struct settings settings = load(bench, file, environment, &flag, 1);
    check_str(settings_text(&settings, SETTING_LISTEN), ":3");
    check_str(settings.values[SETTING_LISTEN].where, "flag --listen");
    check_str(settings_text(&settings, SETTING_SIGNUP), "open");
    check_str(settings.values[SETTING_SIGNUP].where, "environment");
    check_str(settings_text(&settings, SETTING_DATA), "/f");
    check_has(settings.values[SETTING_DATA].where, "/b.conf:3");
    check_str(settings.file, file);
}

static void test_settings_load__takes_the_file_from_the_environment(void **state)
{
    struct bench *bench = *state;
    bench_write(bench, "b.conf", "signup = open\n");
    struct str variable = arena_format(bench->arena, "BERTH_CONFIG=%s/b.conf", bench->folder);
    char text[128];
    (void)snprintf(text, sizeof(text), "%.*s", STR_ARG(variable));
    char *const environment[] = { text, NULL };
    struct settings settings = load(bench, NULL, environment, NULL, 0);
    assert_int_equal(settings_choice(&settings, SETTING_SIGNUP), 1);
}

static void test_settings_load__tells_a_missing_file(void **state)
{
    struct bench *bench = *state;
    struct error err = { 0 };
    struct settings settings;
    struct settings_sources sources = { .file = str_from(bench_path(bench, "none.conf")) };
    assert_false(settings_load(bench->arena, &sources, &settings, &err));
    check_error(&err, ERROR_NOT_FOUND, "none.conf");
}

static void test_settings_load__empty_values_count_as_not_set(void **state)
{
    char signup[] = "BERTH_SIGNUP=", url[] = "BERTH_URL=  ";
    char *const environment[] = { signup, url, NULL };
    struct settings settings = load(*state, NULL, environment, NULL, 0);
    check_str(settings_text(&settings, SETTING_SIGNUP), "closed");
    assert_false(str_is_set(settings_text(&settings, SETTING_URL)));
}

static void test_settings_load__refuses_wrong_values_in_one_line(void **state)
{
    struct bench *bench = *state;
    check_refused(bench, "BERTH_SIGNUP=yes",
                  "environment: BERTH_SIGNUP is 'yes'; allowed: closed, open");
    check_refused(bench, "BERTH_LISTEN=nowhere", "BERTH_LISTEN is 'nowhere'; allowed: addresses");
    check_refused(bench, "BERTH_LISTEN=,", "BERTH_LISTEN is ','; allowed: addresses");
    check_refused(bench, "BERTH_URL=hub.example.com", "allowed: http://HOST");
    check_refused(bench, "BERTH_DATABASE=mysql://u:geheim@h/d",
                  "'mysql://u:***@h/d'; allowed: sqlite:");
    check_refused(bench, "BERTH_STORAGE=/blobs", "allowed: file:FOLDER");
    check_refused(bench, "BERTH_LIMIT_WORKERS=3", "'3'; allowed: 4 to 10000");
    check_refused(bench, "BERTH_LIMIT_WORKERS=10001", "allowed: 4 to 10000");
    check_refused(bench, "BERTH_LIMIT_WORKERS=many", "allowed: 4 to 10000");
    check_refused(bench, "BERTH_OUTBOUND_ALLOW=10.0.0.0/33", "allowed: address ranges");
    check_refused(bench, "BERTH_DATA=a\nb", "'a?b'; allowed: a folder");
    check_refused(bench, "BERTH_DATA=\xff", "allowed: a folder");
}

static void test_settings_load__cuts_long_values_in_messages(void **state)
{
    char text[600];
    (void)snprintf(text, sizeof(text), "BERTH_SIGNUP=%0500d", 0);
    check_refused(*state, text, "0...'; allowed: closed, open");
}

static void test_settings_load__refuses_unknown_variables(void **state)
{
    struct bench *bench = *state;
    check_refused(bench, "BERTH_LISTN=:80", "no setting BERTH_LISTN; did you mean BERTH_LISTEN?");
    check_refused(bench, "BERTH_FROBNICATE=1",
                  "no setting BERTH_FROBNICATE; \"berth serve --help\"");
    check_refused(bench, "BERTH_PORT=80", "no setting BERTH_PORT");
    check_refused(bench, "BERTH_PORT_X=80", "no setting BERTH_PORT_X");
}

static void test_settings_load__leaves_variables_of_others_alone(void **state)
{
    char a[] = "BERTH_SERVICE_HOST=10.0.0.1", b[] = "BERTH_PORT=tcp://10.0.0.1:5000";
    char c[] = "BERTH_PORT_5000_TCP_ADDR=10.0.0.1", d[] = "BERTH_TEST_POSTGRES=yes";
    char *const environment[] = { a, b, c, d, NULL };
    struct settings settings = load(*state, NULL, environment, NULL, 0);
    check_str(settings_text(&settings, SETTING_LISTEN), "localhost:5000");
}

static void test_settings_load__refuses_unknown_flags(void **state)
{
    struct bench *bench = *state;
    struct error err = { 0 };
    struct settings settings;
    const struct setting_flag flag = { STR("--set"), STR("limit.worker"), STR("9") };
    struct settings_sources sources = { .flags = &flag, .flag_count = 1 };
    assert_false(settings_load(bench->arena, &sources, &settings, &err));
    check_error(&err, ERROR_INVALID,
                "flag --set: there is no setting limit.worker; did you mean limit.workers?");
}

static void test_settings_load__the_last_flag_wins(void **state)
{
    const struct setting_flag flags[] = { { STR("--set"), STR("limit.workers"), STR("9") },
                                          { STR("--set"), STR("LIMIT_WORKERS"), STR("10") } };
    struct settings settings = load(*state, NULL, NULL, flags, 2);
    assert_int_equal(settings_number(&settings, SETTING_LIMIT_WORKERS), 10);
}

static void test_settings_read_text__knows_sections_comments_and_indentation(void **state)
{
    struct bench *bench = *state;
    struct settings settings;
    struct error err = { 0 };
    struct str text = STR("\xef\xbb\xbf; a comment\r\nlisten = :80 ; behind\r\n\n[tls]\n  key = k\n"
                          "  certificate: c\n# more\n[berth]\nurl = https://h/\n"
                          "[limit]\nWorkers=7\n[outbound]\nallow=127.0.0.0/8, ::1");
    settings_init(&settings);
    if (!settings_read_text(bench->arena, &settings, STR("b.conf"), text, &err))
        fail_msg("%s", err.message);
    check_str(settings_text(&settings, SETTING_LISTEN), ":80");
    check_str(settings_text(&settings, SETTING_TLS_KEY), "k");
    check_str(settings_text(&settings, SETTING_TLS_CERTIFICATE), "c");
    check_str(settings_text(&settings, SETTING_URL), "https://h");
    assert_int_equal(settings_number(&settings, SETTING_LIMIT_WORKERS), 7);
    check_str(settings_text(&settings, SETTING_OUTBOUND_ALLOW), "127.0.0.0/8, ::1");
    check_str(settings.values[SETTING_LIMIT_WORKERS].where, "b.conf:11");
}

static void test_settings_read_text__names_the_line(void **state)
{
    struct bench *bench = *state;
    check_file_refused(bench, "\nlisten = x\n", "b.conf:2: listen is 'x'; allowed: addresses");
    check_file_refused(bench, "[limit]\nworkers = 0\n",
                       "b.conf:2: limit.workers is '0'; allowed: 4");
    check_file_refused(bench, "[limit]\nworker = 9\n",
                       "b.conf:2: there is no setting limit.worker; did you mean limit.workers?");
    check_file_refused(bench, "signup=open\n\nsignup=closed\n",
                       "b.conf:3: signup stands already in b.conf:1");
    check_file_refused(bench, "[tls]\nkey = a\n",
                       "b.conf:2: tls.key is 'a' but tls.certificate is not");
    check_file_refused(bench, "[tls]\ncertificate = a\n", "but tls.key is not set");
    check_file_refused(bench, "signup\n", "b.conf:1: neither [section] nor key = value");
    check_file_refused(bench, "[tls\n", "b.conf:1: neither");
}

static void test_settings_read_text__refuses_lines_that_the_parser_would_break(void **state)
{
    struct bench *bench = *state;
    char text[400];
    struct settings settings;
    struct error err = { 0 };
    settings_init(&settings);
    /* "data = " and 191 digits are the 198 bytes that fit. */
    (void)snprintf(text, sizeof(text), "signup = closed\ndata = %0191d\n", 0);
    assert_true(settings_read_text(bench->arena, &settings, STR("b"), str_from(text), &err));
    assert_int_equal(settings_text(&settings, SETTING_DATA).len, 191);
    (void)snprintf(text, sizeof(text), "signup = closed\ndata = %0192d\n", 0);
    check_file_refused(bench, text, "b.conf:2: a line may have 198 bytes");
    settings_init(&settings);
    assert_false(settings_read_text(bench->arena, &settings, STR("b"), STR("data=a\0b"), &err));
    check_error(&err, ERROR_INVALID, "b:1: a line may have");
}

static void test_settings_load__finds_what_was_cut_short(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(bench_run(bench, "", "settings --set tls.cert=x"), 1);
    check_has(bench->err, "did you mean tls.certificate?");
    assert_int_equal(bench_run(bench, "", "settings --set signup=invite"), 1);
    check_has(bench->err, "invite is not supported by this version: use closed or open");
    assert_int_equal(bench_run(bench, "", "settings --config /nope"), 1);
    check_str(bench->err, "berth: --config /nope: the file does not exist\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLI_TEST(test_settings_load__finds_what_was_cut_short),
        CLI_TEST(test_settings_load__has_the_defaults),
        CLI_TEST(test_settings_load__defaults_follow_the_data_folder),
        CLI_TEST(test_settings_load__flag_wins_over_environment_over_file),
        CLI_TEST(test_settings_load__takes_the_file_from_the_environment),
        CLI_TEST(test_settings_load__tells_a_missing_file),
        CLI_TEST(test_settings_load__empty_values_count_as_not_set),
        CLI_TEST(test_settings_load__refuses_wrong_values_in_one_line),
        CLI_TEST(test_settings_load__cuts_long_values_in_messages),
        CLI_TEST(test_settings_load__refuses_unknown_variables),
        CLI_TEST(test_settings_load__leaves_variables_of_others_alone),
        CLI_TEST(test_settings_load__refuses_unknown_flags),
        CLI_TEST(test_settings_load__the_last_flag_wins),
        CLI_TEST(test_settings_read_text__knows_sections_comments_and_indentation),
        CLI_TEST(test_settings_read_text__names_the_line),
        CLI_TEST(test_settings_read_text__refuses_lines_that_the_parser_would_break),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
