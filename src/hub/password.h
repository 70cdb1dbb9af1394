/* SPDX-License-Identifier: Apache-2.0 */
/* hub/password.h - argon2id, at most one computation per core at a time.
 *
 * 19 MiB, 2 passes, 1 lane (OWASP's smallest recommendation): about 20 ms here.  Callers wait their
 * turn, first come first served; when PASSWORD_QUEUE_MAX wait already it is ERROR_UNAVAILABLE with
 * retry_after_s.  The queue is state of the whole process, since the cores are.  Any thread; never
 * inside a transaction. */
#pragma once
#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>

/* ERROR_INVALID for a password that breaks the rules: 9 to 1024 bytes, UTF-8 without controls. */
NODISCARD bool password_check_rules(struct str password, struct error *err);
NODISCARD bool password_hash(struct arena *arena, struct str password, struct str *out,
                             struct error *err);
/* *matches tells; an absent hash takes as long as a wrong password, so that names cannot be probed.
 */
NODISCARD bool password_verify(struct arena *arena, struct str hash, struct str password,
                               bool *matches, struct error *err);
