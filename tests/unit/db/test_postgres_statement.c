/* SPDX-License-Identifier: Apache-2.0 */
#include "db/postgres_internal.h"

#include "scratch.h"

static void test_check__accepts_all_statements_of_the_sample(void **state)
{
    struct scratch *s = *state;
    size_t count = 0;
    for (; sample_statements[count]; count++)
        if (!db_statement_check(s->db, sample_statements[count], &s->err))
            fail_msg("%s", s->err.message);
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
        { { "syntax", "", "SELEC", NULL, 0, &id, 1, false }, "syntax error" },
        { { "table", "", "SELECT id FROM absent", NULL, 0, &id, 1, false }, "does not exist" },
        { { "fewer", "", "SELECT id, label FROM thing", NULL, 0, &id, 1, false },
          "gives 2 columns and declares 1" },
        { { "order", "", "SELECT id, label FROM thing", NULL, 0, label_and_id, 2, false },
          "column 1 of order is id and is declared as label" },
        { { "type", "", "SELECT id FROM thing", NULL, 0, &text_id, 1, false },
          "column id of type has the type number 20" },
        { { "total", "", "SELECT sum(number) FROM thing", NULL, 0, &id, 1, false },
          "column sum of total has the type number 1700" },
        { { "inputs", "", "SELECT id FROM thing WHERE id = $1", NULL, 0, &id, 1, false },
          "inputs has 1 placeholders and declares 0" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        assert_false(db_statement_check(s->db, &cases[i].statement, &s->err));
        check_error(&s->err, ERROR_INVALID, cases[i].part);
    }
}

static int64_t run_number(struct db_tx *tx, const struct db_statement *statement, int64_t in,
                          struct error *err)
{
    struct db_run run;
    bool has_row = false;
    int64_t out = -1;
    bool ok = db_start(tx, statement, &run, err);
    if (ok && statement->in_count == 1)
        db_bind_int(&run, in);
    if (ok && db_step(&run, &has_row, err) && has_row)
        out = db_column_int(&run);
    db_finish(&run);
    return out;
}

/* More than the set of prepared statements holds at first, each used twice. */
static void test_start__keeps_many_statements_apart(void **state)
{
    struct scratch *s = *state;
    enum { MANY = 200 };
    static const struct db_field in = { "x", DB_INT, false }, out = { "y", DB_INT, false };
    static struct db_statement statements[MANY];
    static char texts[MANY][64];
    struct db_tx *tx AUTO(db_tx_end) = db_read(s->db, s->arena, &s->err);
    for (int i = 0; i < 2 * MANY; i++) {
        struct db_statement *statement = &statements[i % MANY];
        (void)snprintf(texts[i % MANY], sizeof(texts[0]), "SELECT $1 + %d", i % MANY);
        *statement = (struct db_statement){ "many", "", texts[i % MANY], &in, 1, &out, 1, false };
        assert_int_equal(run_number(tx, statement, 1000, &s->err), 1000 + i % MANY);
    }
    const struct postgres_connection *connection = tx->connection;
    assert_int_equal(connection->prepared_count, MANY);
}

static void test_start__prepares_again_only_what_did_not_prepare(void **state)
{
    struct scratch *s = *state;
    static const struct db_field out = { "y", DB_INT, false };
    static const struct db_statement broken = { "broken", "",   "SELECT FROM WHERE", NULL, 0, &out,
                                                1,        false };
    static const struct db_statement divides = {
        "divides", "", "SELECT 1 / (SELECT count(*) FROM thing)", NULL, 0, &out, 1, false
    };
    for (int i = 0; i < 2; i++) {
        struct db_tx *tx AUTO(db_tx_end) = db_read(s->db, s->arena, &s->err);
        assert_int_equal(run_number(tx, &broken, 0, &s->err), -1);
        check_error(&s->err, ERROR_INTERNAL, "broken: syntax error");
        /* Within the same transaction the first failure is what is told. */
        assert_int_equal(run_number(tx, &divides, 0, &s->err), -1);
        check_error(&s->err, ERROR_INTERNAL, "broken: syntax error");
    }
    for (int i = 0; i < 2; i++) {
        struct db_tx *tx AUTO(db_tx_end) = db_read(s->db, s->arena, &s->err);
        assert_int_equal(run_number(tx, &divides, 0, &s->err), -1);
        check_error(&s->err, ERROR_INTERNAL, "divides: division by zero");
    }
    (void)test_database_run(s->url, "INSERT INTO thing (number) VALUES (1)");
    struct db_tx *tx AUTO(db_tx_end) = db_read(s->db, s->arena, &s->err);
    assert_int_equal(run_number(tx, &divides, 0, &s->err), 1);
}

static void test_step__goes_on_when_somebody_dropped_what_was_prepared(void **state)
{
    struct scratch *s = *state;
    assert_int_equal(thing_count(s), 0);
    struct db_tx *tx AUTO(db_tx_end) = db_read(s->db, s->arena, &s->err);
    assert_true(postgres_script_run(tx->connection, "DEALLOCATE ALL", 5000, &s->err));
    struct thing_count_row row;
    assert_true(sql_thing_count(tx, &row, &s->err));
}

static void test_now__is_the_servers(void **state)
{
    struct scratch *s = *state;
    int64_t before = test_database_run(s->url, "SELECT floor(extract(epoch FROM now()) * 1000)");
    struct db_tx *tx AUTO(db_tx_end) = db_read(s->db, s->arena, &s->err);
    int64_t now_ms = 0;
    assert_true(db_now_ms(tx, &now_ms, &s->err));
    assert_true(now_ms >= before && now_ms < before + 60000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_check__accepts_all_statements_of_the_sample),
        SCRATCH_TEST(test_check__tells_what_differs),
        SCRATCH_TEST(test_start__keeps_many_statements_apart),
        SCRATCH_TEST(test_start__prepares_again_only_what_did_not_prepare),
        SCRATCH_TEST(test_step__goes_on_when_somebody_dropped_what_was_prepared),
        SCRATCH_TEST(test_now__is_the_servers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
