/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/keys.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/limits.h"
#include "base/random.h"
#include "oci/about.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <nettle/hmac.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

enum {
    KEY_BYTES = 32,
    KEY_ID_MAX = 64,
    KEY_COUNT_MAX = 64, /* a folder with more is not one of ours */
    RELOAD_PAUSE_MS = 1000,
    CLOCK_DIFFERENCE_S = 30,
};

struct key {
    char id[KEY_ID_MAX + 1];
    uint8_t secret[KEY_BYTES];
};

struct key_list {
    struct key keys[KEY_COUNT_MAX]; /* oldest first */
    size_t count;
};

/* What changes after the opening.  Apart, so that verifying takes const struct keys *. */
struct key_state {
    pthread_rwlock_t lock;
    struct key_list list;
    int64_t reloaded_ms; /* monotonic: when an unknown id last made us look */
};

struct keys {
    char folder[PATH_MAX];
    struct key_state *state;
};

static bool id_is_valid(struct str id)
{
    for (size_t i = 0; i < id.len; i++) {
        char c = id.ptr[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_plain && c != '-' && c != '_')
            return false;
    }
    return id.len > 0 && id.len <= KEY_ID_MAX;
}

/* ---- reading and writing the folder ---- */

static bool check_folder(int folder_fd, const char *folder, struct error *err)
{
    struct stat status;
    if (fstat(folder_fd, &status) < 0)
        return error_set_errno(err, errno, "could not look at the key folder %s", folder);
    if (status.st_mode & (S_IWGRP | S_IWOTH))
        return error_set(err, ERROR_INVALID, "others can write to the key folder %s: chmod 700 it",
                         folder);
    return true;
}

static bool read_key(int folder_fd, const char *file, struct key *out, struct error *err)
{
    int fd FILE_AUTO = file_open_at(folder_fd, file, O_RDONLY, 0, err);
    if (fd < 0)
        return false;
    struct stat status;
    if (fstat(fd, &status) < 0)
        return error_set_errno(err, errno, "could not look at the key file %s", file);
    if (status.st_mode & (S_IRWXG | S_IRWXO))
        return error_set(err, ERROR_INVALID, "others can read the key file %s: chmod 600 it", file);

    char text[2 * KEY_BYTES + 3]; /* a final newline is fine, also of Windows */
    size_t got;
    if (!file_read_at(fd, text, sizeof(text), 0, &got, err))
        return false;
    struct str hex = { text, got };
    while (hex.len > 0 && (hex.ptr[hex.len - 1] == '\n' || hex.ptr[hex.len - 1] == '\r'))
        hex.len--;
    bool is_key = hex_decode(hex, out->secret, KEY_BYTES);
    explicit_bzero(text, sizeof(text));
    if (!is_key)
        return error_set(err, ERROR_INVALID, "the key file %s does not hold %d hexadecimal digits",
                         file, 2 * KEY_BYTES);
    return true;
}

static int compare_keys(const void *a, const void *b)
{
    const struct key *first = a, *second = b;
    return strcmp(first->id, second->id);
}

static bool add_file(int folder_fd, const char *file, struct key_list *list, struct error *err)
{
    struct str name = str_from(file);
    if (!str_ends(name, STR(".key")))
        return true;
    struct str id = str_slice(name, 0, name.len - 4);
    if (!id_is_valid(id))
        return error_set(err, ERROR_INVALID,
                         "the key file %s is misnamed: use up to %d of a-z, A-Z, 0-9, '-' and '_'",
                         file, KEY_ID_MAX);
    if (list->count == KEY_COUNT_MAX)
        return error_set(err, ERROR_INVALID, "more than %d key files: remove the oldest",
                         KEY_COUNT_MAX);
    struct key *key = &list->keys[list->count];
    if (!read_key(folder_fd, file, key, err))
        return false;
    memcpy(key->id, id.ptr, id.len);
    key->id[id.len] = '\0';
    list->count++;
    return true;
}

static void close_stream_auto(DIR **stream)
{
    if (*stream)
        (void)closedir(*stream);
}

