/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/manifest.h"

#include "base/json.h"
#include "base/limits.h"
#include "oci/about.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    PLACE_TEXT_MAX = 48,
    TEXT_SHOWN_MAX = 80, /* of a client's text in a message */
};

/* Whole numbers that every JSON reader keeps exactly; also bounds the sum of a document. */
static const int64_t size_max = ((int64_t)1 << 53) - 1;

/* One document being read.  `place` names the descriptor in work for messages. */
struct reading {
    struct arena *arena;
    struct error *err;
    int64_t size_total;
    char place[PLACE_TEXT_MAX];
};

#define REFUSE(reading, kind, ...)                                                                 \
    error_set_about((reading)->err, ABOUT_MANIFEST, (kind), __VA_ARGS__)

/* Length of the character that the text starts with if Go's JSON takes it for the
 * ASCII letter `wanted` (lower case); 0 if it does not. */
static size_t folded_length(struct str text, char wanted)
{
    if (str_equal_ignore_case(str_slice(text, 0, 1), (struct str){ &wanted, 1 }))
        return 1;
    if (wanted == 's' && str_starts(text, STR("\xC5\xBF"))) /* U+017F, long s */
        return 2;
    if (wanted == 'k' && str_starts(text, STR("\xE2\x84\xAA"))) /* U+212A, Kelvin sign */
        return 3;
    return 0;
}

static bool folds_to(struct str key, struct str known)
{
    for (size_t i = 0; i < known.len; i++) {
        char c = known.ptr[i];
        size_t length = folded_length(key, (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c));
        if (length == 0)
            return false;
        key = str_after(key, length);
    }
    return key.len == 0;
}

/* Refuses "Layers" beside or in place of "layers": two readers, two documents. */
static bool check_spelling(struct reading *reading, json_t *object)
{
    const struct str known[] = {
        STR("schemaVersion"), STR("mediaType"), STR("artifactType"), STR("config"),
        STR("layers"),        STR("manifests"), STR("subject"),      STR("annotations"),
        STR("digest"),        STR("size"),      STR("platform"),     STR("urls"),
        STR("data"),          STR("fsLayers"),  STR("history"),
    };
    for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
        struct str key = str_from(json_object_iter_key(at));
        for (size_t i = 0; i < ARRAY_COUNT(known); i++) {
            if (folds_to(key, known[i]) && !str_equal(key, known[i]))
                return REFUSE(reading, ERROR_INVALID,
                              "%s has a key '%.*s' that must be written '%.*s'", reading->place,
                              STR_ARG(key), STR_ARG(known[i]));
        }
    }
    return true;
}

/* An optional member that is a text.  Absent, null and "" are alike. */
static bool take_text(struct reading *reading, const json_t *object, const char *key,
                      struct str *out)
{
    if (json_has_wrong_type(object, key, JSON_STRING))
        return REFUSE(reading, ERROR_INVALID, "%s.%s must be a string", reading->place, key);
    struct str text = json_get_str(object, key);
    *out = text.len > 0 ? arena_copy(reading->arena, text) : STR_NONE;
    return true;
}

static bool take_media_type(struct reading *reading, const json_t *object, const char *key,
                            struct str *out)
{
    if (!take_text(reading, object, key, out))
        return false;
    if (str_is_set(*out) && !media_type_is_valid(*out))
        return REFUSE(reading, ERROR_INVALID, "%s.%s '%.*s' is no media type (RFC 6838)",
                      reading->place, key, STR_ARG(str_slice(*out, 0, TEXT_SHOWN_MAX)));
    return true;
}

static bool take_annotations(struct reading *reading, const json_t *object, struct str *out)
{
    if (json_has_wrong_type(object, "annotations", JSON_OBJECT))
        return REFUSE(reading, ERROR_INVALID, "%s.annotations must be an object", reading->place);
    json_t *annotations = json_get_object(object, "annotations");
    if (json_object_size(annotations) == 0)
        return true;
    const char *key;
    json_t *value;
    json_object_foreach(annotations, key, value)
    {
        if (!json_is_string(value))
            return REFUSE(reading, ERROR_INVALID, "%s.annotations: '%.*s' must be a string",
                          reading->place, STR_ARG(str_slice(str_from(key), 0, TEXT_SHOWN_MAX)));
    }
    char *text = json_dumps(annotations, JSON_COMPACT);
    if (!text)
        abort();
    *out = arena_copy(reading->arena, str_from(text));
    free(text);
    return true;
}

