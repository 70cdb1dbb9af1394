/* SPDX-License-Identifier: Apache-2.0 */
#include "collect_fixture.h"

static struct collect_report report_of(struct hub_fixture *fixture)
{
    struct collect_report report;
    CHECK(collect_explain(fixture->hub, fixture->arena, &report, &fixture->err));
    return report;
}

static void check_reason(const struct collect_report *report, enum collect_reason reason,
                         int64_t blobs, size_t bytes)
{
    if (report->blobs[reason] != blobs || report->bytes[reason] != (int64_t)bytes)
        fail_msg("%s: %lld blobs, %lld bytes", collect_reason_text(reason),
                 (long long)report->blobs[reason], (long long)report->bytes[reason]);
}

static void test_collect_explain__counts_each_blob_once_under_its_strongest_reason(void **state)
{
    struct hub_fixture *fixture = *state;
    fixture->hub->history_ms = 7 * DAY_MS;
    int64_t app = content_repository(fixture, "alice/app");
    int64_t other = content_repository(fixture, "bob/other");
    struct collect_report report = report_of(fixture);
    for (int i = 0; i < COLLECT_REASON_COUNT; i++)
        check_reason(&report, (enum collect_reason)i, 0, 0);

    struct digest child = content_push(fixture, app, "in an index", "");
    struct digest inner = collect_push_index(fixture, app, &child, NULL, "");
    collect_push_index(fixture, app, &inner, NULL, "index");
    collect_push_referrer(fixture, app, &child, "signature", "");
    content_push(fixture, app, "loose", "");
    struct digest gone = content_push(fixture, app, "gone", "gone");
    content_push(fixture, other, "gone too", "gone");
    CHECK(collect_delete(fixture, app, &gone));
    content_blob(fixture, app, "free");
    hub_fixture_later(fixture, 2 * HOUR_MS);
    content_blob(fixture, app, "leased");
    content_blob(fixture, other, "loose"); /* another claim, a weaker reason */
    report = report_of(fixture);
    check_reason(&report, COLLECT_TAGGED, 4,
                 strlen(CONTENT_CONFIG "in an index"
                                       "signature"
                                       "gone too"));
    check_reason(&report, COLLECT_UNTAGGED, 1, strlen("loose"));
    check_reason(&report, COLLECT_HISTORY, 1, strlen("gone"));
    check_reason(&report, COLLECT_LEASED, 1, strlen("leased"));
    check_reason(&report, COLLECT_FREE, 1, strlen("free"));
    assert_int_equal(report.files_waiting, 0);
}

static void test_collect_purge__closes_all_windows(void **state)
{
    struct hub_fixture *fixture = *state;
    fixture->hub->history_ms = 7 * DAY_MS;
    int64_t app = content_repository(fixture, "alice/app");
    struct digest gone = content_push(fixture, app, "gone", "1 2 3");
    content_push(fixture, app, "stays", "stays");
    struct digest child = content_push(fixture, app, "child", "");
    struct digest index = collect_push_index(fixture, app, &child, NULL, "index");
    collect_later(fixture);
    CHECK(collect_delete(fixture, app, &gone));
    CHECK(collect_delete(fixture, app, &index));
    content_blob(fixture, app, "leased");
    assert_int_equal(collect_all(fixture).blobs, 0);
    CHECK(collect_purge(fixture->hub, fixture->arena, &fixture->err));
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM tag_history"), 0);
    struct collect_result result = collect_all(fixture);
    assert_int_equal(result.manifests, 3);
    assert_int_equal(result.blobs, 2);
    assert_true(collect_has_blob(fixture, app, "leased"));
    collect_check_files(fixture, 3);
}

static void test_collect_waiting__counts_removals(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app"), jobs;
    content_blob(fixture, app, "layer");
    hub_fixture_later(fixture, 2 * HOUR_MS);
    struct collect_result result;
    bool ran;
    CHECK(collect_step(fixture->hub, fixture->arena, &result, &fixture->err));
    CHECK(collect_waiting(fixture->hub, fixture->arena, &jobs, &fixture->err));
    assert_int_equal(jobs, 1);
    assert_int_equal(report_of(fixture).files_waiting, 1);
    CHECK(collect_run_job(fixture->hub, fixture->arena, &ran, &fixture->err));
    assert_true(ran);
    CHECK(collect_run_job(fixture->hub, fixture->arena, &ran, &fixture->err));
    assert_false(ran);
    CHECK(collect_waiting(fixture->hub, fixture->arena, &jobs, &fixture->err));
    assert_int_equal(jobs, 0);
    collect_check_files(fixture, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONTENT_TEST(test_collect_explain__counts_each_blob_once_under_its_strongest_reason),
        CONTENT_TEST(test_collect_purge__closes_all_windows),
        CONTENT_TEST(test_collect_waiting__counts_removals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