static bool load(int folder_fd, const char *folder, struct key_list *list, struct error *err)
{
    DIR *stream AUTO(close_stream) = opendir(folder);
    if (!stream)
        return error_set_errno(err, errno, "could not list the key folder %s", folder);
    *list = (struct key_list){ 0 };
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(stream);
        if (!entry && errno != 0)
            return error_set_errno(err, errno, "could not list the key folder %s", folder);
        if (!entry)
            break;
        if (!add_file(folder_fd, entry->d_name, list, err))
            return false;
    }
    qsort(list->keys, list->count, sizeof(list->keys[0]), compare_keys);
    return true;
}

/* An id behind all others: the time, unless a clock was ahead of ours; then that key's id and more.
 */
static bool next_id(const struct key_list *list, char out[static KEY_ID_MAX + 1], struct error *err)
{
    (void)snprintf(out, KEY_ID_MAX + 1, "k%013llx", (unsigned long long)clock_now_ms());
    const char *newest = list->count > 0 ? list->keys[list->count - 1].id : "";
    if (strcmp(out, newest) > 0)
        return true;
    size_t length = strlen(newest);
    if (length == KEY_ID_MAX)
        return error_set(err, ERROR_INVALID,
                         "no name sorts behind the key file %s.key: give it a shorter one", newest);
    memcpy(out, newest, length);
    out[length] = 'z';
    out[length + 1] = '\0';
    return true;
}

static bool write_new_key(const char *folder, const struct key_list *list, struct error *err)
{
    if (list->count == KEY_COUNT_MAX)
        return error_set(err, ERROR_INVALID, "there are %d key files: remove the oldest",
                         KEY_COUNT_MAX);
    char id[KEY_ID_MAX + 1], path[PATH_MAX], text[2 * KEY_BYTES + 1];
    if (!next_id(list, id, err))
        return false;
    int length = snprintf(path, sizeof(path), "%s/%s.key", folder, id);
    if (length < 0 || (size_t)length >= sizeof(path))
        return error_set_errno(err, ENAMETOOLONG, "could not write a key into %s", folder);
    uint8_t secret[KEY_BYTES];
    random_bytes(secret, sizeof(secret));
    hex_encode(secret, sizeof(secret), text);
    text[2 * KEY_BYTES] = '\n';
    bool ok = file_write_all(path, (struct str){ text, sizeof(text) }, 0600, err);
    explicit_bzero(secret, sizeof(secret));
    explicit_bzero(text, sizeof(text));
    return ok;
}

/* Reads the folder, with a new key in it if one is wanted or there is none.  The lock on the folder
 * keeps nodes that start together from making one each. */
static bool read_folder(const char *folder, bool wants_new, struct key_list *list,
                        struct error *err)
{
    int fd FILE_AUTO = file_open(folder, O_RDONLY | O_DIRECTORY, 0, err);
    if (fd < 0 || !check_folder(fd, folder, err) || !load(fd, folder, list, err))
        return false;
    if (list->count > 0 && !wants_new)
        return true;
    int result;
    do {
        result = flock(fd, LOCK_EX);
    } while (result < 0 && errno == EINTR);
    if (result < 0)
        return error_set_errno(err, errno, "could not lock the key folder %s", folder);
    if (!load(fd, folder, list, err))
        return false;
    if (list->count > 0 && !wants_new)
        return true;
    return write_new_key(folder, list, err) && load(fd, folder, list, err);
}

/* ---- the object ---- */

static void replace(struct key_state *state, const struct key_list *list)
{
    (void)pthread_rwlock_wrlock(&state->lock);
    state->list = *list;
    (void)pthread_rwlock_unlock(&state->lock);
}

static bool refresh(const struct keys *keys, bool wants_new, struct error *err)
{
    struct key_list list;
    bool ok = read_folder(keys->folder, wants_new, &list, err);
    if (ok)
        replace(keys->state, &list);
    explicit_bzero(&list, sizeof(list));
    return ok;
}

