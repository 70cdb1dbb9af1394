/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/access.h"
#include "hub/account.h"
#include "web/web_internal.h"

bool home_get(struct request *request, struct response *response, struct error *err)
{
    struct str setup_code;
    if (!account_setup_code(access_hub(request), request->arena, &setup_code, err))
        return false;
    struct home_page page = {
        .layout = layout_load(request, STR("Start")),
        .registry = layout_registry(request),
        .origin = layout_origin(request),
        .needs_first_admin = str_is_set(setup_code),
    };
    struct html html __attribute__((cleanup(html_release_auto)));
    html_init(&html);
    html_home(&html, &page);
    return page_send(response, 200, &html, err);
}
