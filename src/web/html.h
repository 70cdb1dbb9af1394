/* SPDX-License-Identifier: Apache-2.0 */
/* web/html.h - HTML that is safe by the type of what goes in.
 *
 * Templates (tools/html2c) write literals with html_markup() and values with html_put(), which
 * picks the escape by the value's type; there is no raw marker.  A struct safe_html comes only from
 * templates (and later the Markdown renderer), a struct url only from the url_ functions here.
 * tests/tidy keeps others from making them by hand. One thread. */
#pragma once
#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

#include <stdint.h>

enum { HTML_PAGE_BYTES_MAX = 1048576 };

struct html {
    struct buf buf;
};

/* Markup that needs no escape. */
struct safe_html {
    struct str markup;
};

/* An address that may stand in href, src or action. */
struct url {
    struct str text;
};

void html_init(struct html *out);
void html_release(struct html *out);
static inline void html_release_auto(struct html *out)
{
    html_release(out);
}

/* Literals only: "" glued before and behind makes anything else fail to compile. */
#define html_markup(out, literal) html_append((out), STR(literal))
void html_append(struct html *out, struct str markup);

void html_put_str(struct html *out, struct str text); /* escapes & < > " ' */
void html_put_int(struct html *out, int64_t number);
void html_put_safe(struct html *out, struct safe_html html);
void html_put_url(struct html *out, struct url url);

#define html_put(out, value)                                                                       \
    _Generic((value), struct str                                                                   \
             : html_put_str, int64_t                                                               \
             : html_put_int, struct safe_html                                                      \
             : html_put_safe)((out), (value))

/* A path of this site: each of the parts is one segment, percent-encoded. "/r", "alice", "app". */
struct url url_path(struct arena *arena, const struct str *segments, size_t count);
/* A path that stands in the source. */
#define url_literal(literal) ((struct url){ STR("/" literal) })
/* http or https only; anything else gives "#". */
struct url url_external(struct str text);
