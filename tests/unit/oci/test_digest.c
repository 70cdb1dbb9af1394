/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/digest.h"

#include "oci/about.h"

#include "../check.h"

#include <string.h>

#define SHA256_EMPTY "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define SHA256_ABC "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define SHA512_ABC                                                                                 \
    "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"                      \
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"

static void test_digest_of__known_vectors(void **state)
{
    (void)state;
    char text[DIGEST_TEXT_MAX];
    struct digest digest = digest_of(DIGEST_SHA256, STR_NONE);
    check_str(digest_format(&digest, text), SHA256_EMPTY);
    digest = digest_of(DIGEST_SHA256, STR("abc"));
    check_str(digest_format(&digest, text), SHA256_ABC);
    assert_string_equal(text, SHA256_ABC);
    check_str(digest_hex(&digest, text), &SHA256_ABC[7]);
    digest = digest_of(DIGEST_SHA512, STR("abc"));
    check_str(digest_format(&digest, text), SHA512_ABC);
}

static void test_digest_parse__takes_both_algorithms(void **state)
{
    (void)state;
    struct error err = { 0 };
    struct digest parsed, computed = digest_of(DIGEST_SHA512, STR("abc"));
    assert_true(digest_parse(STR(SHA512_ABC), &parsed, &err));
    assert_true(digest_equal(&parsed, &computed));
    assert_memory_equal(&parsed, &computed, sizeof(parsed));
    computed = digest_of(DIGEST_SHA256, STR("abc"));
    assert_false(digest_equal(&parsed, &computed));
    assert_true(digest_parse(STR(SHA256_ABC), &parsed, &err));
    assert_true(digest_equal(&parsed, &computed));
    assert_memory_equal(&parsed, &computed, sizeof(parsed)); /* the rest is zero */
    assert_true(digest_is_set(&parsed));
}

