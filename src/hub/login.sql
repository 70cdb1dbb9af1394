-- SPDX-License-Identifier: Apache-2.0

-- name: login_by_name :maybe
-- in:   name text
-- out:  id int, password_hash text?
SELECT id, password_hash FROM account WHERE name = $1;

-- name: login_by_email :maybe
-- in:   email text
-- out:  id int, password_hash text?
SELECT id, password_hash FROM account WHERE email = $1;

-- The failures of a name and an address, or with an empty name of the address alone.
-- name: login_failure_get :maybe
-- in:   name text, address text
-- out:  failure_count int, last_mark bytes, last_ms int, locked_until_ms int
SELECT failure_count, last_mark, last_ms, locked_until_ms
  FROM login_failure WHERE name = $1 AND address = $2;

-- name: login_failure_set :exec
-- in:   name text, address text, failure_count int, last_mark bytes, last_ms int, locked_until_ms int
INSERT INTO login_failure (name, address, failure_count, last_mark, last_ms, locked_until_ms)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (name, address) DO UPDATE
   SET failure_count = excluded.failure_count, last_mark = excluded.last_mark,
       last_ms = excluded.last_ms, locked_until_ms = excluded.locked_until_ms;

-- name: login_failure_remove :exec
-- in:   name text, address text
DELETE FROM login_failure WHERE name = $1 AND address = $2;

-- name: login_failure_sweep :exec
-- in:   last_before_ms int, now_ms int
DELETE FROM login_failure WHERE last_ms < $1 AND locked_until_ms <= $2;

-- name: refresh_token_insert :exec
-- in:   account_id int, hash bytes, credential_generation int, client text, created_ms int
INSERT INTO refresh_token
       (account_id, hash, credential_generation, client, created_ms, used_ms)
VALUES ($1, $2, $3, $4, $5, $5);

-- name: refresh_token_keep_newest :exec
-- in:   account_id int, kept int
DELETE FROM refresh_token
 WHERE account_id = $1
   AND id NOT IN (SELECT id FROM refresh_token WHERE account_id = $1
                   ORDER BY used_ms DESC, id DESC LIMIT $2);

-- name: refresh_token_find :maybe
-- in:   hash bytes
-- out:  id int, account_id int, credential_generation int, used_ms int
SELECT id, account_id, credential_generation, used_ms FROM refresh_token WHERE hash = $1;

-- name: refresh_token_use :exec
-- in:   used_ms int, id int
UPDATE refresh_token SET used_ms = $1 WHERE id = $2;

-- name: refresh_token_sweep :exec
-- in:   used_before_ms int
DELETE FROM refresh_token WHERE used_ms < $1;
