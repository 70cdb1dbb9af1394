-- SPDX-License-Identifier: Apache-2.0
-- Times are milliseconds since 1970 UTC.  Digests are stored as their text, algorithm included.

-- A user or an organization: both own a namespace.  Rows are never removed, so that a name is never given out again.
CREATE TABLE account (
    id              INTEGER PRIMARY KEY,
    kind            INTEGER NOT NULL,            -- 1 user, 2 organization
    name            TEXT    NOT NULL UNIQUE,
    email           TEXT    UNIQUE,              -- lower case; NULL for organizations
    password_hash   TEXT,                        -- argon2id, encoded; NULL: cannot log in with one
    full_name       TEXT    NOT NULL DEFAULT '',
    is_admin        INTEGER NOT NULL DEFAULT 0,
    is_active       INTEGER NOT NULL DEFAULT 1,
    default_private INTEGER NOT NULL DEFAULT 0,  -- visibility of repositories that a push creates
    credential_generation INTEGER NOT NULL DEFAULT 1, -- raised to end all tokens of the account
    created_ms      INTEGER NOT NULL
);

CREATE TABLE repository (
    id              INTEGER PRIMARY KEY,
    owner_id        INTEGER NOT NULL REFERENCES account (id),
    name            TEXT    NOT NULL,
    is_private      INTEGER NOT NULL DEFAULT 0,
    is_automated    INTEGER NOT NULL DEFAULT 0,
    description     TEXT    NOT NULL DEFAULT '',
    full_description TEXT   NOT NULL DEFAULT '',
    star_count      INTEGER NOT NULL DEFAULT 0,
    pull_count      INTEGER NOT NULL DEFAULT 0,
    push_count      INTEGER NOT NULL DEFAULT 0,
    search_rank     INTEGER NOT NULL DEFAULT 0,  -- as it stands in search_term
    created_ms      INTEGER NOT NULL,
    updated_ms      INTEGER NOT NULL,            -- last push, or creation
    UNIQUE (owner_id, name)
);

-- The bytes of one digest: the finished upload that holds them.
CREATE TABLE blob (
    digest      TEXT    PRIMARY KEY,
    size        INTEGER NOT NULL,                -- bytes
    upload_id   TEXT    NOT NULL,
    created_ms  INTEGER NOT NULL
) WITHOUT ROWID;

-- A repository's right to a blob.  Pulls look here, never at blob alone.
CREATE TABLE claim (
    repository_id   INTEGER NOT NULL REFERENCES repository (id),
    digest          TEXT    NOT NULL REFERENCES blob (digest),
    lease_until_ms  INTEGER NOT NULL,            -- kept until then even if nothing refers to it
    PRIMARY KEY (repository_id, digest)
) WITHOUT ROWID;
CREATE INDEX claim_by_digest ON claim (digest);

CREATE TABLE manifest (
    id              INTEGER PRIMARY KEY,
    repository_id   INTEGER NOT NULL REFERENCES repository (id),
    digest          TEXT    NOT NULL,
    kind            INTEGER NOT NULL,            -- 1 image, 2 index (enum media_kind)
    media_type      TEXT    NOT NULL,
    artifact_type   TEXT,
    subject_digest  TEXT,                        -- need not exist
    annotations     TEXT,                        -- compact JSON object
    size            INTEGER NOT NULL,            -- bytes of the document
    content_size    INTEGER NOT NULL,            -- bytes of config and layers together
    os              TEXT,                        -- platform, of images whose config tells it
    architecture    TEXT,
    variant         TEXT,
    pushed_by       INTEGER REFERENCES account (id),
    pushed_ms       INTEGER NOT NULL,
    UNIQUE (repository_id, digest)
);
CREATE INDEX manifest_by_subject ON manifest (repository_id, subject_digest, digest)
    WHERE subject_digest IS NOT NULL;

-- The document, byte for byte; apart, so that lists of manifests stay small.
CREATE TABLE manifest_body (
    manifest_id INTEGER PRIMARY KEY REFERENCES manifest (id) ON DELETE CASCADE,
    body        BLOB    NOT NULL
);

-- What a manifest refers to, in the order of the document.
CREATE TABLE manifest_reference (
    manifest_id INTEGER NOT NULL REFERENCES manifest (id) ON DELETE CASCADE,
    repository_id INTEGER NOT NULL,               -- that of the manifest: "who uses this blob here?" is one look
    position    INTEGER NOT NULL,
    role        INTEGER NOT NULL,                -- 1 config, 2 layer, 3 child manifest
    digest      TEXT    NOT NULL,
    size        INTEGER NOT NULL,
    media_type  TEXT    NOT NULL,
    PRIMARY KEY (manifest_id, position)
) WITHOUT ROWID;
CREATE INDEX manifest_reference_by_digest ON manifest_reference (repository_id, digest);

