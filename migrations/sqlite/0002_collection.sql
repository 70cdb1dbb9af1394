-- SPDX-License-Identifier: Apache-2.0
-- Collection: giving back the space of content that nothing keeps (src/hub/collect.h).

-- What may be without a reason from `due_ms` on.  Nothing scans: who takes a reason away writes a row.
CREATE TABLE candidate (
    kind            INTEGER NOT NULL,            -- 1 claim, 2 manifest, 3 manifest whose index has gone
    repository_id   INTEGER NOT NULL REFERENCES repository (id),
    digest          TEXT    NOT NULL,
    due_ms          INTEGER NOT NULL,
    PRIMARY KEY (repository_id, digest, kind)
) WITHOUT ROWID;
CREATE INDEX candidate_by_due ON candidate (due_ms);

-- Days after which manifests without a tag go; NULL: they stay.
ALTER TABLE account ADD COLUMN untagged_days INTEGER;

-- Deleted, but kept and hidden as long as the history of a tag can bring it back.
ALTER TABLE manifest ADD COLUMN deleted_ms INTEGER;
ALTER TABLE manifest ADD COLUMN lease_until_ms INTEGER NOT NULL DEFAULT 0; -- a push counts on it until then
ALTER TABLE manifest ADD COLUMN untagged_ms INTEGER NOT NULL DEFAULT 0;    -- when a tag last left it
CREATE INDEX manifest_hidden ON manifest (id) WHERE deleted_ms IS NOT NULL;

CREATE INDEX tag_history_by_digest ON tag_history (repository_id, digest, replaced_ms);
CREATE INDEX upload_by_repository ON upload (repository_id);
