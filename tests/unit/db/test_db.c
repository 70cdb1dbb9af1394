/* SPDX-License-Identifier: Apache-2.0 */
#include "db/db.h"

#include "scratch.h"

#include <string.h>

static struct digest digest_at(char seed)
{
    return digest_of(DIGEST_SHA512, (struct str){ &seed, 1 });
}

static bool add_all_types(struct db_tx *tx, void *context, struct error *err)
{
    struct thing_add_row *row = context;
    struct digest address = digest_at('a');
    return sql_thing_add(tx, INT64_MAX, STR("n\xc3\xa4me \xe2\x98\x83"), STR("\0\xff bytes"), true,
                         &address, row, err);
}

static void test_statement__gives_back_a_value_of_each_type(void **state)
{
    struct scratch *s = *state;
    struct thing_add_row added;
    assert_true(db_write(s->db, s->arena, add_all_types, &added, &s->err));
    assert_int_equal(added.id, 1);

    struct db_tx *tx AUTO(db_tx_end) = db_read(s->db, s->arena, &s->err);
    struct thing_get_row row;
    assert_true(sql_thing_get(tx, added.id, &row, &s->err));
    assert_true(row.number == INT64_MAX);
    check_str(row.label, "n\xc3\xa4me \xe2\x98\x83");
    assert_true(str_equal(row.content, STR("\0\xff bytes")));
    assert_true(row.is_red);
    struct digest address = digest_at('a');
    assert_true(digest_equal(&row.address, &address));
}

static bool add_nulls(struct db_tx *tx, void *context, struct error *err)
{
    (void)context;
    return sql_thing_add_nullable(tx, DB_NULL_INT, STR_NONE, STR_NONE, NULL, err) &&
           sql_thing_add_nullable(tx, 0, STR(""), STR(""), &(struct digest){ 0 }, err);
}

static void test_statement__tells_null_from_empty(void **state)
{
    struct scratch *s = *state;
    assert_true(db_write(s->db, s->arena, add_nulls, NULL, &s->err));
    struct db_tx *tx AUTO(db_tx_end) = db_read(s->db, s->arena, &s->err);
    struct thing_get_row row;
    assert_true(sql_thing_get(tx, 1, &row, &s->err));
    assert_true(row.number == DB_NULL_INT);
    assert_false(str_is_set(row.label));
    assert_false(str_is_set(row.content));
    assert_false(digest_is_set(&row.address));
    assert_true(sql_thing_get(tx, 2, &row, &s->err));
    assert_true(row.number == 0);
    assert_true(str_is_set(row.label) && row.label.len == 0);
    assert_true(str_is_set(row.content) && row.content.len == 0);
    assert_false(digest_is_set(&row.address));
}

static bool add_absent_label(struct db_tx *tx, void *context, struct error *err)
{
    struct digest address = digest_at('b');
    return sql_thing_add(tx, 1, STR_NONE, STR_NONE, false, &address, context, err);
}

static void test_bind_text__takes_absent_as_empty_where_null_is_not_allowed(void **state)
{
    struct scratch *s = *state;
    struct thing_add_row added;
    assert_true(db_write(s->db, s->arena, add_absent_label, &added, &s->err));
    struct db_tx *tx AUTO(db_tx_end) = db_read(s->db, s->arena, &s->err);
    struct thing_get_row row;
    assert_true(sql_thing_get(tx, added.id, &row, &s->err));
    assert_true(str_is_set(row.label) && str_is_set(row.content));
    assert_false(row.is_red);
}

static bool add_label(struct db_tx *tx, void *context, struct error *err)
{
    const struct str *label = context;
    return sql_thing_add_nullable(tx, 1, *label, STR_NONE, NULL, err);
}

static void test_bind_text__refuses_what_only_one_engine_could_store(void **state)
{
    struct scratch *s = *state;
    struct str bad[] = { STR("na\0me"), STR("\xff"), STR("\xed\xa0\x80"), STR("cut \xe2\x98") };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_false(db_write(s->db, s->arena, add_label, &bad[i], &s->err));
        check_error(&s->err, ERROR_INVALID, "UTF-8 without NUL");
    }
    struct db_tx *tx AUTO(db_tx_end) = db_read(s->db, s->arena, &s->err);
    struct thing_find_row row;
    bool found = true;
    assert_false(sql_thing_find(tx, bad[0], &row, &found, &s->err));
    check_error(&s->err, ERROR_INVALID, "UTF-8 without NUL");
    /* It never reached the database, so the transaction goes on. */
    assert_true(sql_thing_find(tx, STR("name"), &row, &found, &s->err));
    assert_false(found);
}

static bool put_odd_row(struct db_tx *tx, void *context, struct error *err)
{
    (void)context;
    return tx->db->ops->script(
        tx, "INSERT INTO thing (id, label, address) VALUES (1, NULL, 'sha256:no')", err);
}

