/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls.h"

#include "live.h"

#include "base/clock.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HOST "Host: a\r\n"

static struct live live;
static char certificate_path[64], key_path[64];

/* Writes a fresh self-signed certificate whose serial number tells it from others. */
static void write_certificate(long serial)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    assert_true(key && certificate);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_NAME *name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1, -1,
                               0);
    X509_set_issuer_name(certificate, name);
    X509_set_pubkey(certificate, key);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    FILE *file = fopen(certificate_path, "we");
    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, certificate), 1);
    fclose(file);
    file = fopen(key_path, "we");
    assert_non_null(file);
    assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static void start_with(int64_t head_timeout_ms)
{
    snprintf(certificate_path, sizeof(certificate_path), "/tmp/berth-tls-%ld.crt", (long)getpid());
    snprintf(key_path, sizeof(key_path), "/tmp/berth-tls-%ld.key", (long)getpid());
    write_certificate(1);
    struct live_options options = { .server = { .tls_certificate = certificate_path,
                                                .tls_key = key_path },
                                    .tuning = net_tuning_default,
                                    .is_tuned = true };
    options.tuning.head_timeout_ms = head_timeout_ms;
    options.tuning.tick_ms = 10;
    live_start(&live, &options);
}

static int start(void **state)
{
    (void)state;
    start_with(300);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    live_stop(&live);
    unlink(certificate_path);
    unlink(key_path);
    return 0;
}

/* Nobody has asked for anything yet. */
static void test_server_stop__does_not_wait_for_handshakes(void **state)
{
    start_with(20000);
    int silent = live_connect(&live);
    usleep(100000);
    int64_t begin = clock_monotonic_ms();
    stop(state);
    assert_true(clock_monotonic_ms() - begin < 5000);
    close(silent);
}

struct client {
    int fd;
    SSL_CTX *context;
    SSL *ssl;
};

/* A connection, its handshake done; false if that failed. */
static bool client_init(struct client *client, int version_max)
{
    client->fd = live_connect(&live);
    client->context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(client->context, TLS1_VERSION);
    SSL_CTX_set_security_level(client->context, 0);
    SSL_CTX_set_max_proto_version(client->context, version_max);
    client->ssl = SSL_new(client->context);
    SSL_set_fd(client->ssl, client->fd);
    return SSL_connect(client->ssl) == 1;
}

static void client_release(struct client *client)
{
    SSL_free(client->ssl);
    SSL_CTX_free(client->context);
    close(client->fd);
    ERR_clear_error();
}

static void ask(struct client *client, const char *text)
{
    assert_int_equal(SSL_write(client->ssl, text, (int)strlen(text)), strlen(text));
}

/* Reads up to `size` bytes of answers, less only at their end. */
static size_t receive(struct client *client, char *out, size_t size)
{
    size_t filled = 0;
    while (filled < size) {
        int got = SSL_read(client->ssl, out + filled, (int)(size - filled));
        if (got <= 0)
            break;
        filled += (size_t)got;
    }
    return filled;
}

static long serial_of(struct client *client)
{
    X509 *certificate = SSL_get1_peer_certificate(client->ssl);
    assert_non_null(certificate);
    long serial = ASN1_INTEGER_get(X509_get_serialNumber(certificate));
    X509_free(certificate);
    return serial;
}

