/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/search.h"

#include <stdlib.h>
#include <string.h>

/* --- characters ---------------------------------------------------------------------------- */

enum kind { KIND_SEPARATOR = 0, KIND_LETTER, KIND_DIGIT, KIND_CJK };

struct range {
    uint32_t first, last;
};

/* Scripts without spaces between words, which are cut into pairs. */
static const struct range cjk_ranges[] = {
    { 0x3041, 0x3096 }, { 0x30A1, 0x30FA },   { 0x30FC, 0x30FF }, { 0x3105, 0x312F },
    { 0x31F0, 0x31FF }, { 0x3400, 0x4DBF },   { 0x4E00, 0x9FFF }, { 0xAC00, 0xD7A3 },
    { 0xF900, 0xFAFF }, { 0x20000, 0x3FFFD },
};

/* What is neither letter nor digit beyond ASCII: punctuation, symbols, pictures, private use. */
static const struct range separator_ranges[] = {
    { 0x0080, 0x00A9 }, { 0x00AB, 0x00B4 }, { 0x00B6, 0x00B9 },   { 0x00BB, 0x00BF },
    { 0x00D7, 0x00D7 }, { 0x00F7, 0x00F7 }, { 0x2000, 0x206F },   { 0x20A0, 0x2BFF },
    { 0x2E00, 0x303F }, { 0x30FB, 0x30FB }, { 0xD800, 0xF8FF },   { 0xFE00, 0xFE6F },
    { 0xFEFF, 0xFEFF }, { 0xFF01, 0xFF0F }, { 0xFF1A, 0xFF20 },   { 0xFF3B, 0xFF40 },
    { 0xFF5B, 0xFF65 }, { 0xFFE0, 0xFFFF }, { 0x1F000, 0x1FAFF }, { 0xE0000, 0x10FFFF },
};

static bool is_in(const struct range *ranges, size_t count, uint32_t c)
{
    for (size_t i = 0; i < count; i++) {
        if (c >= ranges[i].first && c <= ranges[i].last)
            return true;
    }
    return false;
}

static enum kind kind_of(uint32_t c)
{
    if (c >= '0' && c <= '9')
        return KIND_DIGIT;
    if (c < 0x80)
        return c >= 'a' && c <= 'z' ? KIND_LETTER : KIND_SEPARATOR;
    if (is_in(cjk_ranges, ARRAY_COUNT(cjk_ranges), c))
        return KIND_CJK;
    return is_in(separator_ranges, ARRAY_COUNT(separator_ranges), c) ? KIND_SEPARATOR : KIND_LETTER;
}

/* Lower case of the Latin, Greek and Cyrillic letters, and ASCII for their full-width forms.  A
 * table of our own, since the locale's differs from node to node, and the index must not. */
static uint32_t fold(uint32_t c)
{
    if (c >= 0xFF10 && c <= 0xFF5A)
        c -= 0xFEE0;
    if (c < 0x80)
        return c >= 'A' && c <= 'Z' ? c + 0x20 : c;
    if ((c >= 0xC0 && c <= 0xDE && c != 0xD7) || (c >= 0x391 && c <= 0x3A9) ||
        (c >= 0x410 && c <= 0x42F))
        return c + 0x20;
    if (c >= 0x400 && c <= 0x40F)
        return c + 0x50;
    if (c == 0x178)
        return 0xFF;
    bool is_even_upper = (c >= 0x100 && c <= 0x137) || (c >= 0x14A && c <= 0x177) ||
                         (c >= 0x460 && c <= 0x481) || (c >= 0x48A && c <= 0x4BF) ||
                         (c >= 0x1E00 && c <= 0x1E95) || (c >= 0x1EA0 && c <= 0x1EFF);
    bool is_odd_upper = (c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E);
    if (is_even_upper)
        return c | 1;
    return is_odd_upper ? c + (c & 1) : c;
}

