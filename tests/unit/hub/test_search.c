/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/search.h"

#include "base/limits.h"
#include "content.h"
#include "hub/search.sql.h"

#include <sqlite3.h>

struct entry {
    const char *name, *description;
    int64_t stars, pulls;
};

struct indexing {
    const struct entry *entry;
    int64_t id;
};

static bool index_tx(struct db_tx *tx, void *context, struct error *err)
{
    const struct indexing *indexing = context;
    return search_index(tx, indexing->id, err);
}

static int64_t add(struct hub_fixture *fixture, struct entry entry)
{
    struct repository_change with = { .description = str_from(entry.description) };
    CHECK(repository_add(fixture->hub, fixture->arena, content_name(entry.name), &with,
                         &fixture->err));
    struct indexing indexing = { &entry, content_repository(fixture, entry.name) };
    hub_fixture_sql(fixture,
                    arena_format(fixture->arena,
                                 "UPDATE repository SET star_count = %lld, pull_count = %lld "
                                 "WHERE id = %lld",
                                 (long long)entry.stars, (long long)entry.pulls,
                                 (long long)indexing.id)
                        .ptr);
    CHECK(db_write(fixture->hub->db, fixture->arena, index_tx, &indexing, &fixture->err));
    return indexing.id;
}

static void make_private(struct hub_fixture *fixture, const char *name)
{
    bool yes = true;
    struct repository_change change = { .is_private = &yes };
    CHECK(repository_change(fixture->hub, fixture->arena, content_name(name), &change,
                            &fixture->err));
}

/* The names found, and how many there are in all: "centos tianon/centos (2)". */
static struct str find(struct hub_fixture *fixture, struct search_query query)
{
    static const struct account nobody = { 0 };
    if (!query.viewer)
        query.viewer = &nobody;
    if (query.limit == 0)
        query.limit = 25;
    struct search_result *results = NULL;
    size_t count = 0;
    int64_t total = -1;
    CHECK(
        search_find(fixture->hub, fixture->arena, &query, &results, &count, &total, &fixture->err));
    struct str text = STR("");
    for (size_t i = 0; i < count; i++)
        text = arena_format(fixture->arena, "%.*s%.*s ", STR_ARG(text), STR_ARG(results[i].name));
    return arena_format(fixture->arena, "%.*s(%lld)", STR_ARG(text), (long long)total);
}

#define FIND(...) find(fixture, (struct search_query){ .text = __VA_ARGS__ })

/* --- the two tables of Docker's user guide ---------------------------------------------------- */

static void test_search_find__centos_of_2014(void **state)
{
    struct hub_fixture *fixture = *state;
    content_account(fixture, 200, "tianon");
    add(fixture,
        (struct entry){ "tianon/centos", "CentOS 5 and 6, created using rinse instead...", 21, 0 });
    add(fixture,
        (struct entry){ "library/centos", "Official CentOS 6 Image as of 12 April 2014", 88, 0 });
    add(fixture, (struct entry){ "alice/app", "Something else", 1000, 0 });
    struct account nobody = { 0 };
    struct search_query query = { .text = STR("centos"), .viewer = &nobody, .limit = 25 };
    struct search_result *results;
    size_t count;
    int64_t total;
    CHECK(
        search_find(fixture->hub, fixture->arena, &query, &results, &count, &total, &fixture->err));
    assert_int_equal(count, 2);
    assert_int_equal(total, 2);
    check_str(results[0].name, "centos");
    check_str(results[0].description, "Official CentOS 6 Image as of 12 April 2014");
    assert_int_equal(results[0].star_count, 88);
    assert_true(results[0].is_official);
    check_str(results[1].name, "tianon/centos");
    check_str(results[1].description, "CentOS 5 and 6, created using rinse instead...");
    assert_int_equal(results[1].star_count, 21);
    assert_false(results[1].is_official);
}

