/* SPDX-License-Identifier: Apache-2.0 */
#include "net/transport.h"

#include "base/clock.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

static int64_t io_result(ssize_t result, int64_t wanted)
{
    if (result >= 0)
        return result;
    return errno == EAGAIN || errno == EINTR ? wanted : IO_FAILED;
}

static int64_t plain_handshake(struct transport *transport)
{
    (void)transport;
    return 1;
}

static int64_t plain_read(struct transport *transport, void *bytes, size_t size)
{
    return io_result(recv(transport->fd, bytes, size, MSG_DONTWAIT), IO_WANT_READ);
}

static int64_t plain_write(struct transport *transport, const struct iovec *pieces, int piece_count,
                           bool more_follows)
{
    struct iovec copy[4];
    assert(piece_count > 0 && piece_count <= (int)ARRAY_COUNT(copy));
    memcpy(copy, pieces, (size_t)piece_count * sizeof(copy[0]));
    struct msghdr message = { .msg_iov = copy, .msg_iovlen = (size_t)piece_count };
    int flags = MSG_DONTWAIT | MSG_NOSIGNAL | (more_follows ? MSG_MORE : 0);
    return io_result(sendmsg(transport->fd, &message, flags), IO_WANT_WRITE);
}

static int64_t plain_send_file(struct transport *transport, int fd, uint64_t offset,
                               uint64_t length, char *scratch)
{
    (void)scratch;
    off_t at = (off_t)offset;
    size_t size = length < TRANSPORT_SLICE_MAX ? (size_t)length : TRANSPORT_SLICE_MAX;
    return io_result(sendfile(transport->fd, fd, &at, size), IO_WANT_WRITE);
}

static bool plain_has_buffered(const struct transport *transport)
{
    (void)transport;
    return false;
}

static void plain_finish(struct transport *transport)
{
    shutdown(transport->fd, SHUT_WR);
}

static void plain_release(struct transport *transport)
{
    close(transport->fd);
    transport->fd = -1;
}

void transport_init_plain(struct transport *transport, int fd)
{
    static const struct transport_ops ops = {
        .handshake = plain_handshake,
        .read = plain_read,
        .write = plain_write,
        .send_file = plain_send_file,
        .has_buffered = plain_has_buffered,
        .finish = plain_finish,
        .release = plain_release,
    };
    *transport = (struct transport){ .ops = &ops, .fd = fd };
}

static int64_t memory_read(struct transport *transport, void *bytes, size_t size)
{
    struct transport_memory *memory = transport->state;
    if (size > memory->input.len)
        size = memory->input.len;
    if (size > 0)
        memcpy(bytes, memory->input.ptr, size);
    memory->input = str_after(memory->input, size);
    return (int64_t)size;
}

static int64_t memory_write(struct transport *transport, const struct iovec *pieces,
                            int piece_count, bool more_follows)
{
    (void)transport;
    (void)more_follows;
    int64_t size = 0;
    for (int i = 0; i < piece_count; i++)
        size += (int64_t)pieces[i].iov_len;
    return size;
}

static void memory_nothing(struct transport *transport)
{
    (void)transport;
}

static int64_t memory_send_file(struct transport *transport, int fd, uint64_t offset,
                                uint64_t length, char *scratch)
{
    (void)transport;
    (void)fd;
    (void)offset;
    (void)scratch;
    return (int64_t)length;
}

void transport_init_memory(struct transport *transport, struct transport_memory *memory)
{
    static const struct transport_ops ops = {
        .handshake = plain_handshake,
        .read = memory_read,
        .write = memory_write,
        .send_file = memory_send_file,
        .has_buffered = plain_has_buffered,
        .finish = memory_nothing,
        .release = memory_nothing,
    };
    *transport = (struct transport){ .ops = &ops, .fd = -1, .state = memory };
}

bool transport_wait(struct transport *transport, int64_t wanted, int64_t deadline_ms)
{
    struct pollfd poller = { .fd = transport->fd,
                             .events = wanted == IO_WANT_WRITE ? POLLOUT : POLLIN };
    for (;;) {
        int64_t left = deadline_ms - clock_monotonic_ms();
        if (left <= 0)
            return false;
        int ready = poll(&poller, 1, left > INT_MAX ? INT_MAX : (int)left);
        if (ready > 0)
            return true;
        if (ready < 0 && errno != EINTR)
            return false;
    }
}

bool transport_write_all(struct transport *transport, struct str bytes, int64_t stall_timeout_ms)
{
    while (bytes.len > 0) {
        /* The cast drops const only for struct iovec, which has no const form. */
        struct iovec piece = { .iov_base = (void *)(uintptr_t)bytes.ptr, .iov_len = bytes.len };
        int64_t sent = transport->ops->write(transport, &piece, 1, false);
        if (sent > 0)
            bytes = str_after(bytes, (size_t)sent);
        else if (sent == IO_FAILED ||
                 !transport_wait(transport, sent, clock_monotonic_ms() + stall_timeout_ms))
            return false;
    }
    return true;
}
