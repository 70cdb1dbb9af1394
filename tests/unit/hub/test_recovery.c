/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/recovery.h"

#include "content.h"
#include "hub/job.h"
#include "hub/recovery.sql.h"
#include "hub/search.h"

#include <inttypes.h>

/* Does all copies that wait, due or not. */
static int copy_all(struct hub_fixture *fixture)
{
    int count = 0;
    hub_fixture_later(fixture, 60 * 1000);
    for (;; count++) {
        struct job job;
        CHECK(
            job_lease(fixture->hub, fixture->arena, &RECOVERY_JOB, 1, 60000, &job, &fixture->err));
        if (job.id == 0)
            return count;
        CHECK(recovery_copy(fixture->hub, fixture->arena, &job, &fixture->err));
        CHECK(job_done(fixture->hub, fixture->arena, &job, &fixture->err));
    }
}

/* Absent if there is no such note. */
static struct str note(struct hub_fixture *fixture, const char *name)
{
    struct str text;
    if (note_get(fixture->hub->store, fixture->arena, str_from(name), 1 << 20, &text,
                 &fixture->err))
        return text;
    check_error(&fixture->err, ERROR_NOT_FOUND, name);
    return STR_NONE;
}

static bool has(struct str text, const char *part)
{
    return str_find_text(text, str_from(part)) < text.len;
}

static bool has_document(struct hub_fixture *fixture, const struct digest *digest)
{
    struct str text;
    bool found;
    CHECK(
        recovery_document_read(fixture->hub, fixture->arena, digest, &text, &found, &fixture->err));
    return found;
}

static void delete (struct hub_fixture *fixture, int64_t repository_id, struct reference reference)
{
    CHECK(manifest_delete(fixture->hub, fixture->arena, repository_id, ALICE, &reference,
                          &fixture->err));
}

static int64_t jobs_of(struct hub_fixture *fixture, const char *subject)
{
    return hub_fixture_sql(fixture,
                           arena_format(fixture->arena,
                                        "SELECT count(*) FROM job WHERE kind = 'recovery_copy' "
                                        "AND subject = '%s'",
                                        subject)
                               .ptr);
}

/* --- copying -------------------------------------------------------------------------------- */

static void test_recovery_repository_changed__makes_one_job_for_many_changes(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    for (int i = 0; i < 5; i++)
        content_push(fixture, app, "layer", "1.0 latest");
    assert_int_equal(jobs_of(fixture, "repository/alice/app"), 1);
    copy_all(fixture);
    assert_int_equal(jobs_of(fixture, "repository/alice/app"), 0);
}

static void test_recovery_repository_changed__runs_again_what_is_running(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    copy_all(fixture);
    content_push(fixture, app, "one", "1.0");
    hub_fixture_later(fixture, 60 * 1000);
    struct job job, again;
    CHECK(job_lease(fixture->hub, fixture->arena, &RECOVERY_JOB, 1, 60000, &job, &fixture->err));
    check_str(job.subject, "repository/alice/app");
    content_push(fixture, app, "two", "2.0");
    assert_false(job_done(fixture->hub, fixture->arena, &job, &fixture->err));
    check_error(&fixture->err, ERROR_CONFLICT, "");
    hub_fixture_later(fixture, 10 * 1000);
    CHECK(job_lease(fixture->hub, fixture->arena, &RECOVERY_JOB, 1, 60000, &again, &fixture->err));
    check_str(again.subject, "repository/alice/app");
    CHECK(recovery_copy(fixture->hub, fixture->arena, &again, &fixture->err));
    CHECK(job_done(fixture->hub, fixture->arena, &again, &fixture->err));
    assert_true(has(note(fixture, "repository/alice/app"), "tag 2.0 "));
}

static void test_recovery_copy__writes_what_a_push_made(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    struct digest digest = content_push(fixture, app, "layer", "1.0 latest");
    assert_false(has_document(fixture, &digest));
    copy_all(fixture);
    struct str text = note(fixture, "repository/alice/app");
    char digest_text[DIGEST_TEXT_MAX];
    digest_format(&digest, digest_text);
    assert_true(has(text, digest_text));
    assert_true(has(text, "\ntag 1.0 ") && has(text, "\ntag latest "));
    assert_true(has_document(fixture, &digest));
}

