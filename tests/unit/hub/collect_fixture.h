/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/hub/collect_fixture.h - running collection to its end, and what must hold after it. */
#pragma once
#include "content.h"
#include "hub/collect.h"

enum { HOUR_MS = 3600 * 1000 };
static const int64_t DAY_MS = 24LL * HOUR_MS;

static inline struct collect_result collect_all(struct hub_fixture *fixture)
{
    struct collect_result sum = { 0 }, step = { .is_more = true };
    bool ran = true;
    while (step.is_more) {
        CHECK(collect_step(fixture->hub, fixture->arena, &step, &fixture->err));
        sum.manifests += step.manifests;
        sum.claims += step.claims;
        sum.blobs += step.blobs;
        sum.bytes += step.bytes;
    }
    while (ran)
        CHECK(collect_run_job(fixture->hub, fixture->arena, &ran, &fixture->err));
    return sum;
}

/* Beyond every lease. */
static inline struct collect_result collect_later(struct hub_fixture *fixture)
{
    hub_fixture_later(fixture, 2 * HOUR_MS);
    return collect_all(fixture);
}

static inline int64_t collect_files(struct hub_fixture *fixture)
{
    struct blob_entry entries[64];
    struct str cursor = STR_NONE;
    int64_t sum = 0;
    do {
        size_t count;
        struct str next;
        CHECK(blob_list(fixture->hub->store, fixture->arena, cursor, entries, ARRAY_COUNT(entries),
                        &count, &next, &fixture->err));
        for (size_t i = 0; i < count; i++)
            sum += !entries[i].is_upload;
        cursor = next;
    } while (str_is_set(cursor));
    return sum;
}

/* Nothing can be lost from sight: what may go one day has a row that says when to look. */
static inline void collect_check_nothing_is_forgotten(struct hub_fixture *fixture)
{
    assert_int_equal(hub_fixture_sql(fixture,
                                     "SELECT count(*) FROM claim c WHERE NOT EXISTS (SELECT 1 FROM "
                                     "manifest_reference f WHERE f.repository_id = c.repository_id "
                                     "AND f.digest = c.digest AND f.role <> 3) AND NOT EXISTS "
                                     "(SELECT 1 FROM candidate k WHERE k.kind = 1 AND "
                                     "k.repository_id = c.repository_id AND k.digest = c.digest)"),
                     0);
    assert_int_equal(hub_fixture_sql(fixture,
                                     "SELECT count(*) FROM blob b WHERE NOT EXISTS (SELECT 1 FROM "
                                     "claim c WHERE c.digest = b.digest) AND NOT EXISTS (SELECT 1 "
                                     "FROM candidate k WHERE k.kind = 1 AND k.digest = b.digest)"),
                     0);
    /* Hidden: a candidate, or an index or a subject that it goes with. */
    assert_int_equal(
        hub_fixture_sql(fixture,
                        "SELECT count(*) FROM manifest m WHERE m.deleted_ms IS NOT NULL AND NOT "
                        "EXISTS (SELECT 1 FROM candidate k WHERE k.kind = 2 AND k.repository_id = "
                        "m.repository_id AND k.digest = m.digest) AND NOT EXISTS (SELECT 1 FROM "
                        "manifest_reference f WHERE f.repository_id = m.repository_id AND f.digest "
                        "= m.digest AND f.role = 3) AND NOT EXISTS (SELECT 1 FROM manifest s WHERE "
                        "s.repository_id = m.repository_id AND s.digest = m.subject_digest AND "
                        "s.deleted_ms = m.deleted_ms)"),
        0);
    /* What is used is there. */
    assert_int_equal(
        hub_fixture_sql(fixture, "SELECT count(*) FROM manifest_reference f WHERE f.role <> 3 "
                                 "AND NOT EXISTS (SELECT 1 FROM claim c JOIN blob b ON b.digest "
                                 "= c.digest WHERE c.repository_id = f.repository_id AND "
                                 "c.digest = f.digest)"),
        0);
}

