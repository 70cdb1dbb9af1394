/* SPDX-License-Identifier: Apache-2.0 */
#include "cli_fixture.h"

#include "base/file.h"
#include "cli/certificate.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct str names[] = { { "hub.test", 8 }, { "10.0.0.9", 8 }, { "fd00::1", 7 } };

static bool make(struct bench *bench, struct certificate_files *files, struct error *err)
{
    struct certificate_request request = { bench->folder, names, ARRAY_COUNT(names) };
    return certificate_make(&request, bench->arena, files, err);
}

static X509 *read_certificate(const char *path)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);
    (void)fclose(file);
    assert_non_null(certificate);
    return certificate;
}

static mode_t mode_of(const char *path)
{
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return status.st_mode & 0777;
}

static bool is_signed_by(X509 *certificate, X509 *authority)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    X509_STORE_add_cert(store, authority);
    X509_STORE_CTX_init(context, store, certificate, NULL);
    X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_SERVER);
    X509_STORE_CTX_set_flags(context, X509_V_FLAG_X509_STRICT);
    bool is_valid = X509_verify_cert(context) == 1;
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    return is_valid;
}

static void test_certificate_make__holds_for_the_names(void **state)
{
    struct bench *bench = *state;
    struct certificate_files files;
    struct error err = { 0 };
    assert_true(make(bench, &files, &err));
    assert_true(files.authority_is_new);
    X509 *authority = read_certificate(files.authority),
         *server = read_certificate(files.certificate);
    assert_true(is_signed_by(server, authority));
    assert_int_equal(X509_check_host(server, "hub.test", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(server, "other.test", 0, 0, NULL), 0);
    assert_int_equal(X509_check_ip_asc(server, "10.0.0.9", 0), 1);
    assert_int_equal(X509_check_ip_asc(server, "fd00::1", 0), 1);
    assert_int_equal(X509_check_ca(server), 0);
    assert_int_equal(X509_check_ca(authority), 1);
    int days = 0, seconds = 0;
    assert_true(
        ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(server), X509_get0_notAfter(server)));
    assert_int_equal(days, CERTIFICATE_DAYS);
    X509_free(authority);
    X509_free(server);
}

static void test_certificate_make__keys_are_for_the_owner_only(void **state)
{
    struct bench *bench = *state;
    struct certificate_files files;
    struct error err = { 0 };
    assert_true(make(bench, &files, &err));
    assert_int_equal(mode_of(files.key), 0600);
    assert_int_equal(mode_of(files.authority_key), 0600);
}

static void test_certificate_make__keeps_the_authority(void **state)
{
    struct bench *bench = *state;
    struct certificate_files files;
    struct error err = { 0 };
    struct str before = STR_NONE, after = STR_NONE, first = STR_NONE, second = STR_NONE;
    assert_true(make(bench, &files, &err));
    assert_true(file_read_all(bench->arena, files.authority, 65536, &before, &err));
    assert_true(file_read_all(bench->arena, files.certificate, 65536, &first, &err));
    assert_true(make(bench, &files, &err));
    assert_false(files.authority_is_new);
    assert_true(file_read_all(bench->arena, files.authority, 65536, &after, &err));
    assert_true(file_read_all(bench->arena, files.certificate, 65536, &second, &err));
    assert_true(str_equal(before, after));
    assert_false(str_equal(first, second));
}

static void test_certificate_make__refuses_a_broken_authority(void **state)
{
    struct bench *bench = *state;
    struct certificate_files files;
    struct error err = { 0 };
    assert_true(make(bench, &files, &err));
    /* The server's key is not the authority's. */
    assert_int_equal(rename(files.key, files.authority_key), 0);
    assert_false(make(bench, &files, &err));
    check_error(&err, ERROR_INVALID, "are not a certificate and its key");
    assert_int_equal(unlink(files.authority_key), 0);
    assert_false(make(bench, &files, &err));
    check_error(&err, ERROR_INVALID, "has no key");
    /* Without its certificate a key is of no use to anybody: a new authority. */
    assert_int_equal(unlink(files.authority), 0);
    bench_write(bench, "ca.key", "what a stopped run left");
    assert_true(make(bench, &files, &err));
    assert_true(files.authority_is_new);
}

static void test_certificate_name_is_valid__takes_hosts_and_addresses(void **state)
{
    (void)state;
    assert_true(certificate_name_is_valid(STR("localhost")));
    assert_true(certificate_name_is_valid(STR("hub-1.example.com")));
    assert_true(certificate_name_is_valid(STR("192.168.0.1")));
    assert_true(certificate_name_is_valid(STR("::1")));
    assert_false(certificate_name_is_valid(STR("[::1]")));
    assert_false(certificate_name_is_valid(STR("hub:80")));
    assert_false(certificate_name_is_valid(STR("a,DNS:b")));
    assert_false(certificate_name_is_valid(STR("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLI_TEST(test_certificate_make__holds_for_the_names),
        CLI_TEST(test_certificate_make__keys_are_for_the_owner_only),
        CLI_TEST(test_certificate_make__keeps_the_authority),
        CLI_TEST(test_certificate_make__refuses_a_broken_authority),
        CLI_TEST(test_certificate_name_is_valid__takes_hosts_and_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
