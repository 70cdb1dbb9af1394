-- SPDX-License-Identifier: Apache-2.0
-- Statements of hub/collect.c, collect_manifest.c and collect_report.c.
-- Kinds of candidates: 1 claim, 2 manifest, 3 manifest whose index has gone (enum candidate_kind).

-- --- candidates -------------------------------------------------------------------------------

-- The earliest time stays: whoever looks then puts it off for what else there is.  It is read by NOT EXISTS
-- and not by a WHERE behind DO UPDATE: the latter PostgreSQL does not count as reading, and would let a
-- collector that cannot see our claim remove the very candidate on which we rely.

-- name: candidate_add :exec
-- in:   kind int, repository_id int, digest digest, due_ms int
INSERT INTO candidate (kind, repository_id, digest, due_ms)
SELECT $1, $2, $3, $4
WHERE NOT EXISTS (SELECT 1 FROM candidate k WHERE k.repository_id = $2 AND k.digest = $3
                  AND k.kind = $1 AND k.due_ms <= $4)
ON CONFLICT (repository_id, digest, kind) DO UPDATE SET due_ms = excluded.due_ms;

-- The blobs of a manifest that ends.
-- name: candidate_add_blobs :exec
-- in:   due_ms int, manifest_id int
INSERT INTO candidate (kind, repository_id, digest, due_ms)
SELECT DISTINCT 1, f.repository_id, f.digest, CAST($1 AS BIGINT)
FROM manifest_reference f
WHERE f.manifest_id = $2 AND f.role <> 3
  AND NOT EXISTS (SELECT 1 FROM candidate k WHERE k.repository_id = f.repository_id
                  AND k.digest = f.digest AND k.kind = 1 AND k.due_ms <= $1)
ON CONFLICT (repository_id, digest, kind) DO UPDATE SET due_ms = excluded.due_ms;

-- A manifest without a tag, if the policy of its namespace says when those go.
-- name: candidate_add_untagged :exec
-- in:   now_ms int, manifest_id int
INSERT INTO candidate (kind, repository_id, digest, due_ms)
SELECT 2, m.repository_id, m.digest, CAST($1 AS BIGINT) + a.untagged_days * 86400000
FROM manifest m JOIN repository r ON r.id = m.repository_id JOIN account a ON a.id = r.owner_id
WHERE m.id = $2 AND a.untagged_days IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM candidate k WHERE k.repository_id = m.repository_id
                  AND k.digest = m.digest AND k.kind = 2
                  AND k.due_ms <= $1 + a.untagged_days * 86400000)
ON CONFLICT (repository_id, digest, kind) DO UPDATE SET due_ms = excluded.due_ms;

-- The policy of a namespace has changed: all of its manifests without a tag.
-- name: candidate_add_all_untagged :exec
-- in:   now_ms int, owner_id int
INSERT INTO candidate (kind, repository_id, digest, due_ms)
SELECT 2, m.repository_id, m.digest, CAST($1 AS BIGINT)
FROM manifest m JOIN repository r ON r.id = m.repository_id
WHERE r.owner_id = $2 AND m.deleted_ms IS NULL
  AND NOT EXISTS (SELECT 1 FROM tag t WHERE t.manifest_id = m.id)
  AND NOT EXISTS (SELECT 1 FROM candidate k WHERE k.repository_id = m.repository_id
                  AND k.digest = m.digest AND k.kind = 2 AND k.due_ms <= $1)
ON CONFLICT (repository_id, digest, kind) DO UPDATE SET due_ms = excluded.due_ms;

-- name: collect_history_is_old :maybe
-- in:   until_ms int
-- out:  id int
SELECT id FROM tag_history WHERE replaced_ms <= $1 LIMIT 1;

-- name: candidate_is_due :maybe
-- in:   now_ms int
-- out:  kind int
SELECT kind FROM candidate WHERE due_ms <= $1 LIMIT 1;

-- Several nodes skip each other's.
-- name: candidate_due :many sqlite
-- in:   now_ms int, most int
-- out:  kind int, repository_id int, digest digest
SELECT kind, repository_id, digest FROM candidate WHERE due_ms <= $1 ORDER BY due_ms LIMIT $2;

-- name: candidate_due :many postgres
-- in:   now_ms int, most int
-- out:  kind int, repository_id int, digest digest
SELECT kind, repository_id, digest FROM candidate WHERE due_ms <= $1 ORDER BY due_ms LIMIT $2
FOR UPDATE SKIP LOCKED;

-- name: candidate_drop :exec
-- in:   kind int, repository_id int, digest digest
DELETE FROM candidate WHERE kind = $1 AND repository_id = $2 AND digest = $3;

-- --- claims and blobs -------------------------------------------------------------------------

-- name: collect_blob_use :maybe
-- in:   repository_id int, digest digest
-- out:  manifest_id int
SELECT manifest_id FROM manifest_reference
WHERE repository_id = $1 AND digest = $2 AND role <> 3
LIMIT 1;