static void test_step__refuses_what_does_not_fit_the_columns(void **state)
{
    struct scratch *s = *state;
    assert_true(db_write(s->db, s->arena, put_odd_row, NULL, &s->err));
    struct db_tx *tx AUTO(db_tx_end) = db_read(s->db, s->arena, &s->err);
    struct thing_label_row label;
    struct thing_address_row address;
    assert_false(sql_thing_label(tx, 1, &label, &s->err));
    check_error(&s->err, ERROR_INTERNAL, "label of thing_label is NULL");
    assert_false(sql_thing_address(tx, 1, &address, &s->err));
    check_error(&s->err, ERROR_INTERNAL, "another type");
}

static bool add_numbered(struct db_tx *tx, void *context, struct error *err)
{
    int count = *(int *)context;
    for (int i = 1; i <= count; i++) {
        char label[32];
        (void)snprintf(label, sizeof(label), "thing %d", i);
        if (!sql_thing_add_nullable(tx, i, str_from(label), STR_NONE, NULL, err))
            return false;
    }
    return true;
}

static void add_things(struct scratch *s, int count)
{
    assert_true(db_write(s->db, s->arena, add_numbered, &count, &s->err));
}

static void test_one__wants_exactly_one_row(void **state)
{
    struct scratch *s = *state;
    struct thing_any_row row = { .id = 77 };
    struct db_tx *tx = db_read(s->db, s->arena, &s->err);
    assert_false(sql_thing_any(tx, &row, &s->err));
    check_error(&s->err, ERROR_NOT_FOUND, "no row in thing_any");
    assert_int_equal(row.id, 77);
    db_tx_end(tx);

    add_things(s, 2);
    tx = db_read(s->db, s->arena, &s->err);
    assert_false(sql_thing_any(tx, &row, &s->err));
    check_error(&s->err, ERROR_INTERNAL, "more rows");
    assert_int_equal(row.id, 77);
    db_tx_end(tx);
}

static void test_maybe__tells_whether_there_is_a_row(void **state)
{
    struct scratch *s = *state;
    add_things(s, 2);
    struct db_tx *tx AUTO(db_tx_end) = db_read(s->db, s->arena, &s->err);
    struct thing_find_row row = { .id = 77 };
    bool found = true;
    assert_true(sql_thing_find(tx, STR("nothing"), &row, &found, &s->err));
    assert_false(found);
    assert_int_equal(row.id, 77);
    assert_true(sql_thing_find(tx, STR("thing 2"), &row, &found, &s->err));
    assert_true(found);
    assert_int_equal(row.id, 2);
}

static void test_many__gives_all_rows_in_order(void **state)
{
    struct scratch *s = *state;
    add_things(s, 100);
    static const size_t counts[] = { 0, 1, 7, 8, 9, 16, 17, 100 };
    struct db_tx *tx AUTO(db_tx_end) = db_read(s->db, s->arena, &s->err);
    for (size_t i = 0; i < ARRAY_COUNT(counts); i++) {
        struct thing_list_row *rows = NULL;
        size_t count = 0;
        assert_true(sql_thing_list(tx, 0, (int64_t)counts[i], &rows, &count, &s->err));
        assert_int_equal(count, counts[i]);
        for (size_t at = 0; at < count; at++) {
            char label[32];
            (void)snprintf(label, sizeof(label), "thing %zu", at + 1);
            assert_int_equal(rows[at].id, at + 1);
            check_str(rows[at].label, label);
        }
    }
}

struct move {
    int64_t from, to, changed;
};

static bool move_number(struct db_tx *tx, void *context, struct error *err)
{
    struct move *move = context;
    return sql_thing_move(tx, move->to, move->from, &move->changed, err);
}

static void test_count__tells_how_many_rows_changed(void **state)
{
    struct scratch *s = *state;
    add_things(s, 3);
    struct move move = { 2, 3, -1 };
    assert_true(db_write(s->db, s->arena, move_number, &move, &s->err));
    assert_int_equal(move.changed, 1);
    assert_true(db_write(s->db, s->arena, move_number, &move, &s->err));
    assert_int_equal(move.changed, 0);
    move = (struct move){ 3, 9, -1 };
    assert_true(db_write(s->db, s->arena, move_number, &move, &s->err));
    assert_int_equal(move.changed, 2);
}

static void test_many_inputs__come_as_one_struct(void **state)
{
    struct scratch *s = *state;
    struct digest digest = digest_at('g');
    struct thing_sum_in in = { .a = 1, .b = 2, .c = 4, .d = 8, .e = 16, .f = 32, .g = &digest };
    struct thing_sum_row row;
    struct db_tx *tx AUTO(db_tx_end) = db_read(s->db, s->arena, &s->err);
    assert_true(sql_thing_sum(tx, &in, &row, &s->err));
    assert_int_equal(row.total, 63);
    char text[DIGEST_TEXT_MAX];
    assert_true(str_equal(row.same, digest_format(&digest, text)));
}

