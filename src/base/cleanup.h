/* SPDX-License-Identifier: Apache-2.0 */
/* base/cleanup.h - resources that are released when their scope ends.
 *
 *     struct file *file AUTO(file_close) = file_open(path);
 *     ...
 *     *out = TAKE(file);          hands it over and disarms the release
 *
 * A destructor used with AUTO() accepts NULL and is declared once with
 * DEFINE_AUTO() beside its type.  GCC and Clang only (doc/decisions/0003). */
#pragma once

#define AUTO(destructor) __attribute__((cleanup(destructor##_auto)))

#define DEFINE_AUTO(type, destructor)                                                              \
    static inline void destructor##_auto(type **slot)                                              \
    {                                                                                              \
        destructor(*slot);                                                                         \
    }                                                                                              \
    static_assert(1, "takes a semicolon")

#define TAKE(pointer)                                                                              \
    __extension__({                                                                                \
        __typeof__(pointer) taken_ = (pointer);                                                    \
        (pointer) = NULL;                                                                          \
        taken_;                                                                                    \
    })

#define NODISCARD __attribute__((warn_unused_result))
#define PRINTF_LIKE(at, first) __attribute__((format(printf, at, first)))
#define ARRAY_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#include <assert.h>
