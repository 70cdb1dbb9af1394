/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "db/db.h"
#include "oci/about.h"
#include "registry/registry.h"
#include "registry/registry_internal.h"

static struct request a_request(struct fixture *fixture)
{
    return (struct request){
        .arena = fixture->arena,
        .id = STR("7f3a"),
        .method = METHOD_PUT,
        .host = STR("hub.test:5000"),
        .app = fixture->hub,
    };
}

static void check_wire(struct fixture *fixture, enum error_kind kind, int about, int status,
                       const char *code)
{
    struct request request = a_request(fixture);
    struct error err = { .kind = kind, .about = about, .message = "what is wrong" };
    struct wire_error wire = wire_error_of(&request, &err);
    assert_int_equal(wire.status, status);
    assert_string_equal(wire.code, code);
    assert_true(wire.message.len > 0);
}

static void test_wire_error__follows_the_table(void **state)
{
#define WIRE_ERROR(kind, about, status, code) check_wire(*state, kind, about, status, #code);
#include "registry/error_codes.def"
}

static void test_wire_error__a_push_to_a_name_of_three_parts_is_not_tried_again(void **state)
{
    struct request request = a_request(*state);
    struct error err = { .kind = ERROR_INVALID, .about = ABOUT_NAME, .message = "two parts" };
    request.captures.repository_text = STR("alice/team/app");
    assert_string_equal(wire_error_of(&request, &err).code, "UNSUPPORTED");
    request.method = METHOD_GET;
    assert_string_equal(wire_error_of(&request, &err).code, "NAME_INVALID");
    request.method = METHOD_PUT;
    request.captures.repository_text = STR("alice/App");
    assert_string_equal(wire_error_of(&request, &err).code, "NAME_INVALID");
}

static void test_refuse__a_push_to_a_deep_name_ends_with_the_sentence(void **state)
{
    struct fixture *fixture = *state;
    struct loopback_response *from = ask(fixture, "alice", "POST", "/v2/alice/q/w/blobs/uploads/");
    check_refused(fixture, from, 400, "UNSUPPORTED");
    assert_true(holds(from->body, "'alice/q/w' has more than two parts"));
    from = ask(fixture, "alice", "HEAD",
               text(fixture, "/v2/alice/q/w/blobs/%s", digest_text(fixture, STR("x"))));
    check_status(from, 404); /* so that podman goes on to the POST */
}

static void test_wire_error__every_kind_has_a_status_whatever_it_is_about(void **state)
{
    struct fixture *fixture = *state;
    for (int kind = ERROR_INVALID; kind <= ERROR_INTERNAL; kind++) {
        for (int about = ABOUT_NONE; about <= ABOUT_CREDENTIALS; about++) {
            struct request request = a_request(fixture);
            struct error err = { .kind = (enum error_kind)kind, .about = about, .message = "x" };
            struct wire_error wire = wire_error_of(&request, &err);
            assert_true(wire.status >= 400 && wire.status <= 599);
            assert_int_equal(wire.status == 500, kind == ERROR_INTERNAL);
        }
    }
}

static void test_wire_error__keeps_our_troubles_to_ourselves(void **state)
{
    struct fixture *fixture = *state;
    const enum error_kind kinds[] = { ERROR_INTERNAL, ERROR_UNAVAILABLE, ERROR_NO_SPACE };
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        struct request request = a_request(fixture);
        struct error err = { .kind = kinds[i], .message = "/var/lib/berth: EIO" };
        struct str message = wire_error_of(&request, &err).message;
        assert_false(holds(message, "/var"));
        assert_true(holds(message, "7f3a")); /* what the log has it under */
    }
}

static void test_wire_error__takes_the_subject_from_the_route(void **state)
{
    struct request request = a_request(*state);
    struct error err = { .kind = ERROR_INVALID, .message = "the body ends early" };
    struct route route = { .pattern = "/v2/{repository}/manifests/{reference}" };
    request.route = &route;
    assert_string_equal(wire_error_of(&request, &err).code, "MANIFEST_INVALID");
    route.pattern = "/v2/{repository}/blobs/uploads/{session}";
    assert_string_equal(wire_error_of(&request, &err).code, "BLOB_UPLOAD_INVALID");
    route.pattern = "/v2/_catalog";
    assert_string_equal(wire_error_of(&request, &err).code, "UNSUPPORTED");
}

static void test_refuse__says_when_to_come_back(void **state)
{
    struct fixture *fixture = *state;
    struct request request = a_request(fixture);
    struct response response;
    struct error err = { .kind = ERROR_TOO_MANY, .retry_after_s = 600, .message = "slow down" };
    response_init(&response, fixture->arena);
    registry_refuse(&request, &response, &err);
    assert_int_equal(response.status, 429);
    bool is_told = false;
    for (size_t i = 0; i < response.header_count; i++)
        is_told |= str_equal(response.headers[i].name, STR("Retry-After")) &&
                   str_equal(response.headers[i].value, STR("600"));
    assert_true(is_told);
}

static void test_refuse__answers_unknown_paths_and_methods(void **state)
{
    struct fixture *fixture = *state;
    struct loopback_response *from = ask(fixture, "alice", "GET", "/v2/alice/app/whatever");
    check_refused(fixture, from, 404, "UNSUPPORTED");
    check_header(from, "Docker-Distribution-Api-Version", "registry/2.0");
    from = ask(fixture, "alice", "POST", "/v2/alice/app/tags/list");
    check_refused(fixture, from, 405, "UNSUPPORTED");
    check_header(from, "Allow", "GET, HEAD");
    from = ask(fixture, "alice", "DELETE", "/token");
    check_refused(fixture, from, 405, "UNSUPPORTED");
    from = ask(fixture, "alice", "GET", "/v1/images/x/json");
    check_status(from, 404);
    assert_true(from->body.ptr[0] == '"');
}

static void test_refuse__database_trouble_is_503(void **state)
{
    struct fixture *fixture = *state;
    push_image(fixture, "alice", "alice/app", "v1", "layer");
    db_fail_nth_for_test(1);
    struct loopback_response *from = ask(fixture, NULL, "GET", "/v2/alice/app/manifests/v1");
    db_fail_nth_for_test(0);
    check_refused(fixture, from, 503, "UNAVAILABLE");
    check_header(from, "Cache-Control", "no-store");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REGISTRY_TEST(test_wire_error__follows_the_table),
        REGISTRY_TEST(test_wire_error__a_push_to_a_name_of_three_parts_is_not_tried_again),
        REGISTRY_TEST(test_refuse__a_push_to_a_deep_name_ends_with_the_sentence),
        REGISTRY_TEST(test_wire_error__every_kind_has_a_status_whatever_it_is_about),
        REGISTRY_TEST(test_wire_error__keeps_our_troubles_to_ourselves),
        REGISTRY_TEST(test_wire_error__takes_the_subject_from_the_route),
        REGISTRY_TEST(test_refuse__says_when_to_come_back),
        REGISTRY_TEST(test_refuse__answers_unknown_paths_and_methods),
        REGISTRY_TEST(test_refuse__database_trouble_is_503),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
