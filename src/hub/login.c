/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/login.h"

#include "base/clock.h"
#include "base/hex.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/random.h"
#include "hub/keys.h"
#include "hub/login.sql.h"
#include "hub/password.h"
#include "oci/about.h"
#include "oci/digest.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    CACHE_SETS = 1024,
    CACHE_WAYS = 4,
    MARK_BYTES = KEYED_HASH_BYTES,
    DELAY_STEP_MS = 100,
    DELAY_MAX_MS = 1000,
    WINDOW_MS = LOGIN_LOCK_S * 1000,
    TOKEN_RANDOM_BYTES = 32,
    USE_NOTED_MS = 3600 * 1000, /* how often the last use of a token is written */
};

#define TOKEN_PREFIX STR("berth_rt_")

/* ---- remembered passwords ---- */

struct remembered {
    uint8_t mark[MARK_BYTES]; /* keyed hash of name and password */
    int64_t account_id;       /* 0: nobody's name */
    int64_t credential_generation;
    int64_t until_ms; /* monotonic; in the past: free */
};

enum verdict { VERDICT_GOOD, VERDICT_WRONG, VERDICT_COUNT };

struct login_cache {
    pthread_mutex_t lock;
    struct remembered sets[VERDICT_COUNT][CACHE_SETS][CACHE_WAYS];
};

struct login_cache *login_cache_new(void)
{
    struct login_cache *cache = calloc(1, sizeof(*cache));
    if (!cache)
        abort();
    int failed = pthread_mutex_init(&cache->lock, NULL);
    assert(!failed);
    return cache;
}

void login_cache_free(struct login_cache *cache)
{
    if (!cache)
        return;
    (void)pthread_mutex_destroy(&cache->lock);
    free(cache);
}

static struct remembered *cache_set(struct login_cache *cache, enum verdict verdict,
                                    const uint8_t mark[static MARK_BYTES])
{
    return cache->sets[verdict][(mark[0] | mark[1] << 8) % CACHE_SETS];
}

static bool cache_find(struct login_cache *cache, enum verdict verdict,
                       const uint8_t mark[static MARK_BYTES], struct remembered *out)
{
    bool found = false;
    int64_t now_ms = clock_monotonic_ms();
    (void)pthread_mutex_lock(&cache->lock);
    const struct remembered *set = cache_set(cache, verdict, mark);
    for (int i = 0; i < CACHE_WAYS && !found; i++) {
        found = set[i].until_ms > now_ms && memcmp(set[i].mark, mark, MARK_BYTES) == 0;
        if (found)
            *out = set[i];
    }
    (void)pthread_mutex_unlock(&cache->lock);
    return found;
}

/* Takes the place of the same mark, or of what ends first. */
static void cache_put(struct login_cache *cache, enum verdict verdict,
                      const uint8_t mark[static MARK_BYTES], const struct account *account)
{
    struct remembered entry = {
        .account_id = account->id,
        .credential_generation = account->credential_generation,
        .until_ms = clock_monotonic_ms() + BASIC_LOGIN_REMEMBERED_S * 1000,
    };
    memcpy(entry.mark, mark, MARK_BYTES);
    (void)pthread_mutex_lock(&cache->lock);
    struct remembered *set = cache_set(cache, verdict, mark), *place = set;
    for (int i = 0; i < CACHE_WAYS; i++) {
        if (memcmp(set[i].mark, mark, MARK_BYTES) == 0) {
            place = &set[i];
            break;
        }
        if (set[i].until_ms < place->until_ms)
            place = &set[i];
    }
    *place = entry;
    (void)pthread_mutex_unlock(&cache->lock);
}

/* ---- one attempt ---- */

struct attempt {
    struct hub *hub;
    struct arena *arena;
    struct str name;    /* as it is counted: lower case; empty for what can be no name */
    struct str address; /* as it is counted */
    uint8_t mark[MARK_BYTES];
    struct account account; /* whose name it is; id 0: nobody's */
    struct str password_hash;
    bool has_failures; /* of this name from this address, to be forgotten after a success */
    bool is_repeated;  /* the last of them was this password */
    int64_t failure_count;
    int64_t address_failure_count; /* of all names; at their maximum both have just been locked */
};

static bool refuse(struct error *err)
{
    return error_set_about(err, ABOUT_CREDENTIALS, ERROR_UNAUTHENTICATED,
                           "incorrect username or password");
}

