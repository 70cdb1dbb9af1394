-- SPDX-License-Identifier: Apache-2.0
-- Statements of hub/check*.c.  Everything pages by key.

-- --- totals -----------------------------------------------------------------------------------

-- name: check_blob_total :one
-- out:  blobs int, bytes int
SELECT COUNT(*) AS blobs, CAST(COALESCE(SUM(size), 0) AS BIGINT) AS bytes FROM blob;

-- name: check_totals :one
-- out:  claims int, manifests int, tags int, repositories int
SELECT (SELECT COUNT(*) FROM claim) AS claims, (SELECT COUNT(*) FROM manifest) AS manifests,
       (SELECT COUNT(*) FROM tag) AS tags, (SELECT COUNT(*) FROM repository) AS repositories;

-- --- uploads ----------------------------------------------------------------------------------

-- name: check_uploads :many
-- in:   after text, most int
-- out:  id text, size int
SELECT id, size FROM upload WHERE id > $1 ORDER BY id LIMIT $2;

-- name: check_upload :maybe
-- in:   id text
-- out:  size int, owner text, repository text
SELECT u.size, a.name AS owner, r.name AS repository
FROM upload u JOIN repository r ON r.id = u.repository_id JOIN account a ON a.id = r.owner_id
WHERE u.id = $1;

-- name: check_upload_drop :count
-- in:   id text, size int
DELETE FROM upload WHERE id = $1 AND size = $2;

-- --- blobs ------------------------------------------------------------------------------------

-- name: check_blobs :many
-- in:   after text, most int
-- out:  digest digest, size int, upload_id text
SELECT digest, size, upload_id FROM blob WHERE digest > $1 ORDER BY digest LIMIT $2;

-- name: check_blob_row :maybe
-- in:   digest digest
-- out:  size int, upload_id text
SELECT size, upload_id FROM blob WHERE digest = $1;

-- What can explain a file that no row points to: a session that ends just now, a removal that waits.
-- name: check_upload_is_known :maybe
-- in:   upload_id text
-- out:  reason int
SELECT CAST(1 AS BIGINT) AS reason FROM upload WHERE id = $1
UNION ALL
SELECT CAST(2 AS BIGINT) AS reason FROM job
WHERE kind = 'blob_remove' AND payload LIKE '%' || CAST($1 AS TEXT) || '%'
LIMIT 1;

-- name: check_blob_is_needed :maybe
-- in:   digest digest
-- out:  repository_id int
SELECT repository_id FROM claim WHERE digest = $1
UNION ALL
SELECT repository_id FROM manifest_reference WHERE digest = $1 AND role <> 3
LIMIT 1;

-- name: check_blob_unclaim :exec
-- in:   digest digest
DELETE FROM claim WHERE digest = $1;

-- name: check_blob_drop :count
-- in:   digest digest, upload_id text
DELETE FROM blob WHERE digest = $1 AND upload_id = $2;

-- Images whose own manifest, or one of whose parts, refers to a blob.
-- name: check_images :many
-- in:   digest digest, most int
-- out:  owner text, repository text, tag text?, manifest digest
SELECT a.name AS owner, r.name AS repository, t.name AS tag, m.digest AS manifest
FROM manifest_reference f
JOIN manifest m ON m.id = f.manifest_id
JOIN repository r ON r.id = m.repository_id
JOIN account a ON a.id = r.owner_id
LEFT JOIN tag t ON t.manifest_id = m.id
WHERE f.digest = $1 AND f.role <> 3 AND m.deleted_ms IS NULL
UNION
SELECT a.name AS owner, r.name AS repository, t.name AS tag, p.digest AS manifest
FROM manifest_reference f
JOIN manifest m ON m.id = f.manifest_id
JOIN manifest_reference c
    ON c.repository_id = m.repository_id AND c.digest = m.digest AND c.role = 3
JOIN manifest p ON p.id = c.manifest_id
JOIN repository r ON r.id = p.repository_id
JOIN account a ON a.id = r.owner_id
JOIN tag t ON t.manifest_id = p.id
WHERE f.digest = $1 AND f.role <> 3 AND p.deleted_ms IS NULL
ORDER BY 1, 2, 3, 4
LIMIT $2;

-- --- claims -----------------------------------------------------------------------------------

-- name: check_claims :many
-- in:   after_repository_id int, after text, most int
-- out:  repository_id int, digest digest, has_blob bool
SELECT c.repository_id, c.digest, (b.digest IS NOT NULL) AS has_blob
FROM claim c LEFT JOIN blob b ON b.digest = c.digest
WHERE (c.repository_id, c.digest) > ($1, $2)
ORDER BY c.repository_id, c.digest
LIMIT $3;

-- name: check_claim_dangles :maybe
-- in:   repository_id int, digest digest
-- out:  owner text, repository text
SELECT a.name AS owner, r.name AS repository
FROM claim c JOIN repository r ON r.id = c.repository_id JOIN account a ON a.id = r.owner_id
WHERE c.repository_id = $1 AND c.digest = $2
  AND NOT EXISTS (SELECT 1 FROM blob b WHERE b.digest = c.digest);

-- name: check_claim_drop :exec
-- in:   repository_id int, digest digest
DELETE FROM claim WHERE repository_id = $1 AND digest = $2
    AND NOT EXISTS (SELECT 1 FROM blob b WHERE b.digest = claim.digest);

-- --- manifests --------------------------------------------------------------------------------

-- name: check_manifest_ids :many
-- in:   after_id int, most int
-- out:  id int
SELECT id FROM manifest WHERE id > $1 ORDER BY id LIMIT $2;

