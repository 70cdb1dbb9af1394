/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/search.h"
#include "hub/search.sql.h"

/* --- the rank ------------------------------------------------------------------------------ */

/* From the highest bit: 0 | official 1 | stars 24 | pulls 8 | first letters of the name 30. */
enum {
    RANK_STAR_BITS = 24,
    RANK_PULL_BITS = 8,
    RANK_LETTERS = 5,
    RANK_LETTER_BITS = 6,
    RANK_NAME_BITS = RANK_LETTERS * RANK_LETTER_BITS,
    RANK_STARS_AT = RANK_NAME_BITS + RANK_PULL_BITS,
};
static_assert((int)RANK_STARS_AT + (int)RANK_STAR_BITS == 62, "the bits of a rank");

/* Four steps for each doubling: so a popular repository seldom moves in the index. */
static int64_t pull_steps(int64_t pull_count)
{
    if (pull_count <= 0)
        return 0;
    int bits = 63 - __builtin_clzll((unsigned long long)pull_count);
    int64_t quarter = bits >= 2 ? (pull_count >> (bits - 2)) & 3 : (pull_count << (2 - bits)) & 3;
    return 1 + 4 * bits + quarter;
}

/* A before z, so a has the larger value; the end of a name is the largest. */
static int64_t letter_value(struct str name, size_t index)
{
    static const struct str order = { "-./0123456789_abcdefghijklmnopqrstuvwxyz", 40 };
    size_t position = index < name.len ? 1 + str_find(order, name.ptr[index]) : 0;
    return (int64_t)((1 << RANK_LETTER_BITS) - 1 - position);
}

static int64_t name_bits(struct repository_name name)
{
    int64_t bits = 0;
    bool is_official = repository_name_is_official(name);
    for (size_t i = 0; i < RANK_LETTERS; i++) {
        bits <<= RANK_LETTER_BITS;
        bits |= letter_value(is_official ? name.name : name.owner, i);
    }
    return bits;
}

int64_t search_rank_with_pulls(int64_t rank, int64_t pull_count)
{
    static const int64_t mask = (((int64_t)1 << RANK_PULL_BITS) - 1) << RANK_NAME_BITS;
    return (rank & ~mask) | pull_steps(pull_count) << RANK_NAME_BITS;
}

int64_t search_rank(struct repository_name name, int64_t star_count, int64_t pull_count)
{
    static const int64_t stars_max = ((int64_t)1 << RANK_STAR_BITS) - 1;
    int64_t stars = star_count < 0 ? 0 : star_count > stars_max ? stars_max : star_count;
    int64_t rank = stars << RANK_STARS_AT | name_bits(name);
    if (repository_name_is_official(name))
        rank |= SEARCH_RANK_OFFICIAL;
    return search_rank_with_pulls(rank, pull_count);
}

bool search_rerank(struct db_tx *tx, int64_t repository_id, int64_t rank, struct error *err)
{
    return sql_search_rerank_terms(tx, rank, repository_id, err) &&
           sql_search_rerank_repository(tx, rank, repository_id, err);
}

/* --- the rows ------------------------------------------------------------------------------ */

static bool is_among(const struct str *list, size_t count, struct str word)
{
    for (size_t i = 0; i < count; i++) {
        if (str_equal(list[i], word))
            return true;
    }
    return false;
}

/* What the index should have of a repository: its rank, and its words, each once. */
struct entry {
    bool found; /* there is such a repository */
    int64_t rank;
    struct str *words;
    size_t count;
};

static bool entry_read(struct db_tx *tx, int64_t repository_id, struct entry *out,
                       struct error *err)
{
    struct search_source_row row;
    struct entry entry = { 0 };
    if (!sql_search_source(tx, repository_id, &row, &entry.found, err))
        return false;
    if (!entry.found) {
        *out = entry;
        return true;
    }
    struct arena *arena = db_tx_arena(tx);
    struct repository_name name = { .owner = row.owner, .name = row.name };
    struct str names =
        repository_name_is_official(name)
            ? row.name
            : arena_format(arena, "%.*s/%.*s", STR_ARG(row.owner), STR_ARG(row.name));
    struct str *words, *more;
    size_t count = search_tokens(arena, names, true, SEARCH_TOKENS_PER_REPOSITORY_MAX, &words);
    size_t more_count = search_tokens(arena, row.description, false,
                                      SEARCH_TOKENS_PER_REPOSITORY_MAX - count, &more);
    entry.rank = search_rank(name, row.star_count, row.pull_count);
    entry.words = arena_alloc(arena, (1 + count + more_count) * sizeof(*entry.words));
    entry.words[entry.count++] = STR(""); /* finds everything */
    for (size_t i = 0; i < count; i++)
        entry.words[entry.count++] = words[i];
    for (size_t i = 0; i < more_count; i++) {
        if (!is_among(words, count, more[i]))
            entry.words[entry.count++] = more[i];
    }
    *out = entry;
    return true;
}

bool search_index(struct db_tx *tx, int64_t repository_id, struct error *err)
{
    struct entry entry;
    if (!entry_read(tx, repository_id, &entry, err) || !sql_search_clear(tx, repository_id, err))
        return false;
    if (!entry.found)
        return true;
    if (!sql_search_rerank_repository(tx, entry.rank, repository_id, err))
        return false;
    for (size_t i = 0; i < entry.count; i++) {
        if (!sql_search_insert(tx, entry.words[i], entry.rank, repository_id, err))
            return false;
    }
    return true;
}

bool search_index_is_right(struct db_tx *tx, int64_t repository_id, bool *out, struct error *err)
{
    struct entry entry;
    struct search_terms_row *rows;
    size_t count;
    if (!entry_read(tx, repository_id, &entry, err) ||
        !sql_search_terms(tx, repository_id, SEARCH_TOKENS_PER_REPOSITORY_MAX + 2, &rows, &count,
                          err))
        return false;
    bool is_right = count == entry.count;
    for (size_t i = 0; i < count && is_right; i++)
        is_right = rows[i].place == entry.rank && rows[i].search_rank == entry.rank &&
                   is_among(entry.words, entry.count, rows[i].term);
    *out = is_right;
    return true;
}