static void test_search_find__centos_of_2015(void **state)
{
    struct hub_fixture *fixture = *state;
    content_account(fixture, 200, "ansible");
    content_account(fixture, 201, "tutum");
    add(fixture,
        (struct entry){ "tutum/centos", "Centos image with SSH access. For the root...", 13, 0 });
    add(fixture, (struct entry){ "ansible/centos7-ansible", "Ansible on Centos7", 43, 0 });
    add(fixture, (struct entry){ "library/centos", "The official build of CentOS.", 1034, 0 });
    check_str(FIND(STR("centos")), "centos ansible/centos7-ansible tutum/centos (3)");
    check_str(FIND(STR(" CentOS ")), "centos ansible/centos7-ansible tutum/centos (3)");
    check_str(FIND(STR("centos7")), "ansible/centos7-ansible (1)");
    check_str(FIND(STR("ansible centos")), "ansible/centos7-ansible (1)");
}

/* --- what matches ---------------------------------------------------------------------------- */

static void test_search_find__by_name_owner_and_description(void **state)
{
    struct hub_fixture *fixture = *state;
    add(fixture, (struct entry){ "alice/postgres", "A database \u6570\u636E\u5E93", 3, 0 });
    add(fixture, (struct entry){ "bob/web", "Serves pages", 2, 0 });
    add(fixture, (struct entry){ "library/redis", "Keeps data", 1, 0 });
    check_str(FIND(STR("alice")), "alice/postgres (1)");
    check_str(FIND(STR("database")), "alice/postgres (1)");
    check_str(FIND(STR("pages bob")), "bob/web (1)");
    check_str(FIND(STR("\u636E\u5E93")), "alice/postgres (1)");
    check_str(FIND(STR("\u6570\u636E\u5E93")), "alice/postgres (1)");
    check_str(FIND(STR("\u5E93\u6570")), "(0)");
    check_str(FIND(STR("pos")), "alice/postgres (1)"); /* beginning of a name */
    check_str(FIND(STR("al")), "alice/postgres (1)");  /* and of an owner */
    check_str(FIND(STR("data")), "redis (1)");         /* of a description: whole words only */
    check_str(FIND(STR("postgres pages")), "(0)");
    check_str(FIND(STR("library")), "(0)");
    check_str(FIND(STR("library/redis")), "redis (1)");
    check_str(FIND(STR("---")), "(0)");
    check_str(FIND(STR("")), "redis alice/postgres bob/web (3)");
    check_str(FIND(STR_NONE), "redis alice/postgres bob/web (3)");
}

static void test_search_find__follows_a_changed_description(void **state)
{
    struct hub_fixture *fixture = *state;
    add(fixture, (struct entry){ "bob/web", "Serves pages", 2, 0 });
    struct repository_change change = { .description = STR("Shows pictures") };
    CHECK(repository_change(fixture->hub, fixture->arena, content_name("bob/web"), &change,
                            &fixture->err));
    check_str(FIND(STR("pages")), "(0)");
    check_str(FIND(STR("pictures")), "bob/web (1)");
}

static void test_search_find__shows_private_ones_to_their_owner(void **state)
{
    struct hub_fixture *fixture = *state;
    add(fixture, (struct entry){ "bob/web", "Serves pages", 2, 0 });
    add(fixture, (struct entry){ "bob/secret", "Serves pages", 2, 0 });
    make_private(fixture, "bob/secret");
    struct account bob = { .id = BOB }, alice = { .id = ALICE };
    struct account admin = { .id = CAROL, .is_admin = true };
    check_str(FIND(STR("pages")), "bob/web (1)");
    check_str(FIND(STR("bob/secret")), "(0)");
    check_str(FIND(STR("pages"), .viewer = &alice), "bob/web (1)");
    check_str(FIND(STR("bob/secret"), .viewer = &alice), "(0)");
    check_str(FIND(STR("pages"), .viewer = &bob), "bob/secret bob/web (2)");
    check_str(FIND(STR("bob/secret"), .viewer = &bob), "bob/secret (1)");
    check_str(FIND(STR("pages"), .viewer = &admin), "bob/secret bob/web (2)");
}

