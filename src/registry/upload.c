/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/registry_internal.h"

#include "base/limits.h"
#include "hub/access.h"
#include "hub/blob.h"
#include "hub/upload.h"
#include "net/range.h"
#include "oci/about.h"

#include <inttypes.h>

/* The bytes of one request, where they belong, and how many they must be. */
struct chunk {
    struct request *request;
    int64_t offset; /* -1: wherever the session stands */
    int64_t length; /* -1: until the body ends */
    int64_t left;   /* of length */
};

/* Without Content-Length a body may be shorter or longer than its Content-Range. */
static int64_t chunk_read(void *state, void *bytes, size_t size, struct error *err)
{
    struct chunk *chunk = state;
    int64_t got = request_read(chunk->request, bytes, size, err);
    if (got < 0 || chunk->length < 0)
        return got;
    chunk->left -= got;
    if (chunk->left == 0 || (chunk->left > 0 && got > 0))
        return got;
    error_set_about(err, ABOUT_SIZE, ERROR_INVALID,
                    "the body does not have the %" PRId64 " bytes that its Content-Range says",
                    chunk->length);
    return -1;
}

static struct upload_source chunk_source(struct chunk *chunk)
{
    return (struct upload_source){ chunk_read, chunk };
}

/* Streams have no Content-Range, chunks have one. */
static bool chunk_parse(struct request *request, struct chunk *out, struct error *err)
{
    struct str range = request_header(request, "Content-Range");
    int64_t length = request->content_length;
    *out = (struct chunk){ .request = request, .offset = -1, .length = length, .left = length };
    if (!str_is_set(range) || length == 0)
        return true;
    uint64_t first, last;
    if (!content_range_parse(range, &first, &last))
        return error_set_about(err, ABOUT_RANGE, ERROR_INVALID,
                               "Content-Range must be of the form <first>-<last>, in bytes");
    int64_t announced = (int64_t)(last - first) + 1;
    if (length >= 0 && length != announced)
        return error_set_about(err, ABOUT_SIZE, ERROR_INVALID,
                               "Content-Range covers %" PRId64
                               " bytes, Content-Length says %" PRId64,
                               announced, length);
    out->offset = (int64_t)first;
    out->length = out->left = announced;
    return true;
}

static void blob_created(struct request *request, struct response *response,
                         const struct digest *digest)
{
    char text[DIGEST_TEXT_MAX];
    registry_header(response);
    registry_digest_header(response, digest);
    registry_location(request, response, "blobs", digest_format(digest, text));
    response_status(response, 201);
}

static void session_answer(struct request *request, struct response *response,
                           const struct upload *upload, int status)
{
    registry_header(response);
    response_header(response, "Cache-Control", STR("no-store"));
    registry_upload_headers(request, response, upload->id, upload->size);
    response_status(response, status);
}

/* Where to look for a blob to mount.  *from_id 0: in any repository that *viewer may read. */
static bool mount_source(struct request *request, const struct form *query, int64_t *from_id,
                         bool *is_readable, struct error *err)
{
    const struct caller *caller = access_caller(request);
    struct str from = form_get(query, "from");
    *from_id = 0;
    *is_readable = true;
    if (!str_is_set(from))
        return true;
    struct repository_name name;
    struct error ignored = { 0 };
    *is_readable = false;
    if (!repository_name_parse(from, &name, &ignored))
        return true;
    /* A token need not name what anybody may read. */
    const struct caller nobody = { 0 };
    if (!access_readable(access_hub(request), request->arena, caller, name, from_id, err) ||
        (*from_id == 0 &&
         !access_readable(access_hub(request), request->arena, &nobody, name, from_id, err)))
        return false;
    *is_readable = *from_id > 0;
    return true;
}

static bool try_mount(struct request *request, const struct form *query,
                      const struct digest *digest, int64_t repository_id, bool *mounted,
                      struct error *err)
{
    const struct caller *caller = access_caller(request);
    int64_t from_id;
    bool is_readable;
    *mounted = false;
    if (!mount_source(request, query, &from_id, &is_readable, err))
        return false;
    if (!is_readable)
        return true; /* the client uploads it then */
    /* A token is good for the repositories that it names: a search among all others finds only what
     * anybody may read. */
    const struct account nobody = { 0 };
    const struct account *viewer = caller->has_ceiling ? &nobody : &caller->account;
    return blob_mount(access_hub(request), request->arena, repository_id, from_id, viewer, digest,
                      mounted, err);
}

/* What the query of a POST asks for. */
struct start {
    struct form query;
    struct digest mount, digest;
    enum digest_algorithm algorithm;
};

