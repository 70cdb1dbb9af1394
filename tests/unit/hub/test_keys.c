/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/keys.h"

#include "../check.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/limits.h"

#include <errno.h>
#include <ftw.h>
#include <nettle/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW_MS 1800000000000LL
#define GOOD_CLAIMS STR("{\"exp\":1800000300,\"nbf\":1800000000,\"who\":\"alice\"}")

struct fixture {
    char parent[64], folder[80];
    struct arena *arena;
    struct keys *keys;
    int64_t shift_ms; /* of the clock, in all */
    struct error err;
};

static void shift_clock(struct fixture *fixture, int64_t by_ms)
{
    fixture->shift_ms += by_ms;
    clock_shift_for_test(by_ms);
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    (void)snprintf(fixture->parent, sizeof(fixture->parent), "/tmp/berth-keys-XXXXXX");
    assert_non_null(mkdtemp(fixture->parent));
    (void)snprintf(fixture->folder, sizeof(fixture->folder), "%s/keys", fixture->parent);
    fixture->arena = arena_new();
    assert_true(keys_open(fixture->folder, &fixture->keys, &fixture->err));
    *state = fixture;
    return 0;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    clock_shift_for_test(-fixture->shift_ms);
    file_fail_nth_for_test(0, 0);
    keys_close(fixture->keys);
    arena_free(fixture->arena);
    assert_int_equal(nftw(fixture->parent, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
    free(fixture);
    return 0;
}

static const char *file_in(struct fixture *fixture, const char *name)
{
    return arena_format(fixture->arena, "%s/%s", fixture->folder, name).ptr;
}

static void write_key(struct fixture *fixture, const char *name, const char *text)
{
    assert_true(file_write_all(file_in(fixture, name), str_from(text), 0600, &fixture->err));
}

static const char some_key[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";

static size_t last_mode_found;
static size_t count_found;
static int look_at_file(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)place;
    if (kind == FTW_F && str_ends(str_from(path), STR(".key"))) {
        last_mode_found = status->st_mode & 07777;
        count_found++;
    }
    return 0;
}

static size_t count_key_files(struct fixture *fixture)
{
    count_found = 0;
    assert_int_equal(nftw(fixture->folder, look_at_file, 8, FTW_PHYS), 0);
    return count_found;
}

static bool verify(struct fixture *fixture, const char *purpose, struct str token, int64_t now_ms)
{
    json_t *claims AUTO(json_decref) = NULL;
    return keys_verify(fixture->keys, fixture->arena, purpose, token, now_ms, &claims,
                       &fixture->err);
}

static void check_refused(struct fixture *fixture, struct str token)
{
    assert_false(verify(fixture, "test", token, NOW_MS));
    check_error(&fixture->err, ERROR_UNAUTHENTICATED, "not one of this server's");
}

static void test_keys_open__makes_a_private_folder_with_one_private_key(void **state)
{
    struct fixture *fixture = *state;
    struct stat status;
    assert_int_equal(stat(fixture->folder, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    assert_int_equal(count_key_files(fixture), 1);
    assert_int_equal(last_mode_found, 0600);
}

static void test_keys_open__finds_the_same_keys_again(void **state)
{
    struct fixture *fixture = *state;
    struct str token = keys_sign(fixture->keys, fixture->arena, "test", GOOD_CLAIMS);
    keys_close(fixture->keys);
    fixture->keys = NULL;
    assert_true(keys_open(fixture->folder, &fixture->keys, &fixture->err));
    assert_true(verify(fixture, "test", token, NOW_MS));
    assert_int_equal(count_key_files(fixture), 1);
}

static void test_keys_open__refuses_what_others_can_read_or_write(void **state)
{
    struct fixture *fixture = *state;
    struct keys *keys = NULL;
    write_key(fixture, "open.key", some_key);
    assert_int_equal(chmod(file_in(fixture, "open.key"), 0640), 0);
    assert_false(keys_open(fixture->folder, &keys, &fixture->err));
    check_error(&fixture->err, ERROR_INVALID, "others can read the key file open.key: chmod 600");
    assert_int_equal(chmod(file_in(fixture, "open.key"), 0604), 0);
    assert_false(keys_open(fixture->folder, &keys, &fixture->err));
    check_error(&fixture->err, ERROR_INVALID, "others can read");
    assert_int_equal(unlink(file_in(fixture, "open.key")), 0);

    assert_int_equal(chmod(fixture->folder, 0722), 0);
    assert_false(keys_open(fixture->folder, &keys, &fixture->err));
    check_error(&fixture->err, ERROR_INVALID, "others can write to the key folder");
}

static void test_keys_open__names_the_broken_file(void **state)
{
    struct fixture *fixture = *state;
    struct keys *keys = NULL;
    static const char *const broken[] = {
        "",
        "\n",
        "00",
        "000102030405060708090A0B0C0D0E0F101112131415161718191a1b1c1d1e1f",
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f0",
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f00000000",
    };
    for (size_t i = 0; i < ARRAY_COUNT(broken); i++) {
        write_key(fixture, "bad.key", broken[i]);
        assert_false(keys_open(fixture->folder, &keys, &fixture->err));
        check_error(&fixture->err, ERROR_INVALID, "bad.key does not hold 64 hexadecimal");
    }
    assert_int_equal(unlink(file_in(fixture, "bad.key")), 0);
    write_key(fixture, "two words.key", some_key);
    assert_false(keys_open(fixture->folder, &keys, &fixture->err));
    check_error(&fixture->err, ERROR_INVALID, "misnamed");
}

static void test_keys_open__leaves_other_files_alone(void **state)
{
    struct fixture *fixture = *state;
    struct keys *keys = NULL;
    write_key(fixture, "README", "not a key");
    write_key(fixture, "x.key.0123.tmp", "half a key");
    assert_true(keys_open(fixture->folder, &keys, &fixture->err));
    keys_close(keys);
}

static void test_keys_open__tells_that_it_could_not_write(void **state)
{
    struct fixture *fixture = *state;
    struct keys *keys = NULL;
    char folder[96];
    (void)snprintf(folder, sizeof(folder), "%s/full", fixture->parent);
    assert_int_equal(mkdir(folder, 0700), 0);
    file_fail_nth_for_test(2, ENOSPC);
    assert_false(keys_open(folder, &keys, &fixture->err));
    check_error(&fixture->err, ERROR_NO_SPACE, "");
}

static void test_keys_sign__makes_a_plain_jwt(void **state)
{
    struct fixture *fixture = *state;
    write_key(fixture, "zz.key", some_key);
    assert_true(keys_reload(fixture->keys, &fixture->err));
    struct str token = keys_sign(fixture->keys, fixture->arena, "test", STR("{}"));
    struct str rest = token, header = STR_NONE, claims = STR_NONE, text;
    assert_true(str_split(&rest, '.', &header) && str_split(&rest, '.', &claims));
    assert_true(base64url_decode(fixture->arena, header, &text));
    check_str(text, "{\"alg\":\"HS256\",\"kid\":\"zz\",\"typ\":\"JWT\"}");
    assert_true(base64url_decode(fixture->arena, claims, &text));
    check_str(text, "{}");

    /* The signature by hand: HMAC under HMAC(key, purpose). */
    uint8_t key[32], derived[32], mark[32];
    assert_true(hex_decode(str_slice(str_from(some_key), 0, 64), key, sizeof(key)));
    struct hmac_sha256_ctx context;
    hmac_sha256_set_key(&context, sizeof(key), key);
    hmac_sha256_update(&context, 4, (const uint8_t *)"test");
    hmac_sha256_digest(&context, sizeof(derived), derived);
    hmac_sha256_set_key(&context, sizeof(derived), derived);
    hmac_sha256_update(&context, token.len - rest.len - 1, (const uint8_t *)token.ptr);
    hmac_sha256_digest(&context, sizeof(mark), mark);
    struct str expected = base64url_encode(fixture->arena, (struct str){ (char *)mark, 32 });
    assert_true(str_equal(expected, rest));
}

static void test_keys_verify__gives_the_claims_back(void **state)
{
    struct fixture *fixture = *state;
    struct str token = keys_sign(fixture->keys, fixture->arena, "test", GOOD_CLAIMS);
    json_t *claims AUTO(json_decref) = NULL;
    assert_true(
        keys_verify(fixture->keys, fixture->arena, "test", token, NOW_MS, &claims, &fixture->err));
    check_str(json_get_str(claims, "who"), "alice");
}

static void test_keys_verify__knows_the_purpose(void **state)
{
    struct fixture *fixture = *state;
    struct str token = keys_sign(fixture->keys, fixture->arena, "registry", GOOD_CLAIMS);
    check_refused(fixture, token);
    assert_true(verify(fixture, "registry", token, NOW_MS));
}

static void test_keys_verify__refuses_each_changed_character(void **state)
{
    struct fixture *fixture = *state;
    struct str token = keys_sign(fixture->keys, fixture->arena, "test", GOOD_CLAIMS);
    char *text = arena_alloc(fixture->arena, token.len + 1);
    for (size_t i = 0; i < token.len; i++) {
        memcpy(text, token.ptr, token.len);
        text[i] = text[i] == 'A' ? 'B' : 'A';
        check_refused(fixture, (struct str){ text, token.len });
    }
    for (size_t length = 0; length < token.len; length++)
        check_refused(fixture, str_slice(token, 0, length));
    check_refused(fixture, arena_format(fixture->arena, "%.*sA", STR_ARG(token)));
    check_refused(fixture, arena_format(fixture->arena, "%.*s.", STR_ARG(token)));
    check_refused(fixture, arena_format(fixture->arena, "%.*s=", STR_ARG(token)));
    check_refused(fixture, STR_NONE);
}

/* Signed by the right key, so that only the header can be why it is refused. */
static struct str sign_with_header(struct fixture *fixture, const char *header)
{
    uint8_t key[32], derived[32], mark[32];
    assert_true(hex_decode(str_slice(str_from(some_key), 0, 64), key, sizeof(key)));
    struct str header_text = base64url_encode(fixture->arena, str_from(header));
    struct str claims_text = base64url_encode(fixture->arena, GOOD_CLAIMS);
    struct str body =
        arena_format(fixture->arena, "%.*s.%.*s", STR_ARG(header_text), STR_ARG(claims_text));
    struct hmac_sha256_ctx context;
    hmac_sha256_set_key(&context, sizeof(key), key);
    hmac_sha256_update(&context, 4, (const uint8_t *)"test");
    hmac_sha256_digest(&context, sizeof(derived), derived);
    hmac_sha256_set_key(&context, sizeof(derived), derived);
    hmac_sha256_update(&context, body.len, (const uint8_t *)body.ptr);
    hmac_sha256_digest(&context, sizeof(mark), mark);
    struct str signature = base64url_encode(fixture->arena, (struct str){ (char *)mark, 32 });
    return arena_format(fixture->arena, "%.*s.%.*s", STR_ARG(body), STR_ARG(signature));
}

static void test_keys_verify__takes_one_kind_of_header_only(void **state)
{
    struct fixture *fixture = *state;
    write_key(fixture, "zz.key", some_key);
    assert_true(keys_reload(fixture->keys, &fixture->err));
    assert_true(verify(
        fixture, "test",
        sign_with_header(fixture, "{\"alg\":\"HS256\",\"kid\":\"zz\",\"typ\":\"JWT\"}"), NOW_MS));
    static const char *const others[] = {
        "{\"alg\":\"none\",\"kid\":\"zz\",\"typ\":\"JWT\"}",
        "{\"alg\":\"hs256\",\"kid\":\"zz\",\"typ\":\"JWT\"}",
        "{\"alg\":\"HS512\",\"kid\":\"zz\",\"typ\":\"JWT\"}",
        "{\"alg\":\"RS256\",\"kid\":\"zz\",\"typ\":\"JWT\"}",
        "{\"alg\":\"HS256\",\"kid\":\"zz\"}",
        "{\"alg\":\"HS256\",\"typ\":\"JWT\"}",
        "{\"alg\":\"HS256\",\"kid\":null,\"typ\":\"JWT\"}",
        "{\"alg\":\"HS256\",\"kid\":\"../zz\",\"typ\":\"JWT\"}",
        "{\"alg\":\"HS256\",\"kid\":\"\",\"typ\":\"JWT\"}",
        "{\"alg\":\"HS256\",\"kid\":\"zz\",\"typ\":\"JWT\",\"jwk\":{}}",
        "{\"alg\":\"HS256\",\"kid\":\"zz\",\"typ\":\"JWT\",\"x5c\":[]}",
        "{\"alg\":\"HS256\",\"alg\":\"HS256\",\"kid\":\"zz\",\"typ\":\"JWT\"}",
        "[]",
        "",
    };
    for (size_t i = 0; i < ARRAY_COUNT(others); i++)
        check_refused(fixture, sign_with_header(fixture, others[i]));
}

static void test_keys_verify__needs_an_end_in_time(void **state)
{
    struct fixture *fixture = *state;
    static const char *const without_end[] = {
        "{}",
        "{\"exp\":\"1800000300\"}",
        "{\"exp\":1800000300.5}",
        "{\"exp\":null}",
        "{\"exp\":1800000300,\"nbf\":\"now\"}",
        "[]",
        "x",
    };
    for (size_t i = 0; i < ARRAY_COUNT(without_end); i++)
        check_refused(fixture,
                      keys_sign(fixture->keys, fixture->arena, "test", str_from(without_end[i])));
}

static void test_keys_verify__checks_the_times(void **state)
{
    struct fixture *fixture = *state;
    struct str token = keys_sign(fixture->keys, fixture->arena, "test", GOOD_CLAIMS);
    assert_true(verify(fixture, "test", token, NOW_MS + 299999));
    assert_false(verify(fixture, "test", token, NOW_MS + 300000));
    check_error(&fixture->err, ERROR_UNAUTHENTICATED, "expired");
    assert_true(verify(fixture, "test", token, NOW_MS - 30000));
    assert_false(verify(fixture, "test", token, NOW_MS - 31000));
    check_error(&fixture->err, ERROR_UNAUTHENTICATED, "not valid yet");
}

static void test_keys_verify__does_not_read_what_is_too_long(void **state)
{
    struct fixture *fixture = *state;
    char *filler = arena_alloc(fixture->arena, TOKEN_BYTES_MAX);
    memset(filler, 'x', TOKEN_BYTES_MAX - 1);
    struct str claims =
        arena_format(fixture->arena, "{\"exp\":1800000300,\"filler\":\"%s\"}", filler);
    check_refused(fixture, keys_sign(fixture->keys, fixture->arena, "test", claims));
}

static void test_keys_rotate__signs_anew_and_still_takes_the_old(void **state)
{
    struct fixture *fixture = *state;
    struct str old = keys_sign(fixture->keys, fixture->arena, "test", GOOD_CLAIMS);
    for (int i = 0; i < 3; i++) { /* also within one millisecond, and with a clock that went back */
        assert_true(keys_rotate(fixture->keys, &fixture->err));
        shift_clock(fixture, -3600 * 1000 * i);
        struct str new = keys_sign(fixture->keys, fixture->arena, "test", GOOD_CLAIMS);
        assert_false(str_equal(old, new));
        assert_true(verify(fixture, "test", old, NOW_MS));
        assert_true(verify(fixture, "test", new, NOW_MS));
        old = new;
    }
    assert_int_equal(count_key_files(fixture), 4);
}

static void test_keys_rotate__reaches_another_node_by_the_first_token(void **state)
{
    struct fixture *fixture = *state;
    struct keys *other AUTO(keys_close) = NULL;
    assert_true(keys_open(fixture->folder, &other, &fixture->err));
    assert_true(keys_rotate(other, &fixture->err));
    assert_true(
        verify(fixture, "test", keys_sign(other, fixture->arena, "test", GOOD_CLAIMS), NOW_MS));

    /* Once a second: tokens with invented ids do not make us read the folder all the time. */
    assert_true(keys_rotate(other, &fixture->err));
    struct str token = keys_sign(other, fixture->arena, "test", GOOD_CLAIMS);
    check_refused(fixture, token);
    shift_clock(fixture, 1000);
    assert_true(verify(fixture, "test", token, NOW_MS));
}

static void test_keys_reload__keeps_the_keys_when_the_folder_is_broken(void **state)
{
    struct fixture *fixture = *state;
    struct str token = keys_sign(fixture->keys, fixture->arena, "test", GOOD_CLAIMS);
    write_key(fixture, "bad.key", "nothing");
    assert_false(keys_reload(fixture->keys, &fixture->err));
    check_error(&fixture->err, ERROR_INVALID, "bad.key");
    assert_true(verify(fixture, "test", token, NOW_MS));
}

static void test_keys_hash__depends_on_purpose_and_text_and_outlives_rotation(void **state)
{
    struct fixture *fixture = *state;
    uint8_t first[KEYED_HASH_BYTES], again[KEYED_HASH_BYTES], other[KEYED_HASH_BYTES];
    keys_hash(fixture->keys, "one", STR("text"), first);
    assert_true(keys_rotate(fixture->keys, &fixture->err));
    keys_hash(fixture->keys, "one", STR("text"), again);
    assert_memory_equal(first, again, sizeof(first));
    keys_hash(fixture->keys, "two", STR("text"), other);
    assert_memory_not_equal(first, other, sizeof(first));
    keys_hash(fixture->keys, "one", STR("texts"), other);
    assert_memory_not_equal(first, other, sizeof(first));
}

#define KEYS_TEST(test_it__behaves)                                                                \
    cmocka_unit_test_setup_teardown(test_it__behaves, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEYS_TEST(test_keys_open__makes_a_private_folder_with_one_private_key),
        KEYS_TEST(test_keys_open__finds_the_same_keys_again),
        KEYS_TEST(test_keys_open__refuses_what_others_can_read_or_write),
        KEYS_TEST(test_keys_open__names_the_broken_file),
        KEYS_TEST(test_keys_open__leaves_other_files_alone),
        KEYS_TEST(test_keys_open__tells_that_it_could_not_write),
        KEYS_TEST(test_keys_sign__makes_a_plain_jwt),
        KEYS_TEST(test_keys_verify__gives_the_claims_back),
        KEYS_TEST(test_keys_verify__knows_the_purpose),
        KEYS_TEST(test_keys_verify__refuses_each_changed_character),
        KEYS_TEST(test_keys_verify__takes_one_kind_of_header_only),
        KEYS_TEST(test_keys_verify__needs_an_end_in_time),
        KEYS_TEST(test_keys_verify__checks_the_times),
        KEYS_TEST(test_keys_verify__does_not_read_what_is_too_long),
        KEYS_TEST(test_keys_rotate__signs_anew_and_still_takes_the_old),
        KEYS_TEST(test_keys_rotate__reaches_another_node_by_the_first_token),
        KEYS_TEST(test_keys_reload__keeps_the_keys_when_the_folder_is_broken),
        KEYS_TEST(test_keys_hash__depends_on_purpose_and_text_and_outlives_rotation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