-- name: collect_claim :maybe
-- in:   repository_id int, digest digest
-- out:  lease_until_ms int
SELECT lease_until_ms FROM claim WHERE repository_id = $1 AND digest = $2;

-- name: collect_upload_is_open :maybe
-- in:   repository_id int
-- out:  id text
SELECT id FROM upload WHERE repository_id = $1 LIMIT 1;

-- name: collect_claim_renew :exec
-- in:   until_ms int, repository_id int, digest digest
UPDATE claim SET lease_until_ms = $1 WHERE repository_id = $2 AND digest = $3;

-- name: collect_claim_end :exec
-- in:   repository_id int, digest digest
DELETE FROM claim WHERE repository_id = $1 AND digest = $2;

-- name: collect_claimant :maybe
-- in:   digest digest
-- out:  repository_id int
SELECT repository_id FROM claim WHERE digest = $1 LIMIT 1;

-- name: collect_blob_end :maybe
-- in:   digest digest
-- out:  upload_id text, size int
DELETE FROM blob WHERE digest = $1 RETURNING upload_id, size;

-- --- manifests --------------------------------------------------------------------------------

-- name: collect_manifest :maybe
-- in:   repository_id int, digest digest
-- out:  id int, deleted_ms int?, lease_until_ms int, pushed_ms int, untagged_ms int
-- out:  untagged_days int?
SELECT m.id, m.deleted_ms, m.lease_until_ms, m.pushed_ms, m.untagged_ms, a.untagged_days
FROM manifest m JOIN repository r ON r.id = m.repository_id JOIN account a ON a.id = r.owner_id
WHERE m.repository_id = $1 AND m.digest = $2;

-- What keeps a manifest that was not deleted by itself: a tag, an index, its subject.
-- name: collect_keeper :maybe
-- in:   manifest_id int, repository_id int, digest digest
-- out:  keeper_id int
SELECT t.manifest_id AS keeper_id FROM tag t WHERE t.manifest_id = $1
UNION ALL
SELECT p.id AS keeper_id
FROM manifest_reference f JOIN manifest p ON p.id = f.manifest_id
WHERE f.repository_id = $2 AND f.digest = $3 AND f.role = 3 AND p.deleted_ms IS NULL
UNION ALL
SELECT s.id AS keeper_id
FROM manifest m JOIN manifest s ON s.repository_id = m.repository_id AND s.digest = m.subject_digest
WHERE m.id = $1 AND s.deleted_ms IS NULL
LIMIT 1;

-- Children and referrers that are not hidden.
-- name: collect_parts :many
-- in:   manifest_id int, repository_id int, digest digest
-- out:  id int, digest digest, lease_until_ms int, is_child bool
SELECT m.id, m.digest, m.lease_until_ms, TRUE AS is_child
FROM manifest_reference f
JOIN manifest m ON m.repository_id = f.repository_id AND m.digest = f.digest
WHERE f.manifest_id = $1 AND f.role = 3 AND m.deleted_ms IS NULL
UNION
SELECT m.id, m.digest, m.lease_until_ms, FALSE AS is_child
FROM manifest m
WHERE m.repository_id = $2 AND m.subject_digest = $3 AND m.deleted_ms IS NULL;

-- Children that are hidden, and referrers that were hidden together with their subject.
-- name: collect_hidden_parts :many
-- in:   manifest_id int, repository_id int, digest digest, deleted_ms int?
-- out:  id int, digest digest, deleted_ms int
SELECT m.id, m.digest, m.deleted_ms
FROM manifest_reference f
JOIN manifest m ON m.repository_id = f.repository_id AND m.digest = f.digest
WHERE f.manifest_id = $1 AND f.role = 3 AND m.deleted_ms IS NOT NULL
UNION
SELECT m.id, m.digest, m.deleted_ms
FROM manifest m
WHERE m.repository_id = $2 AND m.subject_digest = $3 AND m.deleted_ms = $4;

-- What a hidden manifest belongs to and goes with: any index, or a subject hidden together with it.
-- name: collect_owner :maybe
-- in:   repository_id int, digest digest, manifest_id int
-- out:  owner_id int
SELECT f.manifest_id AS owner_id FROM manifest_reference f
WHERE f.repository_id = $1 AND f.digest = $2 AND f.role = 3
UNION ALL
SELECT s.id AS owner_id
FROM manifest m JOIN manifest s ON s.repository_id = m.repository_id AND s.digest = m.subject_digest
WHERE m.id = $3 AND s.deleted_ms = m.deleted_ms
LIMIT 1;

-- When a tag last stopped pointing to it.
-- name: collect_history :maybe
-- in:   repository_id int, digest digest
-- out:  replaced_ms int
SELECT replaced_ms FROM tag_history WHERE repository_id = $1 AND digest = $2
ORDER BY replaced_ms DESC
LIMIT 1;

