/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#define APP "alice/app"
#define LIST "/v2/" APP "/tags/list"

/* Tags t0 to t<count - 1> on one manifest. */
static void push_tags(struct fixture *fixture, int count)
{
    struct str body = make_image(fixture, "alice", APP, "layer");
    for (int i = 0; i < count; i++)
        push_manifest(fixture, "alice", APP, text(fixture, "t%d", i), TYPE_IMAGE, body);
}

/* "t0,t1" */
static struct str names(struct fixture *fixture, const struct loopback_response *from)
{
    const json_t *json = reply_json(fixture, from);
    struct str list = STR("");
    size_t index;
    json_t *name;
    check_str(json_get_str(json, "name"), APP);
    json_array_foreach(json_get_array(json, "tags"), index, name)
    {
        list = arena_format(fixture->arena, "%.*s%s%s", STR_ARG(list), index > 0 ? "," : "",
                            json_string_value(name));
    }
    return list;
}

static void test_tags_get__lists_all(void **state)
{
    struct fixture *fixture = *state;
    push_tags(fixture, 3);
    struct loopback_response *from = ask(fixture, "alice", "GET", LIST);
    check_status(from, 200);
    check_str(names(fixture, from), "t0,t1,t2");
    check_header(from, "Content-Type", "application/json");
    check_header(from, "Docker-Distribution-Api-Version", "registry/2.0");
    assert_false(str_is_set(loopback_header(from, "Link")));
}

static void test_tags_get__pages_by_link(void **state)
{
    struct fixture *fixture = *state;
    push_tags(fixture, 5);
    struct loopback_response *from = ask(fixture, "alice", "GET", LIST "?n=2");
    check_str(names(fixture, from), "t0,t1");
    check_header(from, "Link", "<" LIST "?n=2&last=t1>; rel=\"next\"");
    from = ask(fixture, "alice", "GET", LIST "?n=2&last=t1");
    check_str(names(fixture, from), "t2,t3");
    check_header(from, "Link", "<" LIST "?n=2&last=t3>; rel=\"next\"");
    from = ask(fixture, "alice", "GET", LIST "?n=2&last=t3");
    check_str(names(fixture, from), "t4");
    assert_false(str_is_set(loopback_header(from, "Link")));
}

static void test_tags_get__full_last_page_has_no_link(void **state)
{
    struct fixture *fixture = *state;
    push_tags(fixture, 2);
    struct loopback_response *from = ask(fixture, "alice", "GET", LIST "?n=2");
    check_str(names(fixture, from), "t0,t1");
    assert_false(str_is_set(loopback_header(from, "Link")));
}

static void test_tags_get__last_need_not_exist(void **state)
{
    struct fixture *fixture = *state;
    push_tags(fixture, 3);
    check_str(names(fixture, ask(fixture, "alice", "GET", LIST "?last=t0x")), "t1,t2");
}

static void test_tags_get__zero_wants_none(void **state)
{
    struct fixture *fixture = *state;
    push_tags(fixture, 2);
    struct loopback_response *from = ask(fixture, "alice", "GET", LIST "?n=0");
    check_status(from, 200);
    check_str(names(fixture, from), "");
    assert_false(str_is_set(loopback_header(from, "Link")));
}

static void test_tags_get__repository_without_tags_is_an_empty_list(void **state)
{
    struct fixture *fixture = *state;
    push_blob(fixture, "alice", APP, STR("x"));
    struct loopback_response *from = ask(fixture, "alice", "GET", LIST);
    check_status(from, 200);
    check_str(from->body, "{\"name\":\"" APP "\",\"tags\":[]}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REGISTRY_TEST(test_tags_get__lists_all),
        REGISTRY_TEST(test_tags_get__pages_by_link),
        REGISTRY_TEST(test_tags_get__full_last_page_has_no_link),
        REGISTRY_TEST(test_tags_get__last_need_not_exist),
        REGISTRY_TEST(test_tags_get__zero_wants_none),
        REGISTRY_TEST(test_tags_get__repository_without_tags_is_an_empty_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
