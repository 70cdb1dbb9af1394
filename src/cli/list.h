/* SPDX-License-Identifier: Apache-2.0 */
/* cli/list.h - a list as a table or as a JSON array, page by page.  Private to src/cli. */
#pragma once
#include "base/buf.h"
#include "base/json.h"
#include "cli/command.h"
#include "cli/table.h"

struct list {
    FILE *out;
    bool as_json;
    struct table table;
    struct buf buf;
    struct json json;
};

void list_begin(struct list *list, struct cli *cli, const struct table_column *columns,
                size_t column_count);
/* Writes what was collected; call after each page. */
void list_page_end(struct list *list);
void list_end(struct list *list);
static inline void list_release_auto(struct list *list)
{
    buf_release(&list->buf);
}

/* "2026-11-22 13:37", in UTC; "-" for 0, which is what was there from the beginning. */
struct str list_time(struct arena *arena, int64_t time_ms);
/* "1.4 GB": decimal units, as docker prints them. */
struct str list_size(struct arena *arena, int64_t bytes);
struct str list_number(struct arena *arena, int64_t number);
