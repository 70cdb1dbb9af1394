/* SPDX-License-Identifier: Apache-2.0 */
/* Laws of hub/search: words do not depend on what stands around them, and what the index finds,
 * page by page, is what looking at every repository finds. */
#include "../unit/hub/content.h"
#include "generate.h"
#include "hub/search.h"

enum { REPOSITORIES = 40, QUERIES = 150, ROUNDS = 400 };

/* --- words --------------------------------------------------------------------------------- */

static bool is_among(struct str word, const struct str *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_equal(words[i], word))
            return true;
    }
    return false;
}

static void test_search_tokens__of_two_texts_are_those_of_each(void **state)
{
    (void)state;
    struct generator generator = generator_new();
    struct arena *arena AUTO(arena_free) = arena_new();
    for (int round = 0; round < ROUNDS; round++) {
        struct str a = generate_text(&generator, arena, 40, STR("aB7-/\xE6\x95\xB0\xC3\x84 "));
        struct str b = generate_text(&generator, arena, 40, STR_NONE), *of_a, *of_b, *of_both;
        b = str_slice(b, 0, str_find(b, '\0')); /* printf would end there too */
        struct str both = arena_format(arena, "%.*s %.*s", STR_ARG(a), STR_ARG(b));
        size_t a_count = search_tokens(arena, a, false, 200, &of_a);
        size_t b_count = search_tokens(arena, b, false, 200, &of_b);
        size_t count = search_tokens(arena, both, false, 200, &of_both);
        for (size_t i = 0; i < count; i++)
            assert_true(is_among(of_both[i], of_a, a_count) || is_among(of_both[i], of_b, b_count));
        for (size_t i = 0; i < a_count; i++)
            assert_true(str_equal(of_both[i], of_a[i]));
        for (size_t i = 0; i < b_count; i++)
            assert_true(is_among(of_b[i], of_both, count));
        arena_reset(arena);
    }
}

/* --- finding ------------------------------------------------------------------------------- */

struct model {
    int64_t id, owner_id, rank, stars;
    bool is_private, is_automated, is_official;
    struct str shown;
    struct str *words;
    size_t word_count;
};

static const char *const vocabulary[] = { "web", "app", "database", "data", "7",
                                          "x",   "ab",  "\u6570",   "my",   "server" };

static struct str some_words(struct generator *generator, struct arena *arena, size_t most)
{
    struct str text = STR("");
    for (size_t i = generate_below(generator, most + 1); i > 0; i--)
        text = arena_format(arena, "%.*s %s", STR_ARG(text),
                            vocabulary[generate_below(generator, ARRAY_COUNT(vocabulary))]);
    return text;
}

static bool index_tx(struct db_tx *tx, void *context, struct error *err)
{
    const struct model *model = context;
    return search_index(tx, model->id, err);
}

static void make(struct hub_fixture *fixture, struct generator *generator, struct model *model,
                 size_t number)
{
    struct arena *arena = fixture->arena;
    static const char *const owners[] = { "alice", "bob", "library" };
    struct repository_name name = {
        .owner = str_from(owners[generate_below(generator, 3)]),
        .name = arena_format(arena, "%s-n%zu", vocabulary[generate_below(generator, 7)], number),
    };
    bool is_private = generate_below(generator, 3) == 0,
         is_automated = generate_below(generator, 2);
    struct repository_change with = {
        .description = some_words(generator, arena, 4),
        .is_private = &is_private,
        .is_automated = &is_automated,
    };
    CHECK(repository_add(fixture->hub, arena, name, &with, &fixture->err));
    model->stars = (int64_t)generate_below(generator, 4);
    model->is_private = is_private;
    model->is_automated = is_automated;
    model->is_official = repository_name_is_official(name);
    model->owner_id = str_equal(name.owner, STR("alice")) ? ALICE : 0;
    model->shown = repository_shown_name(arena, name);
    model->rank = search_rank(name, model->stars, 0);
    model->id = content_repository(
        fixture, arena_format(arena, "%.*s/%.*s", STR_ARG(name.owner), STR_ARG(name.name)).ptr);
    hub_fixture_sql(fixture,
                    arena_format(arena, "UPDATE repository SET star_count = %lld WHERE id = %lld",
                                 (long long)model->stars, (long long)model->id)
                        .ptr);
    CHECK(db_write(fixture->hub->db, arena, index_tx, model, &fixture->err));
    struct str *names, *words;
    size_t name_count = search_tokens(arena, model->shown, true, 200, &names);
    size_t count = search_tokens(arena, with.description, false, 200, &words);
    model->words = arena_alloc(arena, (name_count + count + 1) * sizeof(struct str));
    memcpy(model->words, names, name_count * sizeof(struct str));
    memcpy(model->words + name_count, words, count * sizeof(struct str));
    model->word_count = name_count + count;
}

