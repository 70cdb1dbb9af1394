/* SPDX-License-Identifier: Apache-2.0 */
#include "web/web.h"

#include "hub/access.h"
#include "web/web_internal.h"

/* clang-format off */
static const struct route web_routes[] = {
    { METHOD_GET,  "/",              ACCESS_PUBLIC, home_get,    "start page" },
    { METHOD_GET,  "/signup",        ACCESS_PUBLIC, signup_get,  "form for a new account" },
    { METHOD_POST, "/signup",        ACCESS_PUBLIC, signup_post, "make an account" },
    { METHOD_GET,  "/setup",         ACCESS_PUBLIC, setup_get,   "form for the first administrator" },
    { METHOD_POST, "/setup",         ACCESS_PUBLIC, setup_post,  "make the first administrator" },
    { METHOD_GET,  "/assets/{name}", ACCESS_PUBLIC, asset_get,   "style sheet, script, icon" },
    { 0 },
};
/* clang-format on */

const struct surface web_surface = {
    .name = "web",
    .prefix = "/",
    .routes = web_routes,
    .refuse = page_refuse,
};
