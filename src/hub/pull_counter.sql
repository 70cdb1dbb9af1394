-- SPDX-License-Identifier: Apache-2.0
-- Statements of hub/pull_counter.c.

-- Nothing if the repository is gone.
-- name: pull_count_add :maybe
-- in:   pulls int, repository_id int
-- out:  pull_count int, search_rank int
UPDATE repository SET pull_count = pull_count + $1 WHERE id = $2
RETURNING pull_count, search_rank;
