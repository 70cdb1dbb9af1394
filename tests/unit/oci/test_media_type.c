/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/media_type.h"

#include "../check.h"

static void test_media_kind_of__ignores_case_and_parameters(void **state)
{
    (void)state;
    assert_int_equal(media_kind_of(MEDIA_OCI_MANIFEST), MEDIA_IMAGE);
    assert_int_equal(media_kind_of(MEDIA_DOCKER_MANIFEST), MEDIA_IMAGE);
    assert_int_equal(media_kind_of(MEDIA_OCI_INDEX), MEDIA_INDEX);
    assert_int_equal(media_kind_of(MEDIA_DOCKER_LIST), MEDIA_INDEX);
    assert_int_equal(media_kind_of(STR(" Application/vnd.oci.image.INDEX.v1+json ; charset=utf-8")),
                     MEDIA_INDEX);
    assert_int_equal(
        media_kind_of(STR("application/vnd.docker.distribution.manifest.v1+prettyjws")),
        MEDIA_SCHEMA1);
    assert_int_equal(media_kind_of(MEDIA_JSON), MEDIA_OTHER);
    assert_int_equal(media_kind_of(STR_NONE), MEDIA_OTHER);
}

static void test_media_accepts__by_the_most_specific_range(void **state)
{
    (void)state;
    const struct {
        const char *accept;
        bool accepts;
    } rows[] = {
        { NULL, true },
        { "", true },
        { " , ,", true },
        { "*/*", true },
        { "application/*", true },
        { "application/vnd.oci.image.index.v1+json", true },
        { "APPLICATION/vnd.oci.image.index.V1+json;q=0.5", true },
        { "text/html, application/vnd.oci.image.index.v1+json", true },
        { "text/html", false },
        { "text/*", false },
        { "application/vnd.oci.image.manifest.v1+json", false },
        { "application/vnd.oci.image.index", false },
        { "*/*;q=0", false },
        { "*/*; Q=0.000", false },
        { "*/*;q=0.001", true },
        { "*/*;q=1", true },
        { "*/*;q=0.0x", true }, /* no weight */
        { "*/*, application/vnd.oci.image.index.v1+json;q=0", false },
        { "application/vnd.oci.image.index.v1+json;q=0, */*", false },
        { "application/*;q=0, application/vnd.oci.image.index.v1+json", true },
        { "*/*;q=0, application/*;q=0.1", true },
        { "*/*;q=0.5, application/*;q=0", false },
        { "text/plain;a=\",*/*\"", false }, /* a comma within quotes separates nothing */
        { "text/plain;a=\"\\\",*/*\"", false },
        { "*/*;a=\";q=0\"", true },
        { "*/*;version=1;q=0", false },
        { "*/json", false },
        { "application/vnd.oci.image.index.v1+json;q=0, "
          "application/vnd.oci.image.index.v1+json",
          true },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (media_accepts(str_from(rows[i].accept), MEDIA_OCI_INDEX) != rows[i].accepts)
            fail_msg("row %zu: %s", i, rows[i].accept);
    }
}

static void test_media_is_foreign_layer__by_name(void **state)
{
    (void)state;
    assert_true(
        media_is_foreign_layer(STR("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip")));
    assert_true(media_is_foreign_layer(
        STR("application/vnd.oci.image.layer.nondistributable.v1.tar+zstd")));
    assert_false(media_is_foreign_layer(STR("application/vnd.oci.image.layer.v1.tar+gzip")));
    assert_false(media_is_foreign_layer(STR_NONE));
}

static void test_media_type_is_valid__by_rfc_6838(void **state)
{
    (void)state;
    char longest[3 + 127];
    for (size_t i = 0; i < sizeof(longest); i++)
        longest[i] = 'a';
    longest[1] = '/';
    assert_true(media_type_is_valid(STR("application/vnd.oci.image.layer.v1.tar+gzip")));
    assert_true(media_type_is_valid(STR("a/0!#$&-^_.+")));
    assert_true(media_type_is_valid((struct str){ longest, 2 + 127 }));
    assert_false(media_type_is_valid((struct str){ longest, 2 + 128 }));
    const struct str refused[] = { STR(""),      STR("a"),    STR("a/"),    STR("/a"),
                                   STR("a/b/c"), STR("a/*"),  STR("a/b;c"), STR(" a/b"),
                                   STR("a/b\n"), STR("a/+b"), STR("a/b\0"), STR("a/\xC3\xA9") };
    for (size_t i = 0; i < ARRAY_COUNT(refused); i++)
        assert_false(media_type_is_valid(refused[i]));
}

static void test_media_type_essence__drops_parameters(void **state)
{
    (void)state;
    check_str(media_type_essence(STR(" text/plain ; charset=utf-8")), "text/plain");
    check_str(media_type_essence(STR("text/plain")), "text/plain");
    assert_false(str_is_set(media_type_essence(STR_NONE)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_media_kind_of__ignores_case_and_parameters),
        cmocka_unit_test(test_media_accepts__by_the_most_specific_range),
        cmocka_unit_test(test_media_is_foreign_layer__by_name),
        cmocka_unit_test(test_media_type_is_valid__by_rfc_6838),
        cmocka_unit_test(test_media_type_essence__drops_parameters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
