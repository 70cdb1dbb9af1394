/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/manifest.h"

#include "base/limits.h"
#include "db/statement.h"
#include "hub/blob.h"
#include "hub/cache.h"
#include "hub/collect.sql.h"
#include "hub/collect_manifest.h"
#include "hub/manifest.sql.h"
#include "hub/manifest_cache.h"
#include "hub/manifest_rows.h"
#include "hub/recovery.h"
#include "hub/repository.sql.h"
#include "hub/tag.h"
#include "oci/about.h"

#include <string.h>

enum { CONFIG_BYTES_MAX = 1024 * 1024 }; /* of a config that is looked into for its platform */

/* --- checking the document ----------------------------------------------------------------- */

struct putting {
    struct hub *hub;
    struct arena *arena;
    const struct manifest_put *put;
    struct manifest manifest;
    struct digest digest;
    struct platform platform;
};

static bool check_digest(const struct manifest_put *put, struct digest *out, struct error *err)
{
    enum digest_algorithm algorithm =
        put->algorithm == DIGEST_NONE ? DIGEST_SHA256 : put->algorithm;
    struct digest actual =
        digest_of(put->expected ? put->expected->algorithm : algorithm, put->body);
    if (put->expected && !digest_equal(put->expected, &actual)) {
        char expected_text[DIGEST_TEXT_MAX], actual_text[DIGEST_TEXT_MAX];
        return error_set_about(err, ABOUT_DIGEST, ERROR_INVALID,
                               "the manifest has digest %.*s, not %.*s",
                               STR_ARG(digest_format(&actual, actual_text)),
                               STR_ARG(digest_format(put->expected, expected_text)));
    }
    *out = actual;
    return true;
}

static bool check_document(struct putting *putting, struct error *err)
{
    const struct manifest_put *put = putting->put;
    for (size_t i = 0; i < put->tag_count; i++) {
        if (!tag_check(put->tags[i], err))
            return false;
    }
    return check_digest(put, &putting->digest, err) &&
           manifest_parse(putting->arena, put->body, put->content_type, &putting->manifest, err);
}

/* --- the platform of an image --------------------------------------------------------------- */

static bool has_image_config(const struct manifest *manifest)
{
    struct str type = manifest->config.media_type;
    return manifest->kind == MEDIA_IMAGE && manifest->config.size <= CONFIG_BYTES_MAX &&
           (str_equal(type, MEDIA_OCI_CONFIG) || str_equal(type, MEDIA_DOCKER_CONFIG));
}

static bool read_config(struct putting *putting, const struct blob *blob, struct str *out,
                        struct error *err)
{
    struct arena *arena = putting->arena;
    struct blob_reader *reader AUTO(blob_reader_close) = NULL;
    if (!blob_open_found(putting->hub, arena, putting->put->repository_id, blob, &reader, err))
        return false;
    size_t size = (size_t)blob->size, at = 0;
    char *bytes = arena_alloc(arena, size + 1);
    while (at < size) {
        int64_t got = blob_read(reader, at, bytes + at, size - at, err);
        if (got < 0)
            return false;
        if (got == 0)
            return error_set(err, ERROR_INTERNAL, "an image config is cut off (upload %s)",
                             blob->place.upload_id);
        at += (size_t)got;
    }
    *out = (struct str){ bytes, size };
    return true;
}

/* Ahead of the transaction, which does not touch blobs.  That the config is missing is told there.
 */
static bool find_platform(struct putting *putting, struct error *err)
{
    const struct manifest *manifest = &putting->manifest;
    struct blob blob;
    struct str config;
    if (!has_image_config(manifest))
        return true;
    if (!blob_find(putting->hub, putting->arena, putting->put->repository_id,
                   &manifest->config.digest, false, &blob, err)) {
        if (err->kind != ERROR_NOT_FOUND)
            return false;
        error_clear(err);
        return true;
    }
    if (blob.size > CONFIG_BYTES_MAX)
        return true;
    if (!read_config(putting, &blob, &config, err)) {
        if (err->kind != ERROR_NOT_FOUND)
            return false;
        error_clear(err);
        return true;
    }
    platform_from_config(putting->arena, config, &putting->platform);
    return true;
}

/* --- putting: the transaction ---------------------------------------------------------------- */

