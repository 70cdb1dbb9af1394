/* SPDX-License-Identifier: Apache-2.0 */
/* Laws of storage/blob_store: whatever sequence of appends at whatever offsets, a store and a plain
 * array agree on the upload's bytes, on what is refused, and at last on the blob. */
#include "../unit/storage/stores.h"
#include "generate.h"

enum { ROUNDS = 16, STEPS = 30, PIECE_MAX = 600 };

struct model {
    char bytes[STEPS * PIECE_MAX];
    size_t size;
    bool exists;
};

/* Mostly at the end, often before it, sometimes behind it. */
static size_t pick_offset(struct generator *generator, const struct model *model)
{
    if (generate_below(generator, 3) > 0)
        return model->size;
    return generate_below(generator, model->size + 20);
}

/* One append; true if it was refused, as it should be. */
static bool step(struct stores *s, struct generator *generator, struct model *model,
                 const struct blob_place *place)
{
    struct str piece = generate_text(generator, s->arena, PIECE_MAX, STR_NONE);
    size_t offset = pick_offset(generator, model);
    bool is_refused = offset > model->size;
    assert_true(append_at(s, place, offset, piece) != is_refused);
    if (is_refused) {
        check_error(&s->err, model->exists ? ERROR_RANGE : ERROR_NOT_FOUND, "");
        return true;
    }
    memcpy(model->bytes + offset, piece.ptr, piece.len);
    model->size = offset + piece.len;
    model->exists = true;
    return false;
}

static void test_append__agrees_with_an_array(void **state)
{
    struct stores *s = *state;
    struct generator generator = generator_new();
    size_t refused = 0, taken = 0;
    for (size_t round = 0; round < ROUNDS; round++) {
        struct model model = { .size = 0 };
        struct blob_place place = place_of("0123456789abcdef"[round], STR(""));
        for (size_t i = 0; i < STEPS; i++) {
            if (step(s, &generator, &model, &place))
                refused++;
            else
                taken++;
            assert_true(!model.exists || str_equal(upload_content(s, &place),
                                                   (struct str){ model.bytes, model.size }));
        }
        struct str expected = { model.bytes, model.size };
        place.digest = digest_of(DIGEST_SHA256, expected);
        assert_true(blob_finish(s->store, &place, model.size, &s->err));
        assert_true(str_equal(blob_content(s, &place), expected));
        arena_reset(s->arena);
    }
    assert_true(refused > 0 && taken > ROUNDS * STEPS / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        { "test_append__agrees_with_an_array (file)", test_append__agrees_with_an_array, setup_file,
          teardown, NULL },
        { "test_append__agrees_with_an_array (memory)", test_append__agrees_with_an_array,
          setup_memory, teardown, NULL },
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
