/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RECORD_SIZE = 16384 };

struct tls {
    pthread_mutex_t lock;
    SSL_CTX *context; /* guarded by lock */
    char *certificate, *key;
};

static void context_free_auto(SSL_CTX **slot)
{
    SSL_CTX_free(*slot);
}

static bool fail(struct error *err, const char *what, const char *path)
{
    unsigned long code = ERR_peek_last_error(), first = ERR_peek_error();
    char reason[160];
    if (ERR_GET_LIB(first) == ERR_LIB_PEM && ERR_GET_REASON(first) == PEM_R_NO_START_LINE)
        snprintf(reason, sizeof(reason), "there is no %s in PEM form in it", what);
    else if (ERR_GET_LIB(first) == ERR_LIB_SYS)
        snprintf(reason, sizeof(reason), "%s", strerrordesc_np(ERR_GET_REASON(first)));
    else
        ERR_error_string_n(code, reason, sizeof(reason));
    ERR_clear_error();
    return error_set(err, ERROR_INVALID, "tls.%s is '%.100s': %s", what, path, reason);
}

/* HTTP/1.1 only; a client that insists on something else is refused. */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_size,
                           const unsigned char *offered, unsigned offered_size, void *argument)
{
    (void)ssl;
    (void)argument;
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *chosen;
    if (SSL_select_next_proto(&chosen, out_size, ours, sizeof(ours) - 1, offered, offered_size) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *context_new(const char *certificate, const char *key, struct error *err)
{
    SSL_CTX *context __attribute__((cleanup(context_free_auto))) = SSL_CTX_new(TLS_server_method());
    if (!context)
        abort();
    ERR_clear_error();
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE |
                                     SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_id_context(context, (const unsigned char *)"berth", 5);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1) {
        fail(err, "certificate", certificate);
        return NULL;
    }
    if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context) != 1) {
        fail(err, "key", key);
        return NULL;
    }
    return TAKE(context);
}

struct tls *tls_new(const char *certificate, const char *key, struct error *err)
{
    SSL_CTX *context = context_new(certificate, key, err);
    if (!context)
        return NULL;
    struct tls *tls = calloc(1, sizeof(*tls));
    if (!tls)
        abort();
    tls->context = context;
    tls->certificate = strdup(certificate);
    tls->key = strdup(key);
    if (!tls->certificate || !tls->key)
        abort();
    pthread_mutex_init(&tls->lock, NULL);
    return tls;
}

void tls_free(struct tls *tls)
{
    if (!tls)
        return;
    SSL_CTX_free(tls->context);
    pthread_mutex_destroy(&tls->lock);
    free(tls->certificate);
    free(tls->key);
    free(tls);
}

bool tls_reload(struct tls *tls, struct error *err)
{
    SSL_CTX *context = context_new(tls->certificate, tls->key, err);
    if (!context)
        return false;
    pthread_mutex_lock(&tls->lock);
    SSL_CTX *old = tls->context;
    tls->context = context;
    pthread_mutex_unlock(&tls->lock);
    SSL_CTX_free(old); /* counted: running connections hold it on */
    return true;
}

