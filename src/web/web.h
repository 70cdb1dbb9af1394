/* SPDX-License-Identifier: Apache-2.0 */
/* web/web.h - the pages.
 *
 * Rendered here, readable without JavaScript, under a Content-Security-Policy without inline code.
 * A page is two functions: one loads its view from the hub, the other is its compiled template.
 * Forms carry a CSRF field (web/csrf.h). Rules live in hub. */
#pragma once
#include "net/router.h"

/* Everything that no other surface answers: prefix "/". */
extern const struct surface web_surface;