CREATE TABLE tag (
    repository_id   INTEGER NOT NULL REFERENCES repository (id),
    name            TEXT    NOT NULL,
    manifest_id     INTEGER NOT NULL REFERENCES manifest (id),
    pushed_by       INTEGER REFERENCES account (id),
    pushed_ms       INTEGER NOT NULL,
    PRIMARY KEY (repository_id, name)
) WITHOUT ROWID;
CREATE INDEX tag_by_manifest ON tag (manifest_id);

-- What a tag pointed to before; keeps its content alive inside the window.
CREATE TABLE tag_history (
    id              INTEGER PRIMARY KEY,
    repository_id   INTEGER NOT NULL REFERENCES repository (id),
    name            TEXT    NOT NULL,
    digest          TEXT    NOT NULL,
    pushed_by       INTEGER REFERENCES account (id),
    pushed_ms       INTEGER NOT NULL,
    replaced_ms     INTEGER NOT NULL
);
CREATE INDEX tag_history_by_tag ON tag_history (repository_id, name, replaced_ms);
CREATE INDEX tag_history_by_time ON tag_history (replaced_ms);

CREATE TABLE upload (
    id              TEXT    PRIMARY KEY,         -- 128 random bits, never used twice
    repository_id   INTEGER NOT NULL REFERENCES repository (id),
    account_id      INTEGER NOT NULL REFERENCES account (id),
    size            INTEGER NOT NULL,            -- bytes received and durable
    hash_state      BLOB    NOT NULL,            -- digest_hasher_save() of those bytes
    started_ms      INTEGER NOT NULL,
    touched_ms      INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX upload_by_time ON upload (touched_ms);
CREATE INDEX upload_by_account ON upload (account_id);

-- Identity tokens of `docker login`: stored as SHA-256, shown once.
CREATE TABLE refresh_token (
    id              INTEGER PRIMARY KEY,
    account_id      INTEGER NOT NULL REFERENCES account (id),
    hash            BLOB    NOT NULL UNIQUE,
    credential_generation INTEGER NOT NULL,
    client          TEXT    NOT NULL,
    created_ms      INTEGER NOT NULL,
    used_ms         INTEGER NOT NULL
);
CREATE INDEX refresh_token_by_account ON refresh_token (account_id);
CREATE INDEX refresh_token_by_time ON refresh_token (used_ms);

-- Wrong passwords by account name and client address; names need not exist.
CREATE TABLE login_failure (
    name            TEXT    NOT NULL,
    address         TEXT    NOT NULL,
    failure_count   INTEGER NOT NULL,
    last_mark       BLOB    NOT NULL,            -- keyed hash of the last wrong password: the same one again does not count
    last_ms         INTEGER NOT NULL,
    locked_until_ms INTEGER NOT NULL,
    PRIMARY KEY (name, address)
) WITHOUT ROWID;
CREATE INDEX login_failure_by_time ON login_failure (last_ms);

-- What must still be done after a change, written in the transaction of the change.
CREATE TABLE job (
    id              INTEGER PRIMARY KEY,
    kind            TEXT    NOT NULL,
    subject         TEXT    NOT NULL,            -- what it is about; meaning depends on the kind
    payload         TEXT    NOT NULL,            -- JSON object
    due_ms          INTEGER NOT NULL,
    attempt_count   INTEGER NOT NULL DEFAULT 0,
    fence           INTEGER NOT NULL DEFAULT 0,  -- raised at each lease; an old holder cannot finish
    lease_until_ms  INTEGER NOT NULL DEFAULT 0,
    last_error      TEXT    NOT NULL DEFAULT '',
    created_ms      INTEGER NOT NULL
);
CREATE INDEX job_by_due ON job (due_ms, id);

-- The search index: each word of a repository, best first.
CREATE TABLE search_term (
    term            TEXT    NOT NULL,
    rank            INTEGER NOT NULL,            -- larger is better
    repository_id   INTEGER NOT NULL REFERENCES repository (id),
    PRIMARY KEY (term, rank, repository_id)
) WITHOUT ROWID;
CREATE INDEX search_term_by_repository ON search_term (repository_id);

-- Things of which there is one: "setup_code" and the like.
CREATE TABLE site (
    key     TEXT PRIMARY KEY,
    value   TEXT NOT NULL
) WITHOUT ROWID;

-- The namespace of official images; nobody logs in as it.
INSERT INTO account (kind, name, created_ms) VALUES (2, 'library', 0);
