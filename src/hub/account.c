/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/account.h"

#include "base/limits.h"
#include "base/random.h"
#include "db/statement.h"
#include "hub/account.sql.h"
#include "hub/collect.h"
#include "hub/password.h"
#include "hub/recovery.h"
#include "oci/about.h"
#include "oci/reference.h"

#include <string.h>

enum {
    EMAIL_LOCAL_PART_MAX = 64, /* RFC 5321 4.5.3.1.1 */
    HOST_LABEL_MAX = 63,
    TEXT_SHOWN_MAX = 80, /* of a client's text in a message */
};

/* Docker up to 1.10 compares with this sentence, to the letter. */
static const char taken[] = "Username or email already exists";

#define SETUP_CODE STR("setup_code")

/* The same columns, of any statement that gives them. */
#define ACCOUNT_OF(row)                                                                            \
    ((struct account){                                                                             \
        .id = (row).id,                                                                            \
        .kind = (enum account_kind)(row).kind,                                                     \
        .name = (row).name,                                                                        \
        .email = (row).email,                                                                      \
        .full_name = (row).full_name,                                                              \
        .is_admin = (row).is_admin,                                                                \
        .is_active = (row).is_active,                                                              \
        .untagged_days =                                                                           \
            (row).untagged_days == DB_NULL_INT ? ACCOUNT_UNTAGGED_STAY : (row).untagged_days,      \
        .default_private = (row).default_private,                                                  \
        .credential_generation = (row).credential_generation,                                      \
        .created_ms = (row).created_ms,                                                            \
    })

/* ---- rules ---- */

bool account_name_is_reserved(struct str name)
{
#define RESERVED_NAME(word)                                                                        \
    if (str_equal(name, STR(word)))                                                                \
        return true;
#include "hub/reserved_names.def"
    return false;
}

