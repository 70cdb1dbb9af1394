/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/manifest.h"

#include "base/buf.h"
#include "oci/about.h"

#include "../check.h"

#include <string.h>

#define DIGEST_A "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define DIGEST_B "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define CONFIG                                                                                     \
    "\"config\":{\"mediaType\":\"application/"                                                     \
    "vnd.oci.image.config.v1+json\",\"digest\":\"" DIGEST_A "\",\"size\":7}"
#define LAYER                                                                                      \
    "{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+gzip\",\"digest\":\"" DIGEST_B        \
    "\",\"size\":32654}"
#define CHILD                                                                                      \
    "{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"" DIGEST_B         \
    "\",\"size\":500"
#define OCI_MANIFEST "\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\""
#define OCI_INDEX "\"mediaType\":\"application/vnd.oci.image.index.v1+json\""
#define DOCKER_MANIFEST "\"mediaType\":\"application/vnd.docker.distribution.manifest.v2+json\""

static int set_up(void **state)
{
    *state = arena_new();
    return 0;
}

static int tear_down(void **state)
{
    arena_free(*state);
    return 0;
}

static struct manifest parse(void **state, const char *text, struct str content_type)
{
    struct error err = { 0 };
    struct manifest manifest = { 0 };
    if (!manifest_parse(*state, str_from(text), content_type, &manifest, &err))
        fail_msg("%s", err.message);
    return manifest;
}

static void refuse(void **state, const char *text, struct str content_type, enum error_kind kind,
                   const char *part)
{
    struct error err = { 0 };
    struct manifest manifest = { .layer_count = 77 };
    assert_false(manifest_parse(*state, str_from(text), content_type, &manifest, &err));
    assert_int_equal(err.about, ABOUT_MANIFEST);
    assert_int_equal(manifest.layer_count, 77);
    check_error(&err, kind, part);
}

static void test_manifest_parse__reads_an_image(void **state)
{
    struct manifest image =
        parse(state,
              "{\"schemaVersion\":2," OCI_MANIFEST
              ",\"artifactType\":\"application/vnd.x.sbom\"," CONFIG ",\"layers\":[" LAYER
              ",{\"mediaType\":\"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip\","
              "\"digest\":\"" DIGEST_A "\",\"size\":0,\"urls\":[\"https://example.com/x\"]}],"
              "\"subject\":" CHILD "},\"annotations\":{ \"b\": \"1\", \"a\": \"\xC3\xA9\" }}",
              MEDIA_OCI_MANIFEST);
    assert_int_equal(image.kind, MEDIA_IMAGE);
    check_str(image.media_type, "application/vnd.oci.image.manifest.v1+json");
    check_str(image.artifact_type, "application/vnd.x.sbom");
    check_str(image.annotations, "{\"b\":\"1\",\"a\":\"\xC3\xA9\"}");
    check_str(image.config.media_type, "application/vnd.oci.image.config.v1+json");
    assert_int_equal(image.config.size, 7);
    assert_int_equal(image.layer_count, 2);
    char text[DIGEST_TEXT_MAX];
    check_str(digest_format(&image.layers[0].digest, text), DIGEST_B);
    assert_int_equal(image.layers[0].size, 32654);
    assert_false(image.layers[0].is_foreign);
    assert_true(image.layers[1].is_foreign);
    assert_true(image.has_subject);
    assert_int_equal(image.subject.size, 500);
    assert_int_equal(image.manifest_count, 0);
}