/* After the end of collection: as many files as rows. */
static inline void collect_check_files(struct hub_fixture *fixture, int64_t expected)
{
    collect_check_nothing_is_forgotten(fixture);
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM blob"), expected);
    assert_int_equal(collect_files(fixture), expected);
    assert_int_equal(
        hub_fixture_sql(fixture, "SELECT count(*) FROM job WHERE kind = 'blob_remove'"), 0);
}

static inline bool collect_delete(struct hub_fixture *fixture, int64_t repository_id,
                                  const struct digest *digest)
{
    struct reference reference = { .digest = *digest };
    return manifest_delete(fixture->hub, fixture->arena, repository_id, ALICE, &reference,
                           &fixture->err);
}

static inline bool collect_has(struct hub_fixture *fixture, int64_t repository_id,
                               const struct digest *digest)
{
    struct reference reference = { .digest = *digest };
    struct manifest_document document;
    if (manifest_get(fixture->hub, fixture->arena, repository_id, &reference, true, &document,
                     &fixture->err))
        return true;
    assert_int_equal(fixture->err.kind, ERROR_NOT_FOUND);
    error_clear(&fixture->err);
    return false;
}

static inline bool collect_has_blob(struct hub_fixture *fixture, int64_t repository_id,
                                    const char *text)
{
    struct digest digest = content_digest(text);
    struct blob blob;
    struct blob_reader *reader AUTO(blob_reader_close) = NULL;
    if (!blob_find(fixture->hub, fixture->arena, repository_id, &digest, false, &blob,
                   &fixture->err)) {
        assert_int_equal(fixture->err.kind, ERROR_NOT_FOUND);
        error_clear(&fixture->err);
        return false;
    }
    CHECK(blob_open_found(fixture->hub, fixture->arena, repository_id, &blob, &reader,
                          &fixture->err));
    return true;
}

/* ,"subject":{...} of a manifest that is there. */
static inline const char *collect_subject(struct hub_fixture *fixture, const struct digest *digest)
{
    char text[DIGEST_TEXT_MAX];
    return arena_c(fixture->arena,
                   arena_format(fixture->arena,
                                ",\"subject\":{\"mediaType\":\"application/vnd.oci.image.manifest."
                                "v1+json\",\"digest\":\"%.*s\",\"size\":2}",
                                STR_ARG(digest_format(digest, text))));
}

/* An index of up to two manifests; it need not fit their sizes. */
static inline struct digest collect_push_index(struct hub_fixture *fixture, int64_t repository_id,
                                               const struct digest *a, const struct digest *b,
                                               const char *tags)
{
    static const char item[] = "{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
                               "\"digest\":\"%.*s\",\"size\":2}";
    char text[DIGEST_TEXT_MAX];
    struct str items = arena_format(fixture->arena, item, STR_ARG(digest_format(a, text)));
    if (b) {
        struct str second = arena_format(fixture->arena, item, STR_ARG(digest_format(b, text)));
        items = arena_format(fixture->arena, "%.*s,%.*s", STR_ARG(items), STR_ARG(second));
    }
    struct digest digest = { 0 };
    struct str body = arena_format(
        fixture->arena,
        "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\","
        "\"manifests\":[%.*s]}",
        STR_ARG(items));
    CHECK(content_put(fixture, repository_id, body, tags, &digest));
    return digest;
}

/* A referrer of `subject`, told from others by its layer, which is pushed as well. */
static inline struct digest collect_push_referrer(struct hub_fixture *fixture,
                                                  int64_t repository_id,
                                                  const struct digest *subject, const char *layer,
                                                  const char *tags)
{
    struct digest digest = { 0 };
    content_blob(fixture, repository_id, CONTENT_CONFIG);
    content_blob(fixture, repository_id, layer);
    struct str body = content_image(fixture->arena, layer, collect_subject(fixture, subject));
    CHECK(content_put(fixture, repository_id, body, tags, &digest));
    return digest;
}
