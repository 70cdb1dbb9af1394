/* SPDX-License-Identifier: Apache-2.0 */
/* cli/table.h - rows of text in aligned columns, for people.
 *
 * Rows are kept until table_write(), which measures them; widths stay for the next page, so
 * that a long list is written page by page.  Controls in a cell are replaced, since a name must not
 * be able to drive the terminal.  One thread. */
#pragma once
#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { TABLE_COLUMN_COUNT_MAX = 8 };

struct table_column {
    const char *title;
    bool is_number; /* right-aligned */
};

struct table {
    const struct table_column *columns;
    size_t column_count;
    size_t widths[TABLE_COLUMN_COUNT_MAX]; /* characters */
    struct str *cells;                     /* column_count for each row */
    size_t row_count, row_max;
    bool has_head;
};

void table_init(struct table *table, const struct table_column *columns, size_t column_count);
/* Room for `row_max` rows until the next table_write(), in the arena. */
void table_page(struct table *table, struct arena *arena, size_t row_max);
/* The cells are borrowed until table_write(). */
void table_row(struct table *table, const struct str *cells);
void table_write(struct table *table, FILE *out);
