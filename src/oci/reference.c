/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/reference.h"

#include "base/limits.h"
#include "oci/about.h"

enum { TEXT_SHOWN_MAX = 80 }; /* of a client's text in a message */

static bool is_lower_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Length of the separator that the text starts with: . _ __ or any number of - */
static size_t separator_length(struct str text)
{
    if (str_starts(text, STR("__")))
        return 2;
    if (str_starts(text, STR("_")) || str_starts(text, STR(".")))
        return 1;
    size_t count = 0;
    while (count < text.len && text.ptr[count] == '-')
        count++;
    return count;
}

bool name_component_is_valid(struct str text)
{
    bool after_letter = false;
    for (size_t i = 0; i < text.len;) {
        if (is_lower_or_digit(text.ptr[i])) {
            after_letter = true;
            i++;
            continue;
        }
        size_t length = separator_length(str_after(text, i));
        if (length == 0 || !after_letter)
            return false;
        after_letter = false;
        i += length;
    }
    return after_letter; /* of the empty text false as well */
}

static bool has_upper_case(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] >= 'A' && text.ptr[i] <= 'Z')
            return true;
    }
    return false;
}

static bool check_component(struct str part, struct error *err)
{
    struct str shown = str_slice(part, 0, TEXT_SHOWN_MAX);
    if (part.len == 0)
        return error_set_about(err, ABOUT_NAME, ERROR_INVALID,
                               "a part of the repository name is empty, use namespace/name");
    if (has_upper_case(part))
        return error_set_about(err, ABOUT_NAME, ERROR_INVALID,
                               "'%.*s' has upper-case letters, repository names are lower case",
                               STR_ARG(shown));
    if (!name_component_is_valid(part))
        return error_set_about(
            err, ABOUT_NAME, ERROR_INVALID,
            "'%.*s' is no repository name: use a-z and 0-9, with '.', '_', '__' or "
            "'-' between them",
            STR_ARG(shown));
    return true;
}

bool repository_name_parse(struct str text, struct repository_name *out, struct error *err)
{
    struct str rest = text;
    struct repository_name name = { .owner = OFFICIAL_OWNER };
    if (text.len == 0)
        return error_set_about(err, ABOUT_NAME, ERROR_INVALID,
                               "the repository name is empty, use namespace/name");
    (void)str_split(&rest, '/', &name.name);
    if (str_is_set(rest)) {
        name.owner = name.name;
        (void)str_split(&rest, '/', &name.name);
    }
    if (str_is_set(rest))
        return error_set_about(
            err, ABOUT_NAME, ERROR_INVALID,
            "the repository name '%.*s' has more than two parts, use namespace/name",
            STR_ARG(str_slice(text, 0, TEXT_SHOWN_MAX)));
    if (name.owner.len + 1 + name.name.len > REPOSITORY_NAME_CHARS_MAX)
        return error_set_about(
            err, ABOUT_NAME, ERROR_INVALID,
            "the repository name is longer than %d characters, namespace included",
            REPOSITORY_NAME_CHARS_MAX);
    if (!check_component(name.owner, err) || !check_component(name.name, err))
        return false;
    *out = name;
    return true;
}

bool repository_name_is_official(struct repository_name name)
{
    return str_equal(name.owner, OFFICIAL_OWNER);
}

static bool is_word(char c)
{
    return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z') || c == '_';
}

bool tag_is_valid(struct str text)
{
    if (text.len == 0 || text.len > TAG_CHARS_MAX || !is_word(text.ptr[0]))
        return false;
    for (size_t i = 1; i < text.len; i++) {
        if (!is_word(text.ptr[i]) && text.ptr[i] != '.' && text.ptr[i] != '-')
            return false;
    }
    return true;
}

bool reference_parse(struct str text, struct reference *out, struct error *err)
{
    if (str_find(text, ':') < text.len) { /* no tag has one, every digest has */
        struct digest digest;
        if (!digest_parse(text, &digest, err))
            return false;
        *out = (struct reference){ .digest = digest };
        return true;
    }
    if (!tag_is_valid(text))
        return error_set_about(
            err, ABOUT_TAG, ERROR_INVALID,
            "'%.*s' is no tag: use up to %d of a-z, A-Z, 0-9, '_', '.' and '-', the "
            "first not '.' or '-'",
            STR_ARG(str_slice(text, 0, TEXT_SHOWN_MAX)), TAG_CHARS_MAX);
    *out = (struct reference){ .tag = text };
    return true;
}