static int64_t ssl_result(SSL *ssl, int result)
{
    if (result > 0)
        return result;
    switch (SSL_get_error(ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return IO_WANT_READ;
    case SSL_ERROR_WANT_WRITE:
        return IO_WANT_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        return IO_END;
    default:
        ERR_clear_error();
        return IO_FAILED;
    }
}

/* To a client that speaks plain http, in its language.  What it sent is read first: bytes that
 * nobody has read would make the kernel drop the answer. */
static void answer_in_plain(int fd)
{
    static const char answer[] = "HTTP/1.1 400 Bad Request\r\n"
                                 "Content-Type: text/plain; charset=utf-8\r\n"
                                 "Content-Length: 23\r\nConnection: close\r\n\r\n"
                                 "this port speaks https\n";
    enum { PIECE_BYTES = 4096, PIECE_COUNT_MAX = 16 };
    char ignored[PIECE_BYTES];
    for (int i = 0; i < PIECE_COUNT_MAX; i++)
        if (recv(fd, ignored, sizeof(ignored), MSG_DONTWAIT) <= 0)
            break;
    (void)send(fd, answer, sizeof(answer) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static int64_t tls_handshake(struct transport *transport)
{
    ERR_clear_error();
    int result = SSL_accept(transport->state);
    if (result <= 0 && ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_HTTP_REQUEST)
        answer_in_plain(transport->fd);
    return ssl_result(transport->state, result);
}

static int64_t tls_read(struct transport *transport, void *bytes, size_t size)
{
    ERR_clear_error();
    int limited = size > INT_MAX ? INT_MAX : (int)size;
    return ssl_result(transport->state, SSL_read(transport->state, bytes, limited));
}

static int64_t tls_write_one(struct transport *transport, const void *bytes, size_t size)
{
    ERR_clear_error();
    int limited = size > INT_MAX ? INT_MAX : (int)size;
    int64_t sent = ssl_result(transport->state, SSL_write(transport->state, bytes, limited));
    return sent == IO_END ? IO_FAILED : sent;
}

static int64_t tls_write(struct transport *transport, const struct iovec *pieces, int piece_count,
                         bool more_follows)
{
    (void)more_follows;
    size_t size = 0;
    for (int i = 0; i < piece_count; i++)
        size += pieces[i].iov_len;
    if (piece_count == 1 || size > RECORD_SIZE)
        return tls_write_one(transport, pieces[0].iov_base, pieces[0].iov_len);
    /* Head and a small body go into one record.  A write that has to be repeated is given the same
     * pieces again, so OpenSSL sees the same bytes. */
    char joined[RECORD_SIZE];
    size = 0;
    for (int i = 0; i < piece_count; i++) {
        memcpy(joined + size, pieces[i].iov_base, pieces[i].iov_len);
        size += pieces[i].iov_len;
    }
    return tls_write_one(transport, joined, size);
}

static int64_t tls_send_file(struct transport *transport, int fd, uint64_t offset, uint64_t length,
                             char *scratch)
{
    /* A repeated write reads the same stretch again: what we serve is never overwritten. */
    size_t size = length < TRANSPORT_SCRATCH_SIZE ? (size_t)length : TRANSPORT_SCRATCH_SIZE;
    size_t filled = 0;
    while (filled < size) {
        ssize_t got = pread(fd, scratch + filled, size - filled, (off_t)(offset + filled));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return IO_FAILED;
        if (got == 0)
            return IO_END;
        filled += (size_t)got;
    }
    return tls_write_one(transport, scratch, size);
}

static bool tls_has_buffered(const struct transport *transport)
{
    return SSL_has_pending(transport->state) == 1;
}

static void tls_finish(struct transport *transport)
{
    ERR_clear_error();
    SSL_shutdown(transport->state);
    shutdown(transport->fd, SHUT_WR);
}

static void tls_release(struct transport *transport)
{
    ERR_clear_error();
    if (SSL_is_init_finished(transport->state))
        SSL_shutdown(transport->state); /* close_notify if there is room; nobody waits for one */
    SSL_free(transport->state);
    transport->state = NULL;
    close(transport->fd);
    transport->fd = -1;
}

bool transport_init_tls(struct transport *transport, struct tls *tls, int fd)
{
    static const struct transport_ops ops = {
        .handshake = tls_handshake,
        .read = tls_read,
        .write = tls_write,
        .send_file = tls_send_file,
        .has_buffered = tls_has_buffered,
        .finish = tls_finish,
        .release = tls_release,
    };
    pthread_mutex_lock(&tls->lock);
    SSL *ssl = SSL_new(tls->context);
    pthread_mutex_unlock(&tls->lock);
    if (!ssl || SSL_set_fd(ssl, fd) != 1) {
        SSL_free(ssl);
        ERR_clear_error();
        return false;
    }
    *transport = (struct transport){ .ops = &ops, .fd = fd, .state = ssl };
    return true;
}