static bool refuse_inactive(struct error *err)
{
    return error_set_about(err, ABOUT_CREDENTIALS, ERROR_DENIED,
                           "the account is not active: ask the administrator");
}

/* Who owns an IPv6 network has 2^64 addresses or more. */
static struct str counted_address(struct arena *arena, struct str address)
{
    struct in6_addr parsed;
    char text[INET6_ADDRSTRLEN];
    if (address.len >= sizeof(text) || inet_pton(AF_INET6, arena_c(arena, address), &parsed) != 1)
        return arena_copy(arena, str_slice(address, 0, INET6_ADDRSTRLEN));
    if (IN6_IS_ADDR_V4MAPPED(&parsed)) {
        const char *v4 = inet_ntop(AF_INET, &parsed.s6_addr[12], text, sizeof(text));
        return arena_copy(arena, str_from(v4));
    }
    memset(&parsed.s6_addr[8], 0, 8);
    return arena_copy(arena, str_from(inet_ntop(AF_INET6, &parsed, text, sizeof(text))));
}

/* Names are lower case, so "Alice" is somebody's slip of the keyboard. */
static struct str counted_name(struct arena *arena, struct str name)
{
    if (name.len > EMAIL_CHARS_MAX || !str_is_utf8(name))
        return STR("");
    char *lower = arena_alloc(arena, name.len + 1);
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        lower[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    return (struct str){ lower, name.len };
}

static struct attempt new_attempt(struct hub *hub, struct arena *arena, struct str name,
                                  struct str secret, struct str address)
{
    struct attempt attempt = {
        .hub = hub,
        .arena = arena,
        .name = counted_name(arena, name),
        .address = counted_address(arena, str_is_set(address) ? address : STR("")),
    };
    /* A name holds no NUL (str_is_utf8), so that two pairs never give one text. */
    char *pair = arena_alloc(arena, attempt.name.len + 1 + secret.len);
    memcpy(pair, attempt.name.ptr, attempt.name.len);
    if (secret.len > 0)
        memcpy(pair + attempt.name.len + 1, secret.ptr, secret.len);
    struct str text = { pair, attempt.name.len + 1 + secret.len };
    keys_hash(hub->keys, "login", text, attempt.mark);
    explicit_bzero(pair, text.len);
    return attempt;
}

static bool names(const struct account *account, struct str name)
{
    return str_equal(account->name, name) ||
           (str_is_set(account->email) && str_equal(account->email, name));
}

/* *known tells whether this name and password were good within the last minute and still are. */
static bool try_remembered(struct attempt *attempt, bool *known, struct error *err)
{
    struct remembered entry;
    *known = false;
    if (!cache_find(attempt->hub->logins, VERDICT_GOOD, attempt->mark, &entry))
        return true;
    struct db_tx *tx AUTO(db_tx_end) = db_read(attempt->hub->db, attempt->arena, err);
    struct account account;
    if (!tx || !account_find_by_id(tx, entry.account_id, &account, err))
        return false;
    if (account.is_active && account.credential_generation == entry.credential_generation &&
        names(&account, attempt->name)) {
        attempt->account = account;
        *known = true;
    }
    return true;
}

static bool find_account(struct db_tx *tx, struct attempt *attempt, struct error *err)
{
    struct login_by_name_row by_name = { 0 };
    struct login_by_email_row by_email = { 0 };
    bool found;
    if (str_find(attempt->name, '@') == attempt->name.len) {
        if (!sql_login_by_name(tx, attempt->name, &by_name, &found, err))
            return false;
    } else {
        if (!sql_login_by_email(tx, attempt->name, &by_email, &found, err))
            return false;
        by_name = (struct login_by_name_row){ by_email.id, by_email.password_hash };
    }
    if (!found)
        return true;
    attempt->password_hash = by_name.password_hash;
    return account_find_by_id(tx, by_name.id, &attempt->account, err);
}

static bool refuse_locked(int64_t wait_ms, struct error *err)
{
    int64_t wait_s = (wait_ms + 999) / 1000;
    (void)error_set_about(err, ABOUT_CREDENTIALS, ERROR_TOO_MANY,
                          "too many wrong passwords: try again in %d minutes",
                          (int)((wait_s + 59) / 60));
    err->retry_after_s = (uint32_t)wait_s;
    return false;
}

/* Is the whole address (whose row has the empty name) locked, or this name from it? */
static bool check_locks(struct db_tx *tx, struct attempt *attempt, struct error *err)
{
    const struct str names[] = { STR(""), attempt->name };
    int64_t now_ms;
    if (!db_now_ms(tx, &now_ms, err))
        return false;
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        struct login_failure_get_row row;
        bool found;
        if (!sql_login_failure_get(tx, names[i], attempt->address, &row, &found, err))
            return false;
        if (found && row.locked_until_ms > now_ms)
            return refuse_locked(row.locked_until_ms - now_ms, err);
        attempt->has_failures = found;
        attempt->is_repeated =
            found && row.failure_count > 0 &&
            str_equal(row.last_mark, (struct str){ (const char *)attempt->mark, MARK_BYTES });
    }
    return true;
}

