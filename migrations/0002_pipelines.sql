-- Repositories, proposals, runs with their jobs and logs, releases and webhooks.

-- How the last look at an app's repository went.
CREATE TABLE repository_states (
    app_id TEXT PRIMARY KEY NOT NULL REFERENCES apps (id),
    org_id TEXT NOT NULL REFERENCES organizations (id),
    synced_at BIGINT,
    trouble TEXT,
    hook_trouble TEXT
);

CREATE TABLE proposals (
    id TEXT PRIMARY KEY NOT NULL,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    app_id TEXT NOT NULL REFERENCES apps (id),
    number BIGINT NOT NULL,
    branch TEXT NOT NULL,
    target TEXT NOT NULL,
    title TEXT NOT NULL,
    content TEXT NOT NULL,
    template TEXT NOT NULL,
    base TEXT,
    committed TEXT,
    state TEXT NOT NULL,
    iid BIGINT,
    sha TEXT,
    web_url TEXT,
    blocked TEXT,
    author_id TEXT REFERENCES users (id),
    created_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    CONSTRAINT proposals_number_key UNIQUE (app_id, number)
);

CREATE TABLE pipeline_drafts (
    app_id TEXT NOT NULL REFERENCES apps (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    org_id TEXT NOT NULL REFERENCES organizations (id),
    template TEXT NOT NULL,
    inputs TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (app_id, user_id)
);

-- seen_at: when the answer of GitLab that the row is made from was asked for; older answers never replace it.
CREATE TABLE runs (
    id TEXT PRIMARY KEY NOT NULL,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    app_id TEXT NOT NULL REFERENCES apps (id),
    forge_id BIGINT NOT NULL,
    number BIGINT NOT NULL,
    status TEXT NOT NULL,
    git_ref TEXT NOT NULL,
    is_tag BIGINT NOT NULL,
    is_protected BIGINT NOT NULL,
    sha TEXT NOT NULL,
    title TEXT NOT NULL,
    author TEXT NOT NULL,
    source TEXT NOT NULL,
    web_url TEXT NOT NULL,
    failed_job TEXT,
    needs TEXT,
    evidence TEXT,
    release_trouble TEXT,
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    finished_at BIGINT,
    seen_at BIGINT NOT NULL,
    settled_at BIGINT,
    CONSTRAINT runs_forge_id_key UNIQUE (app_id, forge_id)
);
CREATE INDEX runs_number ON runs (app_id, number);
CREATE INDEX runs_unsettled ON runs (app_id) WHERE settled_at IS NULL;

-- superseded_at: the job was run again; it keeps its log and leaves the run's page.
CREATE TABLE jobs (
    id TEXT PRIMARY KEY NOT NULL,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    app_id TEXT NOT NULL REFERENCES apps (id),
    run_id TEXT NOT NULL REFERENCES runs (id),
    forge_id BIGINT NOT NULL,
    position BIGINT NOT NULL,
    name TEXT NOT NULL,
    stage TEXT NOT NULL,
    status TEXT NOT NULL,
    needs TEXT NOT NULL,
    allow_failure BIGINT NOT NULL,
    reason TEXT,
    runner TEXT,
    playable BIGINT NOT NULL,
    has_artifacts BIGINT NOT NULL,
    started_at BIGINT,
    finished_at BIGINT,
    log_bytes BIGINT NOT NULL DEFAULT 0,
    log_complete BIGINT NOT NULL DEFAULT 0,
    superseded BIGINT NOT NULL DEFAULT 0,
    CONSTRAINT jobs_forge_id_key UNIQUE (run_id, forge_id)
);

-- A log in pieces, each at its first byte.
CREATE TABLE job_logs (
    job_id TEXT NOT NULL REFERENCES jobs (id),
    at_byte BIGINT NOT NULL,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    content BYTEA NOT NULL,
    PRIMARY KEY (job_id, at_byte)
);

CREATE TABLE releases (
    id TEXT PRIMARY KEY NOT NULL,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    project_id TEXT NOT NULL REFERENCES projects (id),
    app_id TEXT NOT NULL REFERENCES apps (id),
    version TEXT NOT NULL,
    sha TEXT NOT NULL,
    git_ref TEXT NOT NULL,
    run_id TEXT REFERENCES runs (id),
    images TEXT NOT NULL,
    workload TEXT NOT NULL,
    template TEXT,
    commits TEXT NOT NULL,
    previous TEXT,
    evidence TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT REFERENCES users (id),
    defective_at BIGINT,
    defective_why TEXT,
    CONSTRAINT releases_version_key UNIQUE (app_id, version),
    CONSTRAINT releases_run_id_key UNIQUE (run_id)
);
CREATE INDEX releases_created_at ON releases (app_id, created_at);

CREATE TABLE webhook_deliveries (
    id TEXT PRIMARY KEY NOT NULL,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    app_id TEXT NOT NULL REFERENCES apps (id),
    delivery_key TEXT NOT NULL,
    event TEXT NOT NULL,
    hint TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    finished_at BIGINT,
    CONSTRAINT webhook_deliveries_key UNIQUE (app_id, delivery_key)
);
CREATE INDEX webhook_deliveries_waiting ON webhook_deliveries (app_id, received_at) WHERE finished_at IS NULL;
