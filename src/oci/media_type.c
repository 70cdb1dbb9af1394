/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/media_type.h"

struct str media_type_essence(struct str media_type)
{
    return str_trim(str_slice(media_type, 0, str_find(media_type, ';')));
}

enum media_kind media_kind_of(struct str media_type)
{
    const struct {
        struct str media_type;
        enum media_kind kind;
    } known[] = {
        { MEDIA_OCI_MANIFEST, MEDIA_IMAGE },
        { MEDIA_OCI_INDEX, MEDIA_INDEX },
        { MEDIA_DOCKER_MANIFEST, MEDIA_IMAGE },
        { MEDIA_DOCKER_LIST, MEDIA_INDEX },
        { STR("application/vnd.docker.distribution.manifest.v1+json"), MEDIA_SCHEMA1 },
        { STR("application/vnd.docker.distribution.manifest.v1+prettyjws"), MEDIA_SCHEMA1 },
    };
    struct str wanted = media_type_essence(media_type);
    for (size_t i = 0; i < ARRAY_COUNT(known); i++) {
        if (str_equal_ignore_case(wanted, known[i].media_type))
            return known[i].kind;
    }
    return MEDIA_OTHER;
}

/* Takes what stands before the next `separator` outside of quotes off *rest. */
static bool take_part(struct str *rest, char separator, struct str *part)
{
    if (!str_is_set(*rest))
        return false;
    bool in_quotes = false;
    size_t at = 0;
    for (; at < rest->len; at++) {
        char c = rest->ptr[at];
        if (in_quotes && c == '\\')
            at++;
        else if (c == '"')
            in_quotes = !in_quotes;
        else if (c == separator && !in_quotes)
            break;
    }
    *part = str_trim(str_slice(*rest, 0, at));
    *rest = at < rest->len ? str_after(*rest, at + 1) : STR_NONE;
    return true;
}

/* "0", "0." and "0.000": not acceptable (RFC 9110 section 12.4.2).  A weight that
 * cannot be read counts as 1, as if it were not there. */
static bool weight_is_zero(struct str weight)
{
    if (!str_starts(weight, STR("0")))
        return false;
    struct str rest = str_after(weight, 1);
    if (rest.len == 0)
        return true;
    if (rest.ptr[0] != '.')
        return false;
    for (size_t i = 1; i < rest.len; i++) {
        if (rest.ptr[i] != '0')
            return false;
    }
    return true;
}

/* Of the parameters of a media range only q is looked at: ours have none. */
static bool range_is_refused(struct str parameters)
{
    struct str parameter;
    while (take_part(&parameters, ';', &parameter)) {
        size_t equals = str_find(parameter, '=');
        if (str_equal_ignore_case(str_trim(str_slice(parameter, 0, equals)), STR("q")))
            return weight_is_zero(str_trim(str_after(parameter, equals + 1)));
    }
    return false;
}

/* 3 for the type itself, 2 for a wildcard subtype, 1 for two wildcards, 0 for no match. */
static int match_rank(struct str range, struct str media_type)
{
    if (str_equal_ignore_case(range, media_type))
        return 3;
    if (str_equal(range, STR("*/*")))
        return 1;
    size_t slash = str_find(media_type, '/');
    if (str_ends(range, STR("/*")) &&
        str_equal_ignore_case(str_slice(range, 0, range.len - 2), str_slice(media_type, 0, slash)))
        return 2;
    return 0;
}

bool media_accepts(struct str accept, struct str media_type)
{
    struct str wanted = media_type_essence(media_type), range;
    int best_rank = 0;
    bool accepted = false, has_range = false;
    /* The most specific range that covers the type decides; of equals, one that takes it. */
    while (take_part(&accept, ',', &range)) {
        if (range.len == 0)
            continue; /* RFC 9110 section 5.6.1: empty elements of a list are ignored */
        has_range = true;
        struct str parameters = range, type;
        (void)take_part(&parameters, ';', &type);
        int rank = match_rank(type, wanted);
        if (rank == 0 || rank < best_rank)
            continue;
        bool takes = !range_is_refused(parameters);
        accepted = rank > best_rank ? takes : accepted || takes;
        best_rank = rank;
    }
    return accepted || !has_range;
}

bool media_is_foreign_layer(struct str media_type)
{
    struct str type = media_type_essence(media_type);
    const struct str plain[] = {
        STR("application/vnd.docker.image.rootfs.foreign.diff.tar"),
        STR("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"),
        STR("application/vnd.oci.image.layer.nondistributable.v1.tar"),
        STR("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"),
        STR("application/vnd.oci.image.layer.nondistributable.v1.tar+zstd"),
    };
    for (size_t i = 0; i < ARRAY_COUNT(plain); i++) {
        if (str_equal_ignore_case(type, plain[i]))
            return true;
    }
    return false;
}

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* restricted-name of RFC 6838 section 4.2 */
static bool is_restricted_name(struct str name)
{
    enum { RESTRICTED_NAME_MAX = 127 };
    if (name.len == 0 || name.len > RESTRICTED_NAME_MAX || !is_alphanumeric(name.ptr[0]))
        return false;
    const struct str others = STR("!#$&-^_.+");
    for (size_t i = 1; i < name.len; i++) {
        if (!is_alphanumeric(name.ptr[i]) && str_find(others, name.ptr[i]) == others.len)
            return false;
    }
    return true;
}

bool media_type_is_valid(struct str text)
{
    size_t slash = str_find(text, '/');
    return slash < text.len && is_restricted_name(str_slice(text, 0, slash)) &&
           is_restricted_name(str_after(text, slash + 1));
}
