/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

static void fill(struct fixture *fixture)
{
    push_blob(fixture, "alice", "alice/centos7-ansible", STR("x"));
    push_blob(fixture, "alice", "alice/secret-centos", STR("x"));
    push_blob(fixture, "captain", "centos", STR("x"));
    make_private(fixture, "alice", "secret-centos");
}

/* "centos,alice/app" */
static struct str found(struct fixture *fixture, const char *as, const char *query)
{
    struct loopback_response *from = ask(fixture, as, "GET", text(fixture, "/v1/search%s", query));
    struct str list = STR("");
    size_t index;
    json_t *result;
    check_status(from, 200);
    json_array_foreach(json_get_array(reply_json(fixture, from), "results"), index, result)
    {
        list = arena_format(fixture->arena, "%.*s%s%.*s", STR_ARG(list), index > 0 ? "," : "",
                            STR_ARG(json_get_str(result, "name")));
    }
    return list;
}

static void test_v1_ping__says_standalone(void **state)
{
    struct loopback_response *from = ask(*state, NULL, "GET", "/v1/_ping");
    check_status(from, 200);
    check_str(from->body, "true");
    check_header(from, "X-Docker-Registry-Standalone", "true");
    check_header(from, "X-Docker-Registry-Version", "0.6.0");
}

static void test_v1_search__answers_as_docker_reads_it(void **state)
{
    struct fixture *fixture = *state;
    fill(fixture);
    struct loopback_response *from = ask(fixture, NULL, "GET", "/v1/search?q=centos&n=25");
    check_status(from, 200);
    check_header(from, "Content-Type", "application/json");
    check_header(from, "Cache-Control", "private, no-store");
    check_str(from->body,
              "{\"num_pages\":1,\"num_results\":2,\"results\":["
              "{\"name\":\"centos\",\"description\":\"\",\"star_count\":0,\"is_official\":true,"
              "\"is_automated\":false,\"is_trusted\":false},"
              "{\"name\":\"alice/centos7-ansible\",\"description\":\"\",\"star_count\":0,"
              "\"is_official\":false,\"is_automated\":false,\"is_trusted\":false}],"
              "\"page_size\":25,\"query\":\"centos\",\"page\":1}");
}

static void test_v1_search__shows_private_ones_to_those_who_may(void **state)
{
    struct fixture *fixture = *state;
    fill(fixture);
    const char *search = bearer(fixture, "alice", "registry:catalog:search");
    const char *pull = bearer(fixture, "alice", "repository:alice/secret-centos:pull");
    assert_false(holds(found(fixture, NULL, "?q=centos"), "secret"));
    assert_false(holds(found(fixture, "bobby", "?q=centos"), "secret"));
    assert_false(holds(found(fixture, pull, "?q=centos"), "secret"));
    assert_true(holds(found(fixture, "alice", "?q=centos"), "alice/secret-centos"));
    assert_true(holds(found(fixture, search, "?q=centos"), "alice/secret-centos"));
}

static void test_v1_search__wrong_password_is_401(void **state)
{
    struct loopback_response *from =
        ask(*state, "Basic YWxpY2U6d3Jvbmc=", "GET", "/v1/search?q=centos");
    check_status(from, 401);
    check_str(from->body, "\"incorrect username or password\"");
    check_header(from, "WWW-Authenticate", "Basic realm=\"Berth\"");
}

static void test_v1_search__pages(void **state)
{
    struct fixture *fixture = *state;
    fill(fixture);
    check_str(found(fixture, NULL, "?q=centos&n=1"), "centos");
    check_str(found(fixture, NULL, "?q=centos&n=1&page=2"), "alice/centos7-ansible");
    check_str(found(fixture, NULL, "?q=centos&n=1&page=3"), "");
    struct loopback_response *from = ask(fixture, NULL, "GET", "/v1/search?q=centos&n=1");
    int64_t pages = 0;
    assert_true(json_get_i64(reply_json(fixture, from), "num_pages", &pages));
    assert_int_equal(pages, 2);
}

static void test_v1_search__takes_odd_queries(void **state)
{
    struct fixture *fixture = *state;
    fill(fixture);
    check_str(found(fixture, NULL, "?q=library/centos"), "centos,alice/centos7-ansible");
    check_str(found(fixture, NULL, "?q=nothing-like-it"), "");
    check_str(found(fixture, NULL, ""), "centos,alice/centos7-ansible");
    struct loopback_response *from = ask(fixture, NULL, "GET", "/v1/search?q=library/centos");
    check_str(json_get_str(reply_json(fixture, from), "query"), "library/centos");
}

static void test_v1_search__refuses_numbers_outside(void **state)
{
    struct fixture *fixture = *state;
    const char *queries[] = { "n=0", "n=101", "n=x", "n=", "page=0", "page=-1", "q=%zz" };
    for (size_t i = 0; i < ARRAY_COUNT(queries); i++)
        check_status(ask(fixture, NULL, "GET", text(fixture, "/v1/search?%s", queries[i])), 400);
    check_str(ask(fixture, NULL, "GET", "/v1/search?n=101")->body,
              "\"n must be between 1 and 100\"");
    char *q = arena_alloc(fixture->arena, 514);
    memset(q, 'a', 513);
    check_status(ask(fixture, NULL, "GET", text(fixture, "/v1/search?q=%s", q)), 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REGISTRY_TEST(test_v1_ping__says_standalone),
        REGISTRY_TEST(test_v1_search__answers_as_docker_reads_it),
        REGISTRY_TEST(test_v1_search__shows_private_ones_to_those_who_may),
        REGISTRY_TEST(test_v1_search__wrong_password_is_401),
        REGISTRY_TEST(test_v1_search__pages),
        REGISTRY_TEST(test_v1_search__takes_odd_queries),
        REGISTRY_TEST(test_v1_search__refuses_numbers_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
