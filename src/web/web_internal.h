/* SPDX-License-Identifier: Apache-2.0 */
/* web/web_internal.h - what the pages of this folder share. */
#pragma once
#include "base/embedded.h"
#include "net/http.h"
#include "web/pages.h"

extern const struct embedded_file web_assets[];

/* "/assets/NAME?MARK": the mark changes with the content, so that browsers may keep it for ever. */
struct url asset_url(struct arena *arena, const char *name);
bool asset_get(struct request *request, struct response *response, struct error *err);

struct layout layout_load(struct request *request, struct str title);
/* What docker is to be given as the registry: host and port. */
struct str layout_registry(struct request *request);
/* BERTH_URL, or as the browser reached us. */
struct str layout_origin(struct request *request);

/* An error's message as a sentence of a page: "There is nothing at this address." */
struct str page_sentence(struct arena *arena, const struct error *err);

/* Sends a rendered page with the headers of all pages; ERROR_INTERNAL if it grew past its limit. */
NODISCARD bool page_send(struct response *response, int status, struct html *page,
                         struct error *err);
void page_refuse(struct request *request, struct response *response, const struct error *err);

bool home_get(struct request *request, struct response *response, struct error *err);
bool signup_get(struct request *request, struct response *response, struct error *err);
bool signup_post(struct request *request, struct response *response, struct error *err);
bool setup_get(struct request *request, struct response *response, struct error *err);
bool setup_post(struct request *request, struct response *response, struct error *err);
