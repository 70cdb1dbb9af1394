/* SPDX-License-Identifier: Apache-2.0 */
#include "net/answer.h"

#include "../check.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A transport that takes a few bytes at a time and then wants to wait. */
struct narrow {
    char text[4096];
    size_t size, each;
    bool must_wait;
};

static int64_t narrow_write(struct transport *transport, const struct iovec *pieces,
                            int piece_count, bool more_follows)
{
    struct narrow *narrow = transport->state;
    (void)more_follows;
    narrow->must_wait = !narrow->must_wait;
    if (narrow->must_wait)
        return IO_WANT_WRITE;
    size_t taken = 0;
    for (int i = 0; i < piece_count; i++) {
        size_t size = pieces[i].iov_len;
        if (size > narrow->each - taken)
            size = narrow->each - taken;
        assert_true(narrow->size + size <= sizeof(narrow->text));
        memcpy(narrow->text + narrow->size, pieces[i].iov_base, size);
        narrow->size += size;
        taken += size;
    }
    return (int64_t)taken;
}

static const struct transport_ops narrow_ops = { .write = narrow_write };

static struct answer_facts facts(enum method method)
{
    return (struct answer_facts){ .method = method,
                                  .version_minor = 1,
                                  .keep_alive = true,
                                  .request_id = STR("id"),
                                  .date = STR("now") };
}

static void test_answer_send__goes_on_where_it_stopped(void **state)
{
    (void)state;
    struct arena *arena AUTO(arena_free) = arena_new();
    for (size_t each = 1; each < 200; each++) {
        struct narrow narrow = { .each = each };
        struct transport transport = { .ops = &narrow_ops, .state = &narrow };
        struct response response;
        struct answer answer;
        struct answer_facts get = facts(METHOD_GET);
        response_init(&response, arena);
        response_status(&response, 404);
        response_header(&response, "ETag", STR("\"x\""));
        response_memory(&response, "text/plain", STR("not here\n"));
        answer_prepare(&answer, &response, &get);
        int64_t result;
        while ((result = answer_send(&answer, &response, &transport, NULL)) == IO_WANT_WRITE)
            ;
        assert_int_equal(result, ANSWER_SENT);
        check_str(((struct str){ narrow.text, narrow.size }),
                  "HTTP/1.1 404 Not Found\r\nDate: now\r\nX-Request-Id: id\r\n"
                  "Content-Length: 9\r\nETag: \"x\"\r\nContent-Type: text/plain\r\n\r\nnot here\n");
        assert_int_equal(answer.bytes_out, 9);
    }
}

static bool head_holds(const struct answer *answer, const char *part)
{
    return str_find_text(answer->head, str_from(part)) < answer->head.len;
}

static void test_answer_prepare__frames_by_method_status_and_version(void **state)
{
    (void)state;
    struct arena *arena AUTO(arena_free) = arena_new();
    struct response response;
    struct answer answer;
    response_init(&response, arena);
    response_status(&response, 200);
    response_memory(&response, NULL, STR("body"));

    struct answer_facts asked = facts(METHOD_HEAD);
    answer_prepare(&answer, &response, &asked);
    assert_true(head_holds(&answer, "Content-Length: 4\r\n"));
    assert_int_equal(answer.memory.len, 0);

    asked = facts(METHOD_GET);
    response.status = 204;
    answer_prepare(&answer, &response, &asked);
    assert_false(head_holds(&answer, "Content-Length"));
    assert_int_equal(answer.memory.len, 0);
    response.status = 304;
    answer_prepare(&answer, &response, &asked);
    assert_int_equal(answer.memory.len, 0);

    response.status = 202;
    response_release(&response);
    answer_prepare(&answer, &response, &asked);
    assert_true(head_holds(&answer, "Content-Length: 0\r\n"));
    assert_false(head_holds(&answer, "Connection:"));
    asked.version_minor = 0;
    answer_prepare(&answer, &response, &asked);
    assert_true(head_holds(&answer, "Connection: keep-alive\r\n"));
    asked.keep_alive = false;
    answer_prepare(&answer, &response, &asked);
    assert_true(head_holds(&answer, "Connection: close\r\n"));
}

static void test_answer_send__lets_others_have_a_turn(void **state)
{
    (void)state;
    enum { SIZE = 3 * 1024 * 1024 };
    struct arena *arena AUTO(arena_free) = arena_new();
    char path[] = "/tmp/berth-answer-XXXXXX";
    int fd = mkstemp(path), pair[2];
    assert_true(fd >= 0);
    unlink(path);
    assert_int_equal(ftruncate(fd, SIZE), 0);
    /* As the server's sockets are: sendfile() would wait for ever in a blocking one. */
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    struct transport transport;
    struct response response;
    struct answer answer;
    struct answer_facts get = facts(METHOD_GET);
    char scratch[65536];
    transport_init_plain(&transport, pair[1]);
    response_init(&response, arena);
    response_status(&response, 200);
    response_file(&response, fd, 1, SIZE - 1);
    answer_prepare(&answer, &response, &get);
    size_t received = 0, head_size = answer.head.len;
    int64_t result;
    while ((result = answer_send(&answer, &response, &transport, scratch)) != ANSWER_SENT) {
        assert_true(result == IO_WANT_WRITE || result == ANSWER_YIELD);
        ssize_t got = recv(pair[0], scratch, sizeof(scratch), MSG_DONTWAIT);
        received += got > 0 ? (size_t)got : 0;
    }
    transport.ops->release(&transport);
    for (ssize_t got; (got = recv(pair[0], scratch, sizeof(scratch), 0)) > 0;)
        received += (size_t)got;
    assert_int_equal(received, head_size + SIZE - 1);
    close(pair[0]);
    response_release(&response);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answer_send__goes_on_where_it_stopped),
        cmocka_unit_test(test_answer_prepare__frames_by_method_status_and_version),
        cmocka_unit_test(test_answer_send__lets_others_have_a_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