/* Takes a character off the front of the text; 0 for a byte that is not UTF-8. */
static uint32_t take_character(struct str *text)
{
    static const uint8_t masks[] = { 0, 0x7F, 0x1F, 0x0F, 0x07 };
    size_t length = str_utf8_length(*text);
    if (length == 0) {
        *text = str_after(*text, 1);
        return 0;
    }
    uint32_t c = (uint8_t)text->ptr[0] & masks[length];
    for (size_t i = 1; i < length; i++)
        c = c << 6 | ((uint8_t)text->ptr[i] & 0x3F);
    *text = str_after(*text, length);
    return fold(c);
}

static size_t put_character(uint32_t c, char *out)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t length = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const uint8_t leads[] = { 0, 0, 0xC0, 0xE0, 0xF0 };
    for (size_t i = length - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (c & 0x3F));
        c >>= 6;
    }
    out[0] = (char)(leads[length] | c);
    return length;
}

/* --- words --------------------------------------------------------------------------------- */

struct words {
    struct arena *arena;
    struct str *list;
    size_t count, max;
    size_t *slots; /* hash table: 1 + index into list; 0 free */
    size_t slot_count;
};

static size_t hash_of(struct str word)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a: the table is small and lives for one text */
    for (size_t i = 0; i < word.len; i++)
        hash = (hash ^ (uint8_t)word.ptr[i]) * 1099511628211u;
    return (size_t)(hash ^ hash >> 32);
}

static void add(struct words *words, struct str word)
{
    if (words->count == words->max || word.len == 0)
        return;
    size_t slot = hash_of(word) % words->slot_count;
    while (words->slots[slot] != 0) {
        if (str_equal(words->list[words->slots[slot] - 1], word))
            return;
        slot = (slot + 1) % words->slot_count;
    }
    words->list[words->count++] = arena_copy(words->arena, word);
    words->slots[slot] = words->count;
}

/* A run of characters of one kind. */
struct run {
    enum kind kind;
    uint32_t characters[SEARCH_TOKEN_CHARS_MAX]; /* of CJK: the last one only */
    size_t count;
};

static void add_characters(struct words *words, const uint32_t *characters, size_t count)
{
    char text[4 * SEARCH_TOKEN_CHARS_MAX];
    size_t length = 0;
    for (size_t i = 0; i < count; i++)
        length += put_character(characters[i], text + length);
    add(words, (struct str){ text, length });
}

/* A lone CJK character is a word; of more, each neighbouring pair. */
static void extend_cjk(struct words *words, struct run *run, uint32_t c)
{
    if (run->count > 0) {
        uint32_t pair[] = { run->characters[0], c };
        add_characters(words, pair, 2);
    }
    run->characters[0] = c;
    run->count += run->count < 2;
}

static void end_run(struct words *words, struct run *run)
{
    bool is_paired = run->kind == KIND_CJK && run->count > 1;
    if (!is_paired && run->count > 0)
        add_characters(words, run->characters, run->count);
    run->count = 0;
}

static void cut(struct words *words, struct str text)
{
    struct run run = { 0 };
    while (text.len > 0 && words->count < words->max) {
        uint32_t c = take_character(&text);
        enum kind kind = kind_of(c);
        if (kind != run.kind)
            end_run(words, &run);
        run.kind = kind;
        if (kind == KIND_CJK)
            extend_cjk(words, &run, c);
        else if (kind != KIND_SEPARATOR && run.count < SEARCH_TOKEN_CHARS_MAX)
            run.characters[run.count++] = c;
    }
    end_run(words, &run);
}

static void add_prefixes(struct words *words, struct str word)
{
    size_t characters = 0;
    for (size_t at = 0; at < word.len; characters++) {
        if (characters >= 2)
            add(words, str_slice(word, 0, at));
        at += str_utf8_length(str_after(word, at));
    }
}

size_t search_tokens(struct arena *arena, struct str text, bool with_prefixes, size_t max,
                     struct str **out)
{
    struct words words = {
        .arena = arena,
        .max = max,
        .list = arena_alloc(arena, (max + 1) * sizeof(struct str)),
        .slot_count = 2 * max + 1,
    };
    words.slots = arena_alloc(arena, words.slot_count * sizeof(*words.slots));
    cut(&words, text);
    size_t whole_count = words.count;
    for (size_t i = 0; with_prefixes && i < whole_count; i++)
        add_prefixes(&words, words.list[i]);
    *out = words.list;
    return words.count;
}
