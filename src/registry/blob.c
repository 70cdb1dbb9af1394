/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/registry_internal.h"

#include "hub/access.h"
#include "hub/blob.h"
#include "net/range.h"
#include "oci/about.h"
#include "oci/media_type.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

struct blob_stretch {
    struct blob_reader *reader;
    uint64_t offset;
};

static int64_t stretch_read(void *state, void *bytes, size_t size, struct error *err)
{
    struct blob_stretch *stretch = state;
    int64_t got = blob_read(stretch->reader, stretch->offset, bytes, size, err);
    if (got > 0)
        stretch->offset += (uint64_t)got;
    return got;
}

static void stretch_close(void *state)
{
    struct blob_stretch *stretch = state;
    blob_reader_close(stretch->reader);
}

/* Gives the bytes to the core: a descriptor of its own for a file, the reader otherwise. */
static bool send_bytes(struct request *request, struct response *response, const struct blob *blob,
                       uint64_t offset, uint64_t length, struct error *err)
{
    struct blob_reader *reader AUTO(blob_reader_close) = NULL;
    if (!blob_open_found(access_hub(request), request->arena, access_caller(request)->repository_id,
                         blob, &reader, err))
        return false;
    if (reader->fd >= 0) {
        int fd = fcntl(reader->fd, F_DUPFD_CLOEXEC, 0);
        if (fd < 0)
            return error_set(err, ERROR_UNAVAILABLE, "no file descriptor left for a blob");
        response_file(response, fd, offset, length);
        return true;
    }
    struct blob_stretch *stretch = arena_alloc(request->arena, sizeof(*stretch));
    *stretch = (struct blob_stretch){ TAKE(reader), offset };
    struct body_source source = { stretch_read, stretch_close, stretch };
    response_source(response, source, length);
    return true;
}

/* The part that the client wants; If-Range with another entity tag makes it all of it. */
static enum range_verdict range_wanted(const struct request *request, struct str digest,
                                       uint64_t size, uint64_t *offset, uint64_t *length)
{
    struct str if_range = request_header(request, "If-Range");
    *offset = 0;
    *length = size;
    if (request->method != METHOD_GET || (str_is_set(if_range) && !etag_matches(if_range, digest)))
        return RANGE_WHOLE;
    return range_parse(request_header(request, "Range"), size, offset, length);
}

/* A refusal, but with the size, from which the client sees how much there is to ask for. */
static void refuse_range(struct request *request, struct response *response, uint64_t size)
{
    struct error err = { 0 };
    error_set_about(&err, ABOUT_BLOB, ERROR_RANGE,
                    "nothing of the range lies in the %" PRIu64 " bytes of the blob", size);
    response_header_format(response, "Content-Range", "bytes */%" PRIu64, size);
    registry_refuse(request, response, &err);
}

/* What every answer says that is about the blob as it is. */
static void blob_headers(struct request *request, struct response *response, struct str digest)
{
    registry_header(response);
    registry_digest_header(response, &request->captures.digest);
    registry_cache_header(request, response, true);
    response_header(response, "Accept-Ranges", STR("bytes"));
    response_header_format(response, "ETag", "\"%.*s\"", STR_ARG(digest));
}

static bool send_blob(struct request *request, struct response *response, const struct blob *blob,
                      struct str digest, struct error *err)
{
    uint64_t size = (uint64_t)blob->size, offset, length;
    enum range_verdict verdict = range_wanted(request, digest, size, &offset, &length);
    if (verdict == RANGE_UNSATISFIABLE) {
        refuse_range(request, response, size);
        return true;
    }
    blob_headers(request, response, digest);
    response_header(response, "Content-Type", MEDIA_OCTETS);
    response_status(response, verdict == RANGE_PART ? 206 : 200);
    if (verdict == RANGE_PART)
        response_header_format(response, "Content-Range", "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64,
                               offset, offset + length - 1, size);
    if (request->method == METHOD_HEAD) {
        registry_head_body(response, size);
        return true;
    }
    return send_bytes(request, response, blob, offset, length, err);
}

bool registry_blob_get(struct request *request, struct response *response, struct error *err)
{
    struct blob blob;
    bool renew;
    if (!registry_head_needs_token(request, err) || !registry_is_push_check(request, &renew, err) ||
        !blob_find(access_hub(request), request->arena, access_caller(request)->repository_id,
                   &request->captures.digest, renew, &blob, err))
        return false;

    char text[DIGEST_TEXT_MAX];
    struct str digest = digest_format(&request->captures.digest, text);
    if (etag_matches(request_header(request, "If-None-Match"), digest)) {
        blob_headers(request, response, digest);
        response_status(response, 304);
        return true;
    }
    return send_blob(request, response, &blob, digest, err);
}

bool registry_blob_delete(struct request *request, struct response *response, struct error *err)
{
    if (!blob_forget(access_hub(request), request->arena, access_caller(request)->repository_id,
                     &request->captures.digest, err))
        return false;
    registry_header(response);
    response_status(response, 202);
    return true;
}
