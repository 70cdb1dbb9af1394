/* SPDX-License-Identifier: Apache-2.0 */
/* base/random.h - unguessable bytes from the kernel.  Any thread; aborts if the
 * kernel has none, since nothing safe can be done without them. */
#pragma once
#include <stddef.h>
#include <stdint.h>

void random_bytes(void *out, size_t count);
uint64_t random_u64(void);

/* 128 random bits as 32 hexadecimal characters and a NUL: session and upload ids. */
enum { RANDOM_ID_TEXT = 33 };
void random_id(char out[static RANDOM_ID_TEXT]);
