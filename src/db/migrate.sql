-- SPDX-License-Identifier: Apache-2.0

-- Is there a table of applied migrations?  A new database has none.
-- name: migration_table_exists :one sqlite
-- out:  is_there int
SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'migration';

-- name: migration_table_exists :one postgres
-- out:  is_there int
SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'migration';

-- All applied migrations, the oldest first.
-- name: migration_list :many
-- out:  number int, name text, checksum digest
SELECT number, name, checksum FROM migration ORDER BY number;

-- name: migration_record :exec
-- in:   number int, name text, checksum digest, applied_ms int
INSERT INTO migration (number, name, checksum, applied_ms) VALUES ($1, $2, $3, $4);
