/* SPDX-License-Identifier: Apache-2.0 */
#include "db/sqlite_internal.h"

#include "scratch.h"

static void test_check__accepts_all_statements_of_the_sample(void **state)
{
    struct scratch *s = *state;
    size_t count = 0;
    for (; sample_statements[count]; count++)
        assert_true(db_statement_check(s->db, sample_statements[count], &s->err));
    assert_true(count >= 12);
}

static void test_check__tells_what_differs(void **state)
{
    struct scratch *s = *state;
    static const struct db_field id = { "id", DB_INT, false };
    static const struct db_field label_and_id[] = { { "label", DB_TEXT, true },
                                                    { "id", DB_INT, false } };
    static const struct db_field text_id = { "id", DB_TEXT, false };
    static const struct {
        struct db_statement statement;
        const char *part;
    } cases[] = {
        { { "syntax", "SELEC", "", NULL, 0, &id, 1, false }, "syntax error" },
        { { "table", "SELECT id FROM absent", "", NULL, 0, &id, 1, false }, "no such table" },
        { { "quotes", "SELECT \"text\"", "", NULL, 0, &id, 1, false }, "no such column" },
        { { "fewer", "SELECT id, label FROM thing", "", NULL, 0, &id, 1, false },
          "gives 2 columns and declares 1" },
        { { "order", "SELECT id, label FROM thing", "", NULL, 0, label_and_id, 2, false },
          "column 1 of order is id and is declared as label" },
        { { "type", "SELECT id FROM thing", "", NULL, 0, &text_id, 1, false },
          "column id of type is INTEGER in the table" },
        { { "inputs", "SELECT id FROM thing WHERE id = $1", "", NULL, 0, &id, 1, false },
          "inputs has 1 placeholders and declares 0" },
        { { "reads", "SELECT id FROM thing", "", NULL, 0, &id, 1, true }, "wrongly declared" },
        { { "writes", "DELETE FROM thing", "", NULL, 0, NULL, 0, false }, "not declared" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        assert_false(db_statement_check(s->db, &cases[i].statement, &s->err));
        check_error(&s->err, ERROR_INVALID, cases[i].part);
    }
}

enum { MANY = 300 };

static void run_one(struct scratch *s, struct db_tx *tx, const struct db_statement *statement,
                    int64_t expected)
{
    struct db_run run;
    bool has_row = false;
    assert_true(db_start(tx, statement, &run, &s->err));
    db_bind_int(&run, expected);
    assert_true(db_step(&run, &has_row, &s->err));
    assert_true(has_row);
    assert_int_equal(db_column_int(&run), expected);
    assert_true(db_step_end(&run, &s->err));
    db_finish(&run);
}

/* More statements than the first table of prepared ones has room for, each run twice. */
static void test_start__keeps_many_statements_apart(void **state)
{
    struct scratch *s = *state;
    static const struct db_field number = { "number", DB_INT, false };
    struct db_statement *statements = arena_alloc(s->arena, MANY * sizeof(*statements));
    struct db_tx *tx AUTO(db_tx_end) = db_read(s->db, s->arena, &s->err);
    for (int i = 0; i < MANY; i++)
        statements[i] = (struct db_statement){
            .name = "echo",
            .sqlite = arena_format(s->arena, "SELECT $1 + %d - %d", i, i).ptr,
            .in = &number,
            .in_count = 1,
            .out = &number,
            .out_count = 1,
        };
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < MANY; i++)
            run_one(s, tx, &statements[i], i);
    }
    const struct sqlite_connection *connection = tx->connection;
    assert_int_equal(connection->cache_count, MANY);
}

static void test_start__tells_a_statement_that_does_not_prepare(void **state)
{
    struct scratch *s = *state;
    static const struct db_statement broken = { .name = "broken", .sqlite = "SELECT FROM" };
    struct db_tx *tx AUTO(db_tx_end) = db_read(s->db, s->arena, &s->err);
    struct db_run run;
    assert_false(db_start(tx, &broken, &run, &s->err));
    db_finish(&run);
    check_error(&s->err, ERROR_INTERNAL, "broken: near");
}

static bool put_wrong_values(struct db_tx *tx, void *context, struct error *err)
{
    (void)context;
    return tx->db->ops->script(tx,
                               "INSERT INTO thing (id, label, address, is_red)"
                               " VALUES (2, 3.5, x'00', 7)",
                               err);
}

/* PostgreSQL does not even take such values. */
static void test_step__refuses_values_of_another_type(void **state)
{
    struct scratch *s = *state;
    assert_true(db_write(s->db, s->arena, put_wrong_values, NULL, &s->err));
    struct db_tx *tx AUTO(db_tx_end) = db_read(s->db, s->arena, &s->err);
    struct thing_address_row address;
    struct thing_get_row row;
    assert_false(sql_thing_address(tx, 2, &address, &s->err));
    check_error(&s->err, ERROR_INTERNAL, "another type");
    assert_false(sql_thing_get(tx, 2, &row, &s->err));
    check_error(&s->err, ERROR_INTERNAL, "is_red of thing_get");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_check__accepts_all_statements_of_the_sample),
        SCRATCH_TEST(test_check__tells_what_differs),
        SCRATCH_TEST(test_step__refuses_values_of_another_type),
        SCRATCH_TEST(test_start__keeps_many_statements_apart),
        SCRATCH_TEST(test_start__tells_a_statement_that_does_not_prepare),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
