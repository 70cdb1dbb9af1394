-- SPDX-License-Identifier: Apache-2.0
-- Statements of hub/manifest.c and hub/referrer.c.

-- name: manifest_blob_size :maybe
-- in:   repository_id int, digest digest
-- out:  size int
SELECT b.size FROM claim c JOIN blob b ON b.digest = c.digest
WHERE c.repository_id = $1 AND c.digest = $2;

-- Nothing if the repository has this document already.
-- name: manifest_insert :maybe
-- in:   repository_id int, digest digest, kind int, media_type text, artifact_type text?
-- in:   subject_digest digest?, annotations text?, size int, content_size int
-- in:   os text?, architecture text?, variant text?, pushed_by int?, pushed_ms int
-- in:   lease_until_ms int
-- out:  id int
INSERT INTO manifest (repository_id, digest, kind, media_type, artifact_type, subject_digest,
                      annotations, size, content_size, os, architecture, variant, pushed_by,
                      pushed_ms, lease_until_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
ON CONFLICT (repository_id, digest) DO NOTHING
RETURNING id;

-- name: manifest_insert_body :exec
-- in:   manifest_id int, body bytes
INSERT INTO manifest_body (manifest_id, body) VALUES ($1, $2);

-- name: manifest_insert_reference :exec
-- in:   manifest_id int, repository_id int, position int, role int, digest digest, size int
-- in:   media_type text
INSERT INTO manifest_reference (manifest_id, repository_id, position, role, digest, size,
                                media_type)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: manifest_by_digest :maybe
-- in:   repository_id int, digest digest
-- out:  id int, media_type text, size int, lease_until_ms int
SELECT id, media_type, size, lease_until_ms FROM manifest
WHERE repository_id = $1 AND digest = $2 AND deleted_ms IS NULL;

-- The same, hidden or not.
-- name: manifest_any_by_digest :maybe
-- in:   repository_id int, digest digest
-- out:  id int, deleted_ms int?
SELECT id, deleted_ms FROM manifest WHERE repository_id = $1 AND digest = $2;

-- name: manifest_pushed_again :exec
-- in:   pushed_ms int, lease_until_ms int, id int
UPDATE manifest SET pushed_ms = $1, lease_until_ms = $2 WHERE id = $3;

-- name: manifest_lease :count
-- in:   until_ms int, repository_id int, digest digest
UPDATE manifest SET lease_until_ms = $1
WHERE repository_id = $2 AND digest = $3 AND deleted_ms IS NULL;

-- name: manifest_by_tag :maybe
-- in:   repository_id int, name text
-- out:  id int, digest digest, media_type text, size int
SELECT m.id, m.digest, m.media_type, m.size
FROM tag t JOIN manifest m ON m.id = t.manifest_id
WHERE t.repository_id = $1 AND t.name = $2;

-- name: manifest_body :one
-- in:   manifest_id int
-- out:  body bytes
SELECT body FROM manifest_body WHERE manifest_id = $1;

-- An index of the repository that has this manifest as a child.
-- name: manifest_parent :maybe
-- in:   repository_id int, digest digest
-- out:  parent digest
SELECT m.digest AS parent
FROM manifest_reference f JOIN manifest m ON m.id = f.manifest_id
WHERE f.repository_id = $1 AND f.digest = $2 AND f.role = 3 AND m.deleted_ms IS NULL
LIMIT 1;

-- name: referrer_list :many
-- in:   repository_id int, subject digest, after text, most int
-- out:  digest digest, media_type text, artifact_type text?, annotations text?, size int
SELECT digest, media_type, artifact_type, annotations, size FROM manifest
WHERE repository_id = $1 AND subject_digest = $2 AND digest > $3 AND deleted_ms IS NULL
ORDER BY digest
LIMIT $4;

-- name: referrer_list_of_type :many
-- in:   repository_id int, subject digest, after text, artifact_type text, most int
-- out:  digest digest, media_type text, artifact_type text?, annotations text?, size int
SELECT digest, media_type, artifact_type, annotations, size FROM manifest
WHERE repository_id = $1 AND subject_digest = $2 AND digest > $3 AND artifact_type = $4
  AND deleted_ms IS NULL
ORDER BY digest
LIMIT $5;