static void test_recovery_copy__follows_tags_and_deletions(void **state)
{
    struct hub_fixture *fixture = *state;
    fixture->hub->history_ms = 0; /* what goes is not kept for a while */
    int64_t app = content_repository(fixture, "alice/app");
    int64_t other = content_repository(fixture, "bob/other");
    struct digest one = content_push(fixture, app, "one", "1.0");
    struct digest two = content_push(fixture, app, "two", "2.0");
    content_push(fixture, other, "one", "1.0");
    copy_all(fixture);
    delete (fixture, app, (struct reference){ .tag = STR("1.0") });
    copy_all(fixture);
    assert_false(has(note(fixture, "repository/alice/app"), "tag 1.0"));
    assert_true(has_document(fixture, &one));

    delete (fixture, app, (struct reference){ .digest = one });
    delete (fixture, app, (struct reference){ .digest = two });
    copy_all(fixture);
    assert_true(has_document(fixture, &one)); /* bob's */
    assert_false(has_document(fixture, &two));
    delete (fixture, other, (struct reference){ .digest = one });
    copy_all(fixture);
    assert_false(has_document(fixture, &one));
}

static void test_recovery_copy__tells_no_secret_of_an_account(void **state)
{
    struct hub_fixture *fixture = *state;
    hub_fixture_user(fixture, "carol", true);
    copy_all(fixture);
    struct str text = note(fixture, "account/carol");
    assert_true(has(text, "carol@example.org") && has(text, "\"admin\":true"));
    assert_false(has(text, "argon") || has(text, "password"));
    struct account_change change = { .full_name = STR("Carol") };
    CHECK(account_change(fixture->hub, fixture->arena, STR("carol"), &change, &fixture->err));
    copy_all(fixture);
    assert_true(has(note(fixture, "account/carol"), "\"full_name\":\"Carol\""));
}

static void test_recovery_copy__removes_the_note_of_what_is_gone(void **state)
{
    struct hub_fixture *fixture = *state;
    CHECK(note_put(fixture->hub->store, STR("repository/alice/gone"), STR("{}\n"), &fixture->err));
    struct job job = { .subject = STR("repository/alice/gone") };
    CHECK(recovery_copy(fixture->hub, fixture->arena, &job, &fixture->err));
    assert_false(str_is_set(note(fixture, "repository/alice/gone")));
}

static void test_recovery_copy__never_copies_a_damaged_document(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    struct digest digest = content_push(fixture, app, "layer", "1.0");
    hub_fixture_sql(fixture, arena_format(fixture->arena, "UPDATE manifest_body SET body = %s",
                                          test_database_byte())
                                 .ptr);
    copy_all(fixture);
    assert_false(has_document(fixture, &digest));
    assert_false(str_is_set(note(fixture, recovery_document_note(fixture->arena, &digest).ptr)));
}

static void test_recovery_note_is_current__waits_for_the_job(void **state)
{
    struct hub_fixture *fixture = *state;
    struct str name = STR("repository/alice/app");
    content_repository(fixture, "alice/app");
    bool is_current = false;
    CHECK(recovery_note_is_current(fixture->hub, fixture->arena, name, &is_current, &fixture->err));
    assert_true(is_current);
    copy_all(fixture);
    hub_fixture_sql(fixture, "UPDATE repository SET pull_count = 9");
    CHECK(recovery_note_is_current(fixture->hub, fixture->arena, name, &is_current, &fixture->err));
    assert_true(is_current);
    hub_fixture_sql(fixture, "UPDATE repository SET description = 'other'");
    CHECK(recovery_note_is_current(fixture->hub, fixture->arena, name, &is_current, &fixture->err));
    assert_false(is_current);
    CHECK(recovery_note_write(fixture->hub, fixture->arena, name, &fixture->err));
    assert_true(has(note(fixture, "repository/alice/app"), "other"));
}

/* --- rebuilding ----------------------------------------------------------------------------- */

struct losses {
    struct arena *arena;
    struct str text; /* "what: why" and a new line, for each */
};

static void add_loss(void *context, struct str what, struct str why)
{
    struct losses *losses = context;
    losses->text = arena_format(losses->arena, "%.*s%.*s: %.*s\n", STR_ARG(losses->text),
                                STR_ARG(what), STR_ARG(why));
}