static bool check_blob(struct db_tx *tx, int64_t repository_id, const struct descriptor *blob,
                       struct error *err)
{
    struct manifest_blob_size_row row;
    bool found;
    char text[DIGEST_TEXT_MAX];
    if (!sql_manifest_blob_size(tx, repository_id, &blob->digest, &row, &found, err))
        return false;
    if (!found && blob->is_foreign)
        return true;
    if (!found)
        return error_set_about(err, ABOUT_MANIFEST_BLOB, ERROR_NOT_FOUND,
                               "blob %.*s is not in this repository; push it first",
                               STR_ARG(digest_format(&blob->digest, text)));
    if (row.size != blob->size)
        return error_set_about(err, ABOUT_MANIFEST, ERROR_INVALID,
                               "blob %.*s has %lld bytes, the manifest says %lld",
                               STR_ARG(digest_format(&blob->digest, text)), (long long)row.size,
                               (long long)blob->size);
    return true;
}

static bool check_blobs(struct db_tx *tx, const struct putting *putting, struct error *err)
{
    const struct manifest *manifest = &putting->manifest;
    int64_t repository_id = putting->put->repository_id;
    if (manifest->kind != MEDIA_IMAGE)
        return true;
    if (!check_blob(tx, repository_id, &manifest->config, err))
        return false;
    for (size_t i = 0; i < manifest->layer_count; i++) {
        if (!check_blob(tx, repository_id, &manifest->layers[i], err))
            return false;
    }
    return true;
}

/* In the order of the document. */
struct referring {
    int64_t manifest_id, repository_id, position;
};

static bool insert_reference(struct db_tx *tx, struct referring *referring, enum manifest_role role,
                             const struct descriptor *to, struct error *err)
{
    struct manifest_insert_reference_in in = {
        .manifest_id = referring->manifest_id,
        .repository_id = referring->repository_id,
        .position = referring->position++,
        .role = role,
        .digest = &to->digest,
        .size = to->size,
        .media_type = to->media_type,
    };
    return sql_manifest_insert_reference(tx, &in, err);
}

static bool insert_references(struct db_tx *tx, struct referring *referring,
                              const struct manifest *manifest, struct error *err)
{
    for (size_t i = 0; i < manifest_reference_count(manifest); i++) {
        enum manifest_role role;
        const struct descriptor *to = manifest_reference(manifest, i, &role);
        if (!insert_reference(tx, referring, role, to, err))
            return false;
    }
    return true;
}

static bool bring_back(struct db_tx *tx, const struct putting *putting, int64_t id, int64_t now_ms,
                       int64_t deleted_ms, struct error *err)
{
    struct going going = { .repository_id = putting->put->repository_id, .now_ms = now_ms };
    return collect_bring_back(tx, &going, id, &putting->digest, deleted_ms, err);
}

/* The document is here already, perhaps hidden. */
static bool put_again(struct db_tx *tx, const struct putting *putting, int64_t now_ms, int64_t *id,
                      struct error *err)
{
    struct manifest_any_by_digest_row existing;
    bool found;
    if (!sql_manifest_any_by_digest(tx, putting->put->repository_id, &putting->digest, &existing,
                                    &found, err))
        return false;
    if (!found)
        return error_set(err, ERROR_INTERNAL, "the row of an existing manifest cannot be read");
    *id = existing.id;
    int64_t lease_until_ms = now_ms + putting->hub->lease_ms;
    return sql_manifest_pushed_again(tx, now_ms, lease_until_ms, existing.id, err) &&
           bring_back(tx, putting, existing.id, now_ms, existing.deleted_ms, err);
}

static bool insert_manifest(struct db_tx *tx, const struct putting *putting, int64_t now_ms,
                            int64_t *id, struct error *err)
{
    const struct manifest_put *put = putting->put;
    const struct manifest *manifest = &putting->manifest;
    struct manifest_insert_in in = {
        .repository_id = put->repository_id,
        .digest = &putting->digest,
        .kind = manifest->kind,
        .media_type = manifest->media_type,
        .artifact_type = manifest->artifact_type,
        .subject_digest = manifest->has_subject ? &manifest->subject.digest : NULL,
        .annotations = manifest->annotations,
        .size = (int64_t)put->body.len,
        .content_size = manifest_content_size(manifest),
        .os = putting->platform.os,
        .architecture = putting->platform.architecture,
        .variant = putting->platform.variant,
        .pushed_by = put->account_id ? put->account_id : DB_NULL_INT,
        .pushed_ms = now_ms,
        .lease_until_ms = now_ms + putting->hub->lease_ms,
    };
    struct manifest_insert_row made;
    bool is_new;
    if (!sql_manifest_insert(tx, &in, &made, &is_new, err))
        return false;
    if (!is_new)
        return put_again(tx, putting, now_ms, id, err);
    *id = made.id;
    struct referring referring = { .manifest_id = made.id, .repository_id = put->repository_id };
    return sql_manifest_insert_body(tx, made.id, put->body, err) &&
           insert_references(tx, &referring, manifest, err) &&
           (manifest->kind != MEDIA_INDEX ||
            bring_back(tx, putting, made.id, now_ms, DB_NULL_INT, err));
}