static void test_manifest_parse__reads_an_index(void **state)
{
    struct manifest index =
        parse(state,
              "{\"schemaVersion\":2," OCI_INDEX ",\"manifests\":[" CHILD
              ",\"platform\":{\"os\":\"windows\",\"architecture\":\"amd64\","
              "\"os.version\":\"10.0\",\"variant\":\"v8\"}}," CHILD
              ",\"artifactType\":\"a/b\",\"annotations\":{\"k\":\"v\"},\"platform\":null}]}",
              STR_NONE);
    assert_int_equal(index.kind, MEDIA_INDEX);
    assert_int_equal(index.manifest_count, 2);
    check_str(index.manifests[0].platform.os, "windows");
    check_str(index.manifests[0].platform.architecture, "amd64");
    check_str(index.manifests[0].platform.os_version, "10.0");
    check_str(index.manifests[0].platform.variant, "v8");
    assert_false(str_is_set(index.manifests[1].platform.os));
    check_str(index.manifests[1].artifact_type, "a/b");
    check_str(index.manifests[1].annotations, "{\"k\":\"v\"}");
    assert_false(str_is_set(index.artifact_type));
    assert_false(str_is_set(index.annotations));
    assert_false(index.has_subject);
    index = parse(state, "{\"schemaVersion\":2,\"manifests\":[]}", STR_NONE);
    assert_int_equal(index.kind, MEDIA_INDEX);
    assert_int_equal(index.manifest_count, 0);
}

static void test_manifest_parse__finds_the_media_type(void **state)
{
    const char *bare = "{\"schemaVersion\":2," CONFIG ",\"layers\":[]}";
    const char *docker = "{\"schemaVersion\":2," DOCKER_MANIFEST "," CONFIG ",\"layers\":[]}";
    check_str(parse(state, bare, STR_NONE).media_type,
              "application/vnd.oci.image.manifest.v1+json");
    check_str(parse(state, bare, MEDIA_OCI_MANIFEST).media_type,
              "application/vnd.oci.image.manifest.v1+json");
    check_str(parse(state, docker, STR("Application/JSON; charset=utf-8")).media_type,
              "application/vnd.docker.distribution.manifest.v2+json");
    check_str(parse(state, docker,
                    STR("application/VND.docker.distribution.manifest.v2+json; charset=utf-8"))
                  .media_type,
              "application/vnd.docker.distribution.manifest.v2+json");
    check_str(parse(state, docker, STR("")).artifact_type,
              "application/vnd.oci.image.config.v1+json");

    refuse(state, bare, MEDIA_DOCKER_MANIFEST, ERROR_INVALID, "mediaType is missing");
    refuse(state, docker, MEDIA_OCI_MANIFEST, ERROR_INVALID, "but Content-Type is");
    refuse(state, bare, STR("text/plain"), ERROR_UNSUPPORTED, "'text/plain' is no manifest");
    refuse(state, "{\"schemaVersion\":2,\"mediaType\":\"a/b\"," CONFIG ",\"layers\":[]}", STR_NONE,
           ERROR_UNSUPPORTED, "'a/b' is no manifest");
    refuse(state, "{\"schemaVersion\":2}", STR_NONE, ERROR_INVALID, "neither config");
    refuse(state,
           "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json;\","
           "\"manifests\":[]}",
           STR_NONE, ERROR_INVALID, "mediaType must be written");
    refuse(state,
           "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.OCI.image.index.v1+json\","
           "\"manifests\":[]}",
           MEDIA_OCI_INDEX, ERROR_INVALID, "mediaType must be written");
}