/* The database goes; the store stays. */
static void lose_database(struct hub_fixture *fixture)
{
    struct blob_store *store = TAKE(fixture->hub->store), *none;
    CHECK(blob_store_open(STR("memory:"), &none, &fixture->err));
    fixture->hub->store = none;
    hub_close(fixture->hub);
    test_database_end(fixture->database);
    struct str path = str_after(fixture->database, STR("sqlite:").len);
    static const char *const ends[] = { "", "-wal", "-shm" };
    for (size_t i = 0; i < ARRAY_COUNT(ends) && !test_database_is_postgres(); i++)
        (void)unlink(arena_format(fixture->arena, "%.*s%s", STR_ARG(path), ends[i]).ptr);
    fixture->database = test_database_new(fixture->arena, fixture->folder);
    struct hub_options options = hub_fixture_options(fixture);
    CHECK(hub_open(&options, &fixture->hub, &fixture->err));
    blob_store_free(fixture->hub->store);
    fixture->hub->store = store;
}

static struct recovery_result restore(struct hub_fixture *fixture, bool trust,
                                      struct losses *losses)
{
    *losses = (struct losses){ .arena = fixture->arena, .text = STR("") };
    struct recovery_options options = { .trust = trust, .lost = add_loss, .context = losses };
    struct recovery_result result;
    CHECK(recovery_restore(fixture->hub, &options, &result, &fixture->err));
    return result;
}

/* alice/app:1.0 and :latest of one image, a private official one, an index of the first. */
static struct str fill(struct hub_fixture *fixture, struct digest *image)
{
    bool is_private = true;
    int64_t app = content_repository(fixture, "alice/app");
    struct repository_change change = { .is_private = &is_private,
                                        .description = STR("Flask behind nginx"),
                                        .full_description = STR("# App\n\nmany\nlines\n") };
    *image = content_push(fixture, app, "layer", "1.0 latest");
    CHECK(repository_change(fixture->hub, fixture->arena, content_name("alice/app"), &change,
                            &fixture->err));
    content_push(fixture, content_repository(fixture, "bob/tool"), "tool", "edge");
    char text[DIGEST_TEXT_MAX];
    struct str index = arena_format(
        fixture->arena,
        "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"application/vnd.oci."
        "image.manifest.v1+json\",\"digest\":\"%.*s\",\"size\":%zu}]}",
        STR_ARG(digest_format(image, text)), content_image(fixture->arena, "layer", "").len);
    struct digest ignored;
    CHECK(content_put(fixture, app, index, "all", &ignored));
    hub_fixture_sql(fixture, "UPDATE repository SET pull_count = 77, star_count = 3");
    hub_fixture_sql(fixture, "UPDATE tag SET pushed_ms = 1000 WHERE name = '1.0'");
    hub_fixture_sql(fixture, "UPDATE manifest SET pushed_ms = 2000");
    hub_fixture_sql(fixture, "UPDATE account SET email = 'alice@example.org', is_admin = TRUE "
                             "WHERE name = 'alice'");
    return index;
}

static void copy_accounts(struct hub_fixture *fixture)
{
    CHECK(recovery_note_write(fixture->hub, fixture->arena, STR("account/alice"), &fixture->err));
    CHECK(recovery_note_write(fixture->hub, fixture->arena, STR("account/bob"), &fixture->err));
}

static void check_manifest_is(struct hub_fixture *fixture, int64_t repository_id, const char *tag,
                              struct str body)
{
    struct reference reference = { .tag = str_from(tag) };
    struct manifest_document document;
    CHECK(manifest_get(fixture->hub, fixture->arena, repository_id, &reference, true, &document,
                       &fixture->err));
    assert_true(str_equal(document.body, body));
}

