/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/certificate.h"

#include "base/buf.h"
#include "base/file.h"
#include "net/address.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PEM_BYTES_MAX = 65536, SERIAL_BITS = 127, CLOCK_DIFFERENCE_S = 3600 };

DEFINE_AUTO(X509, X509_free);
DEFINE_AUTO(BIO, BIO_free_all);
DEFINE_AUTO(BIGNUM, BN_free);
DEFINE_AUTO(X509_EXTENSION, X509_EXTENSION_free);

struct identity {
    X509 *certificate;
    EVP_PKEY *key;
};

static void identity_release_auto(struct identity *identity)
{
    X509_free(identity->certificate);
    EVP_PKEY_free(identity->key);
}

static bool fail_openssl(struct error *err, const char *what)
{
    char text[160] = "unknown reason";
    unsigned long code = ERR_get_error();
    if (code)
        ERR_error_string_n(code, text, sizeof(text));
    ERR_clear_error();
    return error_set(err, ERROR_INTERNAL, "cannot make %s: %s", what, text);
}

static bool is_address(struct str name)
{
    uint8_t ignored[16];
    return address_parse(name, ignored);
}

bool certificate_name_is_valid(struct str name)
{
    if (is_address(name))
        return str_find(name, '[') == name.len;
    if (name.len == 0 || name.len > 253)
        return false;
    /* RFC 1123: letters, digits and dashes between dots.  A name whose last part is a number would
     * be an address, and this one is none: 10.0.0.999. */
    struct str rest = name, label = STR_NONE;
    bool is_number = false;
    while (str_split(&rest, '.', &label)) {
        if (label.len == 0 || label.len > 63 || str_starts(label, STR("-")) ||
            str_ends(label, STR("-")))
            return false;
        is_number = true;
        for (size_t i = 0; i < label.len; i++) {
            char c = label.ptr[i];
            bool is_digit = c >= '0' && c <= '9';
            if (!is_digit && c != '-' && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z'))
                return false;
            is_number = is_number && is_digit;
        }
    }
    return !is_number;
}

/* ---- files ---- */

static bool pem_write(BIO *bio, const char *path, mode_t mode, struct error *err)
{
    char *bytes = NULL;
    long size = BIO_get_mem_data(bio, &bytes);
    return file_write_all(path, (struct str){ bytes, (size_t)size }, mode, err);
}

static bool certificate_write(X509 *certificate, const char *path, struct error *err)
{
    BIO *bio AUTO(BIO_free_all) = BIO_new(BIO_s_mem());
    if (!bio || !PEM_write_bio_X509(bio, certificate))
        return fail_openssl(err, "a certificate");
    return pem_write(bio, path, 0644, err);
}

static bool key_write(EVP_PKEY *key, const char *path, struct error *err)
{
    BIO *bio AUTO(BIO_free_all) = BIO_new(BIO_s_mem());
    if (!bio || !PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL))
        return fail_openssl(err, "a key");
    return pem_write(bio, path, 0600, err);
}

/* A PEM file as a BIO over the arena's bytes. */
static BIO *pem_open(struct arena *arena, const char *path, struct error *err)
{
    struct str text = STR_NONE;
    if (!file_read_all(arena, path, PEM_BYTES_MAX, &text, err))
        return NULL;
    return BIO_new_mem_buf(text.ptr, (int)text.len);
}

static bool authority_read(struct arena *arena, const struct certificate_files *files,
                           struct identity *out, struct error *err)
{
    BIO *certificate AUTO(BIO_free_all) = pem_open(arena, files->authority, err);
    if (!certificate)
        return false;
    BIO *key AUTO(BIO_free_all) = pem_open(arena, files->authority_key, err);
    if (!key)
        return false;
    out->certificate = PEM_read_bio_X509(certificate, NULL, NULL, NULL);
    out->key = PEM_read_bio_PrivateKey(key, NULL, NULL, NULL);
    ERR_clear_error();
    if (!out->certificate || !out->key || !X509_check_private_key(out->certificate, out->key))
        return error_set(err, ERROR_INVALID, "%s and %s are not a certificate and its key",
                         files->authority, files->authority_key);
    int days = 0, seconds = 0;
    if (!ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(out->certificate)) ||
        days <= CERTIFICATE_DAYS)
        return error_set(err, ERROR_INVALID,
                         "the authority in %s ends too soon; move it away to get a new one, which "
                         "every client must then trust",
                         files->authority);
    return true;
}

