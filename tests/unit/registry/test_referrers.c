/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "base/limits.h"

#define APP "alice/app"

static const char *list_path(struct fixture *fixture, const char *subject, const char *query)
{
    return text(fixture, "/v2/" APP "/referrers/%s%s", subject, query);
}

/* Pushes a small manifest about `subject`; `annotation` is the value of its one annotation. */
static const char *push_note(struct fixture *fixture, const char *subject, const char *type,
                             struct str annotation)
{
    const char *config = push_blob(fixture, "alice", APP, STR("{}"));
    struct buf body AUTO(buf_release);
    buf_init(&body, MANIFEST_BYTES_MAX);
    buf_format(&body,
               "{\"schemaVersion\":2,\"mediaType\":\"" TYPE_IMAGE
               "\",\"artifactType\":\"%s\",\"config\":{\"mediaType\":"
               "\"application/vnd.oci.empty.v1+json\",\"digest\":\"%s\",\"size\":2},\"layers\":[],"
               "\"subject\":{\"mediaType\":\"" TYPE_IMAGE "\",\"digest\":\"%s\",\"size\":12},"
               "\"annotations\":{\"note\":\"",
               type, config, subject);
    buf_append(&body, annotation);
    buf_append(&body, STR("\"}}"));
    struct str whole = arena_copy(fixture->arena, buf_str(&body));
    return push_manifest(fixture, "alice", APP, digest_text(fixture, whole), TYPE_IMAGE, whole);
}

static const json_t *entries(struct fixture *fixture, const struct loopback_response *from)
{
    check_status(from, 200);
    check_header(from, "Content-Type", TYPE_INDEX);
    const json_t *json = reply_json(fixture, from);
    check_str(json_get_str(json, "mediaType"), TYPE_INDEX);
    return json_get_array(json, "manifests");
}

static void test_referrers_get__describes_each(void **state)
{
    struct fixture *fixture = *state;
    const char *subject = push_image(fixture, "alice", APP, "v1", "layer");
    const char *note = push_note(fixture, subject, "text/x-note", STR("says \\\"hi\\\""));
    const json_t *list =
        entries(fixture, ask(fixture, "alice", "GET", list_path(fixture, subject, "")));
    assert_int_equal(json_array_size(list), 1);
    const json_t *first = json_array_get(list, 0);
    check_str(json_get_str(first, "digest"), note);
    check_str(json_get_str(first, "mediaType"), TYPE_IMAGE);
    check_str(json_get_str(first, "artifactType"), "text/x-note");
    check_str(json_get_str(json_get_object(first, "annotations"), "note"), "says \"hi\"");
    int64_t size = 0;
    assert_true(json_get_i64(first, "size", &size) && size > 0);
}

static void test_referrers_get__nothing_is_an_empty_index(void **state)
{
    struct fixture *fixture = *state;
    push_blob(fixture, "alice", APP, STR("x"));
    const char *subject = digest_text(fixture, STR("never pushed"));
    struct loopback_response *from = ask(fixture, "alice", "GET", list_path(fixture, subject, ""));
    assert_int_equal(json_array_size(entries(fixture, from)), 0);
    assert_non_null(entries(fixture, from));
    check_refused(fixture, ask(fixture, "alice", "GET", list_path(fixture, "sha256:abc", "")), 400,
                  "DIGEST_INVALID");
    check_refused(fixture,
                  ask(fixture, "alice", "GET", list_path(fixture, subject, "?last=behind")), 400,
                  "DIGEST_INVALID");
}

static void
test_referrers_get__before_the_first_push_is_an_empty_index_to_who_may_push(void **state)
{
    struct fixture *fixture = *state;
    const char *path = list_path(fixture, digest_text(fixture, STR("never pushed")), "");
    assert_int_equal(json_array_size(entries(fixture, ask(fixture, "alice", "GET", path))), 0);
    const char *token = bearer(fixture, "alice", "repository:" APP ":pull");
    assert_int_equal(json_array_size(entries(fixture, ask(fixture, token, "GET", path))), 0);
    check_refused(fixture, ask(fixture, "bobby", "GET", path), 404, "NAME_UNKNOWN");
    check_refused(fixture, ask(fixture, NULL, "GET", path), 401, "UNAUTHORIZED");
}

