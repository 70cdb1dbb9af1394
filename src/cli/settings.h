/* SPDX-License-Identifier: Apache-2.0 */
/* cli/settings.h - the settings of one start: file, environment and flags, checked.
 *
 * Flags win over the environment, that over the file, that over the defaults of settings.def.  Each
 * value is checked where it is read, even if another one wins, and a wrong or unknown one stops the
 * start with one line: where it stands, its name, its value, and what is allowed.  An empty value
 * counts as not set.  Relative paths start at the current folder.
 *
 * Unknown variables that begin with BERTH_ stop the start as well, except BERTH_CONFIG (the file),
 * BERTH_TEST_* (of test tools) and those that Kubernetes sets by itself for a service called berth.
 *
 * A struct settings borrows from the arena that it was loaded into.  Constant after loading: any
 * thread. */
#pragma once
#include "base/arena.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/str.h"
#include "net/server.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SETTINGS_FILE_BYTES_MAX = 65536, SETTING_VALUE_BYTES_MAX = 4096 };

enum setting_id {
#define SETTING(id, section, key, type, fallback, allowed, help) SETTING_##id,
#include "cli/settings.def"
    SETTING_COUNT
};

enum setting_type {
    SETTING_TYPE_LISTEN = 1,
    SETTING_TYPE_PATH,
    SETTING_TYPE_URL,
    SETTING_TYPE_DATABASE,
    SETTING_TYPE_STORAGE,
    SETTING_TYPE_CHOICE,
    SETTING_TYPE_RANGES,
    SETTING_TYPE_NUMBER,
};

struct setting_row {
    const char *section, *key; /* section "" is the main one */
    enum setting_type type;
    const char *fallback, *allowed, *help;
};
extern const struct setting_row setting_table[SETTING_COUNT];

enum setting_origin { ORIGIN_DEFAULT = 0, ORIGIN_FILE, ORIGIN_ENVIRONMENT, ORIGIN_FLAG };

struct setting_value {
    struct str text; /* absent if not set and without a default */
    enum setting_origin origin;
    struct str where; /* "berth.conf:3", "environment", "flag --listen"; absent for a default */
};

struct settings {
    struct setting_value values[SETTING_COUNT];
    struct str file; /* the file that was read; absent if none was */
};

struct setting_flag {
    struct str flag;       /* "--listen" */
    struct str key, value; /* key as "limit.workers" or "limit_workers" */
};

struct settings_sources {
    struct str file;          /* --config; absent: BERTH_CONFIG, or no file */
    char *const *environment; /* NULL-terminated, "NAME=value"; NULL: none */
    const struct setting_flag *flags;
    size_t flag_count;
};

/* All sources together.  On failure the message is the one line to print. */
NODISCARD bool settings_load(struct arena *arena, const struct settings_sources *sources,
                             struct settings *out, struct error *err);

/* The steps of settings_load(), for tests and fuzzing: defaults that do not depend on others,
 * the text of a file (`name` is for messages), and what follows from other settings. */
void settings_init(struct settings *settings);
NODISCARD bool settings_read_text(struct arena *arena, struct settings *settings, struct str name,
                                  struct str text, struct error *err);
NODISCARD bool settings_complete(struct arena *arena, struct settings *settings, struct error *err);

/* "limit.workers", and "BERTH_LIMIT_WORKERS". */
struct str setting_name(struct arena *arena, enum setting_id id);
struct str setting_environment_name(struct arena *arena, enum setting_id id);

/* Is it a value that this setting allows?  *normal is how it is kept. */
bool setting_check(enum setting_id id, struct str value, struct str *normal);

/* Typed reading; the type in the table must fit (asserted). */
struct str settings_text(const struct settings *settings, enum setting_id id);
int64_t settings_number(const struct settings *settings, enum setting_id id);
int settings_choice(const struct settings *settings, enum setting_id id); /* place in `allowed` */
void settings_list(const struct settings *settings, struct arena *arena, enum setting_id id,
                   struct str **out, size_t *count);
void settings_ranges(const struct settings *settings, struct arena *arena, enum setting_id id,
                     struct address_range **out, size_t *count);

/* As it may be shown: passwords and secrets inside of addresses are replaced by "***". */
struct str settings_shown(const struct settings *settings, struct arena *arena, enum setting_id id);
struct str setting_value_shown(struct arena *arena, struct str value);

/* Generated texts: for `berth serve --help`, and doc/manual/settings.md. */
void settings_help_write(struct buf *out);
void settings_manual_write(struct buf *out);
