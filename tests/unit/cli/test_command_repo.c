/* SPDX-License-Identifier: Apache-2.0 */
#include "cli_fixture.h"

#include "base/limits.h"
#include "hub/repository.h"

#include <string.h>

static void add_alice(struct bench *bench)
{
    const char *words = "user add alice --email alice@example.org --password-stdin";
    assert_int_equal(bench_run(bench, "alice-password\n", words), 0);
}

static struct repository find(struct bench *bench, const char *name)
{
    struct hub_options options = {
        .database = arena_format(bench->arena, "sqlite:%s/berth.db", bench->folder),
        .storage = arena_format(bench->arena, "file:%s/blobs", bench->folder),
        .keys = arena_format(bench->arena, "%s/keys", bench->folder),
    };
    struct hub *hub AUTO(hub_close) = NULL;
    struct error err = { 0 };
    struct repository repository;
    struct repository_name parsed;
    assert_true(hub_open(&options, &hub, &err));
    assert_true(repository_name_parse(str_from(name), &parsed, &err));
    struct db_tx *tx AUTO(db_tx_end) = db_read(hub->db, bench->arena, &err);
    assert_true(repository_find(tx, parsed, &repository, &err));
    return repository;
}

static void test_command_repo_add__makes_a_repository(void **state)
{
    struct bench *bench = *state;
    add_alice(bench);
    bench_write(bench, "about.md", "# App\n\nText.\n");
    assert_int_equal(bench_run(bench, "",
                               "repo add alice/app --description tool --private yes "
                               "--automated yes --full-description-file @/about.md"),
                     0);
    check_str(bench->out, "Added alice/app.\n");
    struct repository repository = find(bench, "alice/app");
    assert_true(repository.is_private);
    assert_true(repository.is_automated);
    check_str(repository.description, "tool");
    check_str(repository.full_description, "# App\n\nText.\n");
}

static void test_command_repo_add__tells_what_is_wrong(void **state)
{
    struct bench *bench = *state;
    add_alice(bench);
    assert_int_equal(bench_run(bench, "", "repo add alice/app"), 0);
    assert_int_equal(bench_run(bench, "", "repo add alice/app"), 1);
    assert_int_equal(text_lines(bench->err), 1);
    assert_int_equal(bench_run(bench, "", "repo add nobody/app"), 1);
    assert_int_equal(bench_run(bench, "", "repo add Alice/App"), 1);
    assert_int_equal(bench_run(bench, "", "repo add alice/b --private perhaps"), 2);
    assert_int_equal(bench_run(bench, "", "repo add alice/b --full-description-file @/none"), 1);
    check_has(bench->err, "none");
}

static void test_command_repo_change__changes_what_is_given(void **state)
{
    struct bench *bench = *state;
    add_alice(bench);
    assert_int_equal(bench_run(bench, "", "repo add alice/app --description one --private yes"), 0);
    assert_int_equal(
        bench_run(bench, "text of input", "repo change alice/app --full-description-file -"), 0);
    check_str(bench->out, "Changed alice/app.\n");
    struct repository repository = find(bench, "alice/app");
    check_str(repository.full_description, "text of input");
    check_str(repository.description, "one");
    assert_true(repository.is_private);
    assert_int_equal(bench_run(bench, "", "repo change alice/app --private no"), 0);
    assert_false(find(bench, "alice/app").is_private);
}

static void test_command_repo_change__tells_what_is_wrong(void **state)
{
    struct bench *bench = *state;
    add_alice(bench);
    assert_int_equal(bench_run(bench, "", "repo change alice/app"), 2);
    assert_int_equal(bench_run(bench, "", "repo change alice/app --private no"), 1);
    assert_int_equal(text_lines(bench->err), 1);
    char *text = arena_alloc(bench->arena, FULL_DESCRIPTION_BYTES_MAX + 2);
    memset(text, 'x', FULL_DESCRIPTION_BYTES_MAX + 1);
    assert_int_equal(bench_run(bench, text, "repo change alice/app --full-description-file -"), 1);
    check_has(bench->err, "at most 25000 bytes");
}

static void test_command_repo_list__refuses_a_namespace_of_nobody(void **state)
{
    struct bench *bench = *state;
    add_alice(bench);
    assert_int_equal(bench_run(bench, "", "repo list alice"), 0);
    assert_int_equal(bench_run(bench, "", "repo list nosuch"), 1);
    check_has(bench->err, "there is no account or organization 'nosuch'");
    assert_int_equal(bench_run(bench, "", "repo change app --private no"), 1);
    check_has(bench->err, "those of people are NAMESPACE/app");
}

static void test_command_repo_list__shows_one_namespace_or_all(void **state)
{
    struct bench *bench = *state;
    add_alice(bench);
    assert_int_equal(bench_run(bench, "", "repo add alice/app --private yes"), 0);
    assert_int_equal(bench_run(bench, "", "repo add nginx"), 0);
    assert_int_equal(bench_run(bench, "", "repo list"), 0);
    check_has(bench->out, "alice/app      private ");
    check_has(bench->out, "library/nginx  public ");
    assert_int_equal(bench_run(bench, "", "repo list alice"), 0);
    assert_int_equal(text_lines(bench->out), 2);
    assert_int_equal(bench_run(bench, "", "repo list library --json"), 0);
    check_has(bench->out, "[{\"name\":\"library/nginx\",\"private\":false,\"automated\":false,");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLI_TEST(test_command_repo_add__makes_a_repository),
        CLI_TEST(test_command_repo_add__tells_what_is_wrong),
        CLI_TEST(test_command_repo_change__changes_what_is_given),
        CLI_TEST(test_command_repo_change__tells_what_is_wrong),
        CLI_TEST(test_command_repo_list__refuses_a_namespace_of_nobody),
        CLI_TEST(test_command_repo_list__shows_one_namespace_or_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
