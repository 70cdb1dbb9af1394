/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/password.h"

#include "../check.h"
#include "base/clock.h"
#include "base/limits.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

static int set_up(void **state)
{
    *state = arena_new();
    return 0;
}

static int tear_down(void **state)
{
    arena_free(*state);
    return 0;
}

static void check_rule(struct str password, const char *trouble)
{
    struct error err = { 0 };
    if (!trouble) {
        assert_true(password_check_rules(password, &err));
        return;
    }
    assert_false(password_check_rules(password, &err));
    check_error(&err, ERROR_INVALID, trouble);
}

static void test_password_check_rules__bounds_length_and_characters(void **state)
{
    struct arena *arena = *state;
    char *longest = arena_alloc(arena, PASSWORD_BYTES_MAX + 1);
    memset(longest, 'a', PASSWORD_BYTES_MAX + 1);
    check_rule(STR("12345678"), "too short");
    check_rule(STR_NONE, "too short");
    check_rule(STR("123456789"), NULL);
    check_rule((struct str){ longest, PASSWORD_BYTES_MAX }, NULL);
    check_rule((struct str){ longest, PASSWORD_BYTES_MAX + 1 }, "longer than 1024");
    check_rule(STR("correct horse \xC3\xA4\xE2\x82\xAC:/\\\"'"), NULL);
    check_rule(STR("123456789\n"), "nobody can type");
    check_rule(STR("1234\x00"
                   "56789"),
               "nobody can type");
    check_rule(STR("123456789\x7F"), "nobody can type");
    check_rule(STR("12345678\xC2\x85"), "nobody can type");
    check_rule(STR("12345678\xC2\xA0"), NULL);
    check_rule(STR("12345678\xFF"), "nobody can type");
    check_rule(STR("12345678\xED\xA0\x80"), "nobody can type");
}

static void test_password_hash__is_argon2id_with_a_salt_of_its_own(void **state)
{
    struct arena *arena = *state;
    struct error err = { 0 };
    struct str first, second;
    assert_true(password_hash(arena, STR("correct horse"), &first, &err));
    assert_true(password_hash(arena, STR("correct horse"), &second, &err));
    assert_true(str_starts(first, STR("$argon2id$v=19$m=19456,t=2,p=1$")));
    assert_false(str_equal(first, second));
}

static void test_password_verify__tells_right_from_wrong(void **state)
{
    struct arena *arena = *state;
    struct error err = { 0 };
    struct str hash;
    bool matches = false;
    assert_true(password_hash(arena, STR("correct horse"), &hash, &err));
    assert_true(password_verify(arena, hash, STR("correct horse"), &matches, &err));
    assert_true(matches);
    static const struct str wrong[] = { { "correct horsf", 13 },
                                        { "correct hors", 12 },
                                        { "correct horse ", 14 },
                                        { "", 0 },
                                        { NULL, 0 } };
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        assert_true(password_verify(arena, hash, wrong[i], &matches, &err));
        assert_false(matches);
    }
}

static void test_password_verify__reports_a_hash_that_is_none(void **state)
{
    struct error err = { 0 };
    bool matches;
    assert_false(password_verify(*state, STR("$argon2id$v=19$m=8"), STR("secret"), &matches, &err));
    check_error(&err, ERROR_INTERNAL, "could not verify");
}

static int64_t time_of_verify(struct arena *arena, struct str hash)
{
    int64_t shortest_us = INT64_MAX;
    for (int i = 0; i < 5; i++) {
        struct error err = { 0 };
        bool matches;
        int64_t from_us = clock_monotonic_us();
        assert_true(password_verify(arena, hash, STR("something wrong"), &matches, &err));
        assert_false(matches);
        int64_t time_us = clock_monotonic_us() - from_us;
        shortest_us = time_us < shortest_us ? time_us : shortest_us;
    }
    return shortest_us;
}

static void test_password_verify__takes_as_long_without_a_hash(void **state)
{
    struct arena *arena = *state;
    struct error err = { 0 };
    struct str hash;
    assert_true(password_hash(arena, STR("correct horse"), &hash, &err));
    int64_t with_us = time_of_verify(arena, hash), without_us = time_of_verify(arena, STR_NONE);
    assert_true(without_us > with_us / 2 && with_us > without_us / 2);
}

struct crowd {
    atomic_int done, turned_away, wrong;
};

static void *try_to_hash(void *context)
{
    struct crowd *crowd = context;
    struct arena *arena AUTO(arena_free) = arena_new();
    struct error err = { 0 };
    struct str hash;
    if (password_hash(arena, STR("correct horse"), &hash, &err))
        atomic_fetch_add(&crowd->done, 1);
    else if (err.kind == ERROR_UNAVAILABLE && err.retry_after_s == 2)
        atomic_fetch_add(&crowd->turned_away, 1);
    else
        atomic_fetch_add(&crowd->wrong, 1);
    return NULL;
}

static void test_password_hash__turns_a_crowd_away_and_serves_the_rest(void **state)
{
    (void)state;
    enum { CROWD = 400 };
    static struct crowd crowd;
    pthread_t threads[CROWD];
    for (int i = 0; i < CROWD; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, try_to_hash, &crowd), 0);
    for (int i = 0; i < CROWD; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(crowd.wrong, 0);
    assert_int_equal(crowd.done + crowd.turned_away, CROWD);
    assert_true(crowd.done >= PASSWORD_QUEUE_MAX);
    assert_true(crowd.turned_away > 0);

    /* Nobody is left in the queue. */
    struct crowd late = { 0 };
    (void)try_to_hash(&late);
    assert_int_equal(late.done, 1);
}

#define PASSWORD_TEST(test_it__behaves)                                                            \
    cmocka_unit_test_setup_teardown(test_it__behaves, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PASSWORD_TEST(test_password_check_rules__bounds_length_and_characters),
        PASSWORD_TEST(test_password_hash__is_argon2id_with_a_salt_of_its_own),
        PASSWORD_TEST(test_password_verify__tells_right_from_wrong),
        PASSWORD_TEST(test_password_verify__reports_a_hash_that_is_none),
        PASSWORD_TEST(test_password_verify__takes_as_long_without_a_hash),
        PASSWORD_TEST(test_password_hash__turns_a_crowd_away_and_serves_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
