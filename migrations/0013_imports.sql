-- Imports of GitLab groups: each chosen repository becomes an app.

-- One row an import; a draft until it is started. connection_id refers to nothing, so that a connection can go. reason:
-- why it stopped; trouble: what it waits for, until retry_at; both are texts in both languages, JSON. exhausted: how
-- many repositories in a row were given up since GitLab did not answer.
CREATE TABLE imports (
    id TEXT PRIMARY KEY NOT NULL,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    project_id TEXT NOT NULL REFERENCES projects (id),
    connection_id TEXT NOT NULL,
    group_id BIGINT NOT NULL,
    group_path TEXT NOT NULL,
    state TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id),
    reason TEXT,
    trouble TEXT,
    retry_at BIGINT,
    exhausted BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    ended_at BIGINT
);
CREATE INDEX imports_project ON imports (project_id, created_at);
CREATE UNIQUE INDEX imports_draft ON imports (project_id, user_id, connection_id, group_id) WHERE state = 'draft';

-- One row a repository. reason: why it failed or was skipped, or what there is
-- to know of an app that was made; JSON. app_id refers to nothing, so that an app can go.
CREATE TABLE import_items (
    import_id TEXT NOT NULL REFERENCES imports (id),
    repo_id BIGINT NOT NULL,
    org_id TEXT NOT NULL,
    repo_path TEXT NOT NULL,
    archived BIGINT NOT NULL,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    app_id TEXT,
    reason TEXT,
    tries BIGINT NOT NULL,
    ended_at BIGINT,
    PRIMARY KEY (import_id, repo_id)
);
