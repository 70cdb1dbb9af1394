/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/repository.h"

#include "content.h"
#include "hub/blob.sql.h"
#include "hub/job.sql.h"
#include "hub/manifest.sql.h"
#include "hub/pull_counter.sql.h"
#include "hub/repository.sql.h"
#include "hub/search.sql.h"
#include "hub/tag.sql.h"
#include "hub/upload.sql.h"

static struct repository find(struct hub_fixture *fixture, const char *name)
{
    struct db_tx *tx AUTO(db_tx_end) = db_read(fixture->hub->db, fixture->arena, &fixture->err);
    struct repository repository = { 0 };
    assert_non_null(tx);
    CHECK(repository_find(tx, content_name(name), &repository, &fixture->err));
    return repository;
}

static void test_repository_shown_name__leaves_out_library(void **state)
{
    struct hub_fixture *fixture = *state;
    check_str(repository_shown_name(fixture->arena, content_name("library/centos")), "centos");
    check_str(repository_shown_name(fixture->arena, content_name("alice/app")), "alice/app");
}

static void test_repository_ensure__makes_it_once(void **state)
{
    struct hub_fixture *fixture = *state;
    assert_int_equal(find(fixture, "alice/app").id, 0);
    int64_t id = content_repository(fixture, "alice/app");
    assert_true(id > 0);
    assert_int_equal(content_repository(fixture, "alice/app"), id);
    struct repository made = find(fixture, "alice/app");
    assert_int_equal(made.id, id);
    assert_int_equal(made.owner_id, ALICE);
    check_str(made.name.owner, "alice");
    assert_false(made.is_private);
    assert_true(made.created_ms > 0);
}

static void test_repository_ensure__uses_the_owners_default(void **state)
{
    struct hub_fixture *fixture = *state;
    hub_fixture_sql(fixture, "UPDATE account SET default_private = TRUE WHERE name = 'alice'");
    content_repository(fixture, "alice/app");
    assert_true(find(fixture, "alice/app").is_private);
}

static void test_repository_ensure__needs_an_owner(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t id;
    CHECK_FAILS(repository_ensure(fixture->hub, fixture->arena, content_name("nobody1/app"), &id,
                                  &fixture->err),
                ERROR_NOT_FOUND, "nobody1");
}

static void test_repository_ensure__keeps_reserved_words_free(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t id;
    CHECK_FAILS(repository_ensure(fixture->hub, fixture->arena, content_name("library/search"), &id,
                                  &fixture->err),
                ERROR_INVALID, "reserved");
    CHECK(repository_ensure(fixture->hub, fixture->arena, content_name("alice/search"), &id,
                            &fixture->err));
}

static void test_repository_add__tells_what_is_wrong(void **state)
{
    struct hub_fixture *fixture = *state;
    struct hub *hub = fixture->hub;
    struct arena *arena = fixture->arena;
    struct repository_change with = { .description = STR("An app") };
    CHECK(repository_add(hub, arena, content_name("alice/app"), &with, &fixture->err));
    CHECK_FAILS(repository_add(hub, arena, content_name("alice/app"), &with, &fixture->err),
                ERROR_CONFLICT, "exists already");
    struct repository_name upper = { .owner = STR("alice"), .name = STR("App") };
    CHECK_FAILS(repository_add(hub, arena, upper, &with, &fixture->err), ERROR_INVALID, "'App'");
    with.description = STR("two\nlines");
    CHECK_FAILS(repository_add(hub, arena, content_name("alice/b"), &with, &fixture->err),
                ERROR_INVALID, "one line");
    with.description = STR("\xFF");
    CHECK_FAILS(repository_add(hub, arena, content_name("alice/b"), &with, &fixture->err),
                ERROR_INVALID, "UTF-8");
}

static struct str repeated(struct arena *arena, const char *text, size_t times)
{
    size_t length = strlen(text);
    char *bytes = arena_alloc(arena, length * times + 1);
    for (size_t i = 0; i < times; i++)
        memcpy(bytes + i * length, text, length);
    return (struct str){ bytes, length * times };
}