-- name: check_manifest :maybe
-- in:   id int
-- out:  repository_id int, owner text, repository text, digest digest, kind int, media_type text
-- out:  artifact_type text?, subject_digest digest?, annotations text?, size int
-- out:  content_size int, deleted_ms int?, body bytes?
SELECT m.repository_id, a.name AS owner, r.name AS repository, m.digest, m.kind, m.media_type,
       m.artifact_type, m.subject_digest, m.annotations, m.size, m.content_size, m.deleted_ms,
       b.body
FROM manifest m
JOIN repository r ON r.id = m.repository_id
JOIN account a ON a.id = r.owner_id
LEFT JOIN manifest_body b ON b.manifest_id = m.id
WHERE m.id = $1;

-- name: check_references :many
-- in:   manifest_id int
-- out:  position int, repository_id int, role int, digest digest, size int, media_type text
SELECT position, repository_id, role, digest, size, media_type FROM manifest_reference
WHERE manifest_id = $1 ORDER BY position;

-- What a repository has of a blob: a claim, or at least the blob is there.
-- name: check_blob_state :one
-- in:   repository_id int, digest digest
-- out:  has_claim bool, has_blob bool
SELECT EXISTS (SELECT 1 FROM claim c WHERE c.repository_id = $1 AND c.digest = $2) AS has_claim,
       EXISTS (SELECT 1 FROM blob b WHERE b.digest = $2) AS has_blob;

-- name: check_claim_add :exec
-- in:   repository_id int, lease_until_ms int, digest digest
INSERT INTO claim (repository_id, digest, lease_until_ms)
SELECT CAST($1 AS BIGINT), digest, CAST($2 AS BIGINT) FROM blob WHERE digest = $3
ON CONFLICT (repository_id, digest) DO NOTHING;

-- Tags of a manifest, and of the indexes that it is a part of.
-- name: check_tags_of :many
-- in:   id int, repository_id int, digest digest, most int
-- out:  name text
SELECT t.name FROM tag t WHERE t.manifest_id = $1
UNION
SELECT t.name
FROM manifest_reference c JOIN tag t ON t.manifest_id = c.manifest_id
WHERE c.repository_id = $2 AND c.digest = $3 AND c.role = 3
ORDER BY 1
LIMIT $4;

-- name: check_body_of_digest :maybe
-- in:   digest digest, behind_id int
-- out:  id int, body bytes
SELECT m.id, b.body
FROM manifest m JOIN manifest_body b ON b.manifest_id = m.id
WHERE m.digest = $1 AND m.id > $2
ORDER BY m.id
LIMIT 1;

-- name: check_body_set :exec
-- in:   manifest_id int, body bytes
INSERT INTO manifest_body (manifest_id, body) VALUES ($1, $2)
ON CONFLICT (manifest_id) DO UPDATE SET body = excluded.body;

-- name: check_manifest_set :exec
-- in:   kind int, media_type text, artifact_type text?, subject_digest digest?, annotations text?
-- in:   size int, content_size int, id int
UPDATE manifest SET kind = $1, media_type = $2, artifact_type = $3, subject_digest = $4,
                    annotations = $5, size = $6, content_size = $7
WHERE id = $8;

-- name: check_references_drop :exec
-- in:   manifest_id int
DELETE FROM manifest_reference WHERE manifest_id = $1;

-- name: check_reference_add :exec
-- in:   manifest_id int, repository_id int, position int, role int, digest digest, size int
-- in:   media_type text
INSERT INTO manifest_reference (manifest_id, repository_id, position, role, digest, size,
                                media_type)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- The tags of a manifest that is given up.
-- name: check_manifest_untag :exec
-- in:   manifest_id int
DELETE FROM tag WHERE manifest_id = $1;

-- name: check_manifest_drop :exec
-- in:   id int
DELETE FROM manifest WHERE id = $1;

-- --- tags -------------------------------------------------------------------------------------

-- name: check_tags :many
-- in:   after_repository_id int, after text, most int
-- out:  repository_id int, name text, is_good bool
SELECT t.repository_id, t.name,
       (m.id IS NOT NULL AND m.repository_id = t.repository_id) AS is_good
FROM tag t LEFT JOIN manifest m ON m.id = t.manifest_id
WHERE (t.repository_id, t.name) > ($1, $2)
ORDER BY t.repository_id, t.name
LIMIT $3;

-- name: check_tag_dangles :maybe
-- in:   repository_id int, name text
-- out:  owner text, repository text
SELECT a.name AS owner, r.name AS repository
FROM tag t JOIN repository r ON r.id = t.repository_id JOIN account a ON a.id = r.owner_id
WHERE t.repository_id = $1 AND t.name = $2
  AND NOT EXISTS (SELECT 1 FROM manifest m
                  WHERE m.id = t.manifest_id AND m.repository_id = t.repository_id);

-- name: check_tag_target :maybe
-- in:   repository_id int, digest digest
-- out:  id int
SELECT id FROM manifest WHERE repository_id = $1 AND digest = $2 AND deleted_ms IS NULL;

-- name: check_tag_point :exec
-- in:   manifest_id int, repository_id int, name text
UPDATE tag SET manifest_id = $1 WHERE repository_id = $2 AND name = $3;

-- name: check_tag_drop :exec
-- in:   repository_id int, name text
DELETE FROM tag WHERE repository_id = $1 AND name = $2;

-- --- repositories -----------------------------------------------------------------------------

-- name: check_repositories :many
-- in:   after_id int, most int
-- out:  id int, owner text, name text
SELECT r.id, a.name AS owner, r.name
FROM repository r JOIN account a ON a.id = r.owner_id
WHERE r.id > $1
ORDER BY r.id
LIMIT $2;

-- name: check_accounts :many
-- in:   after text, most int
-- out:  name text
SELECT name FROM account WHERE name > $1 ORDER BY name LIMIT $2;
