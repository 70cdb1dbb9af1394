/* SPDX-License-Identifier: Apache-2.0 */
/* Who may call which route.  A route that is not in the table below fails the test, and so does a
 * row without a route: whoever adds one says here what it means for everybody. */
#include "fixture.h"

#include "registry/registry.h"

/* Who asks, in the order of the columns. */
enum who { NOBODY, ANONYMOUS, STRANGER, OWNER, ADMIN, SMALL, READER, WHO_COUNT };

static const char *const who_names[WHO_COUNT] = {
    "nobody",
    "a token of nobody without scopes",
    "a stranger",
    "the owner",
    "an admin",
    "the owner's token for another repository",
    "the owner's token for pulling",
};

/* What comes of it: o - the handler runs (whatever it then finds); L - 401, log in or ask for more;
 * D - 403; H - 404, there is no such repository. */
struct expectation {
    enum method method;
    const char *pattern;
    const char *public, *private; /* by what the repository is */
};

/* clang-format off */
static const struct expectation expectations[] = {
    /*                                                          NASOASR    NASOASR */
    { METHOD_GET,    "/v2/",                                     "Loooooo", "Loooooo" },
    { METHOD_GET,    "/v2/_catalog",                             "LLoooLL", "LLoooLL" },
    { METHOD_GET,    "/v2/{repository}/manifests/{reference}",   "oLoooLo", "LLHooLo" },
    { METHOD_PUT,    "/v2/{repository}/manifests/{reference}",   "LLDooLL", "LLDooLL" },
    { METHOD_DELETE, "/v2/{repository}/manifests/{reference}",   "LLDooLL", "LLHooLL" },
    { METHOD_GET,    "/v2/{repository}/blobs/{digest}",          "oLoooLo", "LLHooLo" },
    { METHOD_DELETE, "/v2/{repository}/blobs/{digest}",          "LLDooLL", "LLHooLL" },
    { METHOD_POST,   "/v2/{repository}/blobs/uploads/",          "LLDooLL", "LLDooLL" },
    { METHOD_GET,    "/v2/{repository}/blobs/uploads/{session}", "LLDooLL", "LLDooLL" },
    { METHOD_PATCH,  "/v2/{repository}/blobs/uploads/{session}", "LLDooLL", "LLDooLL" },
    { METHOD_PUT,    "/v2/{repository}/blobs/uploads/{session}", "LLDooLL", "LLDooLL" },
    { METHOD_DELETE, "/v2/{repository}/blobs/uploads/{session}", "LLDooLL", "LLDooLL" },
    { METHOD_GET,    "/v2/{repository}/tags/list",               "oLoooLo", "LLHooLo" },
    { METHOD_GET,    "/v2/{repository}/referrers/{digest}",      "oLoooLo", "LLHooLo" },
    { METHOD_GET,    "/token",                                   "oLoooLL", "oLoooLL" },
    { METHOD_POST,   "/token",                                   "ooooooo", "ooooooo" },
    { METHOD_GET,    "/v1/_ping",                                "ooooooo", "ooooooo" },
    { METHOD_GET,    "/v1/search",                               "ooooooo", "ooooooo" },
    { METHOD_GET,    "/v1/users/",                               "LLooooo", "LLooooo" },
    { METHOD_POST,   "/v1/users/",                               "ooooooo", "ooooooo" },
};
/* clang-format on */

static const struct surface *const surfaces[] = { &registry_surface, &token_surface,
                                                  &registry_v1_surface };

static const struct expectation *expectation_of(const struct route *route)
{
    size_t i = 0;
    while (i < ARRAY_COUNT(expectations) - 1 &&
           (expectations[i].method != route->method ||
            strcmp(expectations[i].pattern, route->pattern) != 0))
        i++;
    if (expectations[i].method != route->method ||
        strcmp(expectations[i].pattern, route->pattern) != 0)
        fail_msg("%.*s %s has no row in this test", STR_ARG(method_name(route->method)),
                 route->pattern);
    return &expectations[i];
}

/* The pattern with values that parse, of things that are not there. */
static const char *target_of(struct fixture *fixture, const char *pattern, const char *repository)
{
    const struct {
        const char *capture, *value;
    } values[] = {
        { "{repository}", repository },
        { "{reference}", "nothing" },
        { "{digest}", digest_text(fixture, STR("nothing")) },
        { "{session}", "0123456789abcdef0123456789abcdef" },
    };
    struct str left = str_from(pattern);
    for (size_t i = 0; i < ARRAY_COUNT(values); i++) {
        struct str capture = str_from(values[i].capture);
        size_t at = str_find_text(left, capture);
        if (at < left.len)
            left = arena_format(fixture->arena, "%.*s%s%.*s", STR_ARG(str_slice(left, 0, at)),
                                values[i].value, STR_ARG(str_after(left, at + capture.len)));
    }
    return arena_c(fixture->arena, left);
}