static void test_search_find__filters(void **state)
{
    struct hub_fixture *fixture = *state;
    add(fixture, (struct entry){ "library/web", "", 5, 0 });
    add(fixture, (struct entry){ "alice/web", "", 50, 0 });
    add(fixture, (struct entry){ "bob/web", "", 2, 0 });
    bool yes = true;
    struct repository_change change = { .is_automated = &yes };
    CHECK(repository_change(fixture->hub, fixture->arena, content_name("bob/web"), &change,
                            &fixture->err));
    check_str(FIND(STR("web")), "web alice/web bob/web (3)");
    check_str(FIND(STR("web"), .official = SEARCH_YES), "web (1)");
    check_str(FIND(STR("web"), .official = SEARCH_NO), "alice/web bob/web (2)");
    check_str(FIND(STR(""), .official = SEARCH_NO), "alice/web bob/web (2)");
    check_str(FIND(STR("web"), .automated = SEARCH_YES), "bob/web (1)");
    check_str(FIND(STR("web"), .automated = SEARCH_NO), "web alice/web (2)");
    check_str(FIND(STR("web"), .stars_min = 5), "web alice/web (2)");
    check_str(FIND(STR("bob/web"), .stars_min = 5), "(0)");
}

/* --- order and pages ---------------------------------------------------------------------------
 */

static void test_search_find__orders_by_rank(void **state)
{
    struct hub_fixture *fixture = *state;
    add(fixture, (struct entry){ "bob/tool-b", "", 0, 0 });
    add(fixture, (struct entry){ "bob/tool-a", "", 0, 1000 });
    add(fixture, (struct entry){ "alice/tool", "", 0, 0 });
    add(fixture, (struct entry){ "bob/tool-stars", "", 1, 0 });
    add(fixture, (struct entry){ "library/toolbox", "", 0, 0 });
    check_str(FIND(STR("tool")), "toolbox bob/tool-stars bob/tool-a alice/tool bob/tool-b (5)");
    check_str(FIND(STR("alice/tool")), "alice/tool (1)");
    /* What is called like the query comes first, whatever its stars. */
    add(fixture, (struct entry){ "library/tool", "", 0, 0 });
    add(fixture, (struct entry){ "library/tool-two", "", 9, 0 });
    check_str(FIND(STR("tool"), .official = SEARCH_YES), "tool tool-two toolbox (3)");
}

static void test_search_find__pages(void **state)
{
    struct hub_fixture *fixture = *state;
    for (int i = 0; i < 12; i++) {
        const char *name = arena_format(fixture->arena, "alice/tool-%c", 'a' + i).ptr;
        add(fixture, (struct entry){ name, "", 100 - i, 0 });
    }
    add(fixture, (struct entry){ "library/tool", "", 0, 0 });
    check_str(FIND(STR("tool"), .limit = 3), "tool alice/tool-a alice/tool-b (13)");
    check_str(FIND(STR("tool"), .limit = 3, .page = 2),
              "alice/tool-c alice/tool-d alice/tool-e (13)");
    check_str(FIND(STR("tool"), .limit = 3, .page = 5), "alice/tool-l (13)");
    check_str(FIND(STR("tool"), .limit = 3, .page = 6), "(13)");
    check_str(FIND(STR("tool"), .limit = 100, .page = 2000000), "(13)");
    check_str(FIND(STR("tool alice"), .limit = 2, .page = 2), "alice/tool-c alice/tool-d (12)");
    check_str(FIND(STR("tool"), .limit = 13), FIND(STR("tool"), .limit = 1000).ptr);
}

static void test_search_find__takes_any_text(void **state)
{
    struct hub_fixture *fixture = *state;
    add(fixture, (struct entry){ "alice/tool", "a b c d e f g h i j", 0, 0 });
    check_str(FIND(STR("a b c d e f g h nothing")), "alice/tool (1)"); /* the ninth is ignored */
    check_str(FIND(STR("a b c d e f g nothing")), "(0)");
    check_str(FIND(STR("' OR 1=1 --")), "(0)");
    check_str(FIND(STR("%")), "(0)");
    check_str(FIND(STR("\xFF\xFE")), "(0)");
    char *longest = arena_alloc(fixture->arena, 5001);
    memset(longest, 'x', 5000);
    check_str(FIND(str_from(longest)), "(0)");
}

