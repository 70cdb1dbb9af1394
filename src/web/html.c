/* SPDX-License-Identifier: Apache-2.0 */
#include "web/html.h"

void html_init(struct html *out)
{
    buf_init(&out->buf, HTML_PAGE_BYTES_MAX);
}

void html_release(struct html *out)
{
    if (out)
        buf_release(&out->buf);
}

void html_append(struct html *out, struct str markup)
{
    buf_append(&out->buf, markup);
}

void html_put_str(struct html *out, struct str text)
{
    size_t plain = 0;
    for (size_t at = 0; at < text.len; at++) {
        struct str entity = STR_NONE;
        switch (text.ptr[at]) {
        case '&':
            entity = STR("&amp;");
            break;
        case '<':
            entity = STR("&lt;");
            break;
        case '>':
            entity = STR("&gt;");
            break;
        case '"':
            entity = STR("&quot;");
            break;
        case '\'':
            entity = STR("&#39;");
            break;
        default:
            continue;
        }
        buf_append(&out->buf, str_slice(text, plain, at));
        buf_append(&out->buf, entity);
        plain = at + 1;
    }
    buf_append(&out->buf, str_after(text, plain));
}

void html_put_int(struct html *out, int64_t number)
{
    buf_append_i64(&out->buf, number);
}

void html_put_safe(struct html *out, struct safe_html html)
{
    buf_append(&out->buf, html.markup);
}

void html_put_url(struct html *out, struct url url)
{
    html_put_str(out, url.text);
}

struct url url_path(struct arena *arena, const struct str *segments, size_t count)
{
    struct buf buf __attribute__((cleanup(buf_release_auto))) = { 0 };
    buf_init(&buf, 8192);
    for (size_t i = 0; i < count; i++) {
        buf_append_byte(&buf, '/');
        buf_append_url(&buf, segments[i]);
    }
    return (struct url){ arena_copy(arena, buf_str(&buf)) };
}

struct url url_external(struct str text)
{
    if (str_starts(text, STR("http://")) || str_starts(text, STR("https://")))
        return (struct url){ text };
    return (struct url){ STR("#") };
}