static void test_manifest_parse__refuses_two_readings(void **state)
{
    const char *both = "{\"schemaVersion\":2," CONFIG ",\"layers\":[],\"manifests\":[" CHILD "}]}";
    refuse(state, both, MEDIA_OCI_MANIFEST, ERROR_INVALID, "must not have the key 'manifests'");
    refuse(state, both, MEDIA_OCI_INDEX, ERROR_INVALID, "must not have the key 'config'");
    refuse(state, both, STR_NONE, ERROR_INVALID, "must not have the key");
    refuse(state, "{\"schemaVersion\":2,\"manifests\":[],\"layers\":null}", STR_NONE, ERROR_INVALID,
           "must not have the key 'layers'");
    refuse(state, "{\"schemaVersion\":2," CONFIG ",\"layers\":[],\"fsLayers\":[]}", STR_NONE,
           ERROR_INVALID, "'fsLayers' of schema 1");
    refuse(state, "{\"schemaVersion\":2," CONFIG ",\"layers\":[],\"layers\":[]}", STR_NONE,
           ERROR_INVALID, "duplicate");
    refuse(state, "{\"schemaVersion\":2," CONFIG ",\"layers\":[],\"Manifests\":[]}", STR_NONE,
           ERROR_INVALID, "'Manifests' that must be written 'manifests'");
    refuse(state, "{\"schemaVersion\":2," CONFIG ",\"layers\":[],\"manife\xC5\xBFt\xC5\xBF\":[]}",
           STR_NONE, ERROR_INVALID, "must be written 'manifests'");
    refuse(state,
           "{\"schemaVersion\":2," CONFIG
           ",\"layers\":[{\"mediaType\":\"a/b\",\"digest\":\"" DIGEST_A
           "\",\"size\":1,\"Digest\":\"x\"}]}",
           STR_NONE, ERROR_INVALID, "layers[0] has a key 'Digest'");
}

static void test_manifest_parse__refuses_schema_1_with_a_hint(void **state)
{
    refuse(state, "{\"schemaVersion\":1,\"fsLayers\":[],\"history\":[]}", STR_NONE,
           ERROR_UNSUPPORTED, "push again with");
    refuse(state, "anything", STR("application/vnd.docker.distribution.manifest.v1+prettyjws"),
           ERROR_UNSUPPORTED, "push again with");
    refuse(state, "{\"schemaVersion\":3," CONFIG ",\"layers\":[]}", STR_NONE, ERROR_INVALID,
           "schemaVersion must be 2");
    refuse(state, "{\"schemaVersion\":\"2\"," CONFIG ",\"layers\":[]}", STR_NONE, ERROR_INVALID,
           "schemaVersion is missing or no number");
    refuse(state, "{" CONFIG ",\"layers\":[]}", STR_NONE, ERROR_INVALID,
           "schemaVersion is missing");
}

