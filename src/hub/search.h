/* SPDX-License-Identifier: Apache-2.0 */
/* hub/search.h - finding repositories by name, owner and description.
 *
 * The index is ours and the same on both databases (doc/decisions): search_tokens() cuts text into lower-case words,
 * split at punctuation and between letters and digits, plus pairs of CJK characters; names give their prefixes of two
 * characters and more as well. A query finds what has all of its words; the last word may be a beginning.
 *
 * Order: the one whose shown name is the query; official ones; stars; pulls; name.  Private repositories appear only
 * to those who may see them. */
#pragma once
#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "hub/account.h"
#include "hub/hub.h"

#include <stdbool.h>
#include <stdint.h>

enum { SEARCH_TOKEN_CHARS_MAX = 32, SEARCH_TOKENS_PER_REPOSITORY_MAX = 400 };

/* The words of a text in order of appearance, each once.  Pure. */
size_t search_tokens(struct arena *arena, struct str text, bool with_prefixes, size_t max,
                     struct str **out);

/* Writes the index rows of one repository anew, in the transaction of what changed it. */
NODISCARD bool search_index(struct db_tx *tx, int64_t repository_id, struct error *err);

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

/* *total counts all matches, up to 10,000. */
NODISCARD bool search_find(struct hub *hub, struct arena *arena, const struct search_query *query,
                           struct search_result **out, size_t *count, int64_t *total,
                           struct error *err);
