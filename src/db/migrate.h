/* SPDX-License-Identifier: Apache-2.0 */
/* db/migrate.h - brings a database to the schema of this program.
 *
 * Migrations are the files migrations/<engine>/NNNN_name.sql, embedded into the program, each run
 * in one transaction and recorded with a checksum in table `migration`.  Forward only, expand then
 * contract, so that old and new nodes can run side by side; an applied file is
 * never edited (a changed checksum stops the start).  A database that is newer than the program is
 * ERROR_UNSUPPORTED and says which version it needs. */
#pragma once
#include "base/error.h"
#include "db/db.h"

struct migrate_status {
    int applied; /* number of the newest migration in the database; 0: empty */
    int newest;  /* number of the newest one in the program */
};

NODISCARD bool migrate_run(struct db *db, struct migrate_status *out, struct error *err);
NODISCARD bool migrate_status(struct db *db, struct migrate_status *out, struct error *err);