static void test_referrers_get__filters_by_type_and_says_so(void **state)
{
    struct fixture *fixture = *state;
    const char *subject = push_image(fixture, "alice", APP, "v1", "layer");
    push_note(fixture, subject, "text/x-note", STR("a"));
    const char *wanted = push_note(fixture, subject, "text/x-other+json", STR("b"));
    struct loopback_response *from =
        ask(fixture, "alice", "GET",
            list_path(fixture, subject, "?artifactType=text%2Fx-other%2Bjson"));
    const json_t *list = entries(fixture, from);
    assert_int_equal(json_array_size(list), 1);
    check_str(json_get_str(json_array_get(list, 0), "digest"), wanted);
    check_header(from, "OCI-Filters-Applied", "artifactType");
    /* as people type it */
    from = ask(fixture, "alice", "GET",
               list_path(fixture, subject, "?artifactType=text/x-other+json"));
    assert_int_equal(json_array_size(entries(fixture, from)), 1);
    from = ask(fixture, "alice", "GET", list_path(fixture, subject, ""));
    assert_int_equal(json_array_size(entries(fixture, from)), 2);
    assert_false(str_is_set(loopback_header(from, "OCI-Filters-Applied")));
}

/* The address in <...> of a Link header, NULL without one. */
static const char *next_page(struct fixture *fixture, const struct loopback_response *from)
{
    struct str link = loopback_header(from, "Link");
    if (!str_is_set(link))
        return NULL;
    assert_true(str_ends(link, STR(">; rel=\"next\"")));
    return arena_c(fixture->arena, str_slice(link, 1, str_find(link, '>')));
}

static void test_referrers_get__pages_follow_each_other(void **state)
{
    struct fixture *fixture = *state;
    const char *subject = push_image(fixture, "alice", APP, "v1", "layer");
    for (int i = 0; i < 37; i++)
        push_note(fixture, subject, i % 2 ? "text/x-odd" : "text/x-even",
                  str_from(text(fixture, "%d", i)));
    const struct {
        const char *query;
        size_t pages, entries;
    } cases[] = { { "", 1, 37 },
                  { "?n=37", 1, 37 },
                  { "?n=18", 3, 37 },
                  { "?n=10&artifactType=text/x-odd", 2, 18 },
                  { "?n=16", 3, 37 },
                  { "?n=0", 1, 0 },
                  { "?n=9&artifactType=text/x-odd", 2, 18 } };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const char *path = list_path(fixture, subject, cases[i].query);
        size_t pages = 0, count = 0;
        for (; path; pages++) {
            struct loopback_response *from = ask(fixture, "alice", "GET", path);
            count += json_array_size(entries(fixture, from));
            path = next_page(fixture, from);
        }
        assert_int_equal(pages, cases[i].pages);
        assert_int_equal(count, cases[i].entries);
    }
}

static void test_referrers_get__large_annotations_make_small_pages(void **state)
{
    struct fixture *fixture = *state;
    const char *subject = push_image(fixture, "alice", APP, "v1", "layer");
    size_t size = 700000, count = 0, pages = 0;
    char *bytes = arena_alloc(fixture->arena, size);
    for (int i = 0; i < 5; i++) {
        memset(bytes, 'a' + i, size);
        push_note(fixture, subject, "text/x-note", (struct str){ bytes, size });
    }
    for (const char *path = list_path(fixture, subject, ""); path; pages++) {
        struct loopback_response *from = ask(fixture, "alice", "GET", path);
        count += json_array_size(entries(fixture, from));
        assert_true(from->body.len <= MANIFEST_BYTES_MAX);
        path = next_page(fixture, from);
    }
    assert_int_equal(count, 5);
    assert_int_equal(pages, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REGISTRY_TEST(test_referrers_get__describes_each),
        REGISTRY_TEST(test_referrers_get__nothing_is_an_empty_index),
        REGISTRY_TEST(test_referrers_get__before_the_first_push_is_an_empty_index_to_who_may_push),
        REGISTRY_TEST(test_referrers_get__filters_by_type_and_says_so),
        REGISTRY_TEST(test_referrers_get__pages_follow_each_other),
        REGISTRY_TEST(test_referrers_get__large_annotations_make_small_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
