/* SPDX-License-Identifier: Apache-2.0 */
/* Eight clients push into one repository at the same moment, each with a tag of its own and one
 * that all fight for.  The database refuses some of their transactions; nobody notices. */
#include "../unit/hub/content.h"
#include "base/clock.h"

#include <pthread.h>

enum { PUSHERS = 8, PUSHES = 15 };

struct pusher {
    pthread_t thread;
    struct hub_fixture *fixture;
    int64_t repository_id;
    int number;
    struct digest last;
    struct error err; /* of the first push that failed */
};

static bool push(struct pusher *pusher, int round)
{
    struct arena *arena AUTO(arena_free) = arena_new();
    struct str more =
        arena_format(arena, ",\"annotations\":{\"n\":\"%d\"}", pusher->number * PUSHES + round);
    struct str tags[] = { arena_format(arena, "own-%d", pusher->number), STR("latest") };
    struct manifest_put put = {
        .repository_id = pusher->repository_id,
        .account_id = ALICE,
        .body = content_image(arena, "layer", more.ptr),
        .tags = tags,
        .tag_count = ARRAY_COUNT(tags),
    };
    struct manifest_put_result result;
    if (!manifest_put(pusher->fixture->hub, arena, &put, &result, &pusher->err))
        return false;
    pusher->last = result.digest;
    return true;
}

static void *run_pusher(void *context)
{
    struct pusher *pusher = context;
    for (int round = 0; round < PUSHES; round++)
        if (!push(pusher, round))
            break;
    return NULL;
}

static int64_t count(struct hub_fixture *fixture, const char *of)
{
    return hub_fixture_sql(fixture,
                           arena_format(fixture->arena, "SELECT count(*) FROM %s", of).ptr);
}

static void check_own_tag(struct hub_fixture *fixture, const struct pusher *pusher)
{
    char text[DIGEST_TEXT_MAX];
    const char *of = arena_format(fixture->arena,
                                  "tag t JOIN manifest m ON m.id = t.manifest_id WHERE "
                                  "t.name = 'own-%d' AND m.digest = '%.*s'",
                                  pusher->number, STR_ARG(digest_format(&pusher->last, text)))
                         .ptr;
    assert_int_equal(count(fixture, of), 1);
}

static void test_manifest_put__by_many_at_once_loses_nothing(void **state)
{
    struct hub_fixture *fixture = *state;
    struct pusher pushers[PUSHERS];
    int64_t repository_id = content_repository(fixture, "alice/app");
    content_blob(fixture, repository_id, CONTENT_CONFIG);
    content_blob(fixture, repository_id, "layer");
    int64_t began_ms = clock_monotonic_ms();
    for (int i = 0; i < PUSHERS; i++) {
        pushers[i] =
            (struct pusher){ .fixture = fixture, .repository_id = repository_id, .number = i };
        assert_int_equal(pthread_create(&pushers[i].thread, NULL, run_pusher, &pushers[i]), 0);
    }
    for (int i = 0; i < PUSHERS; i++) {
        (void)pthread_join(pushers[i].thread, NULL);
        if (pushers[i].err.kind != ERROR_NONE)
            fail_msg("%s", pushers[i].err.message);
    }
    print_message("%d pushes in %lld ms\n", PUSHERS * PUSHES,
                  (long long)(clock_monotonic_ms() - began_ms));
    assert_int_equal(count(fixture, "manifest"), PUSHERS * PUSHES);
    assert_int_equal(count(fixture, "manifest_body"), PUSHERS * PUSHES);
    assert_int_equal(count(fixture, "manifest_reference"), 2 * PUSHERS * PUSHES);
    assert_int_equal(count(fixture, "tag"), PUSHERS + 1);
    /* Each push but a tag's first has moved it, and each move is remembered. */
    assert_int_equal(count(fixture, "tag_history WHERE name = 'latest'"), PUSHERS * PUSHES - 1);
    assert_int_equal(count(fixture, "tag_history WHERE name <> 'latest'"), PUSHERS * (PUSHES - 1));
    assert_int_equal(hub_fixture_sql(fixture, "SELECT push_count FROM repository"),
                     PUSHERS * PUSHES);
    for (int i = 0; i < PUSHERS; i++)
        check_own_tag(fixture, &pushers[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONTENT_TEST(test_manifest_put__by_many_at_once_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
