/* SPDX-License-Identifier: Apache-2.0 */
#include "net/range.h"

#include "../check.h"

static void test_range_parse__gives_what_the_rfc_says(void **state)
{
    (void)state;
    const struct {
        struct str value;
        uint64_t size;
        enum range_verdict verdict;
        uint64_t offset, length;
    } rows[] = {
        { STR("bytes=0-0"), 10, RANGE_PART, 0, 1 },
        { STR("bytes=0-9"), 10, RANGE_PART, 0, 10 },
        { STR("bytes=3-"), 10, RANGE_PART, 3, 7 },
        { STR("bytes=9-99"), 10, RANGE_PART, 9, 1 },
        { STR("Bytes=2-3"), 10, RANGE_PART, 2, 2 },
        { STR("bytes=-3"), 10, RANGE_PART, 7, 3 },
        { STR("bytes=-30"), 10, RANGE_PART, 0, 10 },
        { STR("bytes=5-99999999999999999999999"), 10, RANGE_PART, 5, 5 },
        { STR("bytes=0-"), UINT64_MAX, RANGE_PART, 0, UINT64_MAX },
        { STR("bytes=-0"), 10, RANGE_UNSATISFIABLE, 0, 0 },
        { STR("bytes=10-"), 10, RANGE_UNSATISFIABLE, 0, 0 },
        { STR("bytes=10-12"), 10, RANGE_UNSATISFIABLE, 0, 0 },
        { STR("bytes=99999999999999999999-"), 10, RANGE_UNSATISFIABLE, 0, 0 },
        { STR("bytes=0-"), 0, RANGE_UNSATISFIABLE, 0, 0 },
        { STR("bytes=-1"), 0, RANGE_UNSATISFIABLE, 0, 0 },
        { STR_NONE, 10, RANGE_WHOLE, 0, 0 },
        { STR(""), 10, RANGE_WHOLE, 0, 0 },
        { STR("bytes="), 10, RANGE_WHOLE, 0, 0 },
        { STR("bytes=-"), 10, RANGE_WHOLE, 0, 0 },
        { STR("bytes=5"), 10, RANGE_WHOLE, 0, 0 },
        { STR("bytes=5-4"), 10, RANGE_UNSATISFIABLE, 0, 0 },
        { STR("bytes=0-1,3-4"), 10, RANGE_WHOLE, 0, 0 },
        { STR("bytes=0-1, 3-4"), 10, RANGE_WHOLE, 0, 0 },
        { STR("bytes=+1-4"), 10, RANGE_WHOLE, 0, 0 },
        { STR("bytes=0x1-4"), 10, RANGE_WHOLE, 0, 0 },
        { STR("bytes=1-2-3"), 10, RANGE_WHOLE, 0, 0 },
        { STR("rows=0-1"), 10, RANGE_WHOLE, 0, 0 },
        { STR("bytes 0-1"), 10, RANGE_WHOLE, 0, 0 },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        uint64_t offset = 77, length = 77;
        enum range_verdict verdict = range_parse(rows[i].value, rows[i].size, &offset, &length);
        if (verdict != rows[i].verdict)
            fail_msg("%.*s: %d", STR_ARG(rows[i].value), (int)verdict);
        assert_int_equal(offset, verdict == RANGE_PART ? rows[i].offset : 77);
        assert_int_equal(length, verdict == RANGE_PART ? rows[i].length : 77);
    }
}

static void test_content_range_parse__takes_the_forms_of_clients(void **state)
{
    (void)state;
    const struct str taken[] = { STR("3-9"),          STR(" 3-9 "),       STR("bytes 3-9"),
                                 STR("bytes 3-9/10"), STR("bytes 3-9/*"), STR("3-9/10") };
    for (size_t i = 0; i < ARRAY_COUNT(taken); i++) {
        uint64_t first = 0, last = 0;
        assert_true(content_range_parse(taken[i], &first, &last));
        assert_int_equal(first, 3);
        assert_int_equal(last, 9);
    }
    const struct str refused[] = {
        STR_NONE,
        STR(""),
        STR("-"),
        STR("3-"),
        STR("-9"),
        STR("9-3"),
        STR("3-9/9"),
        STR("3-9/"),
        STR("bytes */10"),
        STR("bytes=3-9"),
        STR("3 - 9"),
        STR("a-b"),
        STR("3-9,10-11"),
        STR("0x3-9"),
        STR("3-9/10/11"),
        STR("0-18446744073709551615"),
        STR("0-9223372036854775807") /* one byte more than int64_t counts */
    };
    for (size_t i = 0; i < ARRAY_COUNT(refused); i++) {
        uint64_t first, last;
        if (content_range_parse(refused[i], &first, &last))
            fail_msg("taken: %.*s", STR_ARG(refused[i]));
    }
}

static void test_etag_matches__compares_weakly(void **state)
{
    (void)state;
    struct str etag = STR("sha256:ab");
    assert_true(etag_matches(STR("\"sha256:ab\""), etag));
    assert_true(etag_matches(STR("W/\"sha256:ab\""), etag));
    assert_true(etag_matches(STR("\"x\", W/\"y\" ,\"sha256:ab\""), etag));
    assert_true(etag_matches(STR("*"), etag));
    assert_true(etag_matches(STR("\"a,b\",\"sha256:ab\""), etag));
    assert_false(etag_matches(STR_NONE, etag));
    assert_false(etag_matches(STR(""), etag));
    assert_false(etag_matches(STR("sha256:ab"), etag));
    assert_false(etag_matches(STR("\"sha256:abc\""), etag));
    assert_false(etag_matches(STR("\"sha256:a\", \"b\""), etag));
    assert_false(etag_matches(STR("\"sha256:ab"), etag));
    assert_false(etag_matches(STR("\"x\" \"sha256:ab\""), etag));
    assert_false(etag_matches(STR("*"), STR_NONE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_range_parse__gives_what_the_rfc_says),
        cmocka_unit_test(test_content_range_parse__takes_the_forms_of_clients),
        cmocka_unit_test(test_etag_matches__compares_weakly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
