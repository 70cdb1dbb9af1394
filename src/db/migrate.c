/* SPDX-License-Identifier: Apache-2.0 */
#include "db/migrate.h"

#include "db/db_internal.h"
#include "db/migrate.sql.h"

enum { NUMBER_DIGITS = 4 };

static const char table_text[] = "CREATE TABLE IF NOT EXISTS migration ("
                                 "number BIGINT PRIMARY KEY, name TEXT NOT NULL,"
                                 "checksum TEXT NOT NULL, applied_ms BIGINT NOT NULL)";

struct migration {
    int number;
    struct str name;
    const struct embedded_file *file;
    struct digest checksum;
};

/* The n-th file of the program, whose number must be n: 0001_foundation.sql is the first. */
static bool migration_from(const struct embedded_file *file, int number, struct migration *out,
                           struct error *err)
{
    struct str name = str_from(file->name);
    uint64_t told = 0;
    if (name.len <= NUMBER_DIGITS || name.ptr[NUMBER_DIGITS] != '_' ||
        !str_to_u64(str_slice(name, 0, NUMBER_DIGITS), INT32_MAX, &told) ||
        told != (uint64_t)number)
        return error_set(err, ERROR_INTERNAL,
                         "migration %d of the program is called %s, not %04d_NAME.sql", number,
                         file->name, number);
    struct str content = { (const char *)file->bytes, file->size };
    *out = (struct migration){
        .number = number,
        .name = name,
        .file = file,
        .checksum = digest_of(DIGEST_SHA256, content),
    };
    return true;
}

/* Compares what was applied with what the program has; gives the number of the newest applied. */
static bool compare(struct db_tx *tx, const struct embedded_file *files, int *applied,
                    struct error *err)
{
    struct migration_list_row *rows = NULL;
    size_t count = 0;
    if (!sql_migration_list(tx, &rows, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct migration_list_row *row = &rows[i];
        struct migration migration = { 0 };
        if (!files[i].name)
            return error_set(err, ERROR_UNSUPPORTED,
                             "the database is newer than this program: it was migrated to %.*s; "
                             "start a version of the program that has this migration",
                             STR_ARG(rows[count - 1].name));
        if (!migration_from(&files[i], (int)i + 1, &migration, err))
            return false;
        if (row->number != migration.number || !digest_equal(&row->checksum, &migration.checksum))
            return error_set(
                err, ERROR_INTERNAL,
                "migration %.*s was applied to this database with another content than "
                "%s of this program has; an applied migration must not be changed",
                STR_ARG(row->name), files[i].name);
    }
    *applied = (int)count;
    return true;
}

struct run {
    const struct embedded_file *files;
    int applied;
    bool is_finished;
};

/* Applies the next migration.  Looks anew each time: another process may be doing the same. */
static bool apply_next(struct db_tx *tx, void *context, struct error *err)
{
    struct run *run = context;
    if (!tx->db->ops->script(tx, table_text, err) || !compare(tx, run->files, &run->applied, err))
        return false;
    const struct embedded_file *next = &run->files[run->applied];
    run->is_finished = next->name == NULL;
    if (run->is_finished)
        return true;
    struct migration migration = { 0 };
    int64_t now_ms = 0;
    struct error reason = { 0 };
    if (!migration_from(next, run->applied + 1, &migration, err) || !db_now_ms(tx, &now_ms, err))
        return false;
    if (db_must_fail(err))
        return false;
    if (!tx->db->ops->script(tx, (const char *)next->bytes, &reason)) {
        (void)error_set(err, reason.kind, "migration %s: %s", next->name, reason.message);
        err->retry_after_s = reason.retry_after_s;
        return false;
    }
    return sql_migration_record(tx, migration.number, migration.name, &migration.checksum, now_ms,
                                err);
}

static int count_of(const struct embedded_file *files)
{
    int count = 0;
    while (files[count].name)
        count++;
    return count;
}

bool migrate_run_files(struct db *db, const struct embedded_file *files, struct migrate_status *out,
                       struct error *err)
{
    struct arena *arena AUTO(arena_free) = arena_new();
    struct run run = { .files = files };
    while (!run.is_finished) {
        if (!db_write(db, arena, apply_next, &run, err))
            return false;
        arena_reset(arena);
    }
    *out = (struct migrate_status){ .applied = run.applied, .newest = count_of(files) };
    return true;
}

static const struct embedded_file *files_for(const struct db *db)
{
    return db_engine(db) == DB_SQLITE ? migrations_sqlite : migrations_postgres;
}

bool migrate_run(struct db *db, struct migrate_status *out, struct error *err)
{
    return migrate_run_files(db, files_for(db), out, err);
}

bool migrate_status_files(struct db *db, const struct embedded_file *files,
                          struct migrate_status *out, struct error *err)
{
    struct arena *arena AUTO(arena_free) = arena_new();
    struct db_tx *tx AUTO(db_tx_end) = db_read(db, arena, err);
    struct migration_table_exists_row table;
    if (!tx || !sql_migration_table_exists(tx, &table, err))
        return false;
    int applied = 0;
    if (table.is_there > 0 && !compare(tx, files, &applied, err))
        return false;
    *out = (struct migrate_status){ .applied = applied, .newest = count_of(files) };
    return true;
}

bool migrate_status(struct db *db, struct migrate_status *out, struct error *err)
{
    return migrate_status_files(db, files_for(db), out, err);
}