static bool look_up(struct attempt *attempt, struct error *err)
{
    struct db_tx *tx AUTO(db_tx_end) = db_read(attempt->hub->db, attempt->arena, err);
    return tx && check_locks(tx, attempt, err) && find_account(tx, attempt, err);
}

/* Of many guesses that were let in together, those that are computed after the lock must not tell.
 */
static bool check_locks_again(struct attempt *attempt, struct error *err)
{
    struct db_tx *tx AUTO(db_tx_end) = db_read(attempt->hub->db, attempt->arena, err);
    return tx && check_locks(tx, attempt, err);
}

/* The same wrong password once more, for an account that is as it was then: whoever repeats it may
 * do so for ever, so this costs no more than any other request. */
static bool is_known_to_be_wrong(const struct attempt *attempt)
{
    struct remembered entry;
    return attempt->is_repeated &&
           cache_find(attempt->hub->logins, VERDICT_WRONG, attempt->mark, &entry) &&
           entry.account_id == attempt->account.id &&
           entry.credential_generation == attempt->account.credential_generation;
}

/* ---- counting failures ---- */

struct tally {
    struct str name, address;
    struct str mark;
    int64_t now_ms;
    int64_t max; /* failures that lock */
};

/* Adds one failure and locks at the maximum.  What was a window ago is forgotten: for a name all at
 * once, for an address, which many people may share, evenly. */
static bool count_failure(struct db_tx *tx, const struct tally *tally, int64_t *count,
                          bool *is_repeated, struct error *err)
{
    struct login_failure_get_row row;
    bool found;
    if (!sql_login_failure_get(tx, tally->name, tally->address, &row, &found, err))
        return false;
    if (!found)
        row = (struct login_failure_get_row){ .last_ms = tally->now_ms };
    int64_t elapsed_ms = tally->now_ms - row.last_ms;
    if (elapsed_ms >= WINDOW_MS)
        row.failure_count = 0;
    else if (tally->name.len == 0 && elapsed_ms > 0)
        row.failure_count -= elapsed_ms * tally->max / WINDOW_MS;
    if (row.failure_count < 0)
        row.failure_count = 0;
    *count = row.failure_count;
    *is_repeated = row.failure_count > 0 && str_equal(row.last_mark, tally->mark);
    if (*is_repeated)
        return true;
    *count = row.failure_count + 1;
    bool is_locked = *count >= tally->max;
    return sql_login_failure_set(tx, tally->name, tally->address, is_locked ? 0 : *count,
                                 tally->mark, tally->now_ms,
                                 is_locked ? tally->now_ms + LOGIN_LOCK_S * 1000 : 0, err);
}

static bool failure_body(struct db_tx *tx, void *context, struct error *err)
{
    struct attempt *attempt = context;
    struct tally tally = {
        .name = attempt->name,
        .address = attempt->address,
        .mark = { (const char *)attempt->mark, MARK_BYTES },
        .max = LOGIN_FAILURES_MAX,
    };
    bool is_repeated = false, is_same_for_address;
    if (!check_locks(tx, attempt, err) || !db_now_ms(tx, &tally.now_ms, err))
        return false;
    /* What can be no name has no row of its own: the empty name is the address. */
    if (attempt->name.len > 0 &&
        !count_failure(tx, &tally, &attempt->failure_count, &is_repeated, err))
        return false;
    attempt->address_failure_count = 0;
    if (is_repeated)
        return true;
    tally.name = STR("");
    tally.max = LOGIN_FAILURES_PER_ADDRESS_MAX;
    return count_failure(tx, &tally, &attempt->address_failure_count, &is_same_for_address, err);
}

