/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/registry_internal.h"

#include "base/json.h"
#include "base/limits.h"
#include "hub/access.h"
#include "hub/manifest.h"

/* Clients read no index that is larger than a manifest may be: a page ends before.  Annotations can
 * be as large as a manifest, so only a few referrers are in memory at a time; a single one always
 * fits. */
enum {
    REFERRERS_BATCH = 16,
    REFERRERS_PAGE_BYTES = MANIFEST_BYTES_MAX / 4,
    REFERRERS_BODY_BYTES_MAX = MANIFEST_BYTES_MAX * 4,
};

struct wanted {
    struct page page;
    struct str artifact_type; /* absent: all */
};

/* Forms write a blank as '+'.  Media types have no blank but often a '+', and people who type an
 * address do not think of %2B. */
static struct str with_plus(struct request *request, struct str artifact_type)
{
    char *bytes = arena_alloc(request->arena, artifact_type.len);
    for (size_t i = 0; i < artifact_type.len; i++)
        bytes[i] = artifact_type.ptr[i] == ' ' ? '+' : artifact_type.ptr[i];
    return (struct str){ bytes, artifact_type.len };
}

static bool wanted_parse(struct request *request, struct wanted *out, struct error *err)
{
    struct form query;
    struct digest last;
    if (!registry_query(request, &query, err) || !page_parse(&query, &out->page, err))
        return false;
    if (str_is_set(out->page.last) && !digest_parse(out->page.last, &last, err))
        return false;
    struct str artifact_type = form_get(&query, "artifactType");
    out->artifact_type = artifact_type.len > 0 ? with_plus(request, artifact_type) : STR_NONE;
    return true;
}

static bool list_page(struct request *request, const struct wanted *wanted, struct str after,
                      int limit, struct referrer **out, size_t *count, struct error *err)
{
    const struct referrer_query query = {
        .repository_id = access_caller(request)->repository_id,
        .subject = &request->captures.digest,
        .artifact_type = wanted->artifact_type,
        .after = after,
        .limit = limit,
    };
    return referrer_list(access_hub(request), request->arena, &query, out, count, err);
}

/* Annotations are stored as a compact JSON object of texts. */
static bool write_annotations(struct json *json, struct str annotations, struct error *err)
{
    json_t *object __attribute__((cleanup(json_decref_auto))) = json_parse_object(annotations, err);
    if (!object)
        return false;
    const char *key;
    json_t *value;
    json_key(json, "annotations");
    json_object(json);
    json_object_foreach(object, key, value) json_key_str(
        json, key, (struct str){ json_string_value(value), json_string_length(value) });
    json_end(json);
    return true;
}

static bool write_referrer(struct json *json, const struct referrer *referrer, struct error *err)
{
    char text[DIGEST_TEXT_MAX];
    json_object(json);
    json_key_str(json, "mediaType", referrer->media_type);
    json_key_str(json, "digest", digest_format(&referrer->digest, text));
    json_key_i64(json, "size", referrer->size);
    if (referrer->artifact_type.len > 0)
        json_key_str(json, "artifactType", referrer->artifact_type);
    if (referrer->annotations.len > 0 && !write_annotations(json, referrer->annotations, err))
        return false;
    json_end(json);
    return true;
}

/* The page that is being written. */
struct listing {
    const struct wanted *wanted;
    struct str last; /* digest of the last one written; where to go on */
    int count;
    bool is_at_end;
};

/* Writes some; how many depends on what is left of the page, in number and bytes. */
static bool write_batch(struct request *request, struct listing *listing, struct json *json,
                        struct error *err)
{
    int room = listing->wanted->page.limit - listing->count;
    int limit = room < REFERRERS_BATCH ? room : REFERRERS_BATCH;
    struct referrer *referrers;
    size_t count;
    if (!list_page(request, listing->wanted, listing->last, limit, &referrers, &count, err))
        return false;
    listing->is_at_end = count < (size_t)limit;
    for (size_t i = 0; i < count; i++) {
        char text[DIGEST_TEXT_MAX];
        if (json->buf->len >= REFERRERS_PAGE_BYTES) {
            listing->is_at_end = false;
            return true;
        }
        if (!write_referrer(json, &referrers[i], err))
            return false;
        listing->last = arena_copy(request->arena, digest_format(&referrers[i].digest, text));
        listing->count++;
    }
    return true;
}

static bool write_index(struct request *request, struct listing *listing, struct buf *body,
                        struct error *err)
{
    struct json json;
    json_init(&json, body);
    json_object(&json);
    json_key_i64(&json, "schemaVersion", 2);
    json_key_str(&json, "mediaType", MEDIA_OCI_INDEX);
    json_key(&json, "manifests");
    json_array(&json);
    while (!listing->is_at_end && listing->count < listing->wanted->page.limit &&
           body->len < REFERRERS_PAGE_BYTES)
        if (!write_batch(request, listing, &json, err))
            return false;
    json_end(&json);
    json_end(&json);
    return true;
}

static bool link_next(struct request *request, struct response *response,
                      const struct listing *listing, struct error *err)
{
    const struct wanted *wanted = listing->wanted;
    struct referrer *more;
    size_t count;
    if (listing->is_at_end || listing->count == 0)
        return true;
    if (!list_page(request, wanted, listing->last, 1, &more, &count, err))
        return false;
    if (count == 0)
        return true;
    struct buf extra AUTO(buf_release);
    buf_init(&extra, HTTP_TARGET_BYTES_MAX * 4);
    if (str_is_set(wanted->artifact_type)) {
        buf_append(&extra, STR("&artifactType="));
        buf_append_url(&extra, wanted->artifact_type);
    }
    page_link(request, response, &wanted->page, listing->last, buf_str(&extra));
    return true;
}

bool registry_referrers_get(struct request *request, struct response *response, struct error *err)
{
    struct wanted wanted;
    if (!wanted_parse(request, &wanted, err))
        return false;
    struct listing listing = { .wanted = &wanted, .last = wanted.page.last };
    struct buf body AUTO(buf_release);
    struct str text;
    buf_init(&body, REFERRERS_BODY_BYTES_MAX);
    if (!write_index(request, &listing, &body, err) || !buf_finish(&body, &text, err) ||
        !link_next(request, response, &listing, err))
        return false;
    registry_header(response);
    registry_cache_header(request, response, false);
    if (str_is_set(wanted.artifact_type))
        response_header(response, "OCI-Filters-Applied", STR("artifactType"));
    response_status(response, 200);
    response_header(response, "Content-Type", MEDIA_OCI_INDEX);
    response_memory(response, NULL, arena_copy(request->arena, text));
    return true;
}