bool keys_open(const char *folder, struct keys **out, struct error *err)
{
    size_t length = strlen(folder);
    if (length == 0 || length >= PATH_MAX)
        return error_set(err, ERROR_INVALID, "the key folder (BERTH_KEYS) is not set");
    if (!file_make_folders(folder, 0700, err))
        return false;
    struct keys *keys AUTO(keys_close) = calloc(1, sizeof(*keys));
    struct key_state *state = calloc(1, sizeof(*state));
    if (!keys || !state)
        abort();
    memcpy(keys->folder, folder, length + 1);
    keys->state = state;
    state->reloaded_ms = clock_monotonic_ms() - RELOAD_PAUSE_MS;
    int failed = pthread_rwlock_init(&state->lock, NULL);
    assert(!failed);
    if (!refresh(keys, false, err))
        return false;
    *out = TAKE(keys);
    return true;
}

void keys_close(struct keys *keys)
{
    if (!keys)
        return;
    if (keys->state) {
        (void)pthread_rwlock_destroy(&keys->state->lock);
        explicit_bzero(keys->state, sizeof(*keys->state));
        free(keys->state);
    }
    free(keys);
}

bool keys_reload(struct keys *keys, struct error *err)
{
    return refresh(keys, false, err);
}

bool keys_rotate(struct keys *keys, struct error *err)
{
    return refresh(keys, true, err);
}

/* ---- hashing ---- */

static void hmac(const uint8_t key[static KEY_BYTES], struct str text,
                 uint8_t out[static KEYED_HASH_BYTES])
{
    struct hmac_sha256_ctx context;
    hmac_sha256_set_key(&context, KEY_BYTES, key);
    hmac_sha256_update(&context, text.len, (const uint8_t *)(text.ptr ? text.ptr : ""));
    hmac_sha256_digest(&context, KEYED_HASH_BYTES, out);
    explicit_bzero(&context, sizeof(context));
}

/* HMAC of the text under the key that `secret` has for this purpose. */
static void hmac_for(const uint8_t secret[static KEY_BYTES], const char *purpose, struct str text,
                     uint8_t out[static KEYED_HASH_BYTES])
{
    uint8_t derived[KEYED_HASH_BYTES];
    hmac(secret, str_from(purpose), derived);
    hmac(derived, text, out);
    explicit_bzero(derived, sizeof(derived));
}

/* A copy, so that no lock is held while hashing.  There is always a key. */
static struct key key_at_end(const struct keys *keys, bool newest)
{
    (void)pthread_rwlock_rdlock(&keys->state->lock);
    const struct key_list *list = &keys->state->list;
    assert(list->count > 0);
    struct key key = list->keys[newest ? list->count - 1 : 0];
    (void)pthread_rwlock_unlock(&keys->state->lock);
    return key;
}

void keys_hash(const struct keys *keys, const char *purpose, struct str text,
               uint8_t out[static KEYED_HASH_BYTES])
{
    struct key key = key_at_end(keys, false);
    hmac_for(key.secret, purpose, text, out);
    explicit_bzero(&key, sizeof(key));
}

/* ---- tokens ---- */

struct str keys_sign(const struct keys *keys, struct arena *arena, const char *purpose,
                     struct str claims)
{
    struct key key = key_at_end(keys, true);
    struct str header =
        arena_format(arena, "{\"alg\":\"HS256\",\"kid\":\"%s\",\"typ\":\"JWT\"}", key.id);
    struct str header_text = base64url_encode(arena, header);
    struct str claims_text = base64url_encode(arena, claims);
    struct str body = arena_format(arena, "%.*s.%.*s", STR_ARG(header_text), STR_ARG(claims_text));
    uint8_t mark[KEYED_HASH_BYTES];
    hmac_for(key.secret, purpose, body, mark);
    explicit_bzero(&key, sizeof(key));
    struct str signature =
        base64url_encode(arena, (struct str){ (const char *)mark, sizeof(mark) });
    return arena_format(arena, "%.*s.%.*s", STR_ARG(body), STR_ARG(signature));
}

static bool refuse(struct error *err)
{
    return error_set_about(err, ABOUT_CREDENTIALS, ERROR_UNAUTHENTICATED,
                           "the token is not one of this server's: log in again");
}