static void sleep_ms(int64_t time_ms)
{
    struct timespec rest = { .tv_sec = time_ms / 1000, .tv_nsec = time_ms % 1000 * 1000000 };
    while (nanosleep(&rest, &rest) < 0 && errno == EINTR)
        continue;
}

static void log_failure(struct str name, struct str address)
{
    log_event(LOG_INFO, "login_failed", LOG_STR("name", name), LOG_STR("address", address));
}

/* Once, at the moment of locking. */
static void log_locks(const struct attempt *attempt)
{
    if (attempt->failure_count >= LOGIN_FAILURES_MAX)
        log_event(LOG_WARN, "login_locked", LOG_STR("name", attempt->name),
                  LOG_STR("address", attempt->address), LOG_INT("seconds", LOGIN_LOCK_S));
    if (attempt->address_failure_count >= LOGIN_FAILURES_PER_ADDRESS_MAX)
        log_event(LOG_WARN, "login_locked", LOG_STR("address", attempt->address),
                  LOG_INT("seconds", LOGIN_LOCK_S));
}

static bool fail(struct attempt *attempt, struct str address, struct error *err)
{
    log_failure(attempt->name, address);
    cache_put(attempt->hub->logins, VERDICT_WRONG, attempt->mark, &attempt->account);
    if (!db_write(attempt->hub->db, attempt->arena, failure_body, attempt, err))
        return false;
    log_locks(attempt);
    int64_t delay_ms = attempt->failure_count * DELAY_STEP_MS;
    sleep_ms(delay_ms < DELAY_MAX_MS ? delay_ms : DELAY_MAX_MS);
    return refuse(err);
}

static bool forget_body(struct db_tx *tx, void *context, struct error *err)
{
    const struct attempt *attempt = context;
    return sql_login_failure_remove(tx, attempt->name, attempt->address, err);
}

/* ---- the check ---- */

static bool check_token(struct hub *hub, struct arena *arena, struct str name, struct str token,
                        struct account *out, struct error *err)
{
    struct account account;
    struct str counted = counted_name(arena, name);
    if (!refresh_token_check(hub, arena, token, &account, err))
        return false;
    bool is_placeholder = name.len == 0 || str_equal(name, STR("<token>")) ||
                          str_equal(name, STR("00000000-0000-0000-0000-000000000000"));
    if (!is_placeholder && !names(&account, counted))
        return refuse(err);
    *out = account;
    return true;
}

bool login_check(struct hub *hub, struct arena *arena, struct str name, struct str secret,
                 struct str address, struct account *out, struct error *err)
{
    if (str_starts(secret, TOKEN_PREFIX)) {
        bool ok = check_token(hub, arena, name, secret, out, err);
        if (!ok && err->kind == ERROR_UNAUTHENTICATED)
            log_failure(name, address);
        return ok;
    }

    struct attempt attempt = new_attempt(hub, arena, name, secret, address);
    bool is_good = false;
    if (!try_remembered(&attempt, &is_good, err))
        return false;
    if (is_good) {
        *out = attempt.account;
        return true;
    }
    if (!look_up(&attempt, err))
        return false;
    if (is_known_to_be_wrong(&attempt)) {
        log_failure(attempt.name, address);
        return refuse(err);
    }
    if (!password_verify(arena, attempt.password_hash, secret, &is_good, err))
        return false;
    if (!is_good)
        return fail(&attempt, address, err);
    if (!check_locks_again(&attempt, err))
        return false;
    if (!attempt.account.is_active)
        return refuse_inactive(err);
    if (attempt.has_failures && !db_write(hub->db, arena, forget_body, &attempt, err))
        return false;
    cache_put(hub->logins, VERDICT_GOOD, attempt.mark, &attempt.account);
    *out = attempt.account;
    return true;
}

/* ---- identity tokens ---- */

struct issuing {
    const struct account *account;
    struct digest hash;
    struct str client;
};

static struct str bytes_of(const struct digest *hash)
{
    return (struct str){ (const char *)hash->bytes, digest_size(hash->algorithm) };
}

