/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/hub/access_fixture.h - people, repositories, and requests for them. */
#pragma once
#include "base/hex.h"
#include "hub/access.h"
#include "hub_fixture.h"

/* alice, bobby and the administrator anna; alice/app is public, alice/secret private; centos is
 * official. */
static inline int access_fixture_setup(void **state)
{
    (void)hub_fixture_setup(state);
    struct hub_fixture *fixture = *state;
    (void)hub_fixture_user(fixture, "alice", false);
    (void)hub_fixture_user(fixture, "bobby", false);
    (void)hub_fixture_user(fixture, "anna", true);
    (void)hub_fixture_sql(
        fixture, "INSERT INTO repository (owner_id, name, is_private, created_ms, "
                 "updated_ms) SELECT id, 'app', FALSE, 0, 0 FROM account WHERE name = 'alice' "
                 "UNION ALL SELECT id, 'secret', TRUE, 0, 0 FROM account WHERE name = 'alice' "
                 "UNION ALL SELECT id, 'centos', FALSE, 0, 0 FROM account WHERE name = 'library'");
    return 0;
}

struct asking {
    enum access access;
    enum method method;
    const char *repository;
    struct str authorization; /* absent: none */
    struct caller caller;     /* who it was, if it was allowed */
};

static inline struct repository_name name_of(const char *text)
{
    struct repository_name name = { 0 };
    struct error err = { 0 };
    if (text && !repository_name_parse(str_from(text), &name, &err))
        fail_msg("%s", err.message);
    return name;
}

static inline bool ask(struct hub_fixture *fixture, struct asking *asking)
{
    struct route route = { .pattern = "/test", .access = asking->access };
    struct header header = { STR("AUTHORIZATION"), asking->authorization };
    struct request request = {
        .arena = fixture->arena,
        .method = asking->method == METHOD_UNSET ? METHOD_GET : asking->method,
        .headers = &header,
        .header_count = str_is_set(asking->authorization),
        .captures = { .repository = name_of(asking->repository) },
        .route = &route,
        .client_address = STR("10.0.0.1"),
        .host = STR("localhost:5000"),
        .app = fixture->hub,
    };
    if (!access_authorize(&request, &fixture->err)) {
        assert_null(request.caller);
        return false;
    }
    asking->caller = *access_caller(&request);
    return true;
}

static inline struct str basic(struct hub_fixture *fixture, const char *name)
{
    if (!name)
        return STR_NONE;
    struct str pair = arena_format(fixture->arena, "%s:%s-password", name, name);
    struct str text = base64_encode(fixture->arena, pair);
    return arena_format(fixture->arena, "Basic %.*s", STR_ARG(text));
}

static inline struct account find(struct hub_fixture *fixture, const char *name)
{
    struct account account = { 0 };
    struct db_tx *tx AUTO(db_tx_end) = db_read(fixture->hub->db, fixture->arena, &fixture->err);
    assert_true(tx && account_find(tx, str_from(name), &account, &fixture->err));
    return account;
}

/* A token for scopes as a client would ask for them, of which it gets what it may have. */
static inline struct str bearer(struct hub_fixture *fixture, const char *name, const char *scopes)
{
    struct account account = name ? find(fixture, name) : (struct account){ 0 };
    struct scope list[8];
    size_t count = 0;
    struct str rest = str_from(scopes), part, token;
    int64_t issued_ms;
    while (rest.len > 0 && str_split(&rest, ' ', &part))
        assert_true(scope_parse(part, &list[count++]));
    assert_true(access_grant(fixture->hub, fixture->arena, &account, list, count, &fixture->err));
    assert_true(access_token_issue(fixture->hub, fixture->arena, &account, list, count, &token,
                                   &issued_ms, &fixture->err));
    return arena_format(fixture->arena, "Bearer %.*s", STR_ARG(token));
}

/* Asks and checks that it is refused in this way; an absent sentence: that it is allowed. */
static inline void check(struct hub_fixture *fixture, struct asking asking, enum error_kind kind,
                         const char *sentence)
{
    bool ok = ask(fixture, &asking);
    if (ok != (sentence == NULL))
        fail_msg("%s: %s", asking.repository, ok ? "allowed" : fixture->err.message);
    if (!ok)
        check_error(&fixture->err, kind, sentence ? sentence : "");
}

#define ACCESS_TEST(test)                                                                          \
    cmocka_unit_test_setup_teardown(test, access_fixture_setup, hub_fixture_teardown)
