-- SPDX-License-Identifier: Apache-2.0

-- name: account_by_name :maybe
-- in:   name text
-- out:  id int, kind int, name text, email text?, full_name text, is_admin bool, is_active bool
-- out:  default_private bool, credential_generation int, created_ms int, untagged_days int?
SELECT id, kind, name, email, full_name, is_admin, is_active,
       default_private, credential_generation, created_ms, untagged_days
  FROM account WHERE name = $1;

-- name: account_by_id :maybe
-- in:   id int
-- out:  id int, kind int, name text, email text?, full_name text, is_admin bool, is_active bool
-- out:  default_private bool, credential_generation int, created_ms int, untagged_days int?
SELECT id, kind, name, email, full_name, is_admin, is_active,
       default_private, credential_generation, created_ms, untagged_days
  FROM account WHERE id = $1;

-- name: account_page :many
-- in:   after text, page_size int
-- out:  id int, kind int, name text, email text?, full_name text, is_admin bool, is_active bool
-- out:  default_private bool, credential_generation int, created_ms int, untagged_days int?
SELECT id, kind, name, email, full_name, is_admin, is_active,
       default_private, credential_generation, created_ms, untagged_days
  FROM account WHERE name > $1 ORDER BY name LIMIT $2;

-- No row: the name or the e-mail address is taken.
-- name: account_insert :maybe
-- in:   name text, email text, password_hash text, full_name text, is_admin bool, created_ms int
-- out:  id int
INSERT INTO account (kind, name, email, password_hash, full_name, is_admin, created_ms)
VALUES (1, $1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING
RETURNING id;

-- Without a new password_hash the old one stays.
-- name: account_update :exec
-- in:   email text?, password_hash text?, full_name text, is_admin bool, is_active bool
-- in:   default_private bool, credential_generation int, untagged_days int?, id int
UPDATE account
   SET email = $1, password_hash = COALESCE($2, password_hash), full_name = $3, is_admin = $4,
       is_active = $5, default_private = $6, credential_generation = $7, untagged_days = $8
 WHERE id = $9;

-- name: account_email_holder :maybe
-- in:   email text
-- out:  id int
SELECT id FROM account WHERE email = $1;

-- Stops at the first, who is mostly among the oldest accounts.
-- name: account_any_admin :maybe
-- out:  id int
SELECT id FROM account WHERE is_admin ORDER BY id LIMIT 1;

-- name: account_count_other_admins :one
-- in:   id int
-- out:  admin_count int
SELECT count(*) AS admin_count FROM account WHERE is_admin AND is_active AND id <> $1;

-- name: account_forget_tokens :exec
-- in:   account_id int
DELETE FROM refresh_token WHERE account_id = $1;

-- Whoever gets a new password may use it at once.
-- name: account_forget_failures :exec
-- in:   name text, email text?
DELETE FROM login_failure WHERE name = $1 OR name = $2;

-- name: account_site_value :maybe
-- in:   name text
-- out:  value text
SELECT value FROM site WHERE key = $1;

-- name: account_site_value_add :exec
-- in:   name text, value text
INSERT INTO site (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING;

-- name: account_site_value_remove :exec
-- in:   name text
DELETE FROM site WHERE key = $1;