static void test_tls__serves_memory_files_and_bodies(void **state)
{
    (void)state;
    struct client client;
    size_t capacity = LIVE_FILE_SIZE + 4096;
    char *out = malloc(capacity);
    assert_non_null(out);
    assert_true(client_init(&client, TLS1_3_VERSION));
    ask(&client,
        "GET /who HTTP/1.1\r\n" HOST "\r\nPUT /count HTTP/1.1\r\n" HOST
        "Content-Length: 3\r\n\r\nabcGET /file HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    size_t size = receive(&client, out, capacity);
    struct str text = { out, size };
    assert_true(str_find_text(text, STR("127.0.0.1 https://a ")) < 1000);
    assert_true(str_find_text(text, STR("201 Created")) < 1000);
    size_t end = str_find_text(text, STR("Content-Length: 8388608"));
    assert_true(end < 1000);
    struct str file = str_after(text, end);
    file = str_after(file, str_find_text(file, STR("\r\n\r\n")) + 4);
    assert_int_equal(file.len, LIVE_FILE_SIZE);
    for (size_t i = 0; i < file.len; i++)
        assert_int_equal(file.ptr[i], 'a' + i % 23);
    client_release(&client);
    free(out);
}

/* More requests in one record than the head buffer holds: the rest waits inside OpenSSL, where poll
 * does not see it. */
static void test_tls__looks_for_what_openssl_has_buffered(void **state)
{
    (void)state;
    enum { COUNT = 100 };
    const char *next = "GET /small HTTP/1.1\r\n" HOST "X: 012345678901234567890123456\r\n\r\n";
    struct client client;
    char text[COUNT * 100] = "", out[65536];
    for (int i = 0; i < COUNT; i++)
        memcpy(text + (size_t)i * strlen(next), next, strlen(next) + 1);
    assert_int_equal(strlen(text), COUNT * 64);
    assert_true(client_init(&client, TLS1_3_VERSION));
    struct timeval patience = { .tv_sec = 3 };
    setsockopt(client.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    ask(&client, text);
    size_t size = 0, answers = 0;
    while (answers < COUNT) {
        int got = SSL_read(client.ssl, out + size, (int)(sizeof(out) - size));
        assert_true(got > 0);
        size += (size_t)got;
        struct str rest = { out, size };
        for (answers = 0; str_find_text(rest, STR("small\n")) < rest.len; answers++)
            rest = str_after(rest, str_find_text(rest, STR("small\n")) + 1);
    }
    client_release(&client);
}

static void test_tls__takes_large_uploads(void **state)
{
    (void)state;
    enum { SIZE = 3000000 };
    struct client client;
    char out[1000], *bytes = calloc(1, SIZE);
    assert_non_null(bytes);
    assert_true(client_init(&client, TLS1_2_VERSION));
    ask(&client, "PUT /count HTTP/1.1\r\n" HOST "Content-Length: 3000000\r\n"
                 "Connection: close\r\n\r\n");
    assert_int_equal(SSL_write(client.ssl, bytes, SIZE), SIZE);
    struct str text = { out, receive(&client, out, sizeof(out)) };
    assert_true(str_ends(text, STR("\r\n\r\n3000000")));
    client_release(&client);
    free(bytes);
}

static void test_tls__wants_1_2_at_least(void **state)
{
    (void)state;
    struct client client;
    assert_false(client_init(&client, TLS1_1_VERSION));
    client_release(&client);
    assert_true(client_init(&client, TLS1_2_VERSION));
    client_release(&client);
}

static void test_tls__ends_half_handshakes_in_time(void **state)
{
    (void)state;
    int silent = live_connect(&live), plain = live_connect(&live);
    live_send(plain, "GET /small HTTP/1.1\r\n" HOST "\r\n");
    static struct reply reply;
    live_reply(plain, false, &reply);
    assert_int_equal(reply.status, 400);
    assert_true(str_equal(reply.body, STR("this port speaks https\n")));
    assert_true(live_is_closed(plain, 2000));
    int64_t begin = clock_monotonic_ms();
    assert_true(live_is_closed(silent, 3000));
    assert_true(clock_monotonic_ms() - begin < 2000);
    close(silent);
    close(plain);
}

static void test_server_reload_tls__serves_the_new_certificate(void **state)
{
    (void)state;
    struct error err = { 0 };
    struct client before, after;
    char out[4096];
    assert_true(client_init(&before, TLS1_3_VERSION));
    assert_int_equal(serial_of(&before), 1);
    write_certificate(2);
    assert_true(server_reload_tls(live.server, &err));
    assert_true(client_init(&after, TLS1_3_VERSION));
    assert_int_equal(serial_of(&after), 2);
    client_release(&after);
    /* The connection of before goes on. */
    ask(&before, "GET /small HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    assert_true(receive(&before, out, sizeof(out)) > 100);
    client_release(&before);

    /* What cannot be used leaves the old one in place, and says which file it is. */
    FILE *file = fopen(certificate_path, "we");
    assert_non_null(file);
    fputs("nonsense", file);
    fclose(file);
    assert_false(server_reload_tls(live.server, &err));
    check_error(&err, ERROR_INVALID, certificate_path);
    assert_true(client_init(&after, TLS1_3_VERSION));
    assert_int_equal(serial_of(&after), 2);
    client_release(&after);
}

static void test_tls_new__names_the_file_that_does_not_do(void **state)
{
    (void)state;
    struct error err = { 0 };
    assert_null(tls_new("/nowhere/cert", key_path, &err));
    check_error(&err, ERROR_INVALID, "tls.certificate is '/nowhere/cert': No such file");
    assert_null(tls_new(certificate_path, "/nowhere/key", &err));
    check_error(&err, ERROR_INVALID, "tls.key is '/nowhere/key': No such file");
    assert_null(tls_new("/dev/null", key_path, &err));
    check_error(&err, ERROR_INVALID, "'/dev/null': there is no certificate in PEM form in it");
}

int main(void)
{
#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, start, stop)
    const struct CMUnitTest tests[] = {
        WITH_SERVER(test_tls__serves_memory_files_and_bodies),
        WITH_SERVER(test_tls__looks_for_what_openssl_has_buffered),
        WITH_SERVER(test_tls__takes_large_uploads),
        WITH_SERVER(test_tls__wants_1_2_at_least),
        WITH_SERVER(test_tls__ends_half_handshakes_in_time),
        cmocka_unit_test(test_server_stop__does_not_wait_for_handshakes),
        WITH_SERVER(test_server_reload_tls__serves_the_new_certificate),
        WITH_SERVER(test_tls_new__names_the_file_that_does_not_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
