/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/registry_internal.h"

#include "base/limits.h"
#include "hub/access.h"
#include "hub/manifest.h"
#include "hub/pull_counter.h"
#include "net/range.h"
#include "oci/about.h"
#include "oci/media_type.h"

static bool accepts_image_only(struct str accept)
{
    bool takes_index =
        media_accepts(accept, MEDIA_OCI_INDEX) || media_accepts(accept, MEDIA_DOCKER_LIST);
    bool takes_image =
        media_accepts(accept, MEDIA_OCI_MANIFEST) || media_accepts(accept, MEDIA_DOCKER_MANIFEST);
    return takes_image && !takes_index;
}

static const struct descriptor *find_linux_amd64(const struct manifest *index)
{
    for (size_t i = 0; i < index->manifest_count; i++) {
        const struct platform *platform = &index->manifests[i].platform;
        if (str_equal(platform->os, STR("linux")) &&
            str_equal(platform->architecture, STR("amd64")))
            return &index->manifests[i];
    }
    return NULL;
}

/* Clients from before there were indexes ask for a tag and take images only: they get the image for
 * linux/amd64 out of the index, if it is here.  *document stays as it is otherwise. */
static bool choose_image(struct request *request, bool with_body,
                         struct manifest_document *document, struct error *err)
{
    struct hub *hub = access_hub(request);
    int64_t repository_id = access_caller(request)->repository_id;
    struct reference whole = { .digest = document->digest };
    struct manifest_document index_document, image_document;
    struct manifest index;
    if (!manifest_get(hub, request->arena, repository_id, &whole, true, &index_document, err) ||
        !manifest_parse(request->arena, index_document.body, index_document.media_type, &index,
                        err))
        return false;
    const struct descriptor *child = find_linux_amd64(&index);
    if (!child || media_kind_of(child->media_type) != MEDIA_IMAGE)
        return true;
    struct reference reference = { .digest = child->digest };
    struct error missing = { 0 };
    if (manifest_get(hub, request->arena, repository_id, &reference, with_body, &image_document,
                     &missing)) {
        *document = image_document;
        return true;
    }
    if (missing.kind == ERROR_NOT_FOUND) /* a sparse index */
        return true;
    *err = missing;
    return false;
}

static bool find_document(struct request *request, bool with_body, struct manifest_document *out,
                          struct error *err)
{
    const struct reference *reference = &request->captures.reference;
    if (!manifest_get(access_hub(request), request->arena, access_caller(request)->repository_id,
                      reference, with_body, out, err))
        return false;
    /* What is asked for by digest must have that digest. */
    bool is_by_tag = !digest_is_set(&reference->digest);
    struct str accept = request_header_joined(request, "Accept");
    if (is_by_tag && media_kind_of(out->media_type) == MEDIA_INDEX && accepts_image_only(accept))
        return choose_image(request, with_body, out, err);
    return true;
}

/* Whoever pulls an index comes back for one of its images by digest: both are one pull. */
static void count_pull(struct request *request, const struct manifest_document *document)
{
    struct hub *hub = access_hub(request);
    int64_t repository_id = access_caller(request)->repository_id;
    bool is_child = false;
    struct error ignored = { 0 }; /* a wrong count is no reason to refuse the pull */
    if (digest_is_set(&request->captures.reference.digest) &&
        media_kind_of(document->media_type) == MEDIA_IMAGE &&
        !manifest_is_child(hub, request->arena, repository_id, &document->digest, &is_child,
                           &ignored))
        error_clear(&ignored);
    if (!is_child)
        pull_counter_add(hub->pulls, repository_id);
}

bool registry_manifest_get(struct request *request, struct response *response, struct error *err)
{
    bool is_head = request->method == METHOD_HEAD;
    struct manifest_document document;
    bool is_push_check;
    if (!registry_head_needs_token(request, err) ||
        !find_document(request, !is_head, &document, err) ||
        !registry_is_push_check(request, &is_push_check, err))
        return false;
    /* An index that is pushed next may count on it. */
    if (is_push_check &&
        !manifest_lease(access_hub(request), request->arena, access_caller(request)->repository_id,
                        &document.digest, err))
        return false;

    char text[DIGEST_TEXT_MAX];
    struct str digest = digest_format(&document.digest, text);
    registry_header(response);
    registry_digest_header(response, &document.digest);
    registry_cache_header(request, response, digest_is_set(&request->captures.reference.digest));
    response_header_format(response, "ETag", "\"%.*s\"", STR_ARG(digest));
    if (etag_matches(request_header(request, "If-None-Match"), digest)) {
        response_status(response, 304);
        return true;
    }
    response_status(response, 200);
    response_header(response, "Content-Type", document.media_type);
    if (is_head) {
        registry_head_body(response, (uint64_t)document.size);
        return true;
    }
    response_memory(response, NULL, document.body);
    count_pull(request, &document);
    return true;
}

