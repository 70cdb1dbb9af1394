/* SPDX-License-Identifier: Apache-2.0 */
/* cli/ask.h - passwords and consent, from standard input or from a person at the terminal. */
#pragma once
#include "base/arena.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdio.h>

/* The first line of `in` without its end.  ERROR_INVALID if it is empty or beyond
 * PASSWORD_BYTES_MAX. */
NODISCARD bool password_read(FILE *in, struct arena *arena, struct str *out, struct error *err);

/* Asks twice on the terminal that `in` is, without echo; prompts go to `prompts`.  ERROR_INVALID if
 * `in` is no terminal, the two differ, or Ctrl-C was pressed. */
NODISCARD bool password_ask(FILE *in, FILE *prompts, struct arena *arena, struct str *out,
                            struct error *err);

/* Says what will happen and asks to type `word`; ERROR_INVALID if something else is typed. */
NODISCARD bool confirm_ask(FILE *in, FILE *prompts, const char *what, const char *word,
                           struct error *err);