/* A page must come from the index in its order: SQLite sorts everything when it thinks little of
 * that. */
static void check_plan(struct hub_fixture *fixture, const char *name)
{
    const struct db_statement *const *statement = search_statements;
    while (*statement && strcmp((*statement)->name, name) != 0)
        statement++;
    assert_non_null(*statement);
    sqlite3 *handle = NULL;
    sqlite3_stmt *explain = NULL;
    const char *path = arena_c(fixture->arena, str_after(fixture->database, STR("sqlite:").len));
    const char *sql =
        arena_format(fixture->arena, "EXPLAIN QUERY PLAN %s", (*statement)->sqlite).ptr;
    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(handle, sql, -1, &explain, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(explain), SQLITE_ROW);
    bool is_first = true;
    do {
        const char *step = (const char *)sqlite3_column_text(explain, 3);
        if (is_first)
            assert_non_null(strstr(step, "PRIMARY KEY (term=? AND rank>? AND rank<?)"));
        if (strstr(step, "TEMP B-TREE") || strstr(step, "SCAN"))
            fail_msg("%s: %s", name, step);
        is_first = false;
    } while (sqlite3_step(explain) == SQLITE_ROW);
    sqlite3_finalize(explain);
    sqlite3_close(handle);
}

static void test_search_find__reads_pages_in_the_order_of_the_index(void **state)
{
    test_only_sqlite(); /* PostgreSQL's planner goes by how much is in the tables */
    check_plan(*state, "search_page");
}

/* --- ranks ----------------------------------------------------------------------------------- */

static void test_search_rank__is_ordered(void **state)
{
    (void)state;
    struct repository_name official = content_name("centos"), alice = content_name("alice/a"),
                           bob = content_name("bob/a");
    assert_true(search_rank(official, 0, 0) > search_rank(alice, INT64_MAX, INT64_MAX));
    assert_true(search_rank(official, 0, 0) >= SEARCH_RANK_OFFICIAL);
    assert_true(search_rank(alice, INT64_MAX, INT64_MAX) < SEARCH_RANK_OFFICIAL);
    assert_true(search_rank(bob, 1, 0) > search_rank(alice, 0, INT64_MAX));
    assert_true(search_rank(bob, 0, 1) > search_rank(alice, 0, 0));
    assert_true(search_rank(alice, 5, 5) > search_rank(bob, 5, 5));
    assert_true(search_rank(bob, -1, -1) > 0);
    int64_t pulls = 0;
    for (int64_t rank = search_rank(alice, 7, 0); pulls < INT64_MAX / 3; pulls = pulls * 2 + 1) {
        int64_t next = search_rank_with_pulls(rank, pulls * 2 + 1);
        assert_true(next > rank);
        assert_int_equal(next, search_rank(alice, 7, pulls * 2 + 1));
        rank = next;
    }
    assert_int_equal(search_rank(alice, 0, 1000000), search_rank(alice, 0, 1000001));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONTENT_TEST(test_search_find__centos_of_2014),
        CONTENT_TEST(test_search_find__centos_of_2015),
        CONTENT_TEST(test_search_find__by_name_owner_and_description),
        CONTENT_TEST(test_search_find__follows_a_changed_description),
        CONTENT_TEST(test_search_find__shows_private_ones_to_their_owner),
        CONTENT_TEST(test_search_find__filters),
        CONTENT_TEST(test_search_find__orders_by_rank),
        CONTENT_TEST(test_search_find__pages),
        CONTENT_TEST(test_search_find__takes_any_text),
        CONTENT_TEST(test_search_find__reads_pages_in_the_order_of_the_index),
        cmocka_unit_test(test_search_rank__is_ordered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