static void test_repository_change__counts_characters_not_bytes(void **state)
{
    struct hub_fixture *fixture = *state;
    struct hub *hub = fixture->hub;
    struct arena *arena = fixture->arena;
    content_repository(fixture, "alice/app");
    struct repository_change change = { .description = repeated(arena, "\u4E2D", 100) };
    CHECK(repository_change(hub, arena, content_name("alice/app"), &change, &fixture->err));
    assert_int_equal(find(fixture, "alice/app").description.len, 300);
    change.description = repeated(arena, "\u4E2D", 101);
    CHECK_FAILS(repository_change(hub, arena, content_name("alice/app"), &change, &fixture->err),
                ERROR_INVALID, "100 characters");
    change = (struct repository_change){ .full_description = repeated(arena, "x", 25001) };
    CHECK_FAILS(repository_change(hub, arena, content_name("alice/app"), &change, &fixture->err),
                ERROR_INVALID, "25000 bytes");
}

static void test_repository_change__changes_what_is_set(void **state)
{
    struct hub_fixture *fixture = *state;
    struct hub *hub = fixture->hub;
    content_repository(fixture, "alice/app");
    bool yes = true;
    struct repository_change change = { .description = STR("short"),
                                        .full_description = STR("long\ntext") };
    CHECK(
        repository_change(hub, fixture->arena, content_name("alice/app"), &change, &fixture->err));
    change = (struct repository_change){ .is_private = &yes };
    CHECK(
        repository_change(hub, fixture->arena, content_name("alice/app"), &change, &fixture->err));
    struct repository changed = find(fixture, "alice/app");
    check_str(changed.description, "short");
    check_str(changed.full_description, "long\ntext");
    assert_true(changed.is_private);
    assert_false(changed.is_automated);
    CHECK_FAILS(
        repository_change(hub, fixture->arena, content_name("alice/none"), &change, &fixture->err),
        ERROR_NOT_FOUND, "alice/none");
}

/* The names of a page, joined. */
static struct str list(struct hub_fixture *fixture, struct repository_list_query query)
{
    struct repository *found = NULL;
    size_t count = 0;
    CHECK(repository_list(fixture->hub, fixture->arena, &query, &found, &count, &fixture->err));
    struct str text = STR("");
    for (size_t i = 0; i < count; i++)
        text = arena_format(fixture->arena, "%.*s%s%.*s/%.*s", STR_ARG(text), i ? " " : "",
                            STR_ARG(found[i].name.owner), STR_ARG(found[i].name.name));
    return text;
}

static void make_several(struct hub_fixture *fixture)
{
    content_account(fixture, CAROL, "alice-b");
    const char *names[] = { "bob/x",     "alice/app",  "alice/app-2",   "alice/app.b",
                            "alice-b/a", "bob/secret", "library/centos" };
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        content_repository(fixture, names[i]);
    bool yes = true;
    struct repository_change change = { .is_private = &yes };
    CHECK(repository_change(fixture->hub, fixture->arena, content_name("bob/secret"), &change,
                            &fixture->err));
}

static void test_repository_list__pages_by_name(void **state)
{
    struct hub_fixture *fixture = *state;
    make_several(fixture);
    struct repository_list_query query = { .limit = 3 };
    check_str(list(fixture, query), "alice/app alice/app-2 alice/app.b");
    query.after = STR("alice/app.b");
    check_str(list(fixture, query), "alice-b/a bob/secret bob/x");
    query.after = STR("bob/x");
    check_str(list(fixture, query), "library/centos");
    query.after = STR("library/centos");
    check_str(list(fixture, query), "");
    query = (struct repository_list_query){ .limit = 2, .after = STR("alice/app") };
    check_str(list(fixture, query), "alice/app-2 alice/app.b");
    query = (struct repository_list_query){ .limit = 0 };
    check_str(list(fixture, query), "");
    query = (struct repository_list_query){ .limit = -1 };
    check_str(list(fixture, query), "");
}

static void test_repository_list__of_one_namespace(void **state)
{
    struct hub_fixture *fixture = *state;
    make_several(fixture);
    struct repository_list_query query = { .limit = 10, .owner = STR("alice") };
    check_str(list(fixture, query), "alice/app alice/app-2 alice/app.b");
    query.after = STR("alice/app-2");
    check_str(list(fixture, query), "alice/app.b");
    query.after = STR("bob/");
    check_str(list(fixture, query), "");
    query.after = STR("a/z");
    check_str(list(fixture, query), "alice/app alice/app-2 alice/app.b");
}