static bool put_tx(struct db_tx *tx, void *context, struct error *err)
{
    const struct putting *putting = context;
    const struct manifest_put *put = putting->put;
    struct tag_target target = {
        .repository_id = put->repository_id,
        .account_id = put->account_id,
    };
    if (!db_now_ms(tx, &target.now_ms, err) || !check_blobs(tx, putting, err) ||
        !insert_manifest(tx, putting, target.now_ms, &target.manifest_id, err))
        return false;
    for (size_t i = 0; i < put->tag_count; i++) {
        if (!tag_point(tx, &target, put->tags[i], err))
            return false;
    }
    if (put->tag_count == 0 &&
        !sql_candidate_add_untagged(tx, target.now_ms, target.manifest_id, err))
        return false;
    /* The parts of an index come by digest ahead of it: all of them together are one push. */
    return sql_repository_pushed(tx, target.now_ms, put->tag_count > 0, put->repository_id, err) &&
           recovery_repository_changed(tx, put->repository_id, err);
}

bool manifest_put(struct hub *hub, struct arena *arena, const struct manifest_put *put,
                  struct manifest_put_result *out, struct error *err)
{
    struct putting putting = { .hub = hub, .arena = arena, .put = put };
    if (!check_document(&putting, err) || !find_platform(&putting, err) ||
        !db_write(hub->db, arena, put_tx, &putting, err))
        return false;
    *out = (struct manifest_put_result){
        .digest = putting.digest,
        .has_subject = putting.manifest.has_subject,
        .subject = putting.manifest.subject.digest,
    };
    return true;
}

/* --- getting ------------------------------------------------------------------------------- */

static bool unknown_manifest(const struct reference *reference, struct error *err)
{
    char text[DIGEST_TEXT_MAX];
    struct str shown =
        str_is_set(reference->tag) ? reference->tag : digest_format(&reference->digest, text);
    return error_set_about(err, ABOUT_MANIFEST, ERROR_NOT_FOUND,
                           "manifest %.*s is not in this repository", STR_ARG(shown));
}

static bool find_manifest(struct db_tx *tx, int64_t repository_id,
                          const struct reference *reference, struct manifest_document *out,
                          struct error *err)
{
    bool found;
    if (str_is_set(reference->tag)) {
        struct manifest_by_tag_row row;
        if (!sql_manifest_by_tag(tx, repository_id, reference->tag, &row, &found, err))
            return false;
        if (found)
            *out = (struct manifest_document){
                .id = row.id, .digest = row.digest, .media_type = row.media_type, .size = row.size
            };
    } else {
        struct manifest_by_digest_row row;
        if (!sql_manifest_by_digest(tx, repository_id, &reference->digest, &row, &found, err))
            return false;
        if (found)
            *out = (struct manifest_document){ .id = row.id,
                                               .digest = reference->digest,
                                               .media_type = row.media_type,
                                               .size = row.size };
    }
    return found || unknown_manifest(reference, err);
}

bool manifest_get(struct hub *hub, struct arena *arena, int64_t repository_id,
                  const struct reference *reference, bool with_body, struct manifest_document *out,
                  struct error *err)
{
    struct manifest_document document;
    struct cache_moment moment;
    if (manifest_cache_find(hub->cache, arena, repository_id, reference, with_body, out, &moment))
        return true;
    struct db_tx *tx AUTO(db_tx_end) = db_read(hub->db, arena, err);
    if (!tx || !find_manifest(tx, repository_id, reference, &document, err))
        return false;
    if (with_body) {
        struct manifest_body_row row;
        if (!sql_manifest_body(tx, document.id, &row, err))
            return false;
        document.body = row.body;
    }
    manifest_cache_keep(hub->cache, arena, repository_id, reference, &document, &moment);
    *out = document;
    return true;
}

bool manifest_is_child(struct hub *hub, struct arena *arena, int64_t repository_id,
                       const struct digest *digest, bool *out, struct error *err)
{
    struct {
        int64_t repository_id;
        char digest[DIGEST_TEXT_MAX];
    } room;
    memset(&room, 0, sizeof(room));
    room.repository_id = repository_id;
    (void)digest_format(digest, room.digest);
    struct str key = { (const char *)&room, sizeof(room) }, kept;
    struct cache_moment moment;
    if (cache_find(hub->cache, CACHE_CHILD, key, arena, &kept, &moment)) {
        *out = kept.ptr[0] == '1';
        return true;
    }
    struct db_tx *tx AUTO(db_tx_end) = db_read(hub->db, arena, err);
    struct manifest_parent_row row;
    bool found;
    if (!tx || !sql_manifest_parent(tx, repository_id, digest, &row, &found, err))
        return false;
    cache_keep(hub->cache, CACHE_CHILD, key, found ? STR("1") : STR("0"), &moment);
    *out = found;
    return true;
}