static bool filter_takes(enum search_filter filter, bool value)
{
    return filter == SEARCH_ANY || (filter == SEARCH_YES) == value;
}

static bool matches(const struct model *model, const struct search_query *query,
                    struct arena *arena)
{
    struct str *words;
    size_t count = search_tokens(arena, query->text, false, 8, &words);
    for (size_t i = 0; i < count; i++) {
        if (!is_among(words[i], model->words, model->word_count))
            return false;
    }
    bool is_visible = !model->is_private || query->viewer->is_admin ||
                      (query->viewer->id != 0 && query->viewer->id == model->owner_id);
    return is_visible && model->stars >= query->stars_min &&
           filter_takes(query->official, model->is_official) &&
           filter_takes(query->automated, model->is_automated);
}

/* Before it: the exact name, then the rank, then the younger. */
static bool comes_before(const struct model *a, const struct model *b, struct str text)
{
    bool a_exact = str_equal(a->shown, text), b_exact = str_equal(b->shown, text);
    if (a_exact != b_exact)
        return a_exact;
    return a->rank != b->rank ? a->rank > b->rank : a->id > b->id;
}

/* What looking at every repository finds. */
static size_t find_slowly(const struct model *models, const struct search_query *query,
                          struct arena *arena, const struct model **found)
{
    size_t count = 0;
    for (size_t i = 0; i < REPOSITORIES; i++) {
        if (!matches(&models[i], query, arena))
            continue;
        size_t at = count++;
        for (; at > 0 && comes_before(&models[i], found[at - 1], str_trim(query->text)); at--)
            found[at] = found[at - 1];
        found[at] = &models[i];
    }
    return count;
}

static void check_query(struct hub_fixture *fixture, struct generator *generator,
                        const struct model *models)
{
    static const struct account viewers[] = { { 0 },
                                              { .id = ALICE },
                                              { .id = 9, .is_admin = true } };
    struct search_query query = {
        .text = some_words(generator, fixture->arena, 3),
        .viewer = &viewers[generate_below(generator, 3)],
        .limit = 1 + (int)generate_below(generator, 9),
        .stars_min = (int64_t)generate_below(generator, 3),
        .official = (enum search_filter)generate_below(generator, 3),
        .automated = (enum search_filter)generate_below(generator, 3),
    };
    if (generate_below(generator, 4) == 0)
        query.text = models[generate_below(generator, REPOSITORIES)].shown;
    const struct model *expected[REPOSITORIES];
    size_t expected_count = find_slowly(models, &query, fixture->arena, expected), at = 0, count;
    do {
        struct search_result *results = NULL;
        int64_t total;
        query.page++;
        CHECK(search_find(fixture->hub, fixture->arena, &query, &results, &count, &total,
                          &fixture->err));
        assert_int_equal(total, expected_count);
        for (size_t i = 0; i < count; i++) {
            assert_true(at < expected_count);
            assert_true(str_equal(results[i].name, expected[at++]->shown));
        }
    } while (count == (size_t)query.limit);
    assert_int_equal(at, expected_count);
}

static void test_search_find__is_what_looking_at_all_finds(void **state)
{
    struct hub_fixture *fixture = *state;
    struct generator generator = generator_new();
    struct model *models = calloc(REPOSITORIES, sizeof(*models));
    for (size_t i = 0; i < REPOSITORIES; i++)
        make(fixture, &generator, &models[i], i);
    for (int i = 0; i < QUERIES; i++)
        check_query(fixture, &generator, models);
    free(models);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_search_tokens__of_two_texts_are_those_of_each),
        CONTENT_TEST(test_search_find__is_what_looking_at_all_finds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
