-- The ground: people, places, roles, connections, the outbox and the audit log.
-- One dialect, valid on SQLite and PostgreSQL: ids TEXT (UUIDv7), instants BIGINT (µs since the epoch, UTC),
-- documents TEXT (JSON), flags as BIGINT 0/1 or as nullable instants.

CREATE TABLE users (
    id TEXT PRIMARY KEY NOT NULL,
    username TEXT NOT NULL,
    name TEXT NOT NULL,
    email TEXT,
    password_hash TEXT,
    locale TEXT,
    created_at BIGINT NOT NULL,
    deactivated_at BIGINT,
    CONSTRAINT users_username_key UNIQUE (username)
);
CREATE INDEX users_email ON users (email);

CREATE TABLE identities (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (issuer, subject)
);

CREATE TABLE sign_in_failures (
    failure_key TEXT PRIMARY KEY NOT NULL,
    failures BIGINT NOT NULL,
    locked_until BIGINT
);

CREATE TABLE sessions (
    session_key TEXT PRIMARY KEY NOT NULL,
    user_id TEXT REFERENCES users (id),
    data TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_expires_at ON sessions (expires_at);

-- audit_seq and audit_hash are the end of the organization's audit chain; the row is its lock.
CREATE TABLE organizations (
    id TEXT PRIMARY KEY NOT NULL,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    audit_seq BIGINT NOT NULL DEFAULT 0,
    audit_hash TEXT NOT NULL DEFAULT '',
    CONSTRAINT organizations_slug_key UNIQUE (slug)
);

CREATE TABLE groups (
    id TEXT PRIMARY KEY NOT NULL,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT groups_name_key UNIQUE (org_id, name)
);

CREATE TABLE group_members (
    group_id TEXT NOT NULL REFERENCES groups (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    PRIMARY KEY (group_id, user_id)
);
CREATE INDEX group_members_user ON group_members (user_id);

CREATE TABLE projects (
    id TEXT PRIMARY KEY NOT NULL,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    slug TEXT NOT NULL,
    item_key TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    internal BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT projects_slug_key UNIQUE (org_id, slug),
    CONSTRAINT projects_item_key_key UNIQUE (org_id, item_key)
);

CREATE TABLE connections (
    id TEXT PRIMARY KEY NOT NULL,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    name TEXT NOT NULL,
    base_url TEXT NOT NULL,
    token TEXT NOT NULL,
    last_ok_at BIGINT,
    trouble TEXT,
    CONSTRAINT connections_name_key UNIQUE (org_id, name)
);

CREATE TABLE clusters (
    id TEXT PRIMARY KEY NOT NULL,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    name TEXT NOT NULL,
    kubeconfig TEXT NOT NULL,
    context TEXT,
    -- 1: from the operator's configuration; it may name programs and files of Slipway's machine.
    operator BIGINT NOT NULL,
    last_ok_at BIGINT,
    trouble TEXT,
    CONSTRAINT clusters_name_key UNIQUE (org_id, name)
);

CREATE TABLE apps (
    id TEXT PRIMARY KEY NOT NULL,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    project_id TEXT NOT NULL REFERENCES projects (id),
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    workload TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    connection_id TEXT REFERENCES connections (id),
    repo_id BIGINT,
    repo_path TEXT,
    repo_branch TEXT,
    repo_url TEXT,
    hook_id BIGINT,
    hook_secret TEXT,
    CONSTRAINT apps_slug_key UNIQUE (project_id, slug)
);
CREATE INDEX apps_repository ON apps (connection_id, repo_id);

CREATE TABLE role_bindings (
    id TEXT PRIMARY KEY NOT NULL,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    project_id TEXT REFERENCES projects (id),
    app_id TEXT REFERENCES apps (id),
    user_id TEXT REFERENCES users (id),
    group_id TEXT REFERENCES groups (id),
    role TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX role_bindings_once ON role_bindings (
    org_id, COALESCE(project_id, ''), COALESCE(app_id, ''), COALESCE(user_id, ''), COALESCE(group_id, ''), role
);
CREATE INDEX role_bindings_user ON role_bindings (user_id);
CREATE INDEX role_bindings_group ON role_bindings (group_id);

CREATE TABLE outbox (
    id TEXT PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    job_key TEXT,
    run_at BIGINT NOT NULL,
    owner TEXT,
    lease_until BIGINT,
    attempt BIGINT NOT NULL DEFAULT 0,
    failures BIGINT NOT NULL DEFAULT 0,
    error TEXT,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX outbox_waiting_key ON outbox (job_key) WHERE job_key IS NOT NULL AND owner IS NULL;
CREATE INDEX outbox_run_at ON outbox (run_at) WHERE owner IS NULL;
CREATE INDEX outbox_lease ON outbox (lease_until) WHERE owner IS NOT NULL;

CREATE TABLE audit_log (
    id TEXT PRIMARY KEY NOT NULL,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    seq BIGINT NOT NULL,
    project_id TEXT,
    app_id TEXT,
    at BIGINT NOT NULL,
    actor_id TEXT,
    actor TEXT NOT NULL,
    via TEXT NOT NULL,
    request_id TEXT NOT NULL,
    action TEXT NOT NULL,
    target_kind TEXT NOT NULL,
    target_id TEXT NOT NULL,
    target TEXT NOT NULL,
    summary TEXT NOT NULL,
    outcome TEXT NOT NULL,
    previous_hash TEXT NOT NULL,
    hash TEXT NOT NULL,
    CONSTRAINT audit_log_seq_key UNIQUE (org_id, seq)
);
CREATE INDEX audit_log_project ON audit_log (project_id, seq);
CREATE INDEX audit_log_app ON audit_log (app_id, seq);
