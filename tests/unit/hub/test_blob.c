/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/blob.h"

#include "base/limits.h"
#include "content.h"

static int64_t lease_of(struct hub_fixture *fixture, int64_t repository_id)
{
    return hub_fixture_sql(fixture, arena_format(fixture->arena,
                                                 "SELECT lease_until_ms FROM claim "
                                                 "WHERE repository_id = %lld",
                                                 (long long)repository_id)
                                        .ptr);
}

static void make_private(struct hub_fixture *fixture, const char *name)
{
    bool yes = true;
    struct repository_change change = { .is_private = &yes };
    CHECK(repository_change(fixture->hub, fixture->arena, content_name(name), &change,
                            &fixture->err));
}

static void test_blob_find__reads_only_what_the_repository_claims(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    int64_t other = content_repository(fixture, "bob/other");
    struct digest digest = content_blob(fixture, app, "layer");
    struct blob blob;
    CHECK(blob_find(fixture->hub, fixture->arena, app, &digest, false, &blob, &fixture->err));
    assert_int_equal(blob.size, 5);
    CHECK_FAILS(
        blob_find(fixture->hub, fixture->arena, other, &digest, false, &blob, &fixture->err),
        ERROR_NOT_FOUND, "sha256:");

    struct blob_reader *reader AUTO(blob_reader_close) = NULL;
    char bytes[8];
    CHECK(blob_open(fixture->hub->store, &blob.place, &reader, &fixture->err));
    assert_int_equal(blob_read(reader, 0, bytes, sizeof(bytes), &fixture->err), 5);
    assert_memory_equal(bytes, "layer", 5);
}

static void test_blob_find__renews_the_lease_when_it_gets_short(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    struct digest digest = content_blob(fixture, app, "layer");
    int64_t first = lease_of(fixture, app);
    int64_t now_ms = clock_now_ms();
    assert_true(first > now_ms + CLAIM_LEASE_S * 1000 - 60000);

    struct blob blob;
    hub_fixture_sql(fixture, "UPDATE claim SET lease_until_ms = 1");
    CHECK(blob_find(fixture->hub, fixture->arena, app, &digest, false, &blob, &fixture->err));
    assert_int_equal(lease_of(fixture, app), 1);
    CHECK(blob_find(fixture->hub, fixture->arena, app, &digest, true, &blob, &fixture->err));
    int64_t renewed = lease_of(fixture, app);
    assert_true(renewed >= now_ms + CLAIM_LEASE_S * 1000);
    /* The next HEAD finds it long enough, and writes nothing. */
    hub_fixture_later(fixture, 60000);
    CHECK(blob_find(fixture->hub, fixture->arena, app, &digest, true, &blob, &fixture->err));
    assert_int_equal(lease_of(fixture, app), renewed);
}

static bool mount(struct hub_fixture *fixture, int64_t to, int64_t from,
                  const struct account *account, const struct digest *digest)
{
    bool mounted = false;
    CHECK(blob_mount(fixture->hub, fixture->arena, to, from, account, digest, &mounted,
                     &fixture->err));
    return mounted;
}

static void test_blob_mount__claims_what_the_source_has(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    int64_t other = content_repository(fixture, "bob/other");
    int64_t third = content_repository(fixture, "bob/third");
    struct account bob = { .id = BOB };
    struct digest digest = content_blob(fixture, app, "layer"), absent = content_digest("absent");
    struct blob blob;
    assert_false(mount(fixture, other, app, &bob, &absent));
    assert_false(mount(fixture, other, third, &bob, &digest));
    assert_true(mount(fixture, other, app, &bob, &digest));
    CHECK(blob_find(fixture->hub, fixture->arena, other, &digest, false, &blob, &fixture->err));
}

static void test_blob_mount__without_source_takes_what_is_readable(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    int64_t other = content_repository(fixture, "bob/other");
    make_private(fixture, "alice/app");
    struct digest digest = content_blob(fixture, app, "layer");
    struct account bob = { .id = BOB }, alice = { .id = ALICE };
    struct account admin = { .id = CAROL, .is_admin = true };
    assert_false(mount(fixture, other, 0, &bob, &digest));
    assert_false(mount(fixture, other, 0, NULL, &digest));
    assert_true(mount(fixture, other, 0, &alice, &digest));
    CHECK(blob_forget(fixture->hub, fixture->arena, other, &digest, &fixture->err));
    assert_true(mount(fixture, other, 0, &admin, &digest));
}

static void test_blob_forget__refuses_what_a_manifest_uses(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    struct digest layer = content_digest("layer"), loose = content_blob(fixture, app, "loose");
    struct digest manifest = content_push(fixture, app, "layer", "1.0");
    char text[DIGEST_TEXT_MAX];
    (void)digest_format(&manifest, text);
    CHECK_FAILS(blob_forget(fixture->hub, fixture->arena, app, &layer, &fixture->err), ERROR_DENIED,
                text);
    CHECK(blob_forget(fixture->hub, fixture->arena, app, &loose, &fixture->err));
    CHECK_FAILS(blob_forget(fixture->hub, fixture->arena, app, &loose, &fixture->err),
                ERROR_NOT_FOUND, "sha256:");
    struct reference reference = { .digest = manifest };
    CHECK(manifest_delete(fixture->hub, fixture->arena, app, ALICE, &reference, &fixture->err));
    CHECK(blob_forget(fixture->hub, fixture->arena, app, &layer, &fixture->err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONTENT_TEST(test_blob_find__reads_only_what_the_repository_claims),
        CONTENT_TEST(test_blob_find__renews_the_lease_when_it_gets_short),
        CONTENT_TEST(test_blob_mount__claims_what_the_source_has),
        CONTENT_TEST(test_blob_mount__without_source_takes_what_is_readable),
        CONTENT_TEST(test_blob_forget__refuses_what_a_manifest_uses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
