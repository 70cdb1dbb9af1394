/* SPDX-License-Identifier: Apache-2.0 */
/* tests/property/generate.h - random inputs that can be had again.
 *
 * Every run draws a new seed and prints it; BERTH_TEST_SEED=<number> repeats one.
 * The generator is splitmix64: short, and the same on every machine. */
#pragma once
#include "base/arena.h"
#include "base/random.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct generator {
    uint64_t state;
};

static inline struct generator generator_new(void)
{
    uint64_t seed;
    const char *wanted = getenv("BERTH_TEST_SEED");
    if (!wanted || !str_to_u64(str_from(wanted), UINT64_MAX, &seed))
        seed = random_u64();
    print_message("BERTH_TEST_SEED=%llu\n", (unsigned long long)seed);
    return (struct generator){ .state = seed };
}

static inline uint64_t generate_u64(struct generator *generator)
{
    generator->state += 0x9E3779B97F4A7C15u;
    uint64_t mixed = generator->state;
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9u;
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EBu;
    return mixed ^ mixed >> 31;
}

/* From 0 to limit - 1. */
static inline size_t generate_below(struct generator *generator, size_t limit)
{
    return (size_t)(generate_u64(generator) % limit);
}

/* Up to `size_max` bytes, each one of `alphabet`; any byte if that is absent. */
static inline struct str generate_text(struct generator *generator, struct arena *arena,
                                       size_t size_max, struct str alphabet)
{
    size_t size = generate_below(generator, size_max + 1);
    char *text = arena_alloc(arena, size + 1);
    for (size_t i = 0; i < size; i++) {
        uint64_t drawn = generate_u64(generator);
        text[i] = str_is_set(alphabet) ? alphabet.ptr[drawn % alphabet.len] : (char)drawn;
    }
    return (struct str){ text, size };
}
