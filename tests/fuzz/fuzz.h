/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fuzz/fuzz.h - what a fuzz target and its driver agree on.
 *
 * A target states a property in its head comment and breaks off with REQUIRE()
 * when an input does not have it. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);   \
            abort();                                                                               \
        }                                                                                          \
    } while (0)
