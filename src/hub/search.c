/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/search.h"

#include "base/limits.h"
#include "hub/repository.h"
#include "hub/search.sql.h"

enum { FREQUENCY_MAX = 2000 }; /* words in more repositories than this count as equally common */

/* One query, as the statements need it. */
struct finding {
    struct db_tx *tx;
    const struct search_query *query;
    struct str text; /* trimmed, lower case, without "library/" */
    struct str terms[SEARCH_TERM_COUNT_MAX];
    size_t term_count;
    int64_t rank_min, rank_max;
    bool sees_all;
    int64_t viewer_id;
    struct repository exact; /* id 0: none */
};
static_assert((int)SEARCH_TERM_COUNT_MAX == 8, "the statements have places for eight words");

/* --- reading the query ---------------------------------------------------------------------- */

static struct str normalize(struct arena *arena, struct str text)
{
    struct str cut = str_trim(str_slice(text, 0, SEARCH_QUERY_BYTES_MAX));
    char *lower = arena_alloc(arena, cut.len + 1);
    for (size_t i = 0; i < cut.len; i++) {
        char c = cut.ptr[i];
        lower[i] = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
    }
    struct str result = { lower, cut.len };
    return str_starts(result, STR("library/")) ? str_after(result, 8) : result;
}

/* Puts the word that fewest repositories have in front: its rows are gone through. */
static bool choose_first_term(struct finding *finding, struct error *err)
{
    int64_t least = INT64_MAX;
    size_t best = 0;
    for (size_t i = 0; i < finding->term_count; i++) {
        struct search_frequency_row row;
        if (!sql_search_frequency(finding->tx, finding->terms[i], FREQUENCY_MAX, &row, err))
            return false;
        bool is_longer = finding->terms[i].len > finding->terms[best].len;
        if (row.frequency < least || (row.frequency == least && is_longer)) {
            least = row.frequency;
            best = i;
        }
    }
    struct str first = finding->terms[best];
    finding->terms[best] = finding->terms[0];
    finding->terms[0] = first;

    /* Where a row may fail to match, the walk does not go on for ever. */
    bool is_sieved = finding->term_count > 1 || finding->query->automated != SEARCH_ANY;
    if (least < FREQUENCY_MAX || !is_sieved)
        return true;
    struct search_floor_row floor;
    if (!sql_search_floor(finding->tx, first, finding->rank_max, SEARCH_DEPTH, &floor, err))
        return false;
    if (floor.lowest > finding->rank_min)
        finding->rank_min = floor.lowest;
    return true;
}

/* --- the exact match ------------------------------------------------------------------------ */

static bool filter_takes(enum search_filter filter, bool value)
{
    return filter == SEARCH_ANY || (filter == SEARCH_YES) == value;
}

/* The repository whose shown name is the query, if filters and viewer leave it. */
static bool find_exact(struct finding *finding, struct error *err)
{
    const struct search_query *query = finding->query;
    struct repository_name name;
    struct error ignored = { 0 };
    if (!repository_name_parse(finding->text, &name, &ignored)) {
        error_clear(&ignored); /* the query is no name */
        return true;
    }
    struct repository found;
    if (!repository_find(finding->tx, name, &found, err))
        return false;
    bool is_visible =
        !found.is_private || finding->sees_all || found.owner_id == finding->viewer_id;
    if (found.id != 0 && is_visible && found.star_count >= query->stars_min &&
        filter_takes(query->official, repository_name_is_official(name)) &&
        filter_takes(query->automated, found.is_automated))
        finding->exact = found;
    return true;
}

/* --- the others ----------------------------------------------------------------------------- */

/* The words but the first; unused places repeat the last one, which changes nothing. */
static struct str other_at(const struct finding *finding, size_t index)
{
    if (finding->term_count < 2)
        return STR("");
    return finding->terms[index < finding->term_count ? index : finding->term_count - 1];
}

static int64_t other_count(const struct finding *finding)
{
    return finding->term_count < 2 ? 0 : (int64_t)finding->term_count - 1;
}

/* The inputs of both statements have the same names. */
#define SEARCH_INPUTS(finding, limit)                                                              \
    {                                                                                              \
        .term = (finding)->terms[0], .rank_min = (finding)->rank_min,                              \
        .rank_max = (finding)->rank_max, .others = other_count(finding),                           \
        .other1 = other_at((finding), 1), .other2 = other_at((finding), 2),                        \
        .other3 = other_at((finding), 3), .other4 = other_at((finding), 4),                        \
        .other5 = other_at((finding), 5), .other6 = other_at((finding), 6),                        \
        .other7 = other_at((finding), 7), .but_id = (finding)->exact.id,                           \
        .sees_all = (finding)->sees_all, .viewer_id = (finding)->viewer_id,                        \
        .stars_min = (finding)->query->stars_min,                                                  \
        .any_automated = (finding)->query->automated == SEARCH_ANY,                                \
        .is_automated = (finding)->query->automated == SEARCH_YES, .most = (limit),                \
    }

