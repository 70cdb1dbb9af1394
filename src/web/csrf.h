/* SPDX-License-Identifier: Apache-2.0 */
/* web/csrf.h - forms that only our own pages can send.
 *
 * The browser holds a random cookie (SameSite=Strict, HttpOnly, `__Host-` when the site is https);
 * the form carries a keyed hash of it.  Another site can make the browser send the cookie, but
 * knows no field that fits it.  A request that says it comes from another origin is refused before
 * that. */
#pragma once
#include "base/error.h"
#include "base/str.h"
#include "hub/hub.h"
#include "net/http.h"

/* The field for a form on this answer; sets the cookie if the browser has none. */
struct str csrf_field(struct request *request, struct response *response);

/* ERROR_DENIED with a sentence for the person, who may have waited too long or switched cookies
 * off. */
NODISCARD bool csrf_check(struct request *request, struct str field, struct error *err);
