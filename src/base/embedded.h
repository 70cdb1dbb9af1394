/* SPDX-License-Identifier: Apache-2.0 */
/* base/embedded.h - files that tools/embed.py built into the program. */
#pragma once
#include <stddef.h>

/* A table of these ends with a row whose name is NULL. */
struct embedded_file {
    const char *name;           /* below its folder, with slashes */
    const unsigned char *bytes; /* a NUL follows that `size` does not count */
    size_t size;
    const char *mark; /* changes with the content: 16 hexadecimal digits of its SHA-256 */
};
