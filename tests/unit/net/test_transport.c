/* SPDX-License-Identifier: Apache-2.0 */
#include "net/transport.h"

#include "../check.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void make_pair(struct transport *transport, int *other)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    transport_init_plain(transport, pair[0]);
    *other = pair[1];
}

static void test_transport_plain__tells_data_end_and_nothing_apart(void **state)
{
    (void)state;
    struct transport transport;
    int other;
    char bytes[8];
    make_pair(&transport, &other);
    assert_int_equal(transport.ops->handshake(&transport), 1);
    assert_int_equal(transport.ops->read(&transport, bytes, 8), IO_WANT_READ);
    assert_false(transport_wait(&transport, IO_WANT_READ, clock_monotonic_ms() + 20));
    assert_int_equal(send(other, "abc", 3, 0), 3);
    assert_true(transport_wait(&transport, IO_WANT_READ, clock_monotonic_ms() + 1000));
    assert_int_equal(transport.ops->read(&transport, bytes, 8), 3);
    transport.ops->finish(&transport);
    assert_int_equal(recv(other, bytes, 8, 0), 0);
    close(other);
    assert_int_equal(transport.ops->read(&transport, bytes, 8), IO_END);
    struct iovec piece = { .iov_base = bytes, .iov_len = 3 };
    assert_int_equal(transport.ops->write(&transport, &piece, 1, false), IO_FAILED);
    transport.ops->release(&transport);
}

static void test_transport_write_all__gives_up_on_a_stall(void **state)
{
    (void)state;
    struct transport transport;
    int other;
    size_t size = 8 * 1024 * 1024;
    char *bytes = calloc(1, size);
    assert_non_null(bytes);
    make_pair(&transport, &other);
    assert_true(transport_write_all(&transport, STR("hello"), 1000));
    assert_true(transport_write_all(&transport, STR(""), 1000));
    assert_false(transport_write_all(&transport, (struct str){ bytes, size }, 30));
    transport.ops->release(&transport);
    close(other);
    free(bytes);
}

static void test_transport_memory__reads_what_it_was_given(void **state)
{
    (void)state;
    struct transport_memory memory = { .input = STR("abcde") };
    struct transport transport;
    char bytes[8];
    transport_init_memory(&transport, &memory);
    assert_int_equal(transport.ops->read(&transport, bytes, 3), 3);
    assert_int_equal(transport.ops->read(&transport, bytes, 3), 2);
    assert_int_equal(transport.ops->read(&transport, bytes, 3), IO_END);
    assert_true(transport_write_all(&transport, STR("ignored"), 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transport_plain__tells_data_end_and_nothing_apart),
        cmocka_unit_test(test_transport_write_all__gives_up_on_a_stall),
        cmocka_unit_test(test_transport_memory__reads_what_it_was_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
