/* SPDX-License-Identifier: Apache-2.0 */
/* Properties: a reference that is taken gives back its text, as tag or digest; a
 * repository name that is taken has two valid parts within the limit, and both
 * parts joined by a slash are the same name. */
#include "base/limits.h"
#include "oci/reference.h"

#include "fuzz.h"

#include <string.h>

static void try_reference(struct str input)
{
    struct reference reference;
    struct error err = { 0 };
    char text[DIGEST_TEXT_MAX];
    if (!reference_parse(input, &reference, &err)) {
        REQUIRE(err.kind == ERROR_INVALID && err.about != 0);
        REQUIRE(!tag_is_valid(input));
    } else if (str_is_set(reference.tag)) {
        REQUIRE(str_equal(reference.tag, input) && tag_is_valid(input));
        REQUIRE(!digest_is_set(&reference.digest));
    } else {
        REQUIRE(str_equal(digest_format(&reference.digest, text), input));
    }
}

static void try_name(struct str input)
{
    struct repository_name name, again;
    struct error err = { 0 };
    if (!repository_name_parse(input, &name, &err)) {
        REQUIRE(err.kind == ERROR_INVALID && err.about != 0);
        return;
    }
    char text[REPOSITORY_NAME_CHARS_MAX];
    size_t length = name.owner.len + 1 + name.name.len;
    REQUIRE(length <= sizeof(text));
    REQUIRE(name_component_is_valid(name.owner) && name_component_is_valid(name.name));
    memcpy(text, name.owner.ptr, name.owner.len);
    text[name.owner.len] = '/';
    memcpy(text + name.owner.len + 1, name.name.ptr, name.name.len);
    REQUIRE(repository_name_parse((struct str){ text, length }, &again, &err));
    REQUIRE(str_equal(name.owner, again.owner) && str_equal(name.name, again.name));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = { (const char *)data, size };
    try_reference(input);
    try_name(input);
    return 0;
}