struct push {
    struct manifest_put put;
    struct digest expected;
    struct str tags[MANIFEST_TAGS_PER_PUSH_MAX];
    size_t extra_tag_count; /* of ?tag=, to be confirmed by headers */
};

static bool push_add_tags(const struct form *query, struct push *push, struct error *err)
{
    for (size_t nth = 0;; nth++) {
        struct str tag = form_get_nth(query, "tag", nth);
        if (!str_is_set(tag))
            return true;
        if (push->put.tag_count == MANIFEST_TAGS_PER_PUSH_MAX)
            return error_set_about(err, ABOUT_TAG, ERROR_TOO_LARGE,
                                   "at most %d tags can be pushed at once, push the others after",
                                   MANIFEST_TAGS_PER_PUSH_MAX);
        push->tags[push->put.tag_count++] = tag;
        push->extra_tag_count++;
    }
}

/* ?digest= and ?digest-algorithm= say for a push by tag what a push by digest says in its path. */
static bool push_set_digest(const struct form *query, struct push *push, struct error *err)
{
    struct str digest = form_get(query, "digest");
    struct str algorithm = form_get(query, "digest-algorithm");
    if (str_is_set(digest)) {
        if (!digest_parse(digest, &push->expected, err))
            return false;
        push->put.expected = &push->expected;
    }
    if (str_is_set(algorithm)) {
        push->put.algorithm = digest_algorithm_from(algorithm);
        if (push->put.algorithm == DIGEST_NONE)
            return error_set_about(err, ABOUT_DIGEST, ERROR_INVALID,
                                   "unknown digest algorithm, use sha256 or sha512");
    }
    return true;
}

static bool push_read(struct request *request, struct push *push, struct error *err)
{
    const struct reference *reference = &request->captures.reference;
    struct form query;
    if (!registry_query(request, &query, err))
        return false;
    push->put.content_type = request_header(request, "Content-Type");
    push->put.account_id = access_caller(request)->account.id;
    push->put.tags = push->tags;
    if (digest_is_set(&reference->digest))
        push->put.expected = &reference->digest;
    else
        push->tags[push->put.tag_count++] = reference->tag;
    if (!push_add_tags(&query, push, err))
        return false;
    if (!push->put.expected && !push_set_digest(&query, push, err))
        return false;
    return request_read_all(request, MANIFEST_BYTES_MAX, &push->put.body, err);
}

/* A repository that does not exist yet is not made for the sake of nonsense. */
static bool push_prepare(struct request *request, struct push *push, struct error *err)
{
    struct manifest ignored;
    if (access_caller(request)->repository_id == 0 &&
        !manifest_parse(request->arena, push->put.body, push->put.content_type, &ignored, err))
        return false;
    return registry_repository(request, &push->put.repository_id, err);
}

bool registry_manifest_put(struct request *request, struct response *response, struct error *err)
{
    struct push push = { 0 };
    struct manifest_put_result result;
    if (!push_read(request, &push, err) || !push_prepare(request, &push, err) ||
        !manifest_put(access_hub(request), request->arena, &push.put, &result, err))
        return false;

    char text[DIGEST_TEXT_MAX];
    registry_header(response);
    registry_digest_header(response, &result.digest);
    registry_location(request, response, "manifests", digest_format(&result.digest, text));
    for (size_t i = push.put.tag_count - push.extra_tag_count; i < push.put.tag_count; i++)
        response_header(response, "OCI-Tag", push.tags[i]);
    if (result.has_subject)
        response_header(response, "OCI-Subject", digest_format(&result.subject, text));
    response_status(response, 201);
    return true;
}

bool registry_manifest_delete(struct request *request, struct response *response, struct error *err)
{
    const struct caller *caller = access_caller(request);
    if (!manifest_delete(access_hub(request), request->arena, caller->repository_id,
                         caller->account.id, &request->captures.reference, err))
        return false;
    registry_header(response);
    response_status(response, 202);
    return true;
}
