/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/list.h"

#include "base/clock.h"

#include <inttypes.h>

void list_begin(struct list *list, struct cli *cli, const struct table_column *columns,
                size_t column_count)
{
    enum { PAGE_BYTES_MAX = 64 * 1024 * 1024 };
    *list = (struct list){ .out = cli->out, .as_json = cli_has(cli, "--json") };
    table_init(&list->table, columns, column_count);
    buf_init(&list->buf, PAGE_BYTES_MAX);
    json_init(&list->json, &list->buf);
    if (list->as_json)
        json_array(&list->json);
}

static void json_flush(struct list *list)
{
    struct str text = buf_str(&list->buf);
    assert(!list->buf.failed);
    if (text.len > 0)
        fwrite(text.ptr, 1, text.len, list->out);
    buf_clear(&list->buf);
}

void list_page_end(struct list *list)
{
    if (list->as_json)
        json_flush(list);
    else
        table_write(&list->table, list->out);
}

void list_end(struct list *list)
{
    if (!list->as_json)
        return;
    json_end(&list->json);
    buf_append_byte(&list->buf, '\n');
    json_flush(list);
}

struct str list_time(struct arena *arena, int64_t time_ms)
{
    if (time_ms == 0)
        return STR("-");
    char text[CLOCK_TEXT_MAX];
    struct str whole = clock_format_rfc3339(time_ms, text);
    return arena_format(arena, "%.10s %.5s", whole.ptr, whole.ptr + 11);
}

struct str list_number(struct arena *arena, int64_t number)
{
    return arena_format(arena, "%" PRId64, number);
}

struct str list_size(struct arena *arena, int64_t bytes)
{
    static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
    size_t unit = 0;
    double size = (double)bytes;
    while (size >= 999.95 && unit + 1 < ARRAY_COUNT(units)) {
        size /= 1000;
        unit++;
    }
    return arena_format(arena, "%.*f %s", unit == 0 ? 0 : 1, size, units[unit]);
}
