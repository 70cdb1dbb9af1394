/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "api/health.h"
#include "db/db.h"
#include "hub/access.h"
#include "hub/hub.h"
#include "net/loopback.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

static const struct surface *const surfaces[] = { &health_surface, &readiness_surface,
                                                  &metrics_surface };

struct site {
    char folder[64];
    struct arena *arena;
    struct hub *hub;
    struct router *router;
};

static int setup(void **state)
{
    struct site *site = calloc(1, sizeof(*site));
    struct error err = { 0 };
    assert_non_null(site);
    (void)snprintf(site->folder, sizeof(site->folder), "/tmp/berth-api-XXXXXX");
    assert_non_null(mkdtemp(site->folder));
    site->arena = arena_new();
    struct hub_options options = {
        .database = arena_format(site->arena, "sqlite:%s/berth.db", site->folder),
        .storage = arena_format(site->arena, "file:%s/blobs", site->folder),
        .keys = arena_format(site->arena, "%s/keys", site->folder),
        .migrate = true,
    };
    if (!hub_open(&options, &site->hub, &err))
        fail_msg("%s", err.message);
    site->router = router_new(surfaces, ARRAY_COUNT(surfaces), access_authorize, &err);
    assert_non_null(site->router);
    *state = site;
    return 0;
}

static int entry_remove(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

static int teardown(void **state)
{
    struct site *site = *state;
    db_fail_nth_for_test(0);
    router_free(site->router);
    hub_close(site->hub);
    arena_free(site->arena);
    (void)nftw(site->folder, entry_remove, 16, FTW_DEPTH | FTW_PHYS);
    free(site);
    return 0;
}

static struct loopback_response *ask(struct site *site, const char *method, const char *path)
{
    struct str head =
        arena_format(site->arena, "%s %s HTTP/1.1\r\nHost: localhost\r\n\r\n", method, path);
    return loopback_request(site->router, site->hub, head);
}

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

#define HEALTH_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

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
