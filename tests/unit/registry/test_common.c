/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "base/limits.h"
#include "registry/registry_internal.h"

static struct form query_of(struct fixture *fixture, const char *query)
{
    struct form form;
    struct error err = { 0 };
    assert_true(form_parse(fixture->arena, str_from(query), &form, &err));
    return form;
}

static void test_page_parse__takes_n_and_last(void **state)
{
    const struct {
        const char *query;
        int limit;
    } cases[] = {
        { "", PAGE_SIZE_DEFAULT },
        { "n=7", 7 },
        { "n=0", 0 },
        { "n=1000", PAGE_SIZE_MAX },
        { "n=1001", PAGE_SIZE_MAX },
        { "n=9223372036854775807", PAGE_SIZE_MAX },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct page page;
        struct error err = { 0 };
        struct form query = query_of(*state, cases[i].query);
        assert_true(page_parse(&query, &page, &err));
        assert_int_equal(page.limit, cases[i].limit);
        assert_false(str_is_set(page.last));
    }
    struct page page;
    struct error err = { 0 };
    struct form query = query_of(*state, "last=a%2Fb&n=1");
    assert_true(page_parse(&query, &page, &err));
    check_str(page.last, "a/b");
}

static void test_page_parse__refuses_what_is_no_number(void **state)
{
    struct fixture *fixture = *state;
    const char *queries[] = { "n=", "n=-1", "n=ten", "n=1x", "n=99999999999999999999" };
    for (size_t i = 0; i < ARRAY_COUNT(queries); i++) {
        struct page page;
        struct error err = { 0 };
        struct form query = query_of(fixture, queries[i]);
        assert_false(page_parse(&query, &page, &err));
        check_error(&err, ERROR_INVALID, "n must be a number");
    }
    push_blob(fixture, "alice", "alice/app", STR("x"));
    const char *lists[] = { "/v2/alice/app/tags/list?n=-1", "/v2/_catalog?n=-1" };
    for (size_t i = 0; i < ARRAY_COUNT(lists); i++)
        check_refused(fixture, ask(fixture, "alice", "GET", lists[i]), 400, "UNSUPPORTED");
}

static void test_page_link__encodes_what_it_is_given(void **state)
{
    struct fixture *fixture = *state;
    struct request request = { .arena = fixture->arena, .path = STR("/v2/_catalog") };
    struct response response;
    struct page page = { .limit = 3 };
    response_init(&response, fixture->arena);
    page_link(&request, &response, &page, STR("a/b c&d>"), STR("&e=f"));
    assert_int_equal(response.header_count, 1);
    check_str(response.headers[0].value,
              "</v2/_catalog?n=3&last=a%2Fb%20c%26d%3E&e=f>; rel=\"next\"");
}

static void test_upload_headers__count_from_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct request request = { .arena = fixture->arena, .captures.repository_text = STR("centos") };
    const char *ranges[] = { "0-0", "0-0", "0-1" };
    for (int64_t size = 0; size < 3; size++) {
        struct response response;
        response_init(&response, fixture->arena);
        registry_upload_headers(&request, &response, STR("id"), size);
        check_str(response.headers[0].value, "/v2/centos/blobs/uploads/id");
        check_str(response.headers[1].value, "id");
        check_str(response.headers[2].value, ranges[size]);
    }
}

static void test_head_body__cannot_be_read(void **state)
{
    struct fixture *fixture = *state;
    struct response response;
    struct error err = { 0 };
    char byte;
    response_init(&response, fixture->arena);
    registry_head_body(&response, 7);
    assert_int_equal(response.length, 7);
    assert_int_equal(response.source.read(response.source.state, &byte, 1, &err), -1);
    check_error(&err, ERROR_INTERNAL, "HEAD");
    response_release(&response);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REGISTRY_TEST(test_page_parse__takes_n_and_last),
        REGISTRY_TEST(test_page_parse__refuses_what_is_no_number),
        REGISTRY_TEST(test_page_link__encodes_what_it_is_given),
        REGISTRY_TEST(test_upload_headers__count_from_nothing),
        REGISTRY_TEST(test_head_body__cannot_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
