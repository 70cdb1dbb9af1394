/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "base/hex.h"
#include "hub/access.h"
#include "hub/cache.h"
#include "hub/repository.h"
#include "registry/registry.h"

#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>

static const struct surface *const surfaces[] = { &registry_surface, &token_surface,
                                                  &registry_v1_surface };

static void add_account(struct fixture *fixture, const char *name, bool is_admin)
{
    struct error err = { 0 };
    struct account account;
    struct account_new from = {
        .name = str_from(name),
        .email = arena_format(fixture->arena, "%s@example.org", name),
        .password = arena_format(fixture->arena, "%s-password", name),
        .is_admin = is_admin,
        .by_administrator = true,
    };
    if (!account_add(fixture->hub, fixture->arena, &from, &account, &err))
        fail_msg("account_add: %s", err.message);
}

static int setup(void **state, enum signup signup, const char *storage)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    struct error err = { 0 };
    assert_non_null(fixture);
    (void)snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/berth-registry-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    fixture->arena = arena_new();
    fixture->database = test_database_new(fixture->arena, fixture->folder);
    struct hub_options options = {
        .database = fixture->database,
        .storage = arena_format(fixture->arena, "%s%s", storage,
                                strcmp(storage, "file:") == 0 ? fixture->folder : ""),
        .keys = arena_format(fixture->arena, "%s/keys", fixture->folder),
        .signup = signup,
        .migrate = true,
    };
    if (!hub_open(&options, &fixture->hub, &err))
        fail_msg("hub_open: %s", err.message);
    fixture->router = router_new(surfaces, ARRAY_COUNT(surfaces), access_authorize, &err);
    if (!fixture->router)
        fail_msg("router_new: %s", err.message);
    add_account(fixture, "alice", false);
    add_account(fixture, "bobby", false);
    add_account(fixture, "captain", true);
    *state = fixture;
    return 0;
}

int fixture_setup(void **state)
{
    return setup(state, SIGNUP_CLOSED, "memory:");
}

int fixture_setup_open(void **state)
{
    return setup(state, SIGNUP_OPEN, "memory:");
}

