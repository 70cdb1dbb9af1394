/* SPDX-License-Identifier: Apache-2.0 */
#include "api_fixture.h"

static void test_healthz_get__answers(void **state)
{
    struct loopback_response *response AUTO(loopback_free) = ask(*state, "GET", "/healthz");
    assert_int_equal(response->status, 200);
    check_str(response->body, "ok\n");
    check_str(loopback_header(response, "Content-Type"), "text/plain; charset=utf-8");
    check_str(loopback_header(response, "Cache-Control"), "no-store");
}

static void test_healthz_get__does_not_need_the_database(void **state)
{
    db_fail_nth_for_test(1);
    struct loopback_response *response AUTO(loopback_free) = ask(*state, "GET", "/healthz");
    assert_int_equal(response->status, 200);
}

static void test_readyz_get__is_200_when_all_is_well(void **state)
{
    struct loopback_response *response AUTO(loopback_free) = ask(*state, "GET", "/readyz");
    assert_int_equal(response->status, 200);
    check_str(response->body, "ready\n");
}

static void test_readyz_get__is_503_without_the_store(void **state)
{
    struct site *site = *state;
    struct str from = arena_format(site->arena, "%s/blobs", site->folder);
    struct str to = arena_format(site->arena, "%s/gone", site->folder);
    assert_int_equal(rename(from.ptr, to.ptr), 0);
    struct loopback_response *response AUTO(loopback_free) = ask(site, "GET", "/readyz");
    assert_int_equal(response->status, 503);
    assert_true(str_starts(response->body, STR("not ready: ")));
    /* Whoever asks has no account: no path of ours. */
    assert_int_equal(str_find(response->body, '/'), response->body.len);
}

static void test_metrics_get__is_prometheus_text(void **state)
{
    struct loopback_response *response AUTO(loopback_free) = ask(*state, "GET", "/metrics");
    assert_int_equal(response->status, 200);
    check_str(loopback_header(response, "Content-Type"),
              "text/plain; version=0.0.4; charset=utf-8");
    struct str rest = response->body, line = STR_NONE;
    bool has_build_info = false;
    while (str_split(&rest, '\n', &line)) {
        has_build_info = has_build_info || str_starts(line, STR("berth_build_info{version=\""));
        if (line.len == 0 || str_starts(line, STR("# ")))
            continue;
        /* name{labels} value */
        size_t space = str_find_last(line, ' ');
        assert_true(space > 0 && space + 1 < line.len);
    }
    assert_true(has_build_info);
    assert_true(str_ends(response->body, STR("\n")));
}

static void test_health_refuse__answers_other_methods_and_paths(void **state)
{
    struct loopback_response *post AUTO(loopback_free) = ask(*state, "POST", "/healthz");
    assert_int_equal(post->status, 405);
    assert_true(str_is_set(loopback_header(post, "Allow")));
    struct loopback_response *below AUTO(loopback_free) = ask(*state, "GET", "/metrics/all");
    assert_int_equal(below->status, 404);
    check_str(loopback_header(below, "Content-Type"), "text/plain; charset=utf-8");
}

static void test_healthz_get__answers_head(void **state)
{
    struct loopback_response *response AUTO(loopback_free) = ask(*state, "HEAD", "/healthz");
    assert_int_equal(response->status, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HEALTH_TEST(test_healthz_get__answers),
        HEALTH_TEST(test_healthz_get__does_not_need_the_database),
        HEALTH_TEST(test_readyz_get__is_200_when_all_is_well),
        HEALTH_TEST(test_readyz_get__is_503_without_the_store),
        HEALTH_TEST(test_metrics_get__is_prometheus_text),
        HEALTH_TEST(test_health_refuse__answers_other_methods_and_paths),
        HEALTH_TEST(test_healthz_get__answers_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