static struct search_result result_of_exact(struct arena *arena, const struct repository *exact)
{
    return (struct search_result){
        .name = repository_shown_name(arena, exact->name),
        .description = exact->description,
        .star_count = exact->star_count,
        .pull_count = exact->pull_count,
        .is_official = repository_name_is_official(exact->name),
        .is_automated = exact->is_automated,
        .is_private = exact->is_private,
    };
}

static struct search_result result_of_row(struct arena *arena, const struct search_page_row *row)
{
    struct repository_name name = { .owner = row->owner, .name = row->name };
    return (struct search_result){
        .name = repository_shown_name(arena, name),
        .description = row->description,
        .star_count = row->star_count,
        .pull_count = row->pull_count,
        .is_official = repository_name_is_official(name),
        .is_automated = row->is_automated,
        .is_private = row->is_private,
    };
}

/* Results `from` to `to` of all, the exact match being number 0. */
static bool read_page(struct finding *finding, int64_t from, int64_t to, struct search_result **out,
                      size_t *count, struct error *err)
{
    struct arena *arena = db_tx_arena(finding->tx);
    int64_t exact_count = finding->exact.id != 0;
    struct search_page_in in = SEARCH_INPUTS(finding, to - exact_count);
    struct search_page_row *rows = NULL;
    size_t row_count = 0, result_count = 0;
    if (finding->term_count > 0 && !sql_search_page(finding->tx, &in, &rows, &row_count, err))
        return false;

    struct search_result *results = arena_alloc(arena, (size_t)(to - from + 1) * sizeof(*results));
    if (from == 0 && exact_count == 1)
        results[result_count++] = result_of_exact(arena, &finding->exact);
    for (size_t i = (size_t)(from > exact_count ? from - exact_count : 0); i < row_count; i++)
        results[result_count++] = result_of_row(arena, &rows[i]);
    *out = results;
    *count = result_count;
    return true;
}

static bool count_all(struct finding *finding, int64_t *total, struct error *err)
{
    int64_t exact_count = finding->exact.id != 0;
    struct search_total_in in = SEARCH_INPUTS(finding, SEARCH_TOTAL_MAX - exact_count);
    struct search_total_row row = { 0 };
    if (finding->term_count > 0 && !sql_search_total(finding->tx, &in, &row, err))
        return false;
    *total = row.total + exact_count;
    return true;
}

/* The words of the query; no text at all is the empty word, which every repository has. */
static void read_terms(struct finding *finding, struct arena *arena)
{
    struct str *words;
    finding->term_count = search_tokens(arena, finding->text, false, SEARCH_TERM_COUNT_MAX, &words);
    for (size_t i = 0; i < finding->term_count; i++)
        finding->terms[i] = words[i];
    if (finding->text.len == 0) {
        finding->terms[0] = STR("");
        finding->term_count = 1;
    }
}

bool search_find(struct hub *hub, struct arena *arena, const struct search_query *query,
                 struct search_result **out, size_t *count, int64_t *total, struct error *err)
{
    struct db_tx *tx AUTO(db_tx_end) = db_read(hub->db, arena, err);
    if (!tx)
        return false;
    struct finding finding = {
        .tx = tx,
        .query = query,
        .text = normalize(arena, query->text),
        .rank_min = query->official == SEARCH_YES ? SEARCH_RANK_OFFICIAL : 0,
        .rank_max = query->official == SEARCH_NO ? SEARCH_RANK_OFFICIAL - 1 : INT64_MAX,
        .sees_all = query->viewer && query->viewer->is_admin,
        .viewer_id = query->viewer ? query->viewer->id : 0,
    };
    read_terms(&finding, arena);
    if ((finding.term_count > 0 && !choose_first_term(&finding, err)) || !find_exact(&finding, err))
        return false;

    int64_t limit = query->limit < 1 ? 1 : query->limit;
    if (limit > SEARCH_RESULT_COUNT_MAX)
        limit = SEARCH_RESULT_COUNT_MAX;
    int64_t from = (query->page < 1 ? 0 : query->page - 1) * limit;
    int64_t to = from + limit > SEARCH_TOTAL_MAX ? SEARCH_TOTAL_MAX : from + limit;
    size_t found = 0;
    if (from < to && !read_page(&finding, from, to, out, &found, err))
        return false;
    /* A page that is neither empty nor full is the last one. */
    if (found > 0 && (int64_t)found < to - from)
        *total = from + (int64_t)found;
    else if (!count_all(&finding, total, err))
        return false;
    if (from >= to)
        *out = NULL;
    *count = found;
    return true;
}
