/* SPDX-License-Identifier: Apache-2.0 */
#include "net/server_internal.h"

#include "base/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    BACKLOG = 4096,
    ACCEPT_BATCH = 64,
    NOTSENT_LOWAT = 512 * 1024, /* bounds what stalled downloads pin in the kernel */
    SAME_PORT_ATTEMPTS = 20,    /* to find one that is free on both loopbacks */
};

static void set_option(int fd, int level, int name, int value)
{
    /* None of these options is vital, and none fails on a kernel of today. */
    (void)setsockopt(fd, level, name, &value, sizeof(value));
}

/* -1 with errno.  What is set here, accepted sockets inherit. */
static int open_socket(const struct listen_address *at)
{
    int family = at->address.ss_family;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (family == AF_INET6)
        set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, !at->is_any);
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, NOTSENT_LOWAT);
    if (bind(fd, (const struct sockaddr *)&at->address, at->address_size) == 0 &&
        listen(fd, BACKLOG) == 0)
        return fd;
    int failure = errno;
    close(fd);
    errno = failure;
    return -1;
}

static uint16_t bound_port(int fd)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof(address);
    struct sockaddr_in v4;
    if (getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        return 0;
    memcpy(&v4, &address, sizeof(v4)); /* the port lies at the same place in both families */
    return ntohs(v4.sin_port);
}

static bool listen_failed(const struct listen_address *at, struct error *err)
{
    char text[ADDRESS_TEXT_MAX];
    int failure = errno;
    socket_address_format(&at->address, text);
    if (failure == EADDRINUSE)
        return error_set(err, ERROR_UNAVAILABLE,
                         "cannot listen on %s: another program listens there; choose another, e.g. "
                         "--listen localhost:5001",
                         text);
    return error_set(err, ERROR_INVALID, "cannot listen on %s: %s", text, strerror(failure));
}

static void add_listener(struct server *server, int fd, size_t option_index)
{
    struct listener *listener = &server->listeners[server->listener_count++];
    struct sockaddr_storage address;
    socklen_t size = sizeof(address);
    listener->source = SOURCE_LISTENER;
    listener->server = server;
    listener->fd = fd;
    listener->option_index = option_index;
    if (getsockname(fd, (struct sockaddr *)&address, &size) == 0)
        socket_address_format(&address, listener->text);
}

/* Both loopbacks on one port; IPv4 alone where there is no IPv6. */
static bool open_localhost(struct server *server, struct listen_address at, size_t option_index,
                           struct error *err)
{
    bool may_choose = at.port == 0;
    for (int attempt = 0; attempt < SAME_PORT_ATTEMPTS; attempt++) {
        struct listen_address v6 = at;
        int v4_fd = open_socket(&at);
        if (v4_fd < 0)
            return listen_failed(&at, err);
        v6.port = bound_port(v4_fd);
        listen_address_set_v6(&v6, &in6addr_loopback);
        int v6_fd = open_socket(&v6);
        if (v6_fd < 0 && errno == EADDRINUSE) {
            close(v4_fd);
            errno = EADDRINUSE;
            if (may_choose)
                continue;
            return listen_failed(&v6, err);
        }
        add_listener(server, v4_fd, option_index);
        if (v6_fd >= 0)
            add_listener(server, v6_fd, option_index);
        return true;
    }
    return error_set(err, ERROR_UNAVAILABLE, "no port is free on both loopbacks");
}

static bool open_one(struct server *server, struct str text, size_t option_index, struct error *err)
{
    struct listen_address at;
    if (!listen_address_parse(text, &at, err))
        return false;
    if (at.is_localhost)
        return open_localhost(server, at, option_index, err);
    int fd = open_socket(&at);
    if (fd < 0 && at.is_any && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)) {
        listen_address_set_v4(&at, htonl(INADDR_ANY));
        fd = open_socket(&at);
    }
    if (fd < 0)
        return listen_failed(&at, err);
    add_listener(server, fd, option_index);
    return true;
}

bool listeners_open(struct server *server, struct error *err)
{
    for (size_t i = 0; i < server->options.listen_count; i++) {
        if (server->listener_count + 2 > LISTENER_COUNT_MAX)
            return error_set(err, ERROR_INVALID, "more than %d addresses to listen on",
                             LISTENER_COUNT_MAX / 2);
        if (!open_one(server, server->options.listen[i], i, err))
            return false;
    }
    return true;
}

static void arm(struct listener *listener, int operation)
{
    struct epoll_event event = { .events = EPOLLIN | EPOLLONESHOT, .data.ptr = listener };
    /* Fails only when the listener was closed meanwhile. */
    (void)epoll_ctl(listener->server->epoll_fd, operation, listener->fd, &event);
}

void listeners_arm(struct server *server)
{
    for (size_t i = 0; i < server->listener_count; i++)
        arm(&server->listeners[i], EPOLL_CTL_ADD);
}

void listeners_resume(struct server *server)
{
    for (size_t i = 0; i < server->listener_count; i++)
        if (atomic_exchange(&server->listeners[i].is_paused, false))
            arm(&server->listeners[i], EPOLL_CTL_MOD);
}

/* While it runs, workers may hold a listener, so its socket is only shut; server_free() closes it.
 */
void listeners_close(struct server *server)
{
    for (size_t i = 0; i < server->listener_count; i++) {
        (void)epoll_ctl(server->epoll_fd, EPOLL_CTL_DEL, server->listeners[i].fd, NULL);
        shutdown(server->listeners[i].fd, SHUT_RDWR);
    }
}

void listener_accept(struct listener *listener)
{
    struct server *server = listener->server;
    for (int i = 0; i < ACCEPT_BATCH; i++) {
        struct sockaddr_storage from;
        socklen_t size = sizeof(from);
        if (atomic_load(&server->is_stopping))
            return;
        int fd =
            accept4(listener->fd, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            connection_open(server, fd, &from);
            continue;
        }
        if (errno == EAGAIN)
            break;
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            /* Trying again at once would only spin. */
            log_event(LOG_WARN, "accept_paused", LOG_STR("address", str_from(listener->text)),
                      LOG_STR("reason", str_from(strerror(errno))));
            atomic_store(&listener->is_paused, true);
            return;
        }
        if (errno == EINVAL || errno == EBADF)
            return; /* closed: the server stops */
        /* The rest concerns the one connection that was to be accepted: ECONNABORTED and the like.
         */
    }
    arm(listener, EPOLL_CTL_MOD);
}