static void test_variant__of_the_engine_is_taken(void **state)
{
    struct scratch *s = *state;
    struct engine_name_row row;
    struct db_tx *tx AUTO(db_tx_end) = db_read(s->db, s->arena, &s->err);
    assert_true(sql_engine_name(tx, &row, &s->err));
    check_str(row.engine, test_database_is_postgres() ? "postgres" : "sqlite");
    assert_int_equal(db_engine(s->db), test_database_is_postgres() ? DB_POSTGRES : DB_SQLITE);
}

static void test_now_ms__stands_still_within_a_transaction(void **state)
{
    struct scratch *s = *state;
    struct db_tx *tx AUTO(db_tx_end) = db_read(s->db, s->arena, &s->err);
    int64_t first, second;
    assert_true(db_now_ms(tx, &first, &s->err));
    (void)usleep(3000);
    assert_true(db_now_ms(tx, &second, &s->err));
    assert_true(first > INT64_C(1700000000000));
    assert_true(first == second);
}

static bool add_two(struct db_tx *tx, void *context, struct error *err)
{
    (void)context;
    return sql_thing_add_nullable(tx, 1, STR("one"), STR_NONE, NULL, err) &&
           sql_thing_add_nullable(tx, 2, STR("two"), STR_NONE, NULL, err);
}

static void test_write__is_all_or_nothing_whatever_fails(void **state)
{
    struct scratch *s = *state;
    unsigned nth = 1;
    for (;; nth++) {
        db_fail_nth_for_test(nth);
        bool ok = db_write(s->db, s->arena, add_two, NULL, &s->err);
        db_fail_nth_for_test(0);
        if (ok)
            break;
        check_error(&s->err, ERROR_UNAVAILABLE, "a test made");
        assert_int_equal(thing_count(s), 0);
    }
    assert_int_equal(nth, 4); /* two statements and a commit were failed before */
    assert_int_equal(thing_count(s), 2);
}

static void test_read__fails_and_recovers(void **state)
{
    struct scratch *s = *state;
    struct db_tx *tx AUTO(db_tx_end) = db_read(s->db, s->arena, &s->err);
    struct thing_count_row row;
    db_fail_nth_for_test(1);
    assert_false(sql_thing_count(tx, &row, &s->err));
    check_error(&s->err, ERROR_UNAVAILABLE, "a test made");
    assert_true(sql_thing_count(tx, &row, &s->err));
}

static void test_open__refuses_what_it_cannot_use(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        enum error_kind kind;
        const char *part;
    } cases[] = {
        { "postgres://u:sec/ret@h/db", ERROR_INVALID, "write %40 for @" },
        { "postgres://u:sec@ret@h/db", ERROR_INVALID, "write %40 for @" },
        { "postgres://u:secret%zz@h/db", ERROR_INVALID, "must read postgres://USER" },
        { "postgresql://h/db?secret=1", ERROR_INVALID, "must read postgres://USER" },
        { "mysql://h/db", ERROR_INVALID, "must read sqlite:PATH" },
        { "", ERROR_INVALID, "must read sqlite:PATH" },
        { "sqlite:", ERROR_INVALID, "needs the path of a file" },
        { "sqlite::memory:", ERROR_INVALID, "needs the path of a file" },
        { "sqlite:/tmp/no/such/folder/berth.db", ERROR_INVALID, "No such file or directory" },
        { "sqlite:/tmp", ERROR_INVALID, "/tmp" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct db_options options = { .url = str_from(cases[i].url) };
        struct db *db = NULL;
        struct error err = { 0 };
        assert_false(db_open(&options, &db, &err));
        assert_null(db);
        assert_null(strstr(err.message, "sec"));
        assert_null(strstr(err.message, "ret@"));
        check_error(&err, cases[i].kind, cases[i].part);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_statement__gives_back_a_value_of_each_type),
        SCRATCH_TEST(test_statement__tells_null_from_empty),
        SCRATCH_TEST(test_bind_text__takes_absent_as_empty_where_null_is_not_allowed),
        SCRATCH_TEST(test_bind_text__refuses_what_only_one_engine_could_store),
        SCRATCH_TEST(test_step__refuses_what_does_not_fit_the_columns),
        SCRATCH_TEST(test_one__wants_exactly_one_row),
        SCRATCH_TEST(test_maybe__tells_whether_there_is_a_row),
        SCRATCH_TEST(test_many__gives_all_rows_in_order),
        SCRATCH_TEST(test_count__tells_how_many_rows_changed),
        SCRATCH_TEST(test_many_inputs__come_as_one_struct),
        SCRATCH_TEST(test_variant__of_the_engine_is_taken),
        SCRATCH_TEST(test_now_ms__stands_still_within_a_transaction),
        SCRATCH_TEST(test_write__is_all_or_nothing_whatever_fails),
        SCRATCH_TEST(test_read__fails_and_recovers),
        cmocka_unit_test(test_open__refuses_what_it_cannot_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
