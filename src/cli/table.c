/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/table.h"

#include <string.h>

/* Characters of well-formed text; a byte that is none of it is shown as one "?". */
static size_t character_take(struct str *text, bool *is_plain)
{
    size_t length = str_utf8_length(*text);
    unsigned char first = (unsigned char)text->ptr[0];
    /* U+0080 to U+009F are controls as well. */
    bool is_c1 = length == 2 && first == 0xc2 && (unsigned char)text->ptr[1] < 0xa0;
    *is_plain = length > 0 && !is_c1 && first >= 0x20 && first != 0x7f;
    length = length ? length : 1;
    *text = str_after(*text, length);
    return length;
}

static size_t width_of(struct str text)
{
    size_t width = 0;
    bool is_plain = false;
    while (text.len > 0) {
        character_take(&text, &is_plain);
        width++;
    }
    return width;
}

static void cell_write(FILE *out, struct str text)
{
    while (text.len > 0) {
        const char *at = text.ptr;
        bool is_plain = false;
        size_t length = character_take(&text, &is_plain);
        if (is_plain)
            fwrite(at, 1, length, out);
        else
            fputc('?', out);
    }
}

void table_init(struct table *table, const struct table_column *columns, size_t column_count)
{
    assert(column_count > 0 && column_count <= TABLE_COLUMN_COUNT_MAX);
    *table = (struct table){ .columns = columns, .column_count = column_count };
    for (size_t i = 0; i < column_count; i++)
        table->widths[i] = strlen(columns[i].title);
}

void table_page(struct table *table, struct arena *arena, size_t row_max)
{
    table->cells = arena_alloc(arena, row_max * table->column_count * sizeof(*table->cells) + 1);
    table->row_max = row_max;
    table->row_count = 0;
}

void table_row(struct table *table, const struct str *cells)
{
    assert(table->row_count < table->row_max);
    struct str *row = table->cells + table->row_count++ * table->column_count;
    for (size_t i = 0; i < table->column_count; i++) {
        row[i] = cells[i];
        size_t width = width_of(cells[i]);
        if (width > table->widths[i])
            table->widths[i] = width;
    }
}

static void row_write(const struct table *table, const struct str *cells, FILE *out)
{
    for (size_t i = 0; i < table->column_count; i++) {
        int gap = (int)(table->widths[i] - width_of(cells[i]));
        bool is_last = i + 1 == table->column_count;
        if (table->columns[i].is_number)
            fprintf(out, "%*s", gap, "");
        cell_write(out, cells[i]);
        if (!table->columns[i].is_number && !is_last)
            fprintf(out, "%*s", gap, "");
        fputs(is_last ? "\n" : "  ", out);
    }
}

void table_write(struct table *table, FILE *out)
{
    if (!table->has_head) {
        struct str titles[TABLE_COLUMN_COUNT_MAX];
        for (size_t i = 0; i < table->column_count; i++)
            titles[i] = str_from(table->columns[i].title);
        row_write(table, titles, out);
        table->has_head = true;
    }
    for (size_t i = 0; i < table->row_count; i++)
        row_write(table, table->cells + i * table->column_count, out);
    table->row_count = 0;
}
