/* SPDX-License-Identifier: Apache-2.0 */
/* hub/search.h - finding repositories by name, owner and description.
 *
 * The index is ours and the same on both databases (doc/decisions): search_tokens() cuts text into
 * lower-case words, split at punctuation and between letters and digits, plus pairs of CJK
 * characters; names give their prefixes of two characters and more as well.  A query finds what has
 * all of its words; a word may be the beginning of one of the name's or the owner's.  Official
 * repositories are found without their namespace.
 *
 * Order: the one whose shown name is the query; official ones; stars; pulls (in steps of a fifth);
 * the first letters of the name.  All but the first of these are one number, the rank, which each
 * row of the index carries: so a page is read from the index in its order, and stops when it is
 * full.  A query of several words looks at the best SEARCH_DEPTH rows of its rarest word.  Private
 * repositories appear only to those who may see them. */
#pragma once
#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "hub/account.h"
#include "hub/hub.h"
#include "oci/reference.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    SEARCH_TOKEN_CHARS_MAX = 32, /* a longer word is cut, in the index and in queries */
    SEARCH_TOKENS_PER_REPOSITORY_MAX = 400,
    SEARCH_TOTAL_MAX = 10000, /* matches that are counted and can be paged to */
    SEARCH_DEPTH = 100000,
};

/* The words of a text in order of appearance, each once; behind them, `with_prefixes`, their
 * beginnings.  Any bytes will do: what is not UTF-8 separates words.  Pure. */
size_t search_tokens(struct arena *arena, struct str text, bool with_prefixes, size_t max,
                     struct str **out);

/* Where a repository stands among others; larger is better, and never negative. */
int64_t search_rank(struct repository_name name, int64_t star_count, int64_t pull_count);
int64_t search_rank_with_pulls(int64_t rank, int64_t pull_count); /* all else as it was */

#define SEARCH_RANK_OFFICIAL ((int64_t)1 << 62) /* official ones have this rank or more */

/* Writes the index rows of one repository anew, in the transaction of what changed it. */
NODISCARD bool search_index(struct db_tx *tx, int64_t repository_id, struct error *err);

/* Are they as search_index() would write them? */
NODISCARD bool search_index_is_right(struct db_tx *tx, int64_t repository_id, bool *out,
                                     struct error *err);

/* Moves a repository to another rank. */
NODISCARD bool search_rerank(struct db_tx *tx, int64_t repository_id, int64_t rank,
                             struct error *err);

enum search_filter { SEARCH_ANY = 0, SEARCH_YES, SEARCH_NO };

struct search_query {
    struct str text;              /* empty finds everything */
    const struct account *viewer; /* id 0: nobody */
    int limit, page;              /* page from 1 */
    int64_t stars_min;
    enum search_filter official, automated;
};

struct search_result {
    struct str name; /* as shown */
    struct str description;
    int64_t star_count, pull_count;
    bool is_official, is_automated, is_private;
};

/* *total counts all matches, up to SEARCH_TOTAL_MAX. */
NODISCARD bool search_find(struct hub *hub, struct arena *arena, const struct search_query *query,
                           struct search_result **out, size_t *count, int64_t *total,
                           struct error *err);