static void test_recovery_restore__brings_everything_back(void **state)
{
    struct hub_fixture *fixture = *state;
    struct digest image;
    struct str index = fill(fixture, &image);
    copy_all(fixture);
    copy_accounts(fixture);
    lose_database(fixture);
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM account"), 1);

    struct losses losses;
    struct recovery_result result = restore(fixture, false, &losses);
    check_str(losses.text, "");
    assert_int_equal(result.accounts, 2);
    assert_int_equal(result.repositories, 2);
    assert_int_equal(result.manifests, 3);
    assert_int_equal(result.tags, 4);
    assert_int_equal(result.blobs, 3); /* two layers, one config */
    assert_int_equal(result.unneeded, 0);

    int64_t app = content_repository(fixture, "alice/app");
    check_manifest_is(fixture, app, "1.0", content_image(fixture->arena, "layer", ""));
    check_manifest_is(fixture, app, "all", index);
    struct digest layer = content_digest("layer"), tool = content_digest("tool");
    struct blob blob;
    CHECK(blob_find(fixture->hub, fixture->arena, app, &layer, false, &blob, &fixture->err));
    assert_false(blob_find(fixture->hub, fixture->arena, app, &tool, false, &blob, &fixture->err));
    check_error(&fixture->err, ERROR_NOT_FOUND, "");

    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM repository WHERE is_private "
                                              "AND description = 'Flask behind nginx'"),
                     1);
    assert_int_equal(hub_fixture_sql(fixture, "SELECT pushed_ms FROM tag WHERE name = '1.0'"),
                     1000);
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM manifest "
                                              "WHERE pushed_ms = 2000"),
                     3);
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM account WHERE is_admin AND "
                                              "name = 'alice' AND password_hash IS NULL AND "
                                              "email = 'alice@example.org'"),
                     1);
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM search_term WHERE "
                                              "term = 'nginx'"),
                     1);
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM manifest "
                                              "WHERE architecture = 'arm'"),
                     2);
}

static void test_recovery_restore__keeps_counts(void **state)
{
    struct hub_fixture *fixture = *state;
    content_push(fixture, content_repository(fixture, "alice/app"), "layer", "1.0");
    hub_fixture_sql(fixture, "UPDATE repository SET pull_count = 77, star_count = 3, "
                             "created_ms = 5, updated_ms = 6, push_count = 4");
    copy_all(fixture);
    copy_accounts(fixture);
    lose_database(fixture);
    struct losses losses;
    restore(fixture, true, &losses);
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM repository WHERE "
                                              "pull_count = 77 AND star_count = 3 AND "
                                              "created_ms = 5 AND updated_ms = 6 AND "
                                              "push_count = 4"),
                     1);
}

static void test_recovery_restore__gives_no_right_to_foreign_layers(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t far = content_repository(fixture, "alice/far");
    struct digest digest, tool = content_digest("tool");
    content_push(fixture, content_repository(fixture, "bob/tool"), "tool", "edge");
    content_blob(fixture, far, CONTENT_CONFIG);
    CHECK(content_put(fixture, far, content_far_image(fixture->arena, "tool"), "1.0", &digest));
    copy_all(fixture);
    copy_accounts(fixture);
    lose_database(fixture);
    struct losses losses;
    struct recovery_result result = restore(fixture, false, &losses);
    assert_int_equal(result.manifests, 2);
    struct blob blob;
    assert_false(blob_find(fixture->hub, fixture->arena, content_repository(fixture, "alice/far"),
                           &tool, false, &blob, &fixture->err));
    check_error(&fixture->err, ERROR_NOT_FOUND, "");
}

static void test_recovery_restore__refuses_a_database_with_something_in_it(void **state)
{
    struct hub_fixture *fixture = *state;
    struct recovery_options options = { 0 };
    struct recovery_result result;
    assert_false(recovery_restore(fixture->hub, &options, &result, &fixture->err));
    check_error(&fixture->err, ERROR_CONFLICT, "not empty");
}

/* The file of a blob. */
static struct blob_entry find_file(struct hub_fixture *fixture, const struct digest *digest)
{
    struct blob_entry entries[32];
    struct str next;
    size_t count;
    CHECK(blob_list(fixture->hub->store, fixture->arena, STR_NONE, entries, 32, &count, &next,
                    &fixture->err));
    for (size_t i = 0; i < count; i++) {
        if (digest_equal(&entries[i].place.digest, digest))
            return entries[i];
    }
    fail_msg("there is no such file");
    return entries[0];
}

