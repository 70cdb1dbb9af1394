/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include "../check.h"

#include <string.h>

static void test_arena_alloc__gives_zeroed_aligned_pieces(void **state)
{
    (void)state;
    struct arena *arena AUTO(arena_free) = arena_new();
    for (int round = 0; round < 3; round++) {
        for (size_t size = 0; size < 5000; size = size * 2 + 1) {
            unsigned char *piece = arena_alloc(arena, size);
            assert_non_null(piece);
            assert_int_equal((uintptr_t)piece % _Alignof(max_align_t), 0);
            for (size_t i = 0; i < size; i++)
                assert_int_equal(piece[i], 0);
            memset(piece, 0xAA, size);
        }
        arena_reset(arena);
    }
}

/* Pieces of many sizes, filled with their own mark, do not overlap. */
static void test_arena_alloc__pieces_do_not_overlap(void **state)
{
    (void)state;
    enum { COUNT = 400 };
    struct arena *arena AUTO(arena_free) = arena_new();
    unsigned char *pieces[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        size_t size = i % 50 == 49 ? 40000 : 1 + i * 7 % 900;
        pieces[i] = arena_alloc(arena, size);
        memset(pieces[i], (int)(i % 251), size);
    }
    for (size_t i = 0; i < COUNT; i++) {
        size_t size = i % 50 == 49 ? 40000 : 1 + i * 7 % 900;
        for (size_t at = 0; at < size; at++)
            assert_int_equal(pieces[i][at], i % 251);
    }
}

static void test_arena_copy__keeps_absent_absent(void **state)
{
    (void)state;
    struct arena *arena AUTO(arena_free) = arena_new();
    assert_false(str_is_set(arena_copy(arena, STR_NONE)));
    struct str copy = arena_copy(arena, STR("a\0b"));
    assert_true(str_equal(copy, STR("a\0b")));
    assert_int_equal(copy.ptr[copy.len], '\0');
    assert_true(str_is_set(arena_copy(arena, STR(""))));
    assert_string_equal(arena_c(arena, str_slice(STR("abc"), 0, 2)), "ab");
    assert_string_equal(arena_c(arena, STR_NONE), "");
}

static void test_arena_format__takes_any_length(void **state)
{
    (void)state;
    struct arena *arena AUTO(arena_free) = arena_new();
    check_str(arena_format(arena, "%s-%d", "a", 7), "a-7");
    assert_int_equal(arena_format(arena, "%20000d", 1).len, 20000);
    check_str(arena_format(arena, "%s", ""), "");
}

static void test_arena_free__accepts_null(void **state)
{
    (void)state;
    arena_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arena_alloc__gives_zeroed_aligned_pieces),
        cmocka_unit_test(test_arena_alloc__pieces_do_not_overlap),
        cmocka_unit_test(test_arena_copy__keeps_absent_absent),
        cmocka_unit_test(test_arena_format__takes_any_length),
        cmocka_unit_test(test_arena_free__accepts_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