static void test_manifest_parse__names_the_place(void **state)
{
    struct arena *arena = *state;
    const struct {
        const char *layer, *part;
    } rows[] = {
        { "7", "layers[1] must be a descriptor" },
        { "null", "layers[1] must be a descriptor" },
        { "{}", "layers[1].mediaType is missing" },
        { "{\"mediaType\":7}", "layers[1].mediaType must be a string" },
        { "{\"mediaType\":\"a\"}", "layers[1].mediaType 'a' is no media type" },
        { "{\"mediaType\":\"a/b\"}", "layers[1].digest is missing" },
        { "{\"mediaType\":\"a/b\",\"digest\":\"md5:00\"}", "layers[1].digest: the digest algorithm "
                                                           "'md5'" },
        { "{\"mediaType\":\"a/b\",\"digest\":\"" DIGEST_A "\"}", "layers[1].size" },
        { "{\"mediaType\":\"a/b\",\"digest\":\"" DIGEST_A "\",\"size\":-1}", "layers[1].size" },
        { "{\"mediaType\":\"a/b\",\"digest\":\"" DIGEST_A "\",\"size\":1.0}", "layers[1].size" },
        { "{\"mediaType\":\"a/b\",\"digest\":\"" DIGEST_A "\",\"size\":9007199254740992}",
          "layers[1].size must be" },
        { "{\"mediaType\":\"a/b\",\"digest\":\"" DIGEST_A "\",\"size\":9007199254740991}",
          "layers[1].size: the sizes add up" },
        { "{\"mediaType\":\"a/b\",\"digest\":\"" DIGEST_A "\",\"size\":1,\"annotations\":[]}",
          "layers[1].annotations must be an object" },
        { "{\"mediaType\":\"a/b\",\"digest\":\"" DIGEST_A
          "\",\"size\":1,\"annotations\":{\"k\":1}}",
          "layers[1].annotations: 'k' must be a string" },
        { "{\"mediaType\":\"a/b\",\"digest\":\"" DIGEST_A "\",\"size\":1,\"platform\":\"x\"}",
          "layers[1].platform must be an object" },
        { "{\"mediaType\":\"a/b\",\"digest\":\"" DIGEST_A "\",\"size\":1,\"platform\":{\"os\":1}}",
          "layers[1].os must be a string" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct str text = arena_format(
            arena, "{\"schemaVersion\":2," CONFIG ",\"layers\":[" LAYER ",%s]}", rows[i].layer);
        refuse(state, text.ptr, STR_NONE, ERROR_INVALID, rows[i].part);
    }
    refuse(state, "{\"schemaVersion\":2,\"layers\":[]}", STR_NONE, ERROR_INVALID,
           "config is missing");
    refuse(state, "{\"schemaVersion\":2,\"config\":null,\"layers\":[]}", STR_NONE, ERROR_INVALID,
           "config must be a descriptor");
    refuse(state, "{\"schemaVersion\":2," CONFIG "}", STR_NONE, ERROR_INVALID,
           "layers is missing or no array");
    refuse(state, "{\"schemaVersion\":2," OCI_INDEX "}", STR_NONE, ERROR_INVALID,
           "manifests is missing or no array");
    refuse(state, "{\"schemaVersion\":2," CONFIG ",\"layers\":[],\"subject\":{}}", STR_NONE,
           ERROR_INVALID, "subject.mediaType");
    refuse(state, "{\"schemaVersion\":2," CONFIG ",\"layers\":[],\"artifactType\":\"x\"}", STR_NONE,
           ERROR_INVALID, "manifest.artifactType 'x'");
    refuse(state, "not JSON", STR_NONE, ERROR_INVALID, "not valid");
}

static void test_manifest_parse__bounds_bytes_and_counts(void **state)
{
    struct error err = { 0 };
    struct manifest manifest;
    struct buf buf AUTO(buf_release);
    buf_init(&buf, 8 << 20);
    buf_append(&buf, STR("{\"schemaVersion\":2," CONFIG ",\"layers\":["));
    for (int i = 0; i < 10000; i++)
        buf_append(&buf, i > 0 ? STR("," LAYER) : STR(LAYER));
    size_t end = buf.len;
    buf_append(&buf, STR("]}"));
    assert_true(manifest_parse(*state, buf_str(&buf), STR_NONE, &manifest, &err));
    assert_int_equal(manifest.layer_count, 10000);
    buf.len = end;
    buf_append(&buf, STR("," LAYER "]}"));
    assert_false(manifest_parse(*state, buf_str(&buf), STR_NONE, &manifest, &err));
    check_error(&err, ERROR_TOO_LARGE, "layers has 10001 entries");

    while (buf.len <= 4194304)
        buf_append_byte(&buf, ' ');
    assert_false(manifest_parse(*state, buf_str(&buf), STR_NONE, &manifest, &err));
    check_error(&err, ERROR_TOO_LARGE, "more than 4194304 bytes");
}

static void test_platform_from_config__absent_where_not_told(void **state)
{
    struct platform platform;
    platform_from_config(*state,
                         STR("{\"os\":\"linux\",\"architecture\":\"arm\",\"variant\":\"v7\","
                             "\"rootfs\":{},\"os.version\":3}"),
                         &platform);
    check_str(platform.os, "linux");
    check_str(platform.architecture, "arm");
    check_str(platform.variant, "v7");
    assert_false(str_is_set(platform.os_version));
    platform_from_config(*state, STR("\x1F\x8B not JSON"), &platform);
    assert_false(str_is_set(platform.os));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_manifest_parse__reads_an_image, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_manifest_parse__reads_an_index, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_manifest_parse__finds_the_media_type, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_manifest_parse__refuses_two_readings, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_manifest_parse__refuses_schema_1_with_a_hint, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_manifest_parse__names_the_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_manifest_parse__bounds_bytes_and_counts, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_platform_from_config__absent_where_not_told, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