static void test_recovery_restore__tells_what_is_lost(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    content_push(fixture, app, "good", "good");
    content_push(fixture, app, "bad", "bad");
    struct digest lonely = content_push(fixture, app, "lonely", "lonely");
    copy_all(fixture);
    struct digest bad = content_digest("bad");
    struct blob_entry entry = find_file(fixture, &bad);
    CHECK(blob_remove(fixture->hub->store, &entry.place, &fixture->err));
    CHECK(note_remove(fixture->hub->store, recovery_document_note(fixture->arena, &lonely),
                      &fixture->err));
    lose_database(fixture);

    struct losses losses;
    struct recovery_result result = restore(fixture, false, &losses);
    assert_int_equal(result.manifests, 1);
    assert_int_equal(result.tags, 1);
    assert_int_equal(result.unneeded, 1); /* the layer of the lost document */
    assert_true(has(losses.text, "alice/app:bad: "));
    assert_true(has(losses.text, "alice/app:lonely: "));
    assert_true(has(losses.text, "its document is not in the store"));
    assert_true(has(losses.text, "is not in the store: push it again"));
    assert_true(has(losses.text, "alice: the account has no note"));
    assert_int_equal(result.lost, 5);
    content_repository(fixture, "alice/app");
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM blob"), 2);
}

/* Puts a file under the name of other bytes. */
static void put_file(struct hub_fixture *fixture, const char *bytes, const char *named_after)
{
    struct blob_place place = { .digest = content_digest(named_after) };
    memset(place.upload_id, 'f', UPLOAD_ID_CHARS);
    struct str id = { place.upload_id, UPLOAD_ID_CHARS };
    struct blob_writer *writer AUTO(blob_writer_close) = NULL;
    CHECK(blob_append(fixture->hub->store, id, 0, &writer, &fixture->err));
    CHECK(blob_write(writer, str_from(bytes), &fixture->err));
    CHECK(blob_sync(writer, &fixture->err));
    CHECK(blob_finish(fixture->hub->store, &place, strlen(bytes), &fixture->err));
}

static void test_recovery_restore__reads_bytes_unless_told_to_trust(void **state)
{
    struct hub_fixture *fixture = *state;
    int64_t app = content_repository(fixture, "alice/app");
    content_push(fixture, app, "layer", "1.0");
    copy_all(fixture);
    copy_accounts(fixture);
    struct digest layer = content_digest("layer");
    struct blob_entry entry = find_file(fixture, &layer);
    CHECK(blob_remove(fixture->hub->store, &entry.place, &fixture->err));
    put_file(fixture, "LAYER", "layer");
    lose_database(fixture);
    struct losses losses;
    struct recovery_result result = restore(fixture, false, &losses);
    assert_int_equal(result.manifests, 0);
    assert_true(has(losses.text, "the bytes have digest"));

    lose_database(fixture);
    result = restore(fixture, true, &losses);
    assert_int_equal(result.manifests, 1);
}

static void test_statements__of_recovery_prepare(void **state)
{
    struct hub_fixture *fixture = *state;
    for (const struct db_statement *const *each = recovery_statements; *each; each++)
        CHECK(db_statement_check(fixture->hub->db, *each, &fixture->err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONTENT_TEST(test_recovery_repository_changed__makes_one_job_for_many_changes),
        CONTENT_TEST(test_recovery_repository_changed__runs_again_what_is_running),
        CONTENT_TEST(test_recovery_copy__writes_what_a_push_made),
        CONTENT_TEST(test_recovery_copy__follows_tags_and_deletions),
        CONTENT_TEST(test_recovery_copy__tells_no_secret_of_an_account),
        CONTENT_TEST(test_recovery_copy__removes_the_note_of_what_is_gone),
        CONTENT_TEST(test_recovery_copy__never_copies_a_damaged_document),
        CONTENT_TEST(test_recovery_note_is_current__waits_for_the_job),
        CONTENT_TEST(test_recovery_restore__brings_everything_back),
        CONTENT_TEST(test_recovery_restore__keeps_counts),
        CONTENT_TEST(test_recovery_restore__gives_no_right_to_foreign_layers),
        CONTENT_TEST(test_recovery_restore__refuses_a_database_with_something_in_it),
        CONTENT_TEST(test_recovery_restore__tells_what_is_lost),
        CONTENT_TEST(test_recovery_restore__reads_bytes_unless_told_to_trust),
        CONTENT_TEST(test_statements__of_recovery_prepare),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