/* ---- certificates ---- */

static struct str alternative_name(struct arena *arena, const GENERAL_NAME *name)
{
    int type = 0;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);
    if (type != GEN_DNS && type != GEN_IPADD)
        return STR_NONE;
    struct str bytes = { (const char *)ASN1_STRING_get0_data(value),
                         (size_t)ASN1_STRING_length(value) };
    if (type == GEN_DNS)
        return arena_copy(arena, bytes);
    uint8_t address[16] = { [10] = 0xff, [11] = 0xff };
    char text[ADDRESS_TEXT_MAX];
    if (bytes.len != 4 && bytes.len != 16)
        return STR_NONE;
    memcpy(address + 16 - bytes.len, bytes.ptr, bytes.len);
    return arena_copy(arena, address_format(address, text));
}

size_t certificate_names(struct arena *arena, const char *path, struct str *out, size_t max)
{
    struct error ignored = { 0 };
    size_t count = 0;
    BIO *bio AUTO(BIO_free_all) = pem_open(arena, path, &ignored);
    if (!bio)
        return 0;
    X509 *certificate AUTO(X509_free) = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    GENERAL_NAMES *names =
        certificate ? X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL) : NULL;
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && count < max; i++) {
        struct str name = alternative_name(arena, sk_GENERAL_NAME_value(names, i));
        if (str_is_set(name) && certificate_name_is_valid(name))
            out[count++] = name;
    }
    GENERAL_NAMES_free(names);
    ERR_clear_error();
    return count;
}

static bool serial_set(X509 *certificate)
{
    BIGNUM *serial AUTO(BN_free) = BN_new();
    return serial && BN_rand(serial, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
           BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(certificate));
}

static bool name_add(X509_NAME *name, const char *field, struct str text)
{
    return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, (const unsigned char *)text.ptr,
                                      (int)text.len, -1, 0) == 1;
}

/* Subject, key, serial, validity: what authority and server have in common. */
static X509 *certificate_begin(EVP_PKEY *key, struct str common_name, int days)
{
    X509 *certificate AUTO(X509_free) = X509_new();
    if (!certificate || !X509_set_version(certificate, X509_VERSION_3) || !serial_set(certificate))
        return NULL;
    X509_NAME *name = X509_get_subject_name(certificate);
    if (!name_add(name, "O", STR("Berth")) || !name_add(name, "CN", common_name))
        return NULL;
    if (!X509_gmtime_adj(X509_getm_notBefore(certificate), -CLOCK_DIFFERENCE_S) ||
        !X509_time_adj_ex(X509_getm_notAfter(certificate), days, -CLOCK_DIFFERENCE_S, NULL) ||
        !X509_set_pubkey(certificate, key))
        return NULL;
    return TAKE(certificate);
}

struct extension {
    int nid;
    const char *value;
};

/* `table` ends with nid 0. */
static bool extensions_add(X509 *certificate, X509 *issuer, const struct extension *table)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    for (; table->nid; table++) {
        X509_EXTENSION *extension AUTO(X509_EXTENSION_free) =
            X509V3_EXT_conf_nid(NULL, &context, table->nid, table->value);
        if (!extension || !X509_add_ext(certificate, extension, -1))
            return false;
    }
    return true;
}

static bool authority_make(struct arena *arena, struct identity *out, struct error *err)
{
    static const struct extension extensions[] = {
        { NID_basic_constraints, "critical,CA:TRUE,pathlen:0" },
        { NID_key_usage, "critical,keyCertSign,cRLSign" },
        { NID_subject_key_identifier, "hash" },
        { 0, NULL },
    };
    char host[65] = "local";
    if (gethostname(host, sizeof(host) - 1) != 0 || !str_is_utf8(str_from(host)))
        host[0] = '\0';
    /* A common name has at most 64 characters. */
    struct str name = str_slice(arena_format(arena, "Berth authority of %s", host), 0, 64);
    out->key = EVP_EC_gen("P-256");
    out->certificate = out->key ? certificate_begin(out->key, name, AUTHORITY_DAYS) : NULL;
    X509 *certificate = out->certificate;
    if (!certificate || !X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) ||
        !extensions_add(certificate, certificate, extensions) ||
        !X509_sign(certificate, out->key, EVP_sha256()))
        return fail_openssl(err, "an authority");
    return true;
}

