/* SPDX-License-Identifier: Apache-2.0 */
/* Damaged documents, and rows that say something else than they. */
#include "check_fixture.h"

static void spoil_document(struct hub_fixture *fixture)
{
    hub_fixture_sql(fixture, arena_format(fixture->arena,
                                          "UPDATE manifest_body SET body = %s WHERE manifest_id = "
                                          "(SELECT manifest_id FROM tag WHERE name = '1.0')",
                                          test_database_byte())
                                 .ptr);
}

static void test_check_run__takes_a_document_from_its_copy(void **state)
{
    struct hub_fixture *fixture = *state;
    push_sample(fixture);
    spoil_document(fixture);
    struct seen seen = look(fixture, LOOK);
    check_has(seen.text, "manifest-broken repairable alice/app@sha256:");
    check_has(seen.text, "alice/app:1.0, alice/app:latest");
    assert_int_equal(seen.count, 1);
    assert_int_equal(look(fixture, REPAIR).result.repaired, 1);
    copy_notes(fixture);
    check_str(look(fixture, LOOK).text, "");
    struct reference tag = { .tag = STR("1.0") };
    struct manifest_document document;
    CHECK(manifest_get(fixture->hub, fixture->arena, content_repository(fixture, "alice/app"), &tag,
                       true, &document, &fixture->err));
    assert_true(str_equal(document.body, content_image(fixture->arena, "layer", "")));
}

static void test_check_run__gives_up_a_document_that_is_nowhere(void **state)
{
    struct hub_fixture *fixture = *state;
    push_sample(fixture);
    struct digest digest = digest_of(DIGEST_SHA256, content_image(fixture->arena, "layer", ""));
    CHECK(note_remove(fixture->hub->store, recovery_document_note(fixture->arena, &digest),
                      &fixture->err));
    spoil_document(fixture);
    struct seen seen = look(fixture, REPAIR);
    check_has(seen.text, "manifest-broken left");
    assert_int_equal(hub_fixture_sql(fixture, "SELECT count(*) FROM tag"), 1);
    copy_notes(fixture);
    check_str(look(fixture, LOOK).text, "");
    content_push(fixture, content_repository(fixture, "alice/app"), "layer", "1.0 latest");
    copy_notes(fixture);
    check_str(look(fixture, LOOK).text, "");
}

static void test_check_run__takes_a_document_from_another_repository(void **state)
{
    struct hub_fixture *fixture = *state;
    push_sample(fixture);
    content_push(fixture, content_repository(fixture, "bob/same"), "layer", "x");
    copy_notes(fixture);
    struct digest digest = digest_of(DIGEST_SHA256, content_image(fixture->arena, "layer", ""));
    CHECK(note_remove(fixture->hub->store, recovery_document_note(fixture->arena, &digest),
                      &fixture->err));
    spoil_document(fixture);
    struct seen seen = look(fixture, REPAIR);
    check_has(seen.text, "manifest-broken repaired");
    check_has(seen.text, "recovery-note repaired");
    assert_int_equal(seen.count, 2);
    copy_notes(fixture);
    check_str(look(fixture, LOOK).text, "");
}

static void test_check_run__writes_rows_anew_from_the_document(void **state)
{
    struct hub_fixture *fixture = *state;
    static const char *const changes[] = {
        "DELETE FROM manifest_reference WHERE role = 2",
        "UPDATE manifest_reference SET size = size + 1 WHERE role = 1",
        "UPDATE manifest SET content_size = 1",
        "UPDATE manifest SET media_type = 'text/plain'",
        "UPDATE manifest SET annotations = '{}'",
        "UPDATE manifest SET subject_digest = digest",
        "UPDATE manifest SET size = 1",
    };
    push_sample(fixture);
    for (size_t i = 0; i < ARRAY_COUNT(changes); i++) {
        hub_fixture_sql(fixture, changes[i]);
        copy_notes(fixture);
        struct seen seen = look(fixture, LOOK);
        check_has(seen.text, "manifest-rows repairable");
        assert_true(seen.result.repairable >= 2); /* the type stands in the notes as well */
        assert_true(look(fixture, REPAIR).result.repaired >= 2);
        copy_notes(fixture);
        check_str(look(fixture, LOOK).text, "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONTENT_TEST(test_check_run__takes_a_document_from_its_copy),
        CONTENT_TEST(test_check_run__gives_up_a_document_that_is_nowhere),
        CONTENT_TEST(test_check_run__takes_a_document_from_another_repository),
        CONTENT_TEST(test_check_run__writes_rows_anew_from_the_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
