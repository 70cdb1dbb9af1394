/* SPDX-License-Identifier: Apache-2.0 */
#include "cli_fixture.h"

#include "cli/table.h"

#include <stdlib.h>

static const struct table_column columns[] = { { "NAME", false }, { "N", true }, { "X", false } };

static struct str written(struct bench *bench, struct table *table)
{
    char *bytes = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&bytes, &size);
    table_write(table, out);
    (void)fclose(out);
    struct str text = arena_copy(bench->arena, (struct str){ bytes, size });
    free(bytes);
    return text;
}

static void test_table_write__aligns_columns(void **state)
{
    struct bench *bench = *state;
    struct table table;
    table_init(&table, columns, 3);
    table_page(&table, bench->arena, 2);
    table_row(&table, (const struct str[]){ STR("a"), STR("1"), STR("x y") });
    table_row(&table, (const struct str[]){ STR("bcdefg"), STR("234"), STR_NONE });
    check_str(written(bench, &table), "NAME      N  X\n"
                                      "a         1  x y\n"
                                      "bcdefg  234  \n");
}

static void test_table_write__keeps_widths_for_the_next_page(void **state)
{
    struct bench *bench = *state;
    struct table table;
    table_init(&table, columns, 3);
    table_page(&table, bench->arena, 1);
    table_row(&table, (const struct str[]){ STR("abcdef"), STR("1"), STR("x") });
    (void)written(bench, &table);
    table_page(&table, bench->arena, 1);
    table_row(&table, (const struct str[]){ STR("g"), STR("1"), STR("x") });
    check_str(written(bench, &table), "g       1  x\n");
}

static void test_table_write__counts_characters_not_bytes(void **state)
{
    struct bench *bench = *state;
    struct table table;
    table_init(&table, columns, 3);
    table_page(&table, bench->arena, 1);
    table_row(&table, (const struct str[]){ STR("\xc3\xa4\xc3\xb6\xc3\xbc"), STR("1"), STR("x") });
    check_str(written(bench, &table), "NAME  N  X\n\xc3\xa4\xc3\xb6\xc3\xbc   1  x\n");
}

static void test_table_write__replaces_what_drives_a_terminal(void **state)
{
    struct bench *bench = *state;
    struct table table;
    table_init(&table, columns, 3);
    table_page(&table, bench->arena, 1);
    table_row(&table,
              (const struct str[]){ STR("\x1b[2J"), STR("\n"), STR("\xc2\x9b\xff\x7f\xc2\xa0") });
    check_str(written(bench, &table), "NAME  N  X\n?[2J  ?  ???\xc2\xa0\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLI_TEST(test_table_write__aligns_columns),
        CLI_TEST(test_table_write__keeps_widths_for_the_next_page),
        CLI_TEST(test_table_write__counts_characters_not_bytes),
        CLI_TEST(test_table_write__replaces_what_drives_a_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
