-- SPDX-License-Identifier: Apache-2.0
-- Statements of postgres_writer.c.

-- name: row_add :exec
-- in:   number int
INSERT INTO numbered (number) VALUES ($1);

-- name: row_count :one
-- out:  total int
SELECT count(*) FROM numbered;
