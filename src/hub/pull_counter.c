/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/pull_counter.h"

#include "hub/pull_counter.sql.h"
#include "hub/search.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

enum {
    TABLE_SIZE_FIRST = 64, /* a power of two, as all sizes are */
    WRITE_COUNT_MAX = 256, /* repositories in one transaction, so that others get their turn */
};

struct count {
    int64_t repository_id; /* 0: free */
    int64_t pulls;
};

/* Open addressing, never more than half full. */
struct table {
    struct count *slots;
    size_t size, used;
};

struct pull_counter {
    pthread_mutex_t lock;
    struct table table;
};

/* --- counting ------------------------------------------------------------------------------ */

static struct table table_new(size_t size)
{
    struct table table = { .slots = calloc(size, sizeof(struct count)), .size = size };
    if (!table.slots)
        abort();
    return table;
}

static struct count *table_slot(struct table *table, int64_t repository_id)
{
    /* Ids are numbered in sequence: the multiplication spreads them. */
    size_t slot = (size_t)((uint64_t)repository_id * 0x9E3779B97F4A7C15u >> 32) & (table->size - 1);
    while (table->slots[slot].repository_id != 0 &&
           table->slots[slot].repository_id != repository_id)
        slot = (slot + 1) & (table->size - 1);
    return &table->slots[slot];
}

static void table_add(struct table *table, int64_t repository_id, int64_t pulls);

static void table_grow(struct table *table)
{
    struct table larger = table_new(table->size * 2);
    for (size_t i = 0; i < table->size; i++) {
        if (table->slots[i].repository_id != 0)
            table_add(&larger, table->slots[i].repository_id, table->slots[i].pulls);
    }
    free(table->slots);
    *table = larger;
}

static void table_add(struct table *table, int64_t repository_id, int64_t pulls)
{
    if (table->used * 2 >= table->size)
        table_grow(table);
    struct count *count = table_slot(table, repository_id);
    table->used += count->repository_id == 0;
    count->repository_id = repository_id;
    count->pulls += pulls;
}

struct pull_counter *pull_counter_new(void)
{
    struct pull_counter *counter = calloc(1, sizeof(*counter));
    if (!counter)
        abort();
    pthread_mutex_init(&counter->lock, NULL);
    counter->table = table_new(TABLE_SIZE_FIRST);
    return counter;
}

void pull_counter_free(struct pull_counter *counter)
{
    if (!counter)
        return;
    pthread_mutex_destroy(&counter->lock);
    free(counter->table.slots);
    free(counter);
}

void pull_counter_add(struct pull_counter *counter, int64_t repository_id)
{
    assert(repository_id > 0);
    pthread_mutex_lock(&counter->lock);
    table_add(&counter->table, repository_id, 1);
    pthread_mutex_unlock(&counter->lock);
}

/* --- writing ------------------------------------------------------------------------------- */

struct writing {
    const struct count *counts;
    size_t count;
};

static bool write_tx(struct db_tx *tx, void *context, struct error *err)
{
    const struct writing *writing = context;
    for (size_t i = 0; i < writing->count; i++) {
        const struct count *count = &writing->counts[i];
        struct pull_count_add_row row;
        bool found;
        if (!sql_pull_count_add(tx, count->pulls, count->repository_id, &row, &found, err))
            return false;
        if (!found)
            continue;
        int64_t rank = search_rank_with_pulls(row.search_rank, row.pull_count);
        if (rank != row.search_rank && !search_rerank(tx, count->repository_id, rank, err))
            return false;
    }
    return true;
}

/* In the order of their ids, so that two nodes do not wait for each other crosswise. */
static int compare_counts(const void *a, const void *b)
{
    const struct count *first = a, *second = b;
    return (first->repository_id > second->repository_id) -
           (first->repository_id < second->repository_id);
}

/* Takes what was counted so far; counting goes on from zero. */
static struct count *take_counts(struct pull_counter *counter, struct arena *arena, size_t *count)
{
    struct table fresh = table_new(TABLE_SIZE_FIRST);
    pthread_mutex_lock(&counter->lock);
    struct table taken = counter->table;
    counter->table = fresh;
    pthread_mutex_unlock(&counter->lock);

    struct count *counts = arena_alloc(arena, (taken.used + 1) * sizeof(*counts));
    size_t filled = 0;
    for (size_t i = 0; i < taken.size; i++) {
        if (taken.slots[i].repository_id != 0)
            counts[filled++] = taken.slots[i];
    }
    free(taken.slots);
    qsort(counts, filled, sizeof(*counts), compare_counts);
    *count = filled;
    return counts;
}

static void put_back(struct pull_counter *counter, const struct count *counts, size_t count)
{
    pthread_mutex_lock(&counter->lock);
    for (size_t i = 0; i < count; i++)
        table_add(&counter->table, counts[i].repository_id, counts[i].pulls);
    pthread_mutex_unlock(&counter->lock);
}

bool pull_counter_flush(struct hub *hub, struct arena *arena, struct error *err)
{
    size_t count;
    const struct count *counts = take_counts(hub->pulls, arena, &count);
    for (size_t done = 0; done < count; done += WRITE_COUNT_MAX) {
        size_t left = count - done;
        struct writing writing = {
            .counts = counts + done,
            .count = left < WRITE_COUNT_MAX ? left : WRITE_COUNT_MAX,
        };
        if (!db_write(hub->db, arena, write_tx, &writing, err)) {
            put_back(hub->pulls, counts + done, left);
            return false;
        }
    }
    return true;
}
