/* SPDX-License-Identifier: Apache-2.0 */
/* web/pages.h - what each page shows: plain structs that the templates are compiled against.
 *
 * Views hold values ready to print; loading them is the business of page_*.c. The text of a view
 * lives in the request's arena. */
#pragma once
#include "base/str.h"
#include "web/html.h"

#include <stdbool.h>

/* Around every page. */
struct layout {
    struct str title;
    struct url style_sheet, script, icon;
    bool can_sign_up;
};

/* "/": what this server is and how to use it. */
struct home_page {
    struct layout layout;
    struct str registry; /* as docker wants it: "localhost:5000" */
    struct str origin;
    bool needs_first_admin;
};

/* "/signup" and "/setup": a new account. */
struct signup_page {
    struct layout layout;
    bool is_setup; /* the first administrator */
    bool is_open;
    struct url action;
    struct str csrf, code;
    struct str name, email; /* as typed before */
    struct str problem;     /* absent: none */
    struct str namespace_example;
    int64_t name_chars_min;
};

/* After that. */
struct welcome_page {
    struct layout layout;
    struct str name, registry;
    bool is_admin;
};

struct problem_page {
    struct layout layout;
    int64_t status;
    struct str heading, explanation, request_id;
};

void html_layout_top(struct html *out, const struct layout *page);
void html_layout_bottom(struct html *out, const struct layout *page);
void html_home(struct html *out, const struct home_page *page);
void html_signup(struct html *out, const struct signup_page *page);
void html_welcome(struct html *out, const struct welcome_page *page);
void html_problem(struct html *out, const struct problem_page *page);
