/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/password.h"

#include "base/limits.h"
#include "base/random.h"
#include "oci/about.h"

#include <argon2.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

enum {
    ARGON2_MEMORY_KIB = 19 * 1024,
    ARGON2_PASSES = 2,
    ARGON2_LANES = 1,
    SALT_BYTES = 16,
    HASH_BYTES = 32,
    ENCODED_MAX = 192,
    RETRY_AFTER_S = 2,
};

/* Of random bytes that nobody kept, with the costs above: what a name without a password is
 * compared with. */
static const char nobodys_hash[] = "$argon2id$v=19$m=19456,t=2,p=1$JntZwzbN5HFhXUvoo+lpKg$"
                                   "c0x58cN9Fgp2IBs14oF9naSbf0B5B1JOpwufQlowUDo";

/* ---- the queue ---- */

struct waiter {
    struct waiter *next;
    pthread_cond_t woken;
    bool has_turn;
};

/* Process-wide, as the header says. */
static struct {
    pthread_mutex_t lock;
    int running, waiting;
    struct waiter *first, *last;
} queue = { .lock = PTHREAD_MUTEX_INITIALIZER };

static int core_count(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : count > 1024 ? 1024 : (int)count;
}

/* Waits at the end of the queue; whoever leaves hands his turn to the first. */
static void wait_for_turn(void)
{
    struct waiter self = { .woken = PTHREAD_COND_INITIALIZER };
    if (queue.last)
        queue.last->next = &self;
    else
        queue.first = &self;
    queue.last = &self;
    queue.waiting++;
    while (!self.has_turn)
        (void)pthread_cond_wait(&self.woken, &queue.lock);
    (void)pthread_cond_destroy(&self.woken);
}

static bool enter(struct error *err)
{
    (void)pthread_mutex_lock(&queue.lock);
    bool is_full = queue.waiting >= PASSWORD_QUEUE_MAX;
    if (!is_full && queue.running < core_count())
        queue.running++;
    else if (!is_full)
        wait_for_turn();
    (void)pthread_mutex_unlock(&queue.lock);
    if (!is_full)
        return true;
    (void)error_set(err, ERROR_UNAVAILABLE, "too many logins at once");
    err->retry_after_s = RETRY_AFTER_S;
    return false;
}

static void leave(void)
{
    (void)pthread_mutex_lock(&queue.lock);
    struct waiter *next = queue.first;
    if (next) { /* the turn goes over: `running` stays */
        queue.first = next->next;
        if (!queue.first)
            queue.last = NULL;
        queue.waiting--;
        next->has_turn = true;
        (void)pthread_cond_signal(&next->woken);
    } else {
        queue.running--;
    }
    (void)pthread_mutex_unlock(&queue.lock);
}

/* ---- passwords ---- */

/* C0, DEL, and C1 (U+0080 to U+009F, in UTF-8 C2 80 to C2 9F). */
static bool has_control(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];
        if (byte < 0x20 || byte == 0x7F)
            return true;
        if (byte == 0xC2 && i + 1 < text.len && (unsigned char)text.ptr[i + 1] < 0xA0)
            return true;
    }
    return false;
}

bool password_check_rules(struct str password, struct error *err)
{
    if (password.len < PASSWORD_BYTES_MIN)
        return error_set_about(err, ABOUT_CREDENTIALS, ERROR_INVALID,
                               "the password is too short: use at least %d characters",
                               PASSWORD_BYTES_MIN);
    if (password.len > PASSWORD_BYTES_MAX)
        return error_set_about(err, ABOUT_CREDENTIALS, ERROR_INVALID,
                               "the password is longer than %d bytes", PASSWORD_BYTES_MAX);
    if (!str_is_utf8(password) || has_control(password))
        return error_set_about(err, ABOUT_CREDENTIALS, ERROR_INVALID,
                               "the password has characters that nobody can type: use printable "
                               "ones in UTF-8");
    return true;
}

bool password_hash(struct arena *arena, struct str password, struct str *out, struct error *err)
{
    uint8_t salt[SALT_BYTES];
    random_bytes(salt, sizeof(salt));
    char encoded[ENCODED_MAX];
    if (!enter(err))
        return false;
    int result = argon2id_hash_encoded(ARGON2_PASSES, ARGON2_MEMORY_KIB, ARGON2_LANES, password.ptr,
                                       password.len, salt, sizeof(salt), HASH_BYTES, encoded,
                                       sizeof(encoded));
    leave();
    if (result != ARGON2_OK)
        return error_set(err, ERROR_INTERNAL, "could not hash a password: %s",
                         argon2_error_message(result));
    *out = arena_copy(arena, str_from(encoded));
    return true;
}

bool password_verify(struct arena *arena, struct str hash, struct str password, bool *matches,
                     struct error *err)
{
    bool is_somebody = str_is_set(hash);
    const char *encoded = is_somebody ? arena_c(arena, hash) : nobodys_hash;
    if (!enter(err))
        return false;
    int result = argon2id_verify(encoded, password.ptr ? password.ptr : "", password.len);
    leave();
    if (result != ARGON2_OK && result != ARGON2_VERIFY_MISMATCH)
        return error_set(err, ERROR_INTERNAL, "could not verify a password: %s",
                         argon2_error_message(result));
    *matches = is_somebody && result == ARGON2_OK;
    return true;
}
