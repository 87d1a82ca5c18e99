-- Environments, what runs where, promotions, decisions and deployments.

-- branches: JSON list of ref patterns. policy: the approval rules as JSON; rules_version grows when they change.
CREATE TABLE environments (
    id TEXT PRIMARY KEY NOT NULL,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    project_id TEXT NOT NULL REFERENCES projects (id),
    env_key TEXT NOT NULL,
    name TEXT NOT NULL,
    tier TEXT NOT NULL,
    position BIGINT NOT NULL,
    cluster_id TEXT REFERENCES clusters (id),
    namespace TEXT,
    branches TEXT NOT NULL,
    policy TEXT NOT NULL,
    rules_version BIGINT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT environments_key_key UNIQUE (project_id, env_key)
);
-- A namespace belongs to one environment: two would overwrite each other's workloads.
CREATE UNIQUE INDEX environments_namespace ON environments (cluster_id, namespace) WHERE cluster_id IS NOT NULL;
CREATE INDEX environments_chain ON environments (project_id, position);

-- subjects: JSON list of what approvals were asked for so far, the last one holding now.
-- gates and evaluation: how they were when the promotion was last looked at; its pages show them once it has started.
CREATE TABLE promotions (
    id TEXT PRIMARY KEY NOT NULL,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    project_id TEXT NOT NULL REFERENCES projects (id),
    app_id TEXT NOT NULL REFERENCES apps (id),
    release_id TEXT NOT NULL REFERENCES releases (id),
    environment_id TEXT NOT NULL REFERENCES environments (id),
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    version BIGINT NOT NULL,
    reason TEXT,
    subjects TEXT NOT NULL,
    gates TEXT NOT NULL,
    evaluation TEXT,
    waiver TEXT,
    requested_by TEXT REFERENCES users (id),
    requested_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    base_release_id TEXT REFERENCES releases (id),
    ended_at BIGINT,
    idempotency_key TEXT
);
CREATE UNIQUE INDEX promotions_once ON promotions (app_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX promotions_stop ON promotions (app_id, environment_id, requested_at);
CREATE INDEX promotions_pending ON promotions (org_id, requested_at) WHERE state IN ('requested', 'waiting', 'queued');
CREATE INDEX promotions_requester ON promotions (requested_by, requested_at);

CREATE TABLE decisions (
    id TEXT PRIMARY KEY NOT NULL,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    app_id TEXT NOT NULL REFERENCES apps (id),
    promotion_id TEXT NOT NULL REFERENCES promotions (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    rule_id TEXT,
    verdict TEXT NOT NULL,
    comment TEXT NOT NULL,
    subject TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX decisions_promotion ON decisions (promotion_id, at);
CREATE INDEX decisions_user ON decisions (user_id, at);

-- Whose turn it is, as of the last look at the promotion: for the number in the frame of every page.
CREATE TABLE promotion_turns (
    promotion_id TEXT NOT NULL REFERENCES promotions (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    PRIMARY KEY (promotion_id, user_id)
);
CREATE INDEX promotion_turns_user ON promotion_turns (user_id);

-- manifests: the objects as they are applied, JSON. trouble_since: since when the rollout is in the same fatal trouble.
-- lost_at: since when the cluster cannot be asked.
CREATE TABLE deployments (
    id TEXT PRIMARY KEY NOT NULL,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    project_id TEXT NOT NULL REFERENCES projects (id),
    app_id TEXT NOT NULL REFERENCES apps (id),
    environment_id TEXT NOT NULL REFERENCES environments (id),
    promotion_id TEXT NOT NULL REFERENCES promotions (id),
    release_id TEXT NOT NULL REFERENCES releases (id),
    attempt BIGINT NOT NULL,
    state TEXT NOT NULL,
    fence BIGINT NOT NULL,
    cluster_id TEXT NOT NULL REFERENCES clusters (id),
    namespace TEXT NOT NULL,
    manifests TEXT NOT NULL,
    reason TEXT,
    ready BIGINT NOT NULL,
    desired BIGINT NOT NULL,
    health TEXT NOT NULL,
    trouble TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    applied_at BIGINT,
    finished_at BIGINT,
    observed_at BIGINT,
    trouble_since BIGINT,
    lost_at BIGINT,
    CONSTRAINT deployments_attempt_key UNIQUE (promotion_id, attempt)
);
CREATE INDEX deployments_stop ON deployments (app_id, environment_id, started_at);

-- One row per app and environment: what runs there, what is on its way, what Kubernetes reports, and who holds the
-- lock. fence only grows; lock_owner is the promotion that may deploy until lease_until.
CREATE TABLE stops (
    app_id TEXT NOT NULL REFERENCES apps (id),
    environment_id TEXT NOT NULL REFERENCES environments (id),
    org_id TEXT NOT NULL REFERENCES organizations (id),
    project_id TEXT NOT NULL REFERENCES projects (id),
    deployment_id TEXT REFERENCES deployments (id),
    release_id TEXT REFERENCES releases (id),
    deployed_at BIGINT,
    deployed_by TEXT REFERENCES users (id),
    open_promotion_id TEXT REFERENCES promotions (id),
    commits_ahead BIGINT,
    health TEXT,
    health_reason TEXT,
    ready BIGINT,
    desired BIGINT,
    observed_at BIGINT,
    lock_owner TEXT REFERENCES promotions (id),
    fence BIGINT NOT NULL DEFAULT 0,
    lease_until BIGINT,
    PRIMARY KEY (app_id, environment_id)
);
CREATE INDEX stops_project ON stops (project_id);
CREATE INDEX stops_release ON stops (release_id);