bool account_name_check(struct str name, bool by_administrator, struct error *err)
{
    size_t chars_min = by_administrator ? NAME_CHARS_MIN_BY_ADMINISTRATOR : NAME_CHARS_MIN;
    struct str shown = str_slice(name, 0, TEXT_SHOWN_MAX);
    if (name.len < chars_min || name.len > NAMESPACE_CHARS_MAX)
        return error_set_about(err, ABOUT_ACCOUNT, ERROR_INVALID,
                               "'%.*s' is too %s for a user name: %zu to %d characters",
                               STR_ARG(shown), name.len < chars_min ? "short" : "long", chars_min,
                               NAMESPACE_CHARS_MAX);
    char lower[NAMESPACE_CHARS_MAX];
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        lower[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    struct str meant = { lower, name.len };
    if (!str_equal(meant, name) && name_component_is_valid(meant))
        return error_set_about(err, ABOUT_ACCOUNT, ERROR_INVALID,
                               "user names are lower case: did you mean '%.*s'?", STR_ARG(meant));
    if (!name_component_is_valid(name))
        return error_set_about(err, ABOUT_ACCOUNT, ERROR_INVALID,
                               "'%.*s' is no user name: use a-z and 0-9, with '.', '_', '__' or "
                               "'-' between them",
                               STR_ARG(shown));
    if (account_name_is_reserved(name))
        return error_set_about(err, ABOUT_ACCOUNT, ERROR_INVALID,
                               "the name '%.*s' is reserved: choose another", STR_ARG(shown));
    return true;
}

/* Is the text one or more parts between dots, each of 1 to part_max of these characters?  Whatever
 * is not ASCII passes: RFC 6531 allows it, and only delivery can tell. */
static bool is_dotted(struct str text, const char *specials, size_t part_max)
{
    struct str part;
    while (str_split(&text, '.', &part)) {
        if (part.len == 0 || part.len > part_max)
            return false;
        for (size_t i = 0; i < part.len; i++) {
            unsigned char c = (unsigned char)part.ptr[i];
            bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                            (c >= '0' && c <= '9') || c >= 0x80;
            if (!is_plain && (c == '\0' || !strchr(specials, c)))
                return false;
        }
    }
    return true;
}

static bool host_is_valid(struct str host)
{
    struct str label, rest = host;
    while (str_split(&rest, '.', &label)) {
        if (str_starts(label, STR("-")) || str_ends(label, STR("-")))
            return false;
    }
    return is_dotted(host, "-", HOST_LABEL_MAX);
}

bool account_email_check(struct str email, struct error *err)
{
    size_t at = str_find_last(email, '@');
    struct str local_part = str_slice(email, 0, at), host = str_after(email, at + 1);
    bool is_valid = email.len <= EMAIL_CHARS_MAX && at < email.len && str_is_utf8(email) &&
                    local_part.len <= EMAIL_LOCAL_PART_MAX && host.len > 0 &&
                    is_dotted(local_part, "!#$%&'*+-/=?^_`{|}~", EMAIL_LOCAL_PART_MAX) &&
                    host_is_valid(host);
    return is_valid || error_set_about(err, ABOUT_ACCOUNT, ERROR_INVALID,
                                       "'%.*s' is no e-mail address: use one like name@example.org",
                                       STR_ARG(str_slice(email, 0, TEXT_SHOWN_MAX)));
}

static bool full_name_check(struct str name, struct error *err)
{
    if (name.len > FULL_NAME_BYTES_MAX)
        return error_set_about(err, ABOUT_ACCOUNT, ERROR_INVALID,
                               "the full name is longer than %d bytes", FULL_NAME_BYTES_MAX);
    bool is_plain = str_is_utf8(name);
    for (size_t i = 0; i < name.len; i++)
        is_plain = is_plain && (unsigned char)name.ptr[i] >= 0x20 && name.ptr[i] != 0x7F;
    return is_plain || error_set_about(err, ABOUT_ACCOUNT, ERROR_INVALID,
                                       "the full name must be one line of text in UTF-8");
}

static struct str lower_case(struct arena *arena, struct str text)
{
    char *lower = arena_alloc(arena, text.len + 1);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        lower[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    return (struct str){ lower, text.len };
}

/* ---- finding ---- */

bool account_find(struct db_tx *tx, struct str name, struct account *out, struct error *err)
{
    struct account_by_name_row row;
    bool found = false; /* what cannot be a name is not asked for: it may not even be UTF-8 */
    if (name_component_is_valid(name) && !sql_account_by_name(tx, name, &row, &found, err))
        return false;
    *out = found ? ACCOUNT_OF(row) : (struct account){ 0 };
    return true;
}

bool account_find_by_id(struct db_tx *tx, int64_t id, struct account *out, struct error *err)
{
    struct account_by_id_row row;
    bool found;
    if (!sql_account_by_id(tx, id, &row, &found, err))
        return false;
    *out = found ? ACCOUNT_OF(row) : (struct account){ 0 };
    return true;
}

bool account_list(struct hub *hub, struct arena *arena, struct str after, int limit,
                  struct account **out, size_t *count, struct error *err)
{
    struct db_tx *tx AUTO(db_tx_end) = db_read(hub->db, arena, err);
    struct account_page_row *rows;
    size_t row_count;
    int page_size = limit < 1 ? 1 : limit > PAGE_SIZE_MAX ? PAGE_SIZE_MAX : limit;
    if (!tx || !sql_account_page(tx, str_is_set(after) ? after : STR(""), page_size, &rows,
                                 &row_count, err))
        return false;
    struct account *accounts = arena_alloc(arena, (row_count + 1) * sizeof(*accounts));
    for (size_t i = 0; i < row_count; i++)
        accounts[i] = ACCOUNT_OF(rows[i]);
    *out = accounts;
    *count = row_count;
    return true;
}

/* ---- adding ---- */

struct adding {
    const struct account_new *from;
    struct str email, password_hash;
    struct str code; /* what proves the first administrator; absent for others */
    struct account account;
};

static bool refuse_code(struct error *err)
{
    return error_set_about(err, ABOUT_CREDENTIALS, ERROR_DENIED,
                           "the set-up code is wrong or was used already: see what the server "
                           "printed at its first start");
}

static bool check_code(struct db_tx *tx, struct str code, struct error *err)
{
    struct account_any_admin_row admin;
    struct account_site_value_row site;
    bool has_admin, found;
    if (!sql_account_any_admin(tx, &admin, &has_admin, err) ||
        !sql_account_site_value(tx, SETUP_CODE, &site, &found, err))
        return false;
    if (has_admin || !found || !str_equal_secret(site.value, code))
        return refuse_code(err);
    return true;
}

static bool add_body(struct db_tx *tx, void *context, struct error *err)
{
    struct adding *adding = context;
    const struct account_new *from = adding->from;
    bool is_first = str_is_set(adding->code);
    if (is_first && !check_code(tx, adding->code, err))
        return false;
    int64_t now_ms;
    struct account_insert_row row;
    bool is_added;
    if (!db_now_ms(tx, &now_ms, err) ||
        !sql_account_insert(tx, from->name, adding->email, adding->password_hash,
                            str_is_set(from->full_name) ? from->full_name : STR(""),
                            from->is_admin || is_first, now_ms, &row, &is_added, err))
        return false;
    if (!is_added)
        return error_set_about(err, ABOUT_ACCOUNT, ERROR_CONFLICT, "%s", taken);
    if ((from->is_admin || is_first) && !sql_account_site_value_remove(tx, SETUP_CODE, err))
        return false;
    return recovery_account_changed(tx, from->name, err) &&
           account_find_by_id(tx, row.id, &adding->account, err);
}

static bool add(struct hub *hub, struct arena *arena, struct adding *adding, struct error *err)
{
    const struct account_new *from = adding->from;
    bool by_administrator = from->by_administrator || str_is_set(adding->code);
    if (!account_name_check(from->name, by_administrator, err) ||
        !account_email_check(from->email, err) || !password_check_rules(from->password, err) ||
        !full_name_check(from->full_name, err))
        return false;
    adding->email = lower_case(arena, from->email);
    return password_hash(arena, from->password, &adding->password_hash, err) &&
           db_write(hub->db, arena, add_body, adding, err);
}

static bool check_not_taken(struct hub *hub, struct arena *arena, struct str name,
                            struct error *err)
{
    struct account account;
    struct db_tx *tx AUTO(db_tx_end) = db_read(hub->db, arena, err);
    if (!tx || !account_find(tx, name, &account, err))
        return false;
    return account.id == 0 || error_set_about(err, ABOUT_ACCOUNT, ERROR_CONFLICT, "%s", taken);
}

bool account_add(struct hub *hub, struct arena *arena, const struct account_new *from,
                 struct account *out, struct error *err)
{
    if (!check_not_taken(hub, arena, from->name, err))
        return false;
    if (!from->by_administrator && hub->signup != SIGNUP_OPEN)
        return error_set_about(
            err, ABOUT_ACCOUNT, ERROR_DENIED,
            hub->signup == SIGNUP_INVITE
                ? "accounts are by invitation here: ask the administrator for one"
                : "sign-up is closed here: ask the administrator for an account");
    assert(!from->is_admin || from->by_administrator);
    struct adding adding = { .from = from };
    if (!add(hub, arena, &adding, err))
        return false;
    *out = adding.account;
    return true;
}

/* Before the password is hashed, which strangers shall not make us do. */
static bool check_code_first(struct hub *hub, struct arena *arena, struct str code,
                             struct error *err)
{
    struct db_tx *tx AUTO(db_tx_end) = db_read(hub->db, arena, err);
    return tx && check_code(tx, code, err);
}

bool account_add_first_admin(struct hub *hub, struct arena *arena, struct str code,
                             const struct account_new *from, struct account *out, struct error *err)
{
    struct adding adding = { .from = from, .code = str_is_set(code) ? code : STR("") };
    if (!check_code_first(hub, arena, adding.code, err) || !add(hub, arena, &adding, err))
        return false;
    *out = adding.account;
    return true;
}

struct setup {
    char fresh[RANDOM_ID_TEXT];
    struct str code;
};

/* *is_missing: there is no administrator, and no code either. */
static bool read_setup_code(struct db_tx *tx, struct str *code, bool *is_missing, struct error *err)
{
    struct account_any_admin_row admin;
    struct account_site_value_row site;
    bool has_admin, found = false;
    if (!sql_account_any_admin(tx, &admin, &has_admin, err) ||
        (!has_admin && !sql_account_site_value(tx, SETUP_CODE, &site, &found, err)))
        return false;
    *code = found ? site.value : STR_NONE;
    *is_missing = !has_admin && !found;
    return true;
}

static bool setup_code_body(struct db_tx *tx, void *context, struct error *err)
{
    struct setup *setup = context;
    bool is_missing;
    if (!read_setup_code(tx, &setup->code, &is_missing, err))
        return false;
    if (!is_missing)
        return true;
    setup->code = str_from(setup->fresh);
    return sql_account_site_value_add(tx, SETUP_CODE, setup->code, err);
}

/* Pages ask at each visit, of anybody: so reading comes first, and mostly suffices. */
static bool find_setup_code(struct hub *hub, struct arena *arena, struct str *code,
                            bool *is_missing, struct error *err)
{
    struct db_tx *tx AUTO(db_tx_end) = db_read(hub->db, arena, err);
    return tx && read_setup_code(tx, code, is_missing, err);
}

bool account_setup_code(struct hub *hub, struct arena *arena, struct str *code, struct error *err)
{
    struct setup setup = { 0 };
    bool is_missing;
    if (!find_setup_code(hub, arena, &setup.code, &is_missing, err))
        return false;
    if (is_missing) {
        random_id(setup.fresh);
        if (!db_write(hub->db, arena, setup_code_body, &setup, err))
            return false;
    }
    *code = arena_copy(arena, setup.code);
    return true;
}

/* ---- changing ---- */

struct changing {
    struct str name;
    const struct account_change *change;
    struct str password_hash, email; /* absent unless changed */
};

static bool check_email_is_free(struct db_tx *tx, struct str email, int64_t id, struct error *err)
{
    struct account_email_holder_row holder;
    bool found;
    if (!str_is_set(email))
        return true;
    if (!sql_account_email_holder(tx, email, &holder, &found, err))
        return false;
    return !found || holder.id == id ||
           error_set_about(err, ABOUT_ACCOUNT, ERROR_CONFLICT,
                           "another account has this e-mail address");
}

/* Somebody must be able to administer the site. */
static bool check_admin_stays(struct db_tx *tx, const struct account *account,
                              const struct account_update_in *update, struct error *err)
{
    bool was_admin = account->is_admin && account->is_active;
    if (!was_admin || (update->is_admin && update->is_active))
        return true;
    struct account_count_other_admins_row others;
    if (!sql_account_count_other_admins(tx, account->id, &others, err))
        return false;
    return others.admin_count > 0 ||
           error_set_about(err, ABOUT_ACCOUNT, ERROR_CONFLICT,
                           "%.*s is the last administrator: make another one first",
                           STR_ARG(account->name));
}

static struct account_update_in changed_account(const struct account *account,
                                                const struct changing *changing)
{
    const struct account_change *change = changing->change;
    struct account_update_in update = {
        .email = str_is_set(changing->email) ? changing->email : account->email,
        .password_hash = changing->password_hash,
        .full_name = str_is_set(change->full_name) ? change->full_name : account->full_name,
        .is_admin = change->is_admin ? *change->is_admin : account->is_admin,
        .is_active = change->is_active ? *change->is_active : account->is_active,
        .default_private =
            change->default_private ? *change->default_private : account->default_private,
        .credential_generation = account->credential_generation,
        .untagged_days = account->untagged_days,
        .id = account->id,
    };
    if (change->untagged_days)
        update.untagged_days = *change->untagged_days;
    if (update.untagged_days == ACCOUNT_UNTAGGED_STAY)
        update.untagged_days = DB_NULL_INT;
    if (str_is_set(changing->password_hash) || update.is_active != account->is_active)
        update.credential_generation++;
    return update;
}

static bool change_body(struct db_tx *tx, void *context, struct error *err)
{
    const struct changing *changing = context;
    struct account account;
    if (!account_find(tx, changing->name, &account, err))
        return false;
    if (account.id == 0)
        return error_set_about(err, ABOUT_ACCOUNT, ERROR_NOT_FOUND, "there is no account '%.*s'",
                               STR_ARG(str_slice(changing->name, 0, TEXT_SHOWN_MAX)));
    bool gets_user_things = str_is_set(changing->email) || str_is_set(changing->password_hash) ||
                            changing->change->is_admin;
    if (account.kind != ACCOUNT_USER && gets_user_things)
        return error_set_about(err, ABOUT_ACCOUNT, ERROR_INVALID,
                               "%.*s is an organization: nobody logs in as it",
                               STR_ARG(account.name));

    struct account_update_in update = changed_account(&account, changing);
    if (!check_email_is_free(tx, changing->email, account.id, err) ||
        !check_admin_stays(tx, &account, &update, err) || !sql_account_update(tx, &update, err))
        return false;
    if (update.is_admin && !sql_account_site_value_remove(tx, SETUP_CODE, err))
        return false;
    if (str_is_set(changing->password_hash) &&
        !sql_account_forget_failures(tx, account.name, update.email, err))
        return false;
    if (changing->change->untagged_days && !collect_policy_changed(tx, account.id, err))
        return false;
    if (update.credential_generation != account.credential_generation &&
        !sql_account_forget_tokens(tx, account.id, err))
        return false;
    return recovery_account_changed(tx, account.name, err);
}

static bool untagged_days_check(const int64_t *days, struct error *err)
{
    if (!days || (*days >= ACCOUNT_UNTAGGED_STAY && *days <= UNTAGGED_DAYS_MAX))
        return true;
    return error_set_about(err, ABOUT_ACCOUNT, ERROR_INVALID,
                           "manifests without a tag stay for 0 to %d days, or for ever",
                           UNTAGGED_DAYS_MAX);
}

bool account_change(struct hub *hub, struct arena *arena, struct str name,
                    const struct account_change *change, struct error *err)
{
    struct changing changing = { .name = name, .change = change };
    if (str_is_set(change->email)) {
        if (!account_email_check(change->email, err))
            return false;
        changing.email = lower_case(arena, change->email);
    }
    if (!full_name_check(change->full_name, err) ||
        !untagged_days_check(change->untagged_days, err))
        return false;
    if (str_is_set(change->password) &&
        (!password_check_rules(change->password, err) ||
         !password_hash(arena, change->password, &changing.password_hash, err)))
        return false;
    return db_write(hub->db, arena, change_body, &changing, err);
}

struct str account_signup_address(const struct hub *hub, struct arena *arena, struct str origin)
{
    if (hub->signup == SIGNUP_CLOSED)
        return STR_NONE;
    struct str base = str_is_set(hub->url) ? hub->url : origin;
    return arena_format(arena, "%.*s/signup", STR_ARG(base));
}
