-- SPDX-License-Identifier: Apache-2.0
-- Statements of hub/blob.c and of the end of an upload.

-- A blob as a repository sees it.
-- name: blob_of_repository :maybe
-- in:   repository_id int, digest digest
-- out:  upload_id text, size int, lease_until_ms int
SELECT b.upload_id, b.size, c.lease_until_ms
FROM claim c JOIN blob b ON b.digest = c.digest
WHERE c.repository_id = $1 AND c.digest = $2;

-- name: blob_lease :count
-- in:   until_ms int, repository_id int, digest digest
UPDATE claim SET lease_until_ms = $1 WHERE repository_id = $2 AND digest = $3;

-- name: blob_claim :exec
-- in:   repository_id int, digest digest, lease_until_ms int
INSERT INTO claim (repository_id, digest, lease_until_ms) VALUES ($1, $2, $3)
ON CONFLICT (repository_id, digest) DO UPDATE SET lease_until_ms = excluded.lease_until_ms
WHERE excluded.lease_until_ms > claim.lease_until_ms;

-- A repository that has the blob and that the account may read.
-- name: blob_readable :maybe
-- in:   digest digest, account_id int, sees_all bool
-- out:  repository_id int
SELECT c.repository_id
FROM claim c JOIN repository r ON r.id = c.repository_id
WHERE c.digest = $1 AND (NOT r.is_private OR r.owner_id = $2 OR $3)
LIMIT 1;

-- A manifest of the repository that refers to the blob, rather one that is not hidden.
-- name: blob_user :maybe
-- in:   repository_id int, digest digest
-- out:  manifest digest, deleted_ms int?
SELECT m.digest AS manifest, m.deleted_ms
FROM manifest_reference f JOIN manifest m ON m.id = f.manifest_id
WHERE f.repository_id = $1 AND f.digest = $2 AND f.role <> 3
ORDER BY CASE WHEN m.deleted_ms IS NULL THEN 0 ELSE 1 END
LIMIT 1;

-- name: blob_unclaim :count
-- in:   repository_id int, digest digest
DELETE FROM claim WHERE repository_id = $1 AND digest = $2;

-- The first upload of a digest is its blob; no row changed means that there was one.
-- name: blob_insert :count
-- in:   digest digest, size int, upload_id text, created_ms int
INSERT INTO blob (digest, size, upload_id, created_ms) VALUES ($1, $2, $3, $4)
ON CONFLICT (digest) DO NOTHING;

-- name: blob_upload_of :maybe
-- in:   digest digest
-- out:  upload_id text
SELECT upload_id FROM blob WHERE digest = $1;

-- Another upload takes the place of one whose bytes are gone.
-- name: blob_replace :count
-- in:   new_upload_id text, size int, digest digest, old_upload_id text
UPDATE blob SET upload_id = $1, size = $2 WHERE digest = $3 AND upload_id = $4;