static bool issue_body(struct db_tx *tx, void *context, struct error *err)
{
    const struct issuing *issuing = context;
    int64_t id = issuing->account->id, now_ms;
    return db_now_ms(tx, &now_ms, err) &&
           sql_refresh_token_keep_newest(tx, id, REFRESH_TOKENS_PER_ACCOUNT_MAX - 1, err) &&
           sql_refresh_token_insert(tx, id, bytes_of(&issuing->hash),
                                    issuing->account->credential_generation, issuing->client,
                                    now_ms, err);
}

bool refresh_token_issue(struct hub *hub, struct arena *arena, const struct account *account,
                         struct str client, struct str *out, struct error *err)
{
    assert(account->id > 0);
    char secret[TOKEN_RANDOM_BYTES];
    random_bytes(secret, sizeof(secret));
    struct str text = base64url_encode(arena, (struct str){ secret, sizeof(secret) });
    struct str token = arena_format(arena, "%.*s%.*s", STR_ARG(TOKEN_PREFIX), STR_ARG(text));
    explicit_bzero(secret, sizeof(secret));
    struct str client_name = str_slice(client, 0, CLIENT_NAME_BYTES_MAX);
    struct issuing issuing = {
        .account = account,
        .hash = digest_of(DIGEST_SHA256, token),
        .client = str_is_set(client) && str_is_utf8(client_name) ? client_name : STR(""),
    };
    if (!db_write(hub->db, arena, issue_body, &issuing, err))
        return false;
    *out = token;
    return true;
}

#define LOGIN_ENDED                                                                                \
    "your login is no longer valid (password changed or account closed): log in again with "       \
    "docker login"

static bool refuse_token(struct error *err)
{
    /* Not about credentials: who has one has an account and needs no hint how to get one. */
    return error_set_about(err, ABOUT_ACCOUNT, ERROR_UNAUTHENTICATED, LOGIN_ENDED);
}

struct finding {
    struct refresh_token_find_row row;
    struct account account;
    int64_t now_ms;
};

static bool find_token(struct hub *hub, struct arena *arena, struct str token, struct finding *out,
                       struct error *err)
{
    struct db_tx *tx AUTO(db_tx_end) = db_read(hub->db, arena, err);
    struct digest hash = digest_of(DIGEST_SHA256, token);
    bool found;
    if (!tx || !db_now_ms(tx, &out->now_ms, err) ||
        !sql_refresh_token_find(tx, bytes_of(&hash), &out->row, &found, err))
        return false;
    if (!found)
        return refuse_token(err);
    if (!account_find_by_id(tx, out->row.account_id, &out->account, err))
        return false;
    bool is_valid = out->account.is_active &&
                    out->account.credential_generation == out->row.credential_generation &&
                    out->now_ms - out->row.used_ms < REFRESH_TOKEN_LIFE_S * 1000LL;
    return is_valid || refuse_token(err);
}

static bool use_body(struct db_tx *tx, void *context, struct error *err)
{
    const struct finding *finding = context;
    return sql_refresh_token_use(tx, finding->now_ms, finding->row.id, err);
}

bool refresh_token_check(struct hub *hub, struct arena *arena, struct str token,
                         struct account *out, struct error *err)
{
    struct finding finding = { 0 };
    /* 43 characters of base64 for 32 bytes. */
    if (!str_starts(token, TOKEN_PREFIX) || token.len != TOKEN_PREFIX.len + 43)
        return refuse_token(err);
    if (!find_token(hub, arena, token, &finding, err))
        return false;
    if (finding.now_ms - finding.row.used_ms >= USE_NOTED_MS &&
        !db_write(hub->db, arena, use_body, &finding, err))
        return false;
    *out = finding.account;
    return true;
}

/* ---- sweeping ---- */

static bool sweep_body(struct db_tx *tx, void *context, struct error *err)
{
    (void)context;
    int64_t now_ms;
    return db_now_ms(tx, &now_ms, err) &&
           sql_login_failure_sweep(tx, now_ms - WINDOW_MS, now_ms, err) &&
           sql_refresh_token_sweep(tx, now_ms - REFRESH_TOKEN_LIFE_S * 1000LL, err);
}

bool login_sweep(struct hub *hub, struct arena *arena, struct error *err)
{
    return db_write(hub->db, arena, sweep_body, NULL, err);
}