static char outcome(struct fixture *fixture, const struct loopback_response *from)
{
    if (from->status == 401)
        return 'L';
    if (from->status == 403)
        return 'D';
    if (from->status == 404 && from->body.len > 0 && from->body.ptr[0] == '{') {
        const json_t *first =
            json_array_get(json_get_array(reply_json(fixture, from), "errors"), 0);
        if (str_equal(json_get_str(first, "code"), STR("NAME_UNKNOWN")))
            return 'H';
    }
    assert_true(from->status < 500);
    return 'o';
}

static void check_row(struct fixture *fixture, const struct route *route, const char *repository,
                      const char *expected)
{
    const char *const callers[WHO_COUNT] = {
        [NOBODY] = NULL,
        [ANONYMOUS] = bearer(fixture, NULL, NULL),
        [STRANGER] = "bobby",
        [OWNER] = "alice",
        [ADMIN] = "captain",
        [SMALL] = bearer(fixture, "alice", "repository:alice/other:pull,push,delete"),
        [READER] = bearer(fixture, "alice", text(fixture, "repository:%s:pull", repository)),
    };
    const char *method = arena_c(fixture->arena, method_name(route->method));
    for (size_t who = 0; who < WHO_COUNT; who++) {
        struct loopback_response *from =
            ask(fixture, callers[who], method, target_of(fixture, route->pattern, repository));
        char actual = outcome(fixture, from);
        if (actual != expected[who])
            fail_msg("%s %s on %s as %s: %c, not %c (%d %.*s)", method, route->pattern, repository,
                     who_names[who], actual, expected[who], from->status, STR_ARG(from->body));
        if (actual == 'L')
            assert_true(str_is_set(loopback_header(from, "WWW-Authenticate")));
    }
}

static void test_routes__each_lets_in_whom_it_should(void **state)
{
    struct fixture *fixture = *state;
    push_image(fixture, "alice", "alice/app", "v1", "layer");
    push_image(fixture, "alice", "alice/secret", "v1", "layer");
    make_private(fixture, "alice", "secret");
    for (size_t i = 0; i < ARRAY_COUNT(surfaces); i++) {
        for (const struct route *route = surfaces[i]->routes; route->pattern; route++) {
            const struct expectation *row = expectation_of(route);
            assert_int_equal(strlen(row->public), WHO_COUNT);
            assert_int_equal(strlen(row->private), WHO_COUNT);
            check_row(fixture, route, "alice/app", row->public);
            check_row(fixture, route, "alice/secret", row->private);
        }
    }
}

static void test_routes__every_expectation_has_a_route(void **state)
{
    (void)state;
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_COUNT(surfaces); i++)
        for (const struct route *route = surfaces[i]->routes; route->pattern; route++)
            count++;
    assert_int_equal(count, ARRAY_COUNT(expectations));
}

static void test_routes__say_what_they_are_for(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(surfaces); i++) {
        for (const struct route *route = surfaces[i]->routes; route->pattern; route++) {
            assert_true(str_from(route->summary).len > 10);
            assert_true(str_starts(str_from(route->pattern), str_from(surfaces[i]->prefix)));
        }
    }
}

/* What exists and is hidden, and what does not exist, must look the same. */
static void test_routes__hidden_and_missing_look_alike(void **state)
{
    struct fixture *fixture = *state;
    push_image(fixture, "alice", "alice/secret", "v1", "layer");
    make_private(fixture, "alice", "secret");
    const char *const callers[] = { NULL, "bobby" };
    for (const struct route *route = registry_surface.routes; route->pattern; route++) {
        const char *method = arena_c(fixture->arena, method_name(route->method));
        for (size_t i = 0; i < ARRAY_COUNT(callers); i++) {
            struct loopback_response *hidden = ask(
                fixture, callers[i], method, target_of(fixture, route->pattern, "alice/secret"));
            struct loopback_response *missing = ask(
                fixture, callers[i], method, target_of(fixture, route->pattern, "alice/absent"));
            assert_int_equal(hidden->status, missing->status);
            assert_int_equal(hidden->header_count, missing->header_count);
            assert_int_equal(hidden->body.len, missing->body.len);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REGISTRY_TEST(test_routes__each_lets_in_whom_it_should),
        REGISTRY_TEST(test_routes__every_expectation_has_a_route),
        REGISTRY_TEST(test_routes__say_what_they_are_for),
        REGISTRY_TEST(test_routes__hidden_and_missing_look_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
