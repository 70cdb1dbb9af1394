/* SPDX-License-Identifier: Apache-2.0 */
#include "net/range.h"

/* 1*DIGIT; values beyond 64 bits become the largest one, which is beyond every size. */
static bool parse_position(struct str text, uint64_t *out)
{
    uint64_t value = 0;
    if (text.len == 0)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        uint64_t digit = (uint64_t)(text.ptr[i] - '0');
        value = value > (UINT64_MAX - digit) / 10 ? UINT64_MAX : value * 10 + digit;
    }
    *out = value;
    return true;
}

static enum range_verdict take_suffix(struct str text, uint64_t size, uint64_t *offset,
                                      uint64_t *length)
{
    uint64_t wanted;
    if (!parse_position(text, &wanted))
        return RANGE_WHOLE;
    if (wanted == 0 || size == 0)
        return RANGE_UNSATISFIABLE;
    *length = wanted < size ? wanted : size;
    *offset = size - *length;
    return RANGE_PART;
}

enum range_verdict range_parse(struct str value, uint64_t size, uint64_t *offset, uint64_t *length)
{
    struct str unit = STR("bytes=");
    if (!str_equal_ignore_case(str_slice(value, 0, unit.len), unit))
        return RANGE_WHOLE;
    struct str range = str_trim(str_after(value, unit.len));
    size_t dash = str_find(range, '-');
    if (dash == range.len)
        return RANGE_WHOLE;
    struct str last_text = str_after(range, dash + 1);
    if (dash == 0)
        return take_suffix(last_text, size, offset, length);

    uint64_t first, last = UINT64_MAX;
    if (!parse_position(str_slice(range, 0, dash), &first))
        return RANGE_WHOLE;
    if (last_text.len > 0 && !parse_position(last_text, &last))
        return RANGE_WHOLE;
    if (first >= size || last < first)
        return RANGE_UNSATISFIABLE;
    if (last > size - 1)
        last = size - 1;
    *offset = first;
    *length = last - first + 1;
    return RANGE_PART;
}

bool content_range_parse(struct str value, uint64_t *first, uint64_t *last)
{
    struct str text = str_trim(value), unit = STR("bytes ");
    if (str_equal_ignore_case(str_slice(text, 0, unit.len), unit))
        text = str_trim(str_after(text, unit.len));
    size_t slash = str_find(text, '/');
    uint64_t total = UINT64_MAX, from, to;
    if (slash < text.len) {
        struct str total_text = str_after(text, slash + 1);
        if (!str_equal(total_text, STR("*")) && !str_to_u64(total_text, INT64_MAX, &total))
            return false;
        text = str_slice(text, 0, slash);
    }
    size_t dash = str_find(text, '-');
    if (dash == text.len || !str_to_u64(str_slice(text, 0, dash), INT64_MAX, &from) ||
        !str_to_u64(str_after(text, dash + 1), INT64_MAX - 1, &to))
        return false;
    if (to < from || to >= total)
        return false;
    *first = from;
    *last = to;
    return true;
}

bool etag_matches(struct str if_none_match, struct str etag)
{
    struct str rest = str_trim(if_none_match);
    if (!str_is_set(etag))
        return false;
    if (str_equal(rest, STR("*")))
        return true;
    while (rest.len > 0) {
        if (str_starts(rest, STR("W/")))
            rest = str_after(rest, 2);
        if (rest.len == 0 || rest.ptr[0] != '"')
            return false;
        rest = str_after(rest, 1);
        size_t quote = str_find(rest, '"');
        if (quote == rest.len)
            return false;
        if (str_equal(str_slice(rest, 0, quote), etag))
            return true;
        rest = str_trim(str_after(rest, quote + 1));
        if (rest.len > 0 && rest.ptr[0] != ',')
            return false;
        rest = str_trim(str_after(rest, 1));
    }
    return false;
}