static bool take_platform(struct reading *reading, const json_t *object, struct platform *out)
{
    if (json_has_wrong_type(object, "platform", JSON_OBJECT))
        return REFUSE(reading, ERROR_INVALID, "%s.platform must be an object", reading->place);
    const json_t *platform = json_get_object(object, "platform");
    return !platform || (take_text(reading, platform, "os", &out->os) &&
                         take_text(reading, platform, "architecture", &out->architecture) &&
                         take_text(reading, platform, "variant", &out->variant) &&
                         take_text(reading, platform, "os.version", &out->os_version));
}

static bool take_digest(struct reading *reading, const json_t *object, struct digest *out)
{
    struct error reason = { 0 };
    struct str text = json_get_str(object, "digest");
    if (!str_is_set(text))
        return REFUSE(reading, ERROR_INVALID, "%s.digest is missing or no string", reading->place);
    if (!digest_parse(text, out, &reason))
        return REFUSE(reading, ERROR_INVALID, "%s.digest: %s", reading->place, reason.message);
    return true;
}

static bool take_size(struct reading *reading, const json_t *object, int64_t *out)
{
    int64_t size;
    if (!json_get_i64(object, "size", &size) || size < 0 || size > size_max)
        return REFUSE(reading, ERROR_INVALID, "%s.size must be a whole number from 0 to 2^53 - 1",
                      reading->place);
    if (size > size_max - reading->size_total)
        return REFUSE(reading, ERROR_INVALID, "%s.size: the sizes add up to more than 2^53 - 1",
                      reading->place);
    reading->size_total += size;
    *out = size;
    return true;
}

static bool take_descriptor(struct reading *reading, json_t *object, struct descriptor *out)
{
    struct descriptor descriptor = { 0 };
    if (!json_is_object(object))
        return REFUSE(reading, ERROR_INVALID, "%s must be a descriptor (an object)",
                      reading->place);
    if (!check_spelling(reading, object) ||
        !take_media_type(reading, object, "mediaType", &descriptor.media_type))
        return false;
    if (!str_is_set(descriptor.media_type))
        return REFUSE(reading, ERROR_INVALID, "%s.mediaType is missing", reading->place);
    descriptor.is_foreign = media_is_foreign_layer(descriptor.media_type);
    if (!take_digest(reading, object, &descriptor.digest) ||
        !take_size(reading, object, &descriptor.size) ||
        !take_media_type(reading, object, "artifactType", &descriptor.artifact_type) ||
        !take_platform(reading, object, &descriptor.platform) ||
        !take_annotations(reading, object, &descriptor.annotations))
        return false;
    *out = descriptor;
    return true;
}

static void set_place(struct reading *reading, const char *name)
{
    (void)snprintf(reading->place, sizeof(reading->place), "%s", name);
}

static bool take_list(struct reading *reading, const json_t *root, const char *key,
                      struct descriptor **out, size_t *count)
{
    json_t *list = json_get_array(root, key);
    if (!list)
        return REFUSE(reading, ERROR_INVALID, "%s is missing or no array", key);
    size_t length = json_array_size(list);
    if (length > MANIFEST_DESCRIPTOR_COUNT_MAX)
        return REFUSE(reading, ERROR_TOO_LARGE, "%s has %zu entries, at most %d are taken", key,
                      length, MANIFEST_DESCRIPTOR_COUNT_MAX);
    struct descriptor *descriptors = arena_alloc(reading->arena, length * sizeof(*descriptors));
    for (size_t i = 0; i < length; i++) {
        (void)snprintf(reading->place, sizeof(reading->place), "%s[%zu]", key, i);
        if (!take_descriptor(reading, json_array_get(list, i), &descriptors[i]))
            return false;
    }
    *out = descriptors;
    *count = length;
    return true;
}