static void test_repository_list__shows_private_ones_to_their_owner(void **state)
{
    struct hub_fixture *fixture = *state;
    make_several(fixture);
    struct account nobody = { 0 }, bob = { .id = BOB }, alice = { .id = ALICE };
    struct account admin = { .id = CAROL, .is_admin = true };
    struct repository_list_query query = { .limit = 10, .owner = STR("bob"), .viewer = &nobody };
    check_str(list(fixture, query), "bob/x");
    query.viewer = &alice;
    check_str(list(fixture, query), "bob/x");
    query.viewer = &bob;
    check_str(list(fixture, query), "bob/secret bob/x");
    query.viewer = &admin;
    check_str(list(fixture, query), "bob/secret bob/x");
    query =
        (struct repository_list_query){ .limit = 10, .after = STR("alice-b/a"), .viewer = &nobody };
    check_str(list(fixture, query), "bob/x library/centos");
}

/* Whatever the page size, the pages together are the list. */
static void test_repository_list__pages_join_to_the_list(void **state)
{
    struct hub_fixture *fixture = *state;
    make_several(fixture);
    struct str all = list(fixture, (struct repository_list_query){ .limit = 100 });
    for (int limit = 1; limit <= 4; limit++) {
        struct str joined = STR(""), page;
        struct repository_list_query query = { .limit = limit };
        while ((page = list(fixture, query)).len > 0) {
            joined = arena_format(fixture->arena, "%.*s%s%.*s", STR_ARG(joined),
                                  joined.len ? " " : "", STR_ARG(page));
            size_t space = str_find_last(page, ' ');
            query.after = space == page.len ? page : str_after(page, space + 1);
        }
        assert_true(str_equal(joined, all));
    }
}

static void test_repository_add__a_failed_commit_leaves_nothing(void **state)
{
    struct hub_fixture *fixture = *state;
    struct repository_change with = { .description = STR("An app") };
    for (unsigned n = 1; n <= 30; n++) {
        db_fail_nth_for_test(n);
        bool added = repository_add(fixture->hub, fixture->arena, content_name("alice/app"), &with,
                                    &fixture->err);
        db_fail_nth_for_test(0);
        int64_t rows = hub_fixture_sql(
            fixture,
            "SELECT (SELECT count(*) FROM repository) + (SELECT count(*) FROM search_term)");
        if (added) {
            assert_true(rows > 1);
            return;
        }
        check_error(&fixture->err, ERROR_UNAVAILABLE, "");
        assert_int_equal(rows, 0);
    }
    fail_msg("thirty failures were not enough");
}

static void test_statements__of_the_content_half_prepare(void **state)
{
    struct hub_fixture *fixture = *state;
    const struct db_statement *const *tables[] = {
        blob_statements,       job_statements,    manifest_statements, pull_counter_statements,
        repository_statements, search_statements, tag_statements,      upload_statements,
    };
    for (size_t i = 0; i < ARRAY_COUNT(tables); i++) {
        for (const struct db_statement *const *each = tables[i]; *each; each++)
            CHECK(db_statement_check(fixture->hub->db, *each, &fixture->err));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONTENT_TEST(test_repository_shown_name__leaves_out_library),
        CONTENT_TEST(test_repository_ensure__makes_it_once),
        CONTENT_TEST(test_repository_ensure__uses_the_owners_default),
        CONTENT_TEST(test_repository_ensure__needs_an_owner),
        CONTENT_TEST(test_repository_ensure__keeps_reserved_words_free),
        CONTENT_TEST(test_repository_add__tells_what_is_wrong),
        CONTENT_TEST(test_repository_change__counts_characters_not_bytes),
        CONTENT_TEST(test_repository_change__changes_what_is_set),
        CONTENT_TEST(test_repository_list__pages_by_name),
        CONTENT_TEST(test_repository_list__of_one_namespace),
        CONTENT_TEST(test_repository_list__shows_private_ones_to_their_owner),
        CONTENT_TEST(test_repository_list__pages_join_to_the_list),
        CONTENT_TEST(test_repository_add__a_failed_commit_leaves_nothing),
        CONTENT_TEST(test_statements__of_the_content_half_prepare),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