/* --- leasing ------------------------------------------------------------------------------- */

static bool lease_is_short(struct hub *hub, struct arena *arena, int64_t repository_id,
                           const struct reference *reference, bool *out, struct error *err)
{
    struct db_tx *tx AUTO(db_tx_end) = db_read(hub->db, arena, err);
    struct manifest_by_digest_row row;
    bool found;
    int64_t now_ms;
    if (!tx || !db_now_ms(tx, &now_ms, err) ||
        !sql_manifest_by_digest(tx, repository_id, &reference->digest, &row, &found, err))
        return false;
    *out = found && row.lease_until_ms < now_ms + hub->lease_ms;
    return found || unknown_manifest(reference, err);
}

struct leasing {
    int64_t repository_id, lease_ms;
    const struct reference *reference;
};

static bool lease_tx(struct db_tx *tx, void *context, struct error *err)
{
    const struct leasing *leasing = context;
    int64_t now_ms, changed;
    if (!db_now_ms(tx, &now_ms, err) ||
        !sql_manifest_lease(tx, now_ms + leasing->lease_ms, leasing->repository_id,
                            &leasing->reference->digest, &changed, err))
        return false;
    return changed == 1 || unknown_manifest(leasing->reference, err);
}

bool manifest_lease(struct hub *hub, struct arena *arena, int64_t repository_id,
                    const struct digest *digest, struct error *err)
{
    struct reference reference = { .digest = *digest };
    /* Longer than promised, as that of a blob: one write for the many HEADs of a push. */
    struct leasing leasing = {
        .repository_id = repository_id,
        .lease_ms = hub->lease_ms + hub->lease_ms / 4,
        .reference = &reference,
    };
    bool is_short;
    if (!lease_is_short(hub, arena, repository_id, &reference, &is_short, err))
        return false;
    return !is_short || db_write(hub->db, arena, lease_tx, &leasing, err);
}

/* --- deleting ------------------------------------------------------------------------------ */

struct deleting {
    const struct hub *hub;
    int64_t repository_id;
    const struct reference *reference;
};

static bool delete_tag(struct db_tx *tx, const struct deleting *deleting, int64_t now_ms,
                       struct error *err)
{
    bool removed;
    if (!tag_remove(tx, deleting->repository_id, deleting->reference->tag, now_ms, &removed, err))
        return false;
    if (!removed)
        return unknown_manifest(deleting->reference, err);
    return recovery_repository_changed(tx, deleting->repository_id, err);
}

static bool part_of_index(const struct digest *index, struct error *err)
{
    char text[DIGEST_TEXT_MAX];
    return error_set_about(err, ABOUT_MANIFEST, ERROR_DENIED,
                           "this manifest is part of the index %.*s; delete that first",
                           STR_ARG(digest_format(index, text)));
}

static bool delete_tx(struct db_tx *tx, void *context, struct error *err)
{
    const struct deleting *deleting = context;
    const struct reference *reference = deleting->reference;
    struct manifest_document document;
    struct manifest_parent_row parent;
    bool has_parent;
    struct going going = {
        .repository_id = deleting->repository_id,
        .history_ms = deleting->hub->history_ms,
    };
    if (!db_now_ms(tx, &going.now_ms, err))
        return false;
    if (str_is_set(reference->tag))
        return delete_tag(tx, deleting, going.now_ms, err);

    if (!find_manifest(tx, deleting->repository_id, reference, &document, err) ||
        !sql_manifest_parent(tx, deleting->repository_id, &reference->digest, &parent, &has_parent,
                             err))
        return false;
    if (has_parent)
        return part_of_index(&parent.parent, err);
    return tag_remove_all_of(tx, document.id, going.now_ms, err) &&
           collect_take_down(tx, &going, document.id, &reference->digest, err);
}

bool manifest_delete(struct hub *hub, struct arena *arena, int64_t repository_id,
                     int64_t account_id, const struct reference *reference, struct error *err)
{
    (void)account_id; /* for the record of who did what, which comes with organizations */
    struct deleting deleting = {
        .hub = hub,
        .repository_id = repository_id,
        .reference = reference,
    };
    return db_write(hub->db, arena, delete_tx, &deleting, err);
}
