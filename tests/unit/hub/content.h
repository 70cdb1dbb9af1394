/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/hub/content.h - accounts, blobs and images for the tests of the hub's content half. */
#pragma once
#include "hub/blob.h"
#include "hub/manifest.h"
#include "hub/repository.h"
#include "hub/upload.h"
#include "hub_fixture.h"
#include "oci/about.h"

enum { ALICE = 101, BOB = 102, CAROL = 103 };

/* A user without a password, which would take a while to hash. */
static inline struct account content_account(struct hub_fixture *fixture, int64_t id,
                                             const char *name)
{
    hub_fixture_sql(fixture, arena_format(fixture->arena,
                                          "INSERT INTO account (id, kind, name, created_ms) "
                                          "VALUES (%lld, 1, '%s', 0)",
                                          (long long)id, name)
                                 .ptr);
    return (struct account){ .id = id, .kind = ACCOUNT_USER, .name = str_from(name) };
}

static inline struct repository_name content_name(const char *text)
{
    struct repository_name name;
    struct error err = { 0 };
    if (!repository_name_parse(str_from(text), &name, &err))
        fail_msg("%s", err.message);
    return name;
}

static inline int64_t content_repository(struct hub_fixture *fixture, const char *name)
{
    int64_t id = 0;
    if (!repository_ensure(fixture->hub, fixture->arena, content_name(name), &id, &fixture->err))
        fail_msg("repository_ensure %s: %s", name, fixture->err.message);
    return id;
}

/* A setup for tests that need alice, bob and alice/app. */
static inline int content_setup(void **state)
{
    int result = hub_fixture_setup(state);
    struct hub_fixture *fixture = *state;
    content_account(fixture, ALICE, "alice");
    content_account(fixture, BOB, "bob");
    return result;
}

#define CONTENT_TEST(test)                                                                         \
    cmocka_unit_test_setup_teardown(test, content_setup, hub_fixture_teardown)

/* --- sources ------------------------------------------------------------------------------- */

struct text_source {
    struct str text;
    size_t step;  /* bytes at once; 0: all */
    bool breaks;  /* at its end, instead of ending */
    size_t given; /* so far */
};

static inline int64_t text_source_read(void *state, void *bytes, size_t size, struct error *err)
{
    struct text_source *source = state;
    struct str left = str_after(source->text, source->given);
    if (left.len == 0 && source->breaks) {
        error_set(err, ERROR_UNAVAILABLE, "the connection broke");
        return -1;
    }
    size_t count = source->step && source->step < size ? source->step : size;
    if (count > left.len)
        count = left.len;
    if (count > 0)
        memcpy(bytes, left.ptr, count);
    source->given += count;
    return (int64_t)count;
}

#define SOURCE(...)                                                                                \
    ((struct upload_source){ .read = text_source_read,                                             \
                             .state = &(struct text_source){ __VA_ARGS__ } })
#define SOURCE_EMPTY SOURCE(.text = STR(""))

/* --- blobs and images ---------------------------------------------------------------------- */

static inline struct digest content_digest(const char *text)
{
    return digest_of(DIGEST_SHA256, str_from(text));
}

static inline struct digest content_blob(struct hub_fixture *fixture, int64_t repository_id,
                                         const char *text)
{
    struct digest digest = content_digest(text);
    if (!upload_whole(fixture->hub, fixture->arena, repository_id, ALICE,
                      SOURCE(.text = str_from(text)), &digest, &fixture->err))
        fail_msg("upload_whole: %s", fixture->err.message);
    return digest;
}

static inline struct str content_descriptor(struct arena *arena, const char *media_type,
                                            const char *content)
{
    char text[DIGEST_TEXT_MAX];
    struct digest digest = content_digest(content);
    return arena_format(arena, "{\"mediaType\":\"%s\",\"digest\":\"%.*s\",\"size\":%zu}",
                        media_type, STR_ARG(digest_format(&digest, text)), strlen(content));
}

#define CONTENT_CONFIG "{\"os\":\"linux\",\"architecture\":\"arm\",\"variant\":\"v7\"}"

/* An image of that config and one layer; `more` is put behind them. */
static inline struct str content_image(struct arena *arena, const char *layer, const char *more)
{
    struct str config =
        content_descriptor(arena, "application/vnd.oci.image.config.v1+json", CONTENT_CONFIG);
    struct str layers =
        content_descriptor(arena, "application/vnd.oci.image.layer.v1.tar+gzip", layer);
    return arena_format(arena,
                        "{\"schemaVersion\":2,"
                        "\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
                        "\"config\":%.*s,\"layers\":[%.*s]%s}",
                        STR_ARG(config), STR_ARG(layers), more);
}

/* An image whose layer may lie elsewhere. */
static inline struct str content_far_image(struct arena *arena, const char *layer)
{
    struct str config =
        content_descriptor(arena, "application/vnd.oci.image.config.v1+json", CONTENT_CONFIG);
    struct str layers = content_descriptor(
        arena, "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", layer);
    return arena_format(arena,
                        "{\"schemaVersion\":2,"
                        "\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
                        "\"config\":%.*s,\"layers\":[%.*s]}",
                        STR_ARG(config), STR_ARG(layers));
}

/* Puts a document under these tags (separated by spaces); its blobs must be there. */
static inline bool content_put(struct hub_fixture *fixture, int64_t repository_id, struct str body,
                               const char *tags, struct digest *out)
{
    struct str list[8], rest = str_from(tags);
    size_t count = 0;
    while (rest.len > 0 && count < ARRAY_COUNT(list) && str_split(&rest, ' ', &list[count]))
        count++;
    struct manifest_put put = {
        .repository_id = repository_id,
        .account_id = ALICE,
        .body = body,
        .tags = list,
        .tag_count = count,
    };
    struct manifest_put_result result;
    if (!manifest_put(fixture->hub, fixture->arena, &put, &result, &fixture->err))
        return false;
    *out = result.digest;
    return true;
}

/* Pushes the image of one layer, blobs and all. */
static inline struct digest content_push(struct hub_fixture *fixture, int64_t repository_id,
                                         const char *layer, const char *tags)
{
    struct digest digest = { 0 };
    content_blob(fixture, repository_id, CONTENT_CONFIG);
    content_blob(fixture, repository_id, layer);
    if (!content_put(fixture, repository_id, content_image(fixture->arena, layer, ""), tags,
                     &digest))
        fail_msg("manifest_put: %s", fixture->err.message);
    return digest;
}

#define CHECK(call)                                                                                \
    do {                                                                                           \
        if (!(call))                                                                               \
            fail_msg("%s: %s", #call, fixture->err.message);                                       \
    } while (0)
#define CHECK_FAILS(call, kind, part)                                                              \
    do {                                                                                           \
        assert_false(call);                                                                        \
        check_error(&fixture->err, (kind), (part));                                                \
    } while (0)
