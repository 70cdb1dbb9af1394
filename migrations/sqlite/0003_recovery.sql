-- SPDX-License-Identifier: Apache-2.0
-- Copies of what the database knows, kept in the store (src/hub/recovery.h), and the check (src/hub/check.h).

-- One job for each note, however often what it is about changes.
CREATE UNIQUE INDEX job_recovery_copy ON job (subject) WHERE kind = 'recovery_copy';

-- Is a document, or a blob, needed by anybody?
CREATE INDEX manifest_by_digest ON manifest (digest);
CREATE INDEX manifest_reference_anywhere ON manifest_reference (digest);

-- What is there already has no notes yet.
INSERT INTO job (kind, subject, payload, due_ms, created_ms)
SELECT 'recovery_copy', 'account/' || name, '{}', 0, 0 FROM account;
INSERT INTO job (kind, subject, payload, due_ms, created_ms)
SELECT 'recovery_copy', 'repository/' || a.name || '/' || r.name, '{}', 0, 0
FROM repository r JOIN account a ON a.id = r.owner_id;