int fixture_setup_files(void **state)
{
    return setup(state, SIGNUP_CLOSED, "file:");
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

struct kept {
    struct loopback_response *reply;
    json_t *json;
    struct kept *next;
};

static void keep(struct fixture *fixture, struct loopback_response *from, json_t *json)
{
    struct kept *kept = arena_alloc(fixture->arena, sizeof(*kept));
    *kept = (struct kept){ from, json, fixture->kept };
    fixture->kept = kept;
}

int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;
    for (struct kept *kept = fixture->kept; kept; kept = kept->next) {
        loopback_free(kept->reply);
        json_decref(kept->json);
    }
    router_free(fixture->router);
    hub_close(fixture->hub);
    test_database_end(fixture->database);
    arena_free(fixture->arena);
    (void)nftw(fixture->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(fixture);
    return 0;
}

const char *text(struct fixture *fixture, const char *format, ...)
{
    char line[4096];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    assert_true(size >= 0 && (size_t)size < sizeof(line));
    return arena_c(fixture->arena, str_from(line));
}

const char *digest_text(struct fixture *fixture, struct str bytes)
{
    char line[DIGEST_TEXT_MAX];
    struct digest digest = digest_of(DIGEST_SHA256, bytes);
    return arena_c(fixture->arena, digest_format(&digest, line));
}

struct loopback_response *ask_raw(struct fixture *fixture, struct str bytes)
{
    struct loopback_response *from = loopback_request(fixture->router, fixture->hub, bytes);
    keep(fixture, from, NULL);
    return from;
}

static struct str authorization(struct fixture *fixture, const char *as)
{
    if (!as)
        return STR("");
    if (strchr(as, ' '))
        return arena_format(fixture->arena, "Authorization: %s\r\n", as);
    struct str pair = arena_format(fixture->arena, "%s:%s-password", as, as);
    struct str code = base64_encode(fixture->arena, pair);
    return arena_format(fixture->arena, "Authorization: Basic %.*s\r\n", STR_ARG(code));
}

struct loopback_response *ask_with(struct fixture *fixture, const char *as, const char *method,
                                   const char *target, const char *headers, struct str body)
{
    struct buf bytes AUTO(buf_release);
    buf_init(&bytes, (size_t)64 << 20);
    buf_format(&bytes, "%s %s HTTP/1.1\r\nHost: hub.test:5000\r\n", method, target);
    buf_append(&bytes, authorization(fixture, as));
    buf_append(&bytes, str_from(headers));
    if (str_is_set(body))
        buf_format(&bytes, "Content-Length: %zu\r\n", body.len);
    buf_append(&bytes, STR("\r\n"));
    buf_append(&bytes, body);
    struct str whole;
    struct error err = { 0 };
    assert_true(buf_finish(&bytes, &whole, &err));
    return ask_raw(fixture, arena_copy(fixture->arena, whole));
}

struct loopback_response *ask(struct fixture *fixture, const char *as, const char *method,
                              const char *target)
{
    return ask_with(fixture, as, method, target, "", STR_NONE);
}

json_t *reply_json(struct fixture *fixture, const struct loopback_response *from)
{
    struct error err = { 0 };
    json_t *json = json_parse_object(from->body, &err);
    if (!json)
        fail_msg("no JSON (%s): %.*s", err.message, STR_ARG(from->body));
    keep(fixture, NULL, json);
    return json;
}

const char *bearer(struct fixture *fixture, const char *as, const char *scopes)
{
    struct buf target AUTO(buf_release);
    buf_init(&target, 4096);
    buf_append(&target, STR("/token?service=berth"));
    if (scopes) {
        buf_append(&target, STR("&scope="));
        buf_append_url(&target, str_from(scopes));
    }
    struct loopback_response *from =
        ask(fixture, as, "GET", arena_c(fixture->arena, buf_str(&target)));
    check_status(from, 200);
    struct str token = json_get_str(reply_json(fixture, from), "token");
    return arena_c(fixture->arena, arena_format(fixture->arena, "Bearer %.*s", STR_ARG(token)));
}

void check_status_at(const struct loopback_response *from, int expected, const char *file, int line)
{
    if (from->status == expected)
        return;
    print_error("status %d is not %d: %.*s\n", from->status, expected, STR_ARG(from->body));
    _fail(file, line);
}

void check_refused_at(struct fixture *fixture, const struct loopback_response *from, int status,
                      const char *code, const char *file, int line)
{
    check_status_at(from, status, file, line);
    check_str_at(file, line, loopback_header(from, "Content-Type"), "application/json");
    const json_t *first = json_array_get(json_get_array(reply_json(fixture, from), "errors"), 0);
    check_str_at(file, line, json_get_str(first, "code"), code);
    if (json_get_str(first, "message").len == 0)
        _fail(file, line);
}

bool holds(struct str whole, const char *part)
{
    return str_is_set(whole) && str_find_text(whole, str_from(part)) < whole.len;
}

const char *push_blob(struct fixture *fixture, const char *as, const char *name, struct str bytes)
{
    const char *digest = digest_text(fixture, bytes);
    struct loopback_response *from =
        ask_with(fixture, as, "POST",
                 text(fixture, "/v2/%s/blobs/uploads/?digest=%s", name, digest), "", bytes);
    check_status(from, 201);
    return digest;
}

const char *push_manifest(struct fixture *fixture, const char *as, const char *name,
                          const char *reference, const char *media_type, struct str body)
{
    struct loopback_response *from =
        ask_with(fixture, as, "PUT", text(fixture, "/v2/%s/manifests/%s", name, reference),
                 text(fixture, "Content-Type: %s\r\n", media_type), body);
    check_status(from, 201);
    return arena_c(fixture->arena, loopback_header(from, "Docker-Content-Digest"));
}

struct str make_image(struct fixture *fixture, const char *as, const char *name, const char *layer)
{
    struct str config = STR("{\"os\":\"linux\",\"architecture\":\"amd64\"}");
    const char *config_digest = push_blob(fixture, as, name, config);
    const char *layer_digest = push_blob(fixture, as, name, str_from(layer));
    return arena_format(
        fixture->arena,
        "{\"schemaVersion\":2,\"mediaType\":\"" TYPE_IMAGE "\",\"config\":{\"mediaType\":"
        "\"application/vnd.oci.image.config.v1+json\",\"digest\":\"%s\",\"size\":%zu},\"layers\":[{"
        "\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\",\"digest\":\"%s\",\"size\":%zu}"
        "]}",
        config_digest, config.len, layer_digest, strlen(layer));
}

const char *push_image(struct fixture *fixture, const char *as, const char *name, const char *tag,
                       const char *layer)
{
    return push_manifest(fixture, as, name, tag, TYPE_IMAGE, make_image(fixture, as, name, layer));
}

void make_private(struct fixture *fixture, const char *owner, const char *name)
{
    const bool yes = true;
    struct error err = { 0 };
    struct repository_name full = { str_from(owner), str_from(name) };
    struct repository_change change = { .is_private = &yes };
    if (!repository_change(fixture->hub, fixture->arena, full, &change, &err))
        fail_msg("repository_change: %s", err.message);
}

int64_t fixture_sql(struct fixture *fixture, const char *sql)
{
    int64_t result = test_database_run(fixture->database, sql);
    cache_forget(fixture->hub->cache); /* tests do not wait for what other processes may see late */
    return result;
}
