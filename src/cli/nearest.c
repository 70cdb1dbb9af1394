/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/nearest.h"

enum { WORD_BYTES_MAX = 64 };

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

unsigned word_distance(struct str a, struct str b)
{
    if (a.len > WORD_BYTES_MAX || b.len > WORD_BYTES_MAX)
        return (unsigned)(a.len > b.len ? a.len : b.len);
    /* Three rows of the usual table: the one before last is needed for swaps. */
    unsigned rows[3][WORD_BYTES_MAX + 1];
    for (size_t j = 0; j <= b.len; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a.len; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *above = rows[(i + 2) % 3];
        const unsigned *above_that = rows[(i + 1) % 3];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b.len; j++) {
            unsigned replaced = above[j - 1] + (a.ptr[i - 1] != b.ptr[j - 1]);
            row[j] = least(replaced, least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] && a.ptr[i - 2] == b.ptr[j - 1])
                row[j] = least(row[j], above_that[j - 2] + 1);
        }
    }
    return rows[a.len % 3][b.len];
}

bool word_is_near(struct str typed, struct str known)
{
    size_t longer = typed.len > known.len ? typed.len : known.len;
    return longer > 0 && word_distance(typed, known) <= 1 + longer / 4;
}
