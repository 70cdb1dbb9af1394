/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/upload_turn.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

/* There are as many turns as requests that upload just now: a list is short enough. */
struct upload_turns {
    pthread_mutex_t lock;
    struct upload_turn *first;
};

struct upload_turns *upload_turns_new(void)
{
    struct upload_turns *turns = calloc(1, sizeof(*turns));
    if (!turns)
        abort();
    pthread_mutex_init(&turns->lock, NULL);
    return turns;
}

void upload_turns_free(struct upload_turns *turns)
{
    if (!turns)
        return;
    assert(!turns->first);
    pthread_mutex_destroy(&turns->lock);
    free(turns);
}

static bool is_taken(const struct upload_turns *turns, struct str id)
{
    for (const struct upload_turn *turn = turns->first; turn; turn = turn->next) {
        if (str_equal(turn->id, id))
            return true;
    }
    return false;
}

bool upload_turn_enter(struct upload_turns *turns, struct str id, struct upload_turn *turn)
{
    assert(!turn->turns);
    pthread_mutex_lock(&turns->lock);
    bool is_free = !is_taken(turns, id);
    if (is_free) {
        *turn = (struct upload_turn){ .turns = turns, .id = id, .next = turns->first };
        turns->first = turn;
    }
    pthread_mutex_unlock(&turns->lock);
    return is_free;
}

void upload_turn_leave(struct upload_turn *turn)
{
    struct upload_turns *turns = turn->turns;
    if (!turns)
        return;
    pthread_mutex_lock(&turns->lock);
    struct upload_turn **link = &turns->first;
    while (*link != turn)
        link = &(*link)->next;
    *link = turn->next;
    pthread_mutex_unlock(&turns->lock);
    turn->turns = NULL;
}
