/* SPDX-License-Identifier: Apache-2.0 */
/* Notes of the memory store: a sorted list. */
#include "storage/storage_internal.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct note {
    struct note *next;
    struct str name, bytes; /* owned */
};

struct memory_notes {
    pthread_mutex_t mutex; /* guards the list */
    struct note *first;    /* by note_compare() */
};

static struct str own(struct str text)
{
    char *copy = malloc(text.len + 1);
    if (!copy)
        abort();
    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    return (struct str){ copy, text.len };
}

static void disown(struct str text)
{
    void *bytes;
    memcpy(&bytes, &text.ptr, sizeof(bytes)); /* free() takes no const */
    free(bytes);
}

struct memory_notes *memory_notes_new(void)
{
    struct memory_notes *notes = calloc(1, sizeof(*notes));
    if (!notes)
        abort();
    (void)pthread_mutex_init(&notes->mutex, NULL);
    return notes;
}

static void note_free(struct note *note)
{
    disown(note->name);
    disown(note->bytes);
    free(note);
}

void memory_notes_free(struct memory_notes *notes)
{
    while (notes->first) {
        struct note *note = notes->first;
        notes->first = note->next;
        note_free(note);
    }
    (void)pthread_mutex_destroy(&notes->mutex);
    free(notes);
}

/* The link to the note of this name, or to the first behind it. */
static struct note **find(struct memory_notes *notes, struct str name)
{
    struct note **link = &notes->first;
    while (*link && note_compare((*link)->name, name) < 0)
        link = &(*link)->next;
    return link;
}

static bool is_of(const struct note *note, struct str name)
{
    return note && str_equal(note->name, name);
}

void memory_note_put(struct memory_notes *notes, struct str name, struct str bytes)
{
    (void)pthread_mutex_lock(&notes->mutex);
    struct note **link = find(notes, name);
    if (is_of(*link, name)) {
        disown((*link)->bytes);
        (*link)->bytes = own(bytes);
    } else {
        struct note *note = malloc(sizeof(*note));
        if (!note)
            abort();
        *note = (struct note){ .next = *link, .name = own(name), .bytes = own(bytes) };
        *link = note;
    }
    (void)pthread_mutex_unlock(&notes->mutex);
}

bool memory_note_get(struct memory_notes *notes, struct arena *arena, struct str name, size_t limit,
                     struct str *out, struct error *err)
{
    (void)pthread_mutex_lock(&notes->mutex);
    const struct note *note = *find(notes, name);
    bool found = is_of(note, name), fits = found && note->bytes.len <= limit;
    struct str bytes = fits ? arena_copy(arena, note->bytes) : STR_NONE;
    (void)pthread_mutex_unlock(&notes->mutex);
    if (!found)
        return note_is_missing(name, err);
    if (!fits)
        return note_is_too_large(name, limit, err);
    *out = bytes;
    return true;
}

/* Is the name below the folder? */
static bool is_below(struct str name, struct str folder)
{
    return name.len > folder.len && name.ptr[folder.len] == '/' && str_starts(name, folder);
}

void memory_note_list(struct memory_notes *notes, struct arena *arena,
                      const struct note_query *query, struct str *names, size_t *count)
{
    size_t found = 0;
    (void)pthread_mutex_lock(&notes->mutex);
    for (const struct note *note = notes->first; note && found < query->max; note = note->next) {
        bool is_behind = !str_is_set(query->after) || note_compare(note->name, query->after) > 0;
        if (is_behind && is_below(note->name, query->folder))
            names[found++] = arena_copy(arena, note->name);
    }
    (void)pthread_mutex_unlock(&notes->mutex);
    *count = found;
}

void memory_note_remove(struct memory_notes *notes, struct str name)
{
    (void)pthread_mutex_lock(&notes->mutex);
    struct note **link = find(notes, name), *note = *link;
    if (is_of(note, name)) {
        *link = note->next;
        note_free(note);
    }
    (void)pthread_mutex_unlock(&notes->mutex);
}
