-- SPDX-License-Identifier: Apache-2.0

-- A namespace and what it has under a name.  No row: there is no such namespace; repository_id 0: no
-- such repository in it.
-- name: access_place :maybe
-- in:   name text, owner text
-- out:  owner_id int, repository_id int, is_private bool
SELECT account.id AS owner_id, COALESCE(repository.id, 0) AS repository_id,
       COALESCE(repository.is_private, FALSE) AS is_private
  FROM account
  LEFT JOIN repository ON repository.owner_id = account.id AND repository.name = $1
 WHERE account.name = $2;
