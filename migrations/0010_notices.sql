-- Search: somebody's own work items, the ones that changed last first.
CREATE INDEX items_assignee ON items (assignee_id, updated_at);
CREATE INDEX items_reporter ON items (reporter_id, updated_at);

-- Notices: what concerns somebody. org_id, project_id and app_id say where it happened; as in the audit log nothing
-- refers to them, so that a place can go. words: a text in both languages, JSON.
CREATE TABLE notices (
    id TEXT PRIMARY KEY NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id),
    org_id TEXT NOT NULL,
    project_id TEXT,
    app_id TEXT,
    kind TEXT NOT NULL,
    thread TEXT NOT NULL,
    subject TEXT NOT NULL,
    path TEXT NOT NULL,
    words TEXT NOT NULL,
    at BIGINT NOT NULL,
    read_at BIGINT
);
CREATE INDEX notices_user ON notices (user_id, at);
CREATE INDEX notices_unread ON notices (user_id) WHERE read_at IS NULL;
CREATE INDEX notices_read ON notices (read_at) WHERE read_at IS NOT NULL;

-- What somebody does not want to be told: a row is a kind that is off (without a project), or a project that is muted
-- (without a kind).
CREATE TABLE notice_quiet (
    user_id TEXT NOT NULL REFERENCES users (id),
    project_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    PRIMARY KEY (user_id, project_id, kind)
);

-- Who started a pipeline by Slipway: GitLab knows only the owner of the connection's token.
CREATE TABLE run_starters (
    app_id TEXT NOT NULL,
    forge_id BIGINT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id),
    org_id TEXT NOT NULL,
    PRIMARY KEY (app_id, forge_id, user_id)
);
