-- SPDX-License-Identifier: Apache-2.0
-- Statements of hub/repository.c.

-- Who owns a namespace, and what a push creates in it.
-- name: repository_owner :maybe
-- in:   name text
-- out:  id int, default_private bool
SELECT id, default_private FROM account WHERE name = $1;

-- A repository by its full name.
-- name: repository_find :maybe
-- in:   owner text, name text
-- out:  id int, owner_id int, owner text, name text, is_private bool, is_automated bool
-- out:  description text, full_description text, star_count int, pull_count int, push_count int
-- out:  created_ms int, updated_ms int
SELECT r.id, r.owner_id, a.name AS owner, r.name, r.is_private, r.is_automated,
       r.description, r.full_description, r.star_count, r.pull_count, r.push_count,
       r.created_ms, r.updated_ms
FROM account a JOIN repository r ON r.owner_id = a.id
WHERE a.name = $1 AND r.name = $2;

-- Nothing if there is one of this name already.
-- name: repository_insert :maybe
-- in:   owner_id int, name text, is_private bool, is_automated bool, description text
-- in:   full_description text, created_ms int
-- out:  id int
INSERT INTO repository (owner_id, name, is_private, is_automated, description, full_description,
                        created_ms, updated_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
ON CONFLICT (owner_id, name) DO NOTHING
RETURNING id;

-- name: repository_update :exec
-- in:   description text, full_description text, is_private bool, is_automated bool, id int
UPDATE repository SET description = $1, full_description = $2, is_private = $3, is_automated = $4
WHERE id = $5;

-- A page of one namespace.
-- name: repository_list_of :many
-- in:   owner text, after text, sees_all bool, viewer_id int, most int
-- out:  id int, owner_id int, owner text, name text, is_private bool, is_automated bool
-- out:  description text, star_count int, pull_count int, push_count int
-- out:  created_ms int, updated_ms int
SELECT r.id, r.owner_id, a.name AS owner, r.name, r.is_private, r.is_automated, r.description,
       r.star_count, r.pull_count, r.push_count, r.created_ms, r.updated_ms
FROM account a JOIN repository r ON r.owner_id = a.id
WHERE a.name = $1 AND r.name > $2 AND ($3 OR NOT r.is_private OR r.owner_id = $4)
ORDER BY r.name
LIMIT $5;

-- A page of all namespaces behind one.
-- name: repository_list_behind :many
-- in:   owner text, sees_all bool, viewer_id int, most int
-- out:  id int, owner_id int, owner text, name text, is_private bool, is_automated bool
-- out:  description text, star_count int, pull_count int, push_count int
-- out:  created_ms int, updated_ms int
SELECT r.id, r.owner_id, a.name AS owner, r.name, r.is_private, r.is_automated, r.description,
       r.star_count, r.pull_count, r.push_count, r.created_ms, r.updated_ms
FROM account a JOIN repository r ON r.owner_id = a.id
WHERE a.name > $1 AND ($2 OR NOT r.is_private OR r.owner_id = $3)
ORDER BY a.name, r.name
LIMIT $4;

-- A push has changed what is in it.
-- name: repository_pushed :exec
-- in:   updated_ms int, pushes int, id int
UPDATE repository SET updated_ms = $1, push_count = push_count + $2 WHERE id = $3;
