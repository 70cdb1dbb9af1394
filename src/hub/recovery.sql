-- SPDX-License-Identifier: Apache-2.0
-- Statements of hub/recovery.c and hub/recovery_restore.c.

-- --- what is to be copied ---------------------------------------------------------------------

-- One job for each note.  One that runs just now loses its lease and runs again.
-- name: recovery_repository_job :exec
-- in:   due_ms int, now_ms int, repository_id int
INSERT INTO job (kind, subject, payload, due_ms, created_ms)
SELECT 'recovery_copy', 'repository/' || a.name || '/' || r.name, '{}',
       CAST($1 AS BIGINT), CAST($2 AS BIGINT)
FROM repository r JOIN account a ON a.id = r.owner_id
WHERE r.id = $3
ON CONFLICT (subject) WHERE kind = 'recovery_copy' DO UPDATE SET
    due_ms = CASE WHEN job.lease_until_ms > 0 OR job.due_ms > excluded.due_ms
                  THEN excluded.due_ms ELSE job.due_ms END,
    fence = CASE WHEN job.lease_until_ms > 0 THEN job.fence + 1 ELSE job.fence END,
    lease_until_ms = 0, attempt_count = 0;

-- name: recovery_account_job :exec
-- in:   name text, due_ms int, now_ms int
INSERT INTO job (kind, subject, payload, due_ms, created_ms)
VALUES ('recovery_copy', 'account/' || CAST($1 AS TEXT), '{}', $2, $3)
ON CONFLICT (subject) WHERE kind = 'recovery_copy' DO UPDATE SET
    due_ms = CASE WHEN job.lease_until_ms > 0 OR job.due_ms > excluded.due_ms
                  THEN excluded.due_ms ELSE job.due_ms END,
    fence = CASE WHEN job.lease_until_ms > 0 THEN job.fence + 1 ELSE job.fence END,
    lease_until_ms = 0, attempt_count = 0;

-- Is there a job for the note that has not been given up?
-- name: recovery_job_waits :maybe
-- in:   subject text, never_ms int
-- out:  id int
SELECT id FROM job WHERE kind = 'recovery_copy' AND subject = $1 AND due_ms < $2;

-- name: recovery_repository_job_waits :maybe
-- in:   repository_id int, never_ms int
-- out:  id int
SELECT j.id
FROM repository r JOIN account a ON a.id = r.owner_id
JOIN job j ON j.subject = 'repository/' || a.name || '/' || r.name
WHERE r.id = $1 AND j.kind = 'recovery_copy' AND j.due_ms < $2;

-- --- what a note says -------------------------------------------------------------------------

-- name: recovery_account :maybe
-- in:   name text
-- out:  kind int, email text?, full_name text, is_admin bool, is_active bool
-- out:  default_private bool, untagged_days int?, created_ms int
SELECT kind, email, full_name, is_admin, is_active, default_private, untagged_days, created_ms
FROM account WHERE name = $1;

-- name: recovery_repository :maybe
-- in:   owner text, name text
-- out:  id int, is_private bool, is_automated bool, description text, full_description text
-- out:  created_ms int, updated_ms int, pull_count int, push_count int, star_count int
SELECT r.id, r.is_private, r.is_automated, r.description, r.full_description,
       r.created_ms, r.updated_ms, r.pull_count, r.push_count, r.star_count
FROM account a JOIN repository r ON r.owner_id = a.id
WHERE a.name = $1 AND r.name = $2;

-- name: recovery_manifests :many
-- in:   repository_id int, after text, most int
-- out:  digest digest, media_type text, pushed_ms int
SELECT digest, media_type, pushed_ms FROM manifest
WHERE repository_id = $1 AND digest > $2 AND deleted_ms IS NULL
ORDER BY digest
LIMIT $3;

-- name: recovery_tags :many
-- in:   repository_id int, after text, most int
-- out:  name text, digest digest, pushed_ms int
SELECT t.name, m.digest, t.pushed_ms
FROM tag t JOIN manifest m ON m.id = t.manifest_id
WHERE t.repository_id = $1 AND t.name > $2
ORDER BY t.name
LIMIT $3;

-- A document of this digest, of any repository; several may have one.
-- name: recovery_document :maybe
-- in:   digest digest, behind_id int
-- out:  id int, body bytes
SELECT m.id, b.body
FROM manifest m JOIN manifest_body b ON b.manifest_id = m.id
WHERE m.digest = $1 AND m.id > $2 AND m.deleted_ms IS NULL
ORDER BY m.id
LIMIT 1;

-- --- rebuilding -------------------------------------------------------------------------------

-- The namespace of official images comes with the schema.
-- name: recovery_rows :one
-- out:  accounts int, repositories int, blobs int
SELECT (SELECT COUNT(*) FROM account WHERE name <> 'library') AS accounts,
       (SELECT COUNT(*) FROM repository) AS repositories,
       (SELECT COUNT(*) FROM blob) AS blobs;

-- name: recovery_add_account :count
-- in:   kind int, name text, email text?, full_name text, is_admin bool, is_active bool
-- in:   default_private bool, untagged_days int?, created_ms int
INSERT INTO account (kind, name, email, full_name, is_admin, is_active, default_private,
                     untagged_days, created_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT DO NOTHING;

-- name: recovery_set_manifest_time :exec
-- in:   pushed_ms int, repository_id int, digest digest
UPDATE manifest SET pushed_ms = $1 WHERE repository_id = $2 AND digest = $3;

-- name: recovery_find_manifest :maybe
-- in:   repository_id int, digest digest
-- out:  id int
SELECT id FROM manifest WHERE repository_id = $1 AND digest = $2;

-- name: recovery_add_tag :exec
-- in:   repository_id int, name text, manifest_id int, pushed_ms int
INSERT INTO tag (repository_id, name, manifest_id, pushed_ms) VALUES ($1, $2, $3, $4);

-- name: recovery_set_repository :exec
-- in:   created_ms int, updated_ms int, pull_count int, push_count int, star_count int, id int
UPDATE repository SET created_ms = $1, updated_ms = $2, pull_count = $3, push_count = $4,
                      star_count = $5
WHERE id = $6;

-- name: recovery_has_blob :maybe
-- in:   digest digest
-- out:  size int
SELECT size FROM blob WHERE digest = $1;

-- name: recovery_unclaimed :many
-- in:   after text, most int
-- out:  digest digest, size int
SELECT b.digest, b.size FROM blob b
WHERE b.digest > $1 AND NOT EXISTS (SELECT 1 FROM claim c WHERE c.digest = b.digest)
ORDER BY b.digest
LIMIT $2;

-- name: recovery_drop_blob :exec
-- in:   digest digest
DELETE FROM blob WHERE digest = $1;
