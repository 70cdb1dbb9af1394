-- SPDX-License-Identifier: Apache-2.0
-- Statements of hub/upload.c.

-- name: upload_count :one
-- in:   account_id int
-- out:  uploads int
SELECT COUNT(*) AS uploads FROM upload WHERE account_id = $1;

-- name: upload_insert :exec
-- in:   id text, repository_id int, account_id int, hash_state bytes, started_ms int
INSERT INTO upload (id, repository_id, account_id, size, hash_state, started_ms, touched_ms)
VALUES ($1, $2, $3, 0, $4, $5, $5);

-- A session, for the repository and the account that it belongs to.
-- name: upload_find :maybe
-- in:   id text, repository_id int, account_id int
-- out:  size int, hash_state bytes
SELECT size, hash_state FROM upload WHERE id = $1 AND repository_id = $2 AND account_id = $3;

-- Size and hash state change together, if the size is still what the writer found.
-- name: upload_advance :count
-- in:   size int, hash_state bytes, touched_ms int, id text, repository_id int, account_id int
-- in:   old_size int
UPDATE upload SET size = $1, hash_state = $2, touched_ms = $3
WHERE id = $4 AND repository_id = $5 AND account_id = $6 AND size = $7;

-- name: upload_delete :count
-- in:   id text, repository_id int, account_id int
DELETE FROM upload WHERE id = $1 AND repository_id = $2 AND account_id = $3;

-- The end of a session: it must stand where the writer found it.
-- name: upload_complete :count
-- in:   id text, repository_id int, account_id int, old_size int
DELETE FROM upload WHERE id = $1 AND repository_id = $2 AND account_id = $3 AND size = $4;

-- name: upload_exists :maybe
-- in:   id text
-- out:  touched_ms int
SELECT touched_ms FROM upload WHERE id = $1;

-- name: upload_stale :many
-- in:   before_ms int, most int
-- out:  id text
SELECT id FROM upload WHERE touched_ms < $1 ORDER BY touched_ms LIMIT $2;

-- name: upload_drop_stale :count
-- in:   id text, before_ms int
DELETE FROM upload WHERE id = $1 AND touched_ms < $2;