static bool start_parse(struct request *request, struct start *out, struct error *err)
{
    *out = (struct start){ 0 };
    if (!registry_query(request, &out->query, err))
        return false;
    struct str mount = form_get(&out->query, "mount"), digest = form_get(&out->query, "digest");
    struct str algorithm = form_get(&out->query, "digest-algorithm");
    if (str_is_set(mount) && !digest_parse(mount, &out->mount, err))
        return false;
    if (str_is_set(digest) && !digest_parse(digest, &out->digest, err))
        return false;
    out->algorithm =
        str_is_set(algorithm) ? digest_algorithm_from(algorithm) : out->digest.algorithm;
    if (str_is_set(algorithm) && out->algorithm == DIGEST_NONE)
        return error_set_about(err, ABOUT_DIGEST, ERROR_INVALID,
                               "unknown digest algorithm, use sha256 or sha512");
    return true;
}

/* With ?digest= the blob itself is in this request, unless the body is empty and the blob is not.
 */
static bool has_whole_blob(const struct request *request, const struct digest *digest)
{
    if (!digest_is_set(digest))
        return false;
    if (request->content_length != 0)
        return true;
    struct digest of_nothing = digest_of(digest->algorithm, STR(""));
    return digest_equal(digest, &of_nothing);
}

bool registry_upload_start(struct request *request, struct response *response, struct error *err)
{
    struct hub *hub = access_hub(request);
    int64_t account_id = access_caller(request)->account.id, repository_id;
    struct start start;
    if (!start_parse(request, &start, err) || !registry_repository(request, &repository_id, err))
        return false;

    if (digest_is_set(&start.mount)) {
        bool mounted;
        if (!try_mount(request, &start.query, &start.mount, repository_id, &mounted, err))
            return false;
        if (mounted) {
            blob_created(request, response, &start.mount);
            return true;
        }
    }
    if (has_whole_blob(request, &start.digest)) {
        struct chunk chunk = { .request = request, .length = -1 };
        if (!upload_whole(hub, request->arena, repository_id, account_id, chunk_source(&chunk),
                          &start.digest, err))
            return false;
        blob_created(request, response, &start.digest);
        return true;
    }
    struct upload upload;
    if (!upload_start(hub, request->arena, repository_id, account_id, start.algorithm, &upload,
                      err))
        return false;
    session_answer(request, response, &upload, 202);
    /* Smaller chunks work; each costs as much as a large one. */
    response_header_format(response, "OCI-Chunk-Min-Length", "%d", HTTP_UPLOAD_PIECE_BYTES);
    return true;
}

static bool find_session(struct request *request, struct upload *upload, struct error *err)
{
    const struct caller *caller = access_caller(request);
    return upload_find(access_hub(request), request->arena, request->captures.session,
                       caller->repository_id, caller->account.id, upload, err);
}

bool registry_upload_get(struct request *request, struct response *response, struct error *err)
{
    struct upload upload;
    if (!find_session(request, &upload, err))
        return false;
    session_answer(request, response, &upload, 204);
    return true;
}

bool registry_upload_append(struct request *request, struct response *response, struct error *err)
{
    struct upload upload;
    struct chunk chunk;
    if (!chunk_parse(request, &chunk, err) || !find_session(request, &upload, err) ||
        !upload_append(access_hub(request), request->arena, &upload, chunk.offset, chunk.length,
                       chunk_source(&chunk), err))
        return false;
    session_answer(request, response, &upload, 202);
    return true;
}

bool registry_upload_finish(struct request *request, struct response *response, struct error *err)
{
    struct form query;
    struct digest digest;
    struct upload upload;
    struct chunk chunk;
    if (!registry_query(request, &query, err))
        return false;
    struct str text = form_get(&query, "digest");
    if (!str_is_set(text))
        return error_set_about(err, ABOUT_DIGEST, ERROR_INVALID,
                               "the parameter digest is missing: finish an upload with "
                               "?digest=sha256:<of the whole blob>");
    if (!digest_parse(text, &digest, err) || !chunk_parse(request, &chunk, err) ||
        !find_session(request, &upload, err) ||
        !upload_finish(access_hub(request), request->arena, &upload, chunk.offset,
                       chunk_source(&chunk), &digest, err))
        return false;
    blob_created(request, response, &digest);
    return true;
}

bool registry_upload_cancel(struct request *request, struct response *response, struct error *err)
{
    struct upload upload;
    if (!find_session(request, &upload, err) ||
        !upload_cancel(access_hub(request), request->arena, &upload, err))
        return false;
    registry_header(response);
    response_status(response, 204);
    return true;
}