-- name: collect_hide :exec
-- in:   deleted_ms int, id int
UPDATE manifest SET deleted_ms = $1 WHERE id = $2;

-- name: collect_show :exec
-- in:   id int
UPDATE manifest SET deleted_ms = NULL WHERE id = $1;

-- name: collect_untagged_at :exec
-- in:   untagged_ms int, id int
UPDATE manifest SET untagged_ms = $1 WHERE id = $2;

-- Body and references go with it.
-- name: collect_manifest_end :count
-- in:   id int
DELETE FROM manifest WHERE id = $1;

-- name: collect_old_history :many
-- in:   until_ms int, most int
-- out:  id int, repository_id int, digest digest
SELECT id, repository_id, digest FROM tag_history
WHERE replaced_ms <= $1
ORDER BY replaced_ms
LIMIT $2;

-- name: collect_forget_history :exec
-- in:   id int
DELETE FROM tag_history WHERE id = $1;

-- --- report -----------------------------------------------------------------------------------

-- Blobs and bytes by reason (enum collect_reason), each blob under its strongest.
-- name: collect_report :many sqlite
-- in:   now_ms int
-- out:  reason int, blobs int, bytes int
WITH RECURSIVE reached (id) AS (
    SELECT manifest_id FROM tag
    UNION
    SELECT m.id
    FROM reached x
    JOIN manifest_reference f ON f.manifest_id = x.id AND f.role = 3
    JOIN manifest m ON m.repository_id = f.repository_id AND m.digest = f.digest
    WHERE m.deleted_ms IS NULL
    UNION
    SELECT m.id
    FROM reached x
    JOIN manifest s ON s.id = x.id
    JOIN manifest m ON m.repository_id = s.repository_id AND m.subject_digest = s.digest
    WHERE m.deleted_ms IS NULL
),
used (digest, reason) AS (
    SELECT f.digest, MIN(CASE WHEN x.id IS NOT NULL THEN 0
                              WHEN m.deleted_ms IS NULL THEN 1 ELSE 2 END)
    FROM manifest_reference f
    JOIN manifest m ON m.id = f.manifest_id
    LEFT JOIN reached x ON x.id = m.id
    WHERE f.role <> 3
    GROUP BY f.digest
),
leased (digest) AS (
    SELECT DISTINCT digest FROM claim WHERE lease_until_ms > $1
)
SELECT COALESCE(u.reason, CASE WHEN l.digest IS NOT NULL THEN 3 ELSE 4 END) AS reason,
       COUNT(*) AS blobs, SUM(b.size) AS bytes
FROM blob b
LEFT JOIN used u ON u.digest = b.digest
LEFT JOIN leased l ON l.digest = b.digest
GROUP BY 1;

-- name: collect_report :many postgres
-- in:   now_ms int
-- out:  reason int, blobs int, bytes int
WITH RECURSIVE reached (id) AS (
    SELECT manifest_id FROM tag
    UNION
    SELECT part.id
    FROM reached x
    CROSS JOIN LATERAL (
        SELECT m.id
        FROM manifest_reference f
        JOIN manifest m ON m.repository_id = f.repository_id AND m.digest = f.digest
        WHERE f.manifest_id = x.id AND f.role = 3 AND m.deleted_ms IS NULL
        UNION ALL
        SELECT m.id
        FROM manifest s
        JOIN manifest m ON m.repository_id = s.repository_id AND m.subject_digest = s.digest
        WHERE s.id = x.id AND m.deleted_ms IS NULL
    ) part
),
used (digest, reason) AS (
    SELECT f.digest, MIN(CASE WHEN x.id IS NOT NULL THEN 0
                              WHEN m.deleted_ms IS NULL THEN 1 ELSE 2 END)
    FROM manifest_reference f
    JOIN manifest m ON m.id = f.manifest_id
    LEFT JOIN reached x ON x.id = m.id
    WHERE f.role <> 3
    GROUP BY f.digest
),
leased (digest) AS (
    SELECT DISTINCT digest FROM claim WHERE lease_until_ms > $1
)
SELECT CAST(COALESCE(u.reason, CASE WHEN l.digest IS NOT NULL THEN 3 ELSE 4 END) AS BIGINT)
           AS reason,
       COUNT(*) AS blobs, CAST(SUM(b.size) AS BIGINT) AS bytes
FROM blob b
LEFT JOIN used u ON u.digest = b.digest
LEFT JOIN leased l ON l.digest = b.digest
GROUP BY 1;

-- Removals of files that the worker has yet to do; each job is about up to 64 of them.
-- name: collect_files_waiting :one
-- in:   kind text
-- out:  jobs int, due_ms int?
SELECT COUNT(*) AS jobs, MIN(due_ms) AS due_ms FROM job WHERE kind = $1;
