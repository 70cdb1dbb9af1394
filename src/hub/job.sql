-- SPDX-License-Identifier: Apache-2.0
-- Statements of hub/job.c.  A running job is due again when its lease ends.

-- name: job_insert :exec
-- in:   kind text, subject text, payload text, due_ms int, created_ms int
INSERT INTO job (kind, subject, payload, due_ms, created_ms) VALUES ($1, $2, $3, $4, $5);

-- The job of these kinds that has been due longest; several nodes skip each other's choice.
-- name: job_next :maybe sqlite
-- in:   now_ms int, kind1 text, kind2 text, kind3 text, kind4 text
-- in:   kind5 text, kind6 text, kind7 text, kind8 text
-- out:  id int, kind text, subject text, payload text, attempt_count int, fence int
SELECT id, kind, subject, payload, attempt_count, fence FROM job
WHERE due_ms <= $1 AND kind IN ($2, $3, $4, $5, $6, $7, $8, $9)
ORDER BY due_ms, id
LIMIT 1;

-- name: job_next :maybe postgres
-- in:   now_ms int, kind1 text, kind2 text, kind3 text, kind4 text
-- in:   kind5 text, kind6 text, kind7 text, kind8 text
-- out:  id int, kind text, subject text, payload text, attempt_count int, fence int
SELECT id, kind, subject, payload, attempt_count, fence FROM job
WHERE due_ms <= $1 AND kind IN ($2, $3, $4, $5, $6, $7, $8, $9)
ORDER BY due_ms, id
LIMIT 1
FOR UPDATE SKIP LOCKED;

-- Is there anything to lease?  Asked first, so that an idle worker takes no lock.
-- name: job_is_due :maybe
-- in:   now_ms int, kind1 text, kind2 text, kind3 text, kind4 text
-- in:   kind5 text, kind6 text, kind7 text, kind8 text
-- out:  id int
SELECT id FROM job
WHERE due_ms <= $1 AND kind IN ($2, $3, $4, $5, $6, $7, $8, $9)
LIMIT 1;

-- name: job_take :count
-- in:   lease_until_ms int, id int, old_fence int
UPDATE job SET lease_until_ms = $1, due_ms = $1, fence = fence + 1,
               attempt_count = attempt_count + 1
WHERE id = $2 AND fence = $3;

-- name: job_delete :count
-- in:   id int, fence int
DELETE FROM job WHERE id = $1 AND fence = $2;

-- The fence is raised, so that the old holder cannot finish what waits for another.
-- name: job_put_back :count
-- in:   due_ms int, reason text, id int, old_fence int
UPDATE job SET due_ms = $1, lease_until_ms = 0, fence = fence + 1, last_error = $2
WHERE id = $3 AND fence = $4;
