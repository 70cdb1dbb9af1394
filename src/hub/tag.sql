-- SPDX-License-Identifier: Apache-2.0
-- Statements of hub/tag.c.

-- name: tag_find :maybe
-- in:   repository_id int, name text
-- out:  manifest_id int
SELECT manifest_id FROM tag WHERE repository_id = $1 AND name = $2;

-- name: tag_point :exec
-- in:   repository_id int, name text, manifest_id int, pushed_by int?, pushed_ms int
INSERT INTO tag (repository_id, name, manifest_id, pushed_by, pushed_ms)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (repository_id, name) DO UPDATE SET
    manifest_id = excluded.manifest_id,
    pushed_by = excluded.pushed_by,
    pushed_ms = excluded.pushed_ms;

-- Writes down what a tag points to, before it is moved or removed.
-- name: tag_remember :exec
-- in:   replaced_ms int, repository_id int, name text
INSERT INTO tag_history (repository_id, name, digest, pushed_by, pushed_ms, replaced_ms)
SELECT t.repository_id, t.name, m.digest, t.pushed_by, t.pushed_ms, CAST($1 AS BIGINT)
FROM tag t JOIN manifest m ON m.id = t.manifest_id
WHERE t.repository_id = $2 AND t.name = $3;

-- The same for all tags of a manifest.
-- name: tag_remember_all :exec
-- in:   replaced_ms int, manifest_id int
INSERT INTO tag_history (repository_id, name, digest, pushed_by, pushed_ms, replaced_ms)
SELECT t.repository_id, t.name, m.digest, t.pushed_by, t.pushed_ms, CAST($1 AS BIGINT)
FROM tag t JOIN manifest m ON m.id = t.manifest_id
WHERE t.manifest_id = $2;

-- name: tag_delete :count
-- in:   repository_id int, name text
DELETE FROM tag WHERE repository_id = $1 AND name = $2;

-- name: tag_delete_all :exec
-- in:   manifest_id int
DELETE FROM tag WHERE manifest_id = $1;

-- name: tag_list :many
-- in:   repository_id int, after text, most int
-- out:  name text
SELECT name FROM tag WHERE repository_id = $1 AND name > $2 ORDER BY name LIMIT $3;
