/* SPDX-License-Identifier: Apache-2.0 */
/* Properties: whatever request comes in, whoever sends it, it is answered, and never as a defect of
 * ours (500); under /v2/ a refusal is an OCI error with a code and a sentence, and a Location leads
 * back to /v2/.
 *
 * An input is a whole request.  One that starts with "!" is sent by an administrator; the word
 * SESSION in it stands for the id of an upload that has just been started. */
#include "base/json.h"
#include "hub/access.h"
#include "hub/repository.h"
#include "hub/upload.h"
#include "net/http_parse.h"
#include "net/loopback.h"
#include "registry/registry.h"

#include "fuzz.h"

#include <ftw.h>
#include <string.h>
#include <unistd.h>

/* captain:captain-password */
#define LOGIN "Authorization: Basic Y2FwdGFpbjpjYXB0YWluLXBhc3N3b3Jk\r\n"
#define SESSION STR("SESSION")

static const struct surface *const surfaces[] = { &registry_surface, &token_surface,
                                                  &registry_v1_surface };

/* One hub for all inputs: opening one takes longer than a thousand requests. */
static struct {
    char folder[64];
    struct hub *hub;
    struct router *router;
    struct account captain;
    int64_t repository_id;
} site;

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

static void site_close(void)
{
    router_free(site.router);
    hub_close(site.hub);
    (void)nftw(site.folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void site_open(struct arena *arena)
{
    struct error err = { 0 };
    (void)snprintf(site.folder, sizeof(site.folder), "/tmp/berth-fuzz-XXXXXX");
    REQUIRE(mkdtemp(site.folder));
    REQUIRE(atexit(site_close) == 0);
    struct hub_options options = {
        .database = arena_format(arena, "sqlite:%s/berth.db", site.folder),
        .storage = STR("memory:"),
        .keys = arena_format(arena, "%s/keys", site.folder),
        .migrate = true,
    };
    struct account_new captain = {
        .name = STR("captain"),
        .email = STR("captain@example.org"),
        .password = STR("captain-password"),
        .is_admin = true,
        .by_administrator = true,
    };
    struct repository_name app = { STR("captain"), STR("app") };
    REQUIRE(hub_open(&options, &site.hub, &err));
    REQUIRE(account_add(site.hub, arena, &captain, &site.captain, &err));
    REQUIRE(repository_ensure(site.hub, arena, app, &site.repository_id, &err));
    site.router = router_new(surfaces, ARRAY_COUNT(surfaces), access_authorize, &err);
    REQUIRE(site.router);
}

/* SESSION becomes the id of an upload that exists. */
static struct str with_session(struct arena *arena, struct str text)
{
    size_t at = str_find_text(text, SESSION);
    struct upload upload;
    struct error err = { 0 };
    if (at == text.len || !upload_start(site.hub, arena, site.repository_id, site.captain.id,
                                        DIGEST_SHA256, &upload, &err))
        return text;
    struct buf out AUTO(buf_release);
    buf_init(&out, text.len + 64);
    buf_append(&out, str_slice(text, 0, at));
    buf_append(&out, upload.id);
    buf_append(&out, str_after(text, at + SESSION.len));
    return arena_copy(arena, buf_str(&out));
}

/* The administrator's login becomes the last header. */
static struct str with_login(struct arena *arena, struct str text)
{
    size_t end = str_find_text(text, STR("\r\n\r\n"));
    if (end == text.len)
        return text;
    struct buf out AUTO(buf_release);
    buf_init(&out, text.len + 128);
    buf_append(&out, str_slice(text, 0, end + 2));
    buf_append(&out, STR(LOGIN));
    buf_append(&out, str_after(text, end + 2));
    return arena_copy(arena, buf_str(&out));
}

static void require_oci_error(struct str body)
{
    struct error err = { 0 };
    json_t *json AUTO(json_decref) = json_parse_object(body, &err);
    REQUIRE(json);
    const json_t *first = json_array_get(json_get_array(json, "errors"), 0);
    REQUIRE(json_get_str(first, "code").len > 0);
    REQUIRE(json_get_str(first, "message").len > 0);
}

static bool is_under_v2(const struct loopback_response *response)
{
    return str_is_set(loopback_header(response, "Docker-Distribution-Api-Version"));
}

static void require_answer(const struct loopback_response *response)
{
    REQUIRE(response->status >= 200 && response->status <= 599 && response->status != 500);
    if (response->status >= 400 && is_under_v2(response) && response->body.len > 0)
        require_oci_error(response->body);
    struct str location = loopback_header(response, "Location");
    REQUIRE(!str_is_set(location) || str_starts(location, STR("/v2/")));
    if (response->status == 401)
        REQUIRE(str_is_set(loopback_header(response, "WWW-Authenticate")));
}

/* The loopback takes whole heads only. */
static bool has_head(struct str text)
{
    struct http_head head;
    size_t scanned = 0;
    return http_head_parse(text.ptr, text.len, &scanned, &head) != PARSE_MORE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena AUTO(arena_free) = arena_new();
    struct str text = { (const char *)data, size };
    if (!site.hub)
        site_open(arena);
    if (str_starts(text, STR("!")))
        text = with_session(arena, with_login(arena, str_after(text, 1)));
    if (!has_head(text))
        return 0;
    struct loopback_response *response AUTO(loopback_free) =
        loopback_request(site.router, site.hub, text);
    require_answer(response);
    return 0;
}