/* The one spelling of a manifest's media type that goes into the database and to clients. */
static struct str canonical(struct str media_type)
{
    const struct str known[] = { MEDIA_OCI_MANIFEST, MEDIA_OCI_INDEX, MEDIA_DOCKER_MANIFEST,
                                 MEDIA_DOCKER_LIST };
    for (size_t i = 0; i < ARRAY_COUNT(known); i++) {
        if (str_equal_ignore_case(media_type, known[i]))
            return known[i];
    }
    return STR_NONE;
}

static bool refuse_schema1(struct reading *reading)
{
    return REFUSE(
        reading, ERROR_UNSUPPORTED,
        "image manifests of schema 1 are not taken: push again with docker 1.10 or newer, "
        "podman or skopeo");
}

static bool check_media_type(struct reading *reading, struct str media_type)
{
    switch (media_kind_of(media_type)) {
    case MEDIA_IMAGE:
    case MEDIA_INDEX:
        return true;
    case MEDIA_SCHEMA1:
        return refuse_schema1(reading);
    case MEDIA_OTHER:
        break;
    }
    return REFUSE(reading, ERROR_UNSUPPORTED,
                  "'%.*s' is no manifest that is taken here: push an OCI or Docker (version 2, "
                  "schema 2) image manifest or index",
                  STR_ARG(str_slice(media_type, 0, TEXT_SHOWN_MAX)));
}

static bool check_schema_version(struct reading *reading, const json_t *root)
{
    int64_t version;
    if (!json_get_i64(root, "schemaVersion", &version))
        return REFUSE(reading, ERROR_INVALID,
                      "schemaVersion is missing or no number, it must be 2");
    if (version == 1)
        return refuse_schema1(reading);
    if (version != 2)
        return REFUSE(reading, ERROR_INVALID, "schemaVersion must be 2");
    return true;
}

static bool has_key(const json_t *object, const char *key)
{
    return json_object_get(object, key) != NULL;
}

/* OCI lets a document do without a mediaType; then its members say what it is. */
static bool infer_media_type(struct reading *reading, const json_t *root, struct str *out)
{
    if (has_key(root, "manifests"))
        *out = MEDIA_OCI_INDEX;
    else if (has_key(root, "config") || has_key(root, "layers"))
        *out = MEDIA_OCI_MANIFEST;
    else
        return REFUSE(reading, ERROR_INVALID,
                      "the document has neither config and layers nor manifests");
    return true;
}

static bool decide_media_type(struct reading *reading, const json_t *root, struct str declared,
                              struct str *out)
{
    struct str own;
    if (!take_text(reading, root, "mediaType", &own))
        return false;
    if (str_is_set(own) && !check_media_type(reading, own))
        return false;
    /* In a document the type has one spelling only, as clients compare it by bytes. */
    struct str spelled = canonical(media_type_essence(own));
    if (str_is_set(own) && !str_equal(own, spelled))
        return REFUSE(reading, ERROR_INVALID, "mediaType must be written '%.*s'", STR_ARG(spelled));
    if (!str_is_set(declared)) {
        *out = spelled;
        return str_is_set(own) || infer_media_type(reading, root, out);
    }
    bool is_oci = str_equal_ignore_case(declared, MEDIA_OCI_MANIFEST) ||
                  str_equal_ignore_case(declared, MEDIA_OCI_INDEX);
    if (!str_is_set(own) && !is_oci)
        return REFUSE(reading, ERROR_INVALID, "mediaType is missing, it must be '%.*s'",
                      STR_ARG(declared));
    if (str_is_set(own) && !str_equal(own, canonical(declared)))
        return REFUSE(reading, ERROR_INVALID, "mediaType is '%.*s', but Content-Type is '%.*s'",
                      STR_ARG(str_slice(own, 0, TEXT_SHOWN_MAX)), STR_ARG(declared));
    *out = canonical(declared);
    return true;
}

