-- SPDX-License-Identifier: Apache-2.0
-- Statements of hub/search.c.  Every repository has a row for the empty term, which finds everything.
--
-- The two statements that find have the same conditions: the rows of the rarest word in the order of their
-- rank, of which those are left that have all `others` too and that the viewer may see.  CROSS JOIN keeps
-- SQLite to that order, so that it stops at the limit.  With more conditions at the top it sorts all rows
-- instead (SQLite 3.40), which takes seconds at a million repositories: test_search.c looks at the plan.

-- What the index says about a repository.
-- name: search_source :maybe
-- in:   repository_id int
-- out:  owner text, name text, description text, star_count int, pull_count int
SELECT a.name AS owner, r.name, r.description, r.star_count, r.pull_count
FROM repository r JOIN account a ON a.id = r.owner_id
WHERE r.id = $1;

-- What the index has of a repository.
-- name: search_terms :many
-- in:   repository_id int, most int
-- out:  term text, place int, search_rank int
SELECT d.term, d.rank AS place, r.search_rank
FROM search_term d JOIN repository r ON r.id = d.repository_id
WHERE d.repository_id = $1
LIMIT $2;

-- name: search_clear :exec
-- in:   repository_id int
DELETE FROM search_term WHERE repository_id = $1;

-- name: search_insert :exec
-- in:   term text, place int, repository_id int
INSERT INTO search_term (term, rank, repository_id) VALUES ($1, $2, $3);

-- name: search_rerank_terms :exec
-- in:   new_rank int, repository_id int
UPDATE search_term SET rank = $1 WHERE repository_id = $2;

-- name: search_rerank_repository :exec
-- in:   new_rank int, repository_id int
UPDATE repository SET search_rank = $1 WHERE id = $2;

-- How many repositories have a word, up to `most`.
-- name: search_frequency :one
-- in:   term text, most int
-- out:  frequency int
SELECT COUNT(*) AS frequency FROM (SELECT 1 FROM search_term WHERE term = $1 LIMIT $2) AS s;

-- The lowest rank among the best `depth` rows of a word; 0 if there are none.
-- name: search_floor :one
-- in:   term text, rank_max int, depth int
-- out:  lowest int
SELECT COALESCE(MIN(s.rank), 0) AS lowest FROM (
    SELECT rank FROM search_term WHERE term = $1 AND rank <= $2
    ORDER BY rank DESC, repository_id DESC LIMIT $3) AS s;

-- name: search_total :one
-- in:   term text, rank_min int, rank_max int, others int
-- in:   other1 text, other2 text, other3 text, other4 text, other5 text, other6 text, other7 text
-- in:   but_id int, sees_all bool, viewer_id int, stars_min int
-- in:   any_automated bool, is_automated bool, most int
-- out:  total int
SELECT COUNT(*) AS total FROM (
SELECT 1
FROM search_term d CROSS JOIN repository r
WHERE r.id = d.repository_id AND d.term = $1 AND d.rank >= $2 AND d.rank <= $3
  AND (CAST($4 AS BIGINT) = 0 OR (1 = (SELECT COUNT(*) FROM search_term s
            WHERE s.term = $5 AND s.rank = d.rank AND s.repository_id = d.repository_id)
        AND ($4 < 2 OR 1 = (SELECT COUNT(*) FROM search_term s
            WHERE s.term = $6 AND s.rank = d.rank AND s.repository_id = d.repository_id))
        AND ($4 < 3 OR 1 = (SELECT COUNT(*) FROM search_term s
            WHERE s.term = $7 AND s.rank = d.rank AND s.repository_id = d.repository_id))
        AND ($4 < 4 OR 1 = (SELECT COUNT(*) FROM search_term s
            WHERE s.term = $8 AND s.rank = d.rank AND s.repository_id = d.repository_id))
        AND ($4 < 5 OR 1 = (SELECT COUNT(*) FROM search_term s
            WHERE s.term = $9 AND s.rank = d.rank AND s.repository_id = d.repository_id))
        AND ($4 < 6 OR 1 = (SELECT COUNT(*) FROM search_term s
            WHERE s.term = $10 AND s.rank = d.rank AND s.repository_id = d.repository_id))
        AND ($4 < 7 OR 1 = (SELECT COUNT(*) FROM search_term s
            WHERE s.term = $11 AND s.rank = d.rank AND s.repository_id = d.repository_id))))
  AND r.id <> $12 AND ($13 OR NOT r.is_private OR r.owner_id = $14)
  AND r.star_count >= $15 AND ($16 OR r.is_automated = $17)
LIMIT $18) AS found;

-- name: search_page :many
-- in:   term text, rank_min int, rank_max int, others int
-- in:   other1 text, other2 text, other3 text, other4 text, other5 text, other6 text, other7 text
-- in:   but_id int, sees_all bool, viewer_id int, stars_min int
-- in:   any_automated bool, is_automated bool, most int
-- out:  owner text, name text, description text
-- out:  star_count int, pull_count int, is_automated bool, is_private bool
SELECT a.name AS owner, r.name, r.description, r.star_count, r.pull_count, r.is_automated,
       r.is_private
FROM search_term d CROSS JOIN repository r CROSS JOIN account a
WHERE r.id = d.repository_id AND a.id = r.owner_id
  AND d.term = $1 AND d.rank >= $2 AND d.rank <= $3
  AND (CAST($4 AS BIGINT) = 0 OR (1 = (SELECT COUNT(*) FROM search_term s
            WHERE s.term = $5 AND s.rank = d.rank AND s.repository_id = d.repository_id)
        AND ($4 < 2 OR 1 = (SELECT COUNT(*) FROM search_term s
            WHERE s.term = $6 AND s.rank = d.rank AND s.repository_id = d.repository_id))
        AND ($4 < 3 OR 1 = (SELECT COUNT(*) FROM search_term s
            WHERE s.term = $7 AND s.rank = d.rank AND s.repository_id = d.repository_id))
        AND ($4 < 4 OR 1 = (SELECT COUNT(*) FROM search_term s
            WHERE s.term = $8 AND s.rank = d.rank AND s.repository_id = d.repository_id))
        AND ($4 < 5 OR 1 = (SELECT COUNT(*) FROM search_term s
            WHERE s.term = $9 AND s.rank = d.rank AND s.repository_id = d.repository_id))
        AND ($4 < 6 OR 1 = (SELECT COUNT(*) FROM search_term s
            WHERE s.term = $10 AND s.rank = d.rank AND s.repository_id = d.repository_id))
        AND ($4 < 7 OR 1 = (SELECT COUNT(*) FROM search_term s
            WHERE s.term = $11 AND s.rank = d.rank AND s.repository_id = d.repository_id))))
  AND r.id <> $12 AND ($13 OR NOT r.is_private OR r.owner_id = $14)
  AND r.star_count >= $15 AND ($16 OR r.is_automated = $17)
ORDER BY d.rank DESC, d.repository_id DESC
LIMIT $18;