static void test_digest_parse__says_what_is_wrong(void **state)
{
    (void)state;
    const struct {
        struct str text;
        const char *part;
    } refused[] = {
        { STR(""), "is not a digest" },
        { STR("sha256"), "is not a digest" },
        { STR("sha256:"), "must have 64 hexadecimal digits" },
        { STR("md5:d41d8cd98f00b204e9800998ecf8427e"), "'md5' is not known" },
        { STR("SHA256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
          "'SHA256' is not known" },
        { STR(":e3b0"), "'' is not known" },
        { STR("sha256:E3B0C44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
          "lower case" },
        { STR("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85"), "64" },
        { STR(SHA256_ABC "0"), "64" },
        { STR(SHA256_ABC "\0"), "64" },
        { STR("sha512:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"), "128" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(refused); i++) {
        struct error err = { 0 };
        struct digest out = { 0 };
        assert_false(digest_parse(refused[i].text, &out, &err));
        assert_int_equal(err.about, ABOUT_DIGEST);
        assert_false(digest_is_set(&out));
        check_error(&err, ERROR_INVALID, refused[i].part);
    }
}

static void test_digest_algorithm__names_and_sizes(void **state)
{
    (void)state;
    assert_int_equal(digest_algorithm_from(STR("sha256")), DIGEST_SHA256);
    assert_int_equal(digest_algorithm_from(STR("sha512")), DIGEST_SHA512);
    assert_int_equal(digest_algorithm_from(STR("sha384")), DIGEST_NONE);
    check_str(digest_algorithm_name(DIGEST_SHA512), "sha512");
    assert_int_equal(digest_size(DIGEST_SHA256), 32);
    assert_int_equal(digest_size(DIGEST_SHA512), 64);
    assert_int_equal(digest_size(DIGEST_NONE), 0);
}

static void test_digest_hasher_digest__lets_the_hasher_go_on(void **state)
{
    (void)state;
    char text[DIGEST_TEXT_MAX];
    struct digest_hasher hasher;
    digest_hasher_init(&hasher, DIGEST_SHA256);
    digest_hasher_update(&hasher, STR("a"));
    struct digest once = digest_hasher_digest(&hasher), again = digest_hasher_digest(&hasher);
    assert_true(digest_equal(&once, &again));
    digest_hasher_update(&hasher, STR_NONE);
    digest_hasher_update(&hasher, STR("bc"));
    struct digest digest = digest_hasher_digest(&hasher);
    check_str(digest_format(&digest, text), SHA256_ABC);
}

/* The bytes of version 1 are a promise to files and rows already written. */
static void test_digest_hasher_save__has_a_fixed_format(void **state)
{
    (void)state;
    static const uint8_t fresh_sha256[] = {
        1,    1,    0x6a, 0x09, 0xe6, 0x67, 0xbb, 0x67, 0xae, 0x85, 0x3c, 0x6e,
        0xf3, 0x72, 0xa5, 0x4f, 0xf5, 0x3a, 0x51, 0x0e, 0x52, 0x7f, 0x9b, 0x05,
        0x68, 0x8c, 0x1f, 0x83, 0xd9, 0xab, 0x5b, 0xe0, 0xcd, 0x19, 0,    0,
        0,    0,    0,    0,    0,    0,    3,    'a',  'b',  'c',  0,
    };
    uint8_t saved[DIGEST_STATE_MAX];
    struct digest_hasher hasher;
    digest_hasher_init(&hasher, DIGEST_SHA256);
    digest_hasher_update(&hasher, STR("abc"));
    assert_int_equal(digest_hasher_save(&hasher, saved), 2 + 32 + 8 + 1 + 64);
    assert_memory_equal(saved, fresh_sha256, sizeof(fresh_sha256));
    digest_hasher_init(&hasher, DIGEST_SHA512);
    assert_int_equal(digest_hasher_save(&hasher, saved), 2 + 64 + 16 + 1 + 128);
}

static void test_digest_hasher_save__keeps_earlier_bytes_in(void **state)
{
    (void)state;
    uint8_t saved[DIGEST_STATE_MAX];
    struct digest_hasher hasher;
    digest_hasher_init(&hasher, DIGEST_SHA256);
    digest_hasher_update(&hasher, STR("ssssssssssssssssssssssssssssssssssssssss"));
    digest_hasher_update(&hasher, STR("ssssssssssssssssssssssssssssssssssssssss"));
    struct str state_text = { (const char *)saved, digest_hasher_save(&hasher, saved) };
    assert_int_equal(saved[42], 80 - 64);
    assert_int_equal(str_find(str_after(state_text, 43 + 16), 's'), 48); /* none behind the 16 */
}

static void test_digest_hasher_load__goes_on_where_it_was(void **state)
{
    (void)state;
    char text[DIGEST_TEXT_MAX];
    uint8_t saved[DIGEST_STATE_MAX];
    struct digest_hasher hasher, loaded;
    digest_hasher_init(&hasher, DIGEST_SHA512);
    digest_hasher_update(&hasher, STR("ab"));
    size_t size = digest_hasher_save(&hasher, saved);
    assert_true(digest_hasher_load(&loaded, (struct str){ (const char *)saved, size }));
    digest_hasher_update(&loaded, STR("c"));
    struct digest digest = digest_hasher_digest(&loaded);
    check_str(digest_format(&digest, text), SHA512_ABC);
}

static void test_digest_hasher_load__refuses_other_bytes(void **state)
{
    (void)state;
    uint8_t saved[DIGEST_STATE_MAX];
    struct digest_hasher hasher, out = { 0 };
    digest_hasher_init(&hasher, DIGEST_SHA256);
    digest_hasher_update(&hasher, STR("abc"));
    size_t size = digest_hasher_save(&hasher, saved);
    struct str whole = { (const char *)saved, size };
    for (size_t cut = 0; cut < size; cut++)
        assert_false(digest_hasher_load(&out, str_slice(whole, 0, cut)));
    assert_false(digest_hasher_load(&out, (struct str){ whole.ptr, size + 1 }));
    assert_false(digest_hasher_load(&out, STR_NONE));
    const struct {
        size_t at;
        uint8_t value;
    } changes[] = {
        { 0, 2 },     /* a version to come */
        { 1, 2 },     /* the length of another algorithm */
        { 1, 0 },     /* no algorithm */
        { 34, 0xF0 }, /* more bytes than there are */
        { 42, 64 },   /* a block that is full */
        { 42, 2 },    /* bytes behind the filled part */
    };
    for (size_t i = 0; i < ARRAY_COUNT(changes); i++) {
        uint8_t before = saved[changes[i].at];
        saved[changes[i].at] = changes[i].value;
        assert_false(digest_hasher_load(&out, whole));
        saved[changes[i].at] = before;
    }
    assert_int_equal(out.algorithm, DIGEST_NONE);
    assert_true(digest_hasher_load(&out, whole));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digest_of__known_vectors),
        cmocka_unit_test(test_digest_parse__takes_both_algorithms),
        cmocka_unit_test(test_digest_parse__says_what_is_wrong),
        cmocka_unit_test(test_digest_algorithm__names_and_sizes),
        cmocka_unit_test(test_digest_hasher_digest__lets_the_hasher_go_on),
        cmocka_unit_test(test_digest_hasher_save__has_a_fixed_format),
        cmocka_unit_test(test_digest_hasher_save__keeps_earlier_bytes_in),
        cmocka_unit_test(test_digest_hasher_load__goes_on_where_it_was),
        cmocka_unit_test(test_digest_hasher_load__refuses_other_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
