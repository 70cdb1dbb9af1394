/* SPDX-License-Identifier: Apache-2.0 */
/* net/transport.h - bytes in and out of a connection: a plain socket, TLS (net/tls.h), or memory.
 *
 * Nothing here waits except transport_wait() and transport_write_all().  A transport belongs to one
 * thread at a time. */
#pragma once
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

/* What the calls below return instead of a number of bytes. */
enum {
    IO_END = 0, /* reading only: the peer has finished */
    IO_WANT_READ = -1,
    IO_WANT_WRITE = -2,
    IO_FAILED = -3,
};

struct transport;

struct transport_ops {
    int64_t (*handshake)(struct transport *transport); /* 1 when done */
    int64_t (*read)(struct transport *transport, void *bytes, size_t size);
    /* `more_follows`: do not send a small packet yet. */
    int64_t (*write)(struct transport *transport, const struct iovec *pieces, int piece_count,
                     bool more_follows);
    /* Sends a stretch of a file; IO_END when the file ends before it.  `scratch` holds
     * TRANSPORT_SCRATCH_SIZE bytes. */
    int64_t (*send_file)(struct transport *transport, int fd, uint64_t offset, uint64_t length,
                         char *scratch);
    bool (*has_buffered)(const struct transport *transport); /* input that poll() does not see */
    void (*finish)(struct transport *transport);             /* no more output: half close */
    void (*release)(struct transport *transport);            /* closes the socket as well */
};

enum { TRANSPORT_SCRATCH_SIZE = 65536, TRANSPORT_SLICE_MAX = 1048576 };

struct transport {
    const struct transport_ops *ops;
    int fd;
    void *state;
};

void transport_init_plain(struct transport *transport, int fd);

/* For tests and net/loopback.h: reads from memory, forgets what is written. */
struct transport_memory {
    struct str input;
};
void transport_init_memory(struct transport *transport, struct transport_memory *memory);

/* Waits until the socket is ready for what was wanted; false when the deadline (monotonic) passed.
 */
bool transport_wait(struct transport *transport, int64_t wanted, int64_t deadline_ms);

/* Writes all, waiting up to stall_timeout_ms for each piece of progress; false if that fails. */
bool transport_write_all(struct transport *transport, struct str bytes, int64_t stall_timeout_ms);