static bool find_key(const struct keys *keys, struct str id, struct key *out)
{
    bool found = false;
    (void)pthread_rwlock_rdlock(&keys->state->lock);
    const struct key_list *list = &keys->state->list;
    for (size_t i = 0; i < list->count && !found; i++) {
        found = str_equal(str_from(list->keys[i].id), id);
        if (found)
            *out = list->keys[i];
    }
    (void)pthread_rwlock_unlock(&keys->state->lock);
    return found;
}

/* May an unknown id make us read the folder now?  Ids come from anybody. */
static bool take_reload_turn(struct key_state *state)
{
    int64_t now_ms = clock_monotonic_ms();
    (void)pthread_rwlock_wrlock(&state->lock);
    bool is_turn = now_ms - state->reloaded_ms >= RELOAD_PAUSE_MS;
    if (is_turn)
        state->reloaded_ms = now_ms;
    (void)pthread_rwlock_unlock(&state->lock);
    return is_turn;
}

static bool find_key_or_reload(const struct keys *keys, struct str id, struct key *out)
{
    if (find_key(keys, id, out))
        return true;
    if (!id_is_valid(id) || !take_reload_turn(keys->state))
        return false;
    struct error ignored = { 0 }; /* the keys that we have are still good */
    return refresh(keys, false, &ignored) && find_key(keys, id, out);
}

static json_t *parse_segment(struct arena *arena, struct str segment)
{
    struct str text;
    struct error ignored = { 0 }; /* who sent it is told one sentence for all */
    if (!base64url_decode(arena, segment, &text))
        return NULL;
    return json_parse_object(text, &ignored);
}

/* The `kid` of a header that says what ours say, and nothing else. */
static struct str key_id_of(const json_t *header)
{
    bool is_ours = json_object_size(header) == 3 &&
                   str_equal(json_get_str(header, "alg"), STR("HS256")) &&
                   str_equal(json_get_str(header, "typ"), STR("JWT"));
    return is_ours ? json_get_str(header, "kid") : STR_NONE;
}

static bool check_times(const json_t *claims, int64_t now_ms, struct error *err)
{
    int64_t expires_s, not_before_s, now_s = now_ms / 1000;
    if (!json_get_i64(claims, "exp", &expires_s))
        return refuse(err);
    if (now_s >= expires_s)
        return error_set_about(err, ABOUT_CREDENTIALS, ERROR_UNAUTHENTICATED,
                               "the token has expired: ask for a new one");
    if (!json_object_get(claims, "nbf"))
        return true;
    if (!json_get_i64(claims, "nbf", &not_before_s))
        return refuse(err);
    if (not_before_s > now_s + CLOCK_DIFFERENCE_S)
        return error_set_about(err, ABOUT_CREDENTIALS, ERROR_UNAUTHENTICATED,
                               "the token is not valid yet: compare the clocks of the servers");
    return true;
}

bool keys_verify(const struct keys *keys, struct arena *arena, const char *purpose,
                 struct str token, int64_t now_ms, json_t **claims, struct error *err)
{
    struct str rest = token, header_text = STR_NONE, claims_text = STR_NONE;
    if (token.len > TOKEN_BYTES_MAX || !str_split(&rest, '.', &header_text) ||
        !str_split(&rest, '.', &claims_text) || !str_is_set(rest))
        return refuse(err);
    struct str signature;
    if (!base64url_decode(arena, rest, &signature) || signature.len != KEYED_HASH_BYTES)
        return refuse(err);

    json_t *header AUTO(json_decref) = parse_segment(arena, header_text);
    struct key key;
    if (!header || !find_key_or_reload(keys, key_id_of(header), &key))
        return refuse(err);
    uint8_t mark[KEYED_HASH_BYTES];
    struct str body = str_slice(token, 0, header_text.len + 1 + claims_text.len);
    hmac_for(key.secret, purpose, body, mark);
    explicit_bzero(&key, sizeof(key));
    if (!str_equal_secret(signature, (struct str){ (const char *)mark, sizeof(mark) }))
        return refuse(err);

    json_t *parsed AUTO(json_decref) = parse_segment(arena, claims_text);
    if (!parsed)
        return refuse(err);
    if (!check_times(parsed, now_ms, err))
        return false;
    *claims = TAKE(parsed);
    return true;
}
