/* SPDX-License-Identifier: Apache-2.0 */
/* Properties: words are UTF-8 of at most SEARCH_TOKEN_CHARS_MAX characters, each there once; cut
 * again, they are the same words; prefixes come behind them and begin one of them. */
#include "base/arena.h"
#include "base/buf.h"
#include "hub/search.h"

#include "fuzz.h"

enum { WORDS_MAX = 200 };

static void check_word(const struct str *words, size_t index)
{
    struct str word = words[index];
    size_t characters = 0;
    REQUIRE(word.len > 0 && str_is_utf8(word));
    for (size_t at = 0; at < word.len; characters++)
        at += str_utf8_length(str_after(word, at));
    REQUIRE(characters <= SEARCH_TOKEN_CHARS_MAX);
    for (size_t i = 0; i < index; i++)
        REQUIRE(!str_equal(words[i], word));
}

static bool begins_one(struct str prefix, const struct str *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_starts(words[i], prefix))
            return true;
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena AUTO(arena_free) = arena_new();
    struct str input = { (const char *)data, size }, *words, *again, *more;
    size_t count = search_tokens(arena, input, false, WORDS_MAX, &words);
    REQUIRE(count <= WORDS_MAX);
    struct buf joined AUTO(buf_release);
    buf_init(&joined, 1 << 20);
    for (size_t i = 0; i < count; i++) {
        check_word(words, i);
        buf_append(&joined, words[i]);
        buf_append_byte(&joined, ' ');
    }
    REQUIRE(search_tokens(arena, buf_str(&joined), false, WORDS_MAX, &again) == count);
    for (size_t i = 0; i < count; i++)
        REQUIRE(str_equal(words[i], again[i]));

    size_t more_count = search_tokens(arena, input, true, WORDS_MAX, &more);
    REQUIRE(more_count >= count && more_count <= WORDS_MAX);
    for (size_t i = 0; i < more_count; i++) {
        check_word(more, i);
        REQUIRE(i < count ? str_equal(more[i], words[i]) : begins_one(more[i], words, count));
    }
    return 0;
}
