/* SPDX-License-Identifier: Apache-2.0 */
#include "net/loopback.h"

#include "../check.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool echo(struct request *request, struct response *response, struct error *err)
{
    struct str body;
    if (!request_read_all(request, 100, &body, err))
        return false;
    response_status(response, 200);
    response_memory(response, "text/plain",
                    arena_format(request->arena, "%.*s from %.*s", STR_ARG(body),
                                 STR_ARG(request->client_address)));
    return true;
}

static bool file(struct request *request, struct response *response, struct error *err)
{
    (void)request;
    (void)err;
    char path[] = "/tmp/berth-loopback-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    unlink(path);
    assert_int_equal(write(fd, "0123456789", 10), 10);
    response_status(response, 206);
    response_file(response, fd, 2, str_equal(request->query, STR("short")) ? 50 : 5);
    return true;
}

static int64_t twice_read(void *state, void *bytes, size_t size, struct error *err)
{
    int *left = state;
    (void)size;
    (void)err;
    if (*left == 0)
        return 0;
    --*left;
    memcpy(bytes, "piece ", 6);
    return 6;
}

static void twice_close(void *state)
{
    *(int *)state = -1;
}

static int pieces_left;

static bool source(struct request *request, struct response *response, struct error *err)
{
    (void)request;
    (void)err;
    pieces_left = 2;
    response_status(response, 200);
    response_source(
        response,
        (struct body_source){ .read = twice_read, .close = twice_close, .state = &pieces_left },
        RESPONSE_LENGTH_UNKNOWN);
    return true;
}

static void refuse(struct request *request, struct response *response, const struct error *err)
{
    response_status(response, err->kind == ERROR_NOT_FOUND ? 404 : 413);
    response_memory(response, NULL, arena_copy(request->arena, str_from(err->message)));
}

static bool authorize(struct request *request, struct error *err)
{
    (void)request;
    (void)err;
    return true;
}

static const struct route routes[] = { { METHOD_POST, "/echo", 1, echo, "" },
                                       { METHOD_GET, "/file", 1, file, "" },
                                       { METHOD_GET, "/source", 1, source, "" },
                                       { 0 } };
static const struct surface toy = {
    .name = "toy", .prefix = "/", .routes = routes, .refuse = refuse
};
static const struct surface *const surfaces[] = { &toy };

static struct loopback_response *ask(struct str text)
{
    struct error err = { 0 };
    struct router *router AUTO(router_free) = router_new(surfaces, 1, authorize, &err);
    assert_non_null(router);
    return loopback_request(router, NULL, text);
}

static void test_loopback_request__runs_handlers_with_bodies(void **state)
{
    (void)state;
    const struct str texts[] = {
        STR("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"),
        STR("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            "1\r\nh\r\n1\r\ni\r\n0\r\n\r\n"),
    };
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        struct loopback_response *response AUTO(loopback_free) = ask(texts[i]);
        assert_int_equal(response->status, 200);
        check_str(response->body, "hi from 127.0.0.1");
        check_str(loopback_header(response, "content-type"), "text/plain");
        assert_false(str_is_set(loopback_header(response, "ETag")));
    }
}

static void test_loopback_request__collects_files_and_sources(void **state)
{
    (void)state;
    struct loopback_response *part AUTO(loopback_free) =
        ask(STR("GET /file HTTP/1.1\r\nHost: a\r\n\r\n"));
    check_str(part->body, "23456");
    assert_false(part->is_cut);
    struct loopback_response *cut AUTO(loopback_free) =
        ask(STR("GET /file?short HTTP/1.1\r\nHost: a\r\n\r\n"));
    check_str(cut->body, "23456789");
    assert_true(cut->is_cut);
    struct loopback_response *pulled AUTO(loopback_free) =
        ask(STR("GET /source HTTP/1.1\r\nHost: a\r\n\r\n"));
    check_str(pulled->body, "piece piece ");
    assert_int_equal(pieces_left, -1); /* closed */
}

static void test_loopback_request__refuses_as_the_server_does(void **state)
{
    (void)state;
    struct loopback_response *broken AUTO(loopback_free) = ask(STR("GET / HTTP/1.1\r\n\r\n"));
    assert_int_equal(broken->status, 400);
    struct loopback_response *path AUTO(loopback_free) =
        ask(STR("GET //x HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_int_equal(path->status, 400);
    struct loopback_response *unknown AUTO(loopback_free) =
        ask(STR("GET /x HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_int_equal(unknown->status, 404);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loopback_request__runs_handlers_with_bodies),
        cmocka_unit_test(test_loopback_request__collects_files_and_sources),
        cmocka_unit_test(test_loopback_request__refuses_as_the_server_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