static const char *alternative_names(const struct certificate_request *request, struct arena *arena)
{
    struct buf out AUTO(buf_release);
    buf_init(&out, PEM_BYTES_MAX);
    for (size_t i = 0; i < request->name_count; i++) {
        struct str name = request->names[i];
        buf_format(&out, "%s%s:%.*s", i ? "," : "", is_address(name) ? "IP" : "DNS", STR_ARG(name));
    }
    assert(!out.failed);
    return arena_c(arena, buf_str(&out));
}

static bool server_make(const struct certificate_request *request, struct arena *arena,
                        const struct identity *authority, struct identity *out, struct error *err)
{
    const struct extension extensions[] = {
        { NID_basic_constraints, "critical,CA:FALSE" },
        { NID_key_usage, "critical,digitalSignature" },
        { NID_ext_key_usage, "serverAuth" },
        { NID_subject_key_identifier, "hash" },
        { NID_authority_key_identifier, "keyid" },
        { NID_subject_alt_name, alternative_names(request, arena) },
        { 0, NULL },
    };
    struct str name = str_slice(request->names[0], 0, 64);
    out->key = EVP_EC_gen("P-256");
    out->certificate = out->key ? certificate_begin(out->key, name, CERTIFICATE_DAYS) : NULL;
    X509 *certificate = out->certificate;
    X509_NAME *issuer = X509_get_subject_name(authority->certificate);
    if (!certificate || !X509_set_issuer_name(certificate, issuer) ||
        !extensions_add(certificate, authority->certificate, extensions) ||
        !X509_sign(certificate, authority->key, EVP_sha256()))
        return fail_openssl(err, "a certificate");
    return true;
}

static const char *path_in(struct arena *arena, const char *folder, const char *name)
{
    return arena_format(arena, "%s/%s", folder, name).ptr;
}

static bool authority_get(struct arena *arena, struct certificate_files *files,
                          struct identity *out, struct error *err)
{
    bool has_certificate = access(files->authority, F_OK) == 0;
    bool has_key = access(files->authority_key, F_OK) == 0;
    if (has_certificate && has_key)
        return authority_read(arena, files, out, err);
    /* A key alone is what a run leaves that was stopped between the two; nobody trusts it yet. */
    if (has_certificate)
        return error_set(err, ERROR_INVALID,
                         "%s has no key %s beside it; bring it back or move both away",
                         files->authority, files->authority_key);
    files->authority_is_new = true;
    return authority_make(arena, out, err) && key_write(out->key, files->authority_key, err) &&
           certificate_write(out->certificate, files->authority, err);
}

bool certificate_make(const struct certificate_request *request, struct arena *arena,
                      struct certificate_files *out, struct error *err)
{
    assert(request->name_count > 0 && request->name_count <= CERTIFICATE_NAMES_MAX);
    struct certificate_files files = {
        .authority = path_in(arena, request->folder, "ca.crt"),
        .authority_key = path_in(arena, request->folder, "ca.key"),
        .certificate = path_in(arena, request->folder, "server.crt"),
        .key = path_in(arena, request->folder, "server.key"),
    };
    for (size_t i = 0; i < request->name_count; i++) {
        if (!certificate_name_is_valid(request->names[i]))
            return error_set(err, ERROR_INVALID,
                             "'%.*s' is not a host name or address (without a port)",
                             STR_ARG(str_slice(request->names[i], 0, 100)));
    }
    struct identity authority AUTO(identity_release) = { 0 };
    struct identity server AUTO(identity_release) = { 0 };
    if (!authority_get(arena, &files, &authority, err) ||
        !server_make(request, arena, &authority, &server, err) ||
        !key_write(server.key, files.key, err) ||
        !certificate_write(server.certificate, files.certificate, err))
        return false;
    *out = files;
    return true;
}
