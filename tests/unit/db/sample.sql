-- SPDX-License-Identifier: Apache-2.0
-- Statements of every kind and type, for test_db.c and its neighbours.

-- One value of each type.
-- name: thing_add :one
-- in:   number int, label text, content bytes, is_red bool, address digest
-- out:  id int
INSERT INTO thing (number, label, content, is_red, address) VALUES ($1, $2, $3, $4, $5)
RETURNING id;

-- The same, where NULL is allowed.
-- name: thing_add_nullable :exec
-- in:   number int?, label text?, content bytes?
-- in:   address digest?
INSERT INTO thing (number, label, content, address) VALUES ($1, $2, $3, $4);

-- name: thing_get :one
-- in:   id int
-- out:  number int?, label text?, content bytes?, is_red bool, address digest?
SELECT number, label, content, is_red, address FROM thing WHERE id = $1;

-- Declares that a label is always there, which the table does not promise.
-- name: thing_label :one
-- in:   id int
-- out:  label text
SELECT label FROM thing WHERE id = $1;

-- name: thing_address :one
-- in:   id int
-- out:  address digest
SELECT address FROM thing WHERE id = $1;

-- name: thing_find :maybe
-- in:   label text
-- out:  id int
SELECT id FROM thing WHERE label = $1;

-- name: thing_list :many
-- in:   after_id int, most int
-- out:  id int, label text?
SELECT id, label FROM thing WHERE id > $1 ORDER BY id LIMIT $2;

-- Compare and set.
-- name: thing_move :count
-- in:   number_new int, number_old int
UPDATE thing SET number = $1 WHERE number = $2;

-- name: thing_any :one
-- out:  id int
SELECT id FROM thing;

-- name: thing_count :one
-- out:  things int
SELECT count(*) FROM thing;

-- Seven inputs come as one struct, and a digest among them by pointer.
-- name: thing_sum :one
-- in:   a int, b int, c int, d int, e int, f int, g digest
-- out:  total int, same text
SELECT $1 + $2 + $3 + $4 + $5 + $6, $7;

-- Differs by engine.
-- name: engine_name :one sqlite
-- out:  engine text
SELECT 'sqlite';

-- name: engine_name :one postgres
-- out:  engine text
SELECT 'postgres';

-- name: part_add :exec
-- in:   thing_id int
INSERT INTO part (thing_id) VALUES ($1);

-- name: late_part_add :exec
-- in:   thing_id int
INSERT INTO late_part (thing_id) VALUES ($1);