/* CVE-2021-41190: whoever reads the document must come to the same kind. */
static bool check_one_kind(struct reading *reading, const json_t *root, enum media_kind kind)
{
    const char *const of_index[] = { "manifests" };
    const char *const of_image[] = { "config", "layers" };
    const char *const of_schema1[] = { "fsLayers", "history" };
    for (size_t i = 0; i < ARRAY_COUNT(of_schema1); i++) {
        if (has_key(root, of_schema1[i]))
            return REFUSE(reading, ERROR_INVALID, "the document has a key '%s' of schema 1",
                          of_schema1[i]);
    }
    for (size_t i = 0; kind == MEDIA_INDEX && i < ARRAY_COUNT(of_image); i++) {
        if (has_key(root, of_image[i]))
            return REFUSE(reading, ERROR_INVALID, "an index must not have the key '%s'",
                          of_image[i]);
    }
    if (kind == MEDIA_IMAGE && has_key(root, of_index[0]))
        return REFUSE(reading, ERROR_INVALID, "an image manifest must not have the key '%s'",
                      of_index[0]);
    return true;
}

static bool read_content(struct reading *reading, const json_t *root, struct manifest *manifest)
{
    if (manifest->kind == MEDIA_INDEX)
        return take_list(reading, root, "manifests", &manifest->manifests,
                         &manifest->manifest_count);
    if (!has_key(root, "config"))
        return REFUSE(reading, ERROR_INVALID, "config is missing");
    set_place(reading, "config");
    if (!take_descriptor(reading, json_object_get(root, "config"), &manifest->config) ||
        !take_list(reading, root, "layers", &manifest->layers, &manifest->layer_count))
        return false;
    if (!str_is_set(manifest->artifact_type))
        manifest->artifact_type = manifest->config.media_type;
    return true;
}

static bool read_subject(struct reading *reading, const json_t *root, struct manifest *manifest)
{
    json_t *subject = json_object_get(root, "subject");
    if (!subject || json_is_null(subject))
        return true;
    set_place(reading, "subject");
    reading->size_total = 0; /* it is not part of this document's content */
    manifest->has_subject = true;
    return take_descriptor(reading, subject, &manifest->subject);
}

static bool read_document(struct reading *reading, json_t *root, struct str declared,
                          struct manifest *out)
{
    struct manifest manifest = { 0 };
    if (!check_spelling(reading, root) || !check_schema_version(reading, root) ||
        !decide_media_type(reading, root, declared, &manifest.media_type))
        return false;
    manifest.kind = media_kind_of(manifest.media_type);
    assert(manifest.kind == MEDIA_IMAGE || manifest.kind == MEDIA_INDEX);
    if (!check_one_kind(reading, root, manifest.kind) ||
        !take_media_type(reading, root, "artifactType", &manifest.artifact_type) ||
        !take_annotations(reading, root, &manifest.annotations) ||
        !read_content(reading, root, &manifest) || !read_subject(reading, root, &manifest))
        return false;
    *out = manifest;
    return true;
}

bool manifest_parse(struct arena *arena, struct str bytes, struct str content_type,
                    struct manifest *out, struct error *err)
{
    struct reading reading = { .arena = arena, .err = err };
    set_place(&reading, "manifest");
    if (bytes.len > MANIFEST_BYTES_MAX)
        return REFUSE(&reading, ERROR_TOO_LARGE, "the manifest has more than %d bytes",
                      MANIFEST_BYTES_MAX);
    struct str declared = media_type_essence(content_type);
    if (declared.len == 0 || str_equal_ignore_case(declared, MEDIA_JSON))
        declared = STR_NONE;
    else if (!check_media_type(&reading, declared))
        return false;

    struct error reason = { 0 };
    json_t *root AUTO(json_decref) = json_parse_object(bytes, &reason);
    if (!root)
        return REFUSE(&reading, reason.kind, "%s", reason.message);
    return read_document(&reading, root, declared, out);
}

void platform_from_config(struct arena *arena, struct str config, struct platform *out)
{
    *out = (struct platform){ 0 };
    if (config.len > MANIFEST_BYTES_MAX)
        return;
    struct error ignored = { 0 };
    json_t *root AUTO(json_decref) = json_parse_object(config, &ignored);
    out->os = arena_copy(arena, json_get_str(root, "os"));
    out->architecture = arena_copy(arena, json_get_str(root, "architecture"));
    out->variant = arena_copy(arena, json_get_str(root, "variant"));
    out->os_version = arena_copy(arena, json_get_str(root, "os.version"));
}
