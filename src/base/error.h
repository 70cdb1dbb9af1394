/* SPDX-License-Identifier: Apache-2.0 */
/* base/error.h - how a function tells that what it was asked for did not happen.
 *
 * A function that can fail returns bool (or a pointer) and takes `struct error
 * *err` last.  On failure it sets *err exactly once and returns false; on
 * success it leaves *err alone.  Out-parameters are written on success only.
 *
 * Who reads the message: those of ERROR_INTERNAL and ERROR_UNAVAILABLE go to
 * the log only.  All others are written for the person at the client: what is
 * wrong and what to do, in lower case, without a final period.  A message may quote
 * what a client sent: whatever that was, it ends up as UTF-8 without control bytes.
 *
 * Bugs (never anything that a client can cause) are asserts, which stay in
 * release builds.  Running out of memory aborts: every size that a client can
 * choose meets a named limit first (base/limits.def). */
#pragma once
#include "base/cleanup.h"

#include <stdbool.h>
#include <stdint.h>

enum error_kind {
    ERROR_NONE = 0,
    ERROR_INVALID,         /* the input breaks a rule */
    ERROR_NOT_FOUND,       /* it does not exist, or not for this caller */
    ERROR_CONFLICT,        /* it exists already, or changed under us */
    ERROR_DENIED,          /* known caller, not allowed */
    ERROR_UNAUTHENTICATED, /* no or wrong credentials */
    ERROR_TOO_LARGE,       /* beyond a limit of size or number */
    ERROR_TOO_MANY,        /* beyond a limit of rate; try later */
    ERROR_RANGE,           /* an offset that does not fit what is there */
    ERROR_UNSUPPORTED,     /* understood, not offered */
    ERROR_UNAVAILABLE,     /* our trouble, passing: try again */
    ERROR_NO_SPACE,        /* our trouble: the disk or quota is full */
    ERROR_INTERNAL,        /* our trouble, a defect or a broken machine */
};

struct error {
    enum error_kind kind;
    int about;              /* for the wire's error code: enum about of oci/about.h; 0 = not said */
    uint32_t retry_after_s; /* with TOO_MANY and UNAVAILABLE; 0 = not known */
    char message[300];
};

/* Records a failure and returns false, so that `return error_set(...)` reads as
 * one.  Asserts that nothing was recorded before. */
bool error_set(struct error *err, enum error_kind kind, const char *format, ...) PRINTF_LIKE(3, 4);

/* The same, and says what it was about. */
bool error_set_about(struct error *err, int about, enum error_kind kind, const char *format, ...)
    PRINTF_LIKE(4, 5);

/* The failure of a system call: NO_SPACE for ENOSPC and EDQUOT, otherwise
 * INTERNAL; the message ends in the text of `errno_value`. */
bool error_set_errno(struct error *err, int errno_value, const char *format, ...) PRINTF_LIKE(3, 4);

/* Forgets a failure that the caller has dealt with. */
void error_clear(struct error *err);

const char *error_kind_name(enum error_kind kind);

/* May this message be shown to a client?  See the head of this file. */
bool error_is_public(const struct error *err);
