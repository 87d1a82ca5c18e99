-- People: roles that an organization makes, invitations, requests for roles, second factors.

CREATE TABLE custom_roles (
    id TEXT PRIMARY KEY NOT NULL,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    -- `custom.` and the id: what role_bindings.role has.
    role_key TEXT NOT NULL,
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    actions TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    version BIGINT NOT NULL DEFAULT 0,
    CONSTRAINT custom_roles_role_key UNIQUE (role_key),
    CONSTRAINT custom_roles_name_key UNIQUE (org_id, name)
);

-- The token itself is only in the link; here is its SHA-256.
CREATE TABLE invitations (
    id TEXT PRIMARY KEY NOT NULL,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    project_id TEXT REFERENCES projects (id),
    app_id TEXT REFERENCES apps (id),
    role TEXT NOT NULL,
    note TEXT NOT NULL,
    token_hash TEXT NOT NULL,
    created_by TEXT NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    accepted_at BIGINT,
    accepted_by TEXT REFERENCES users (id),
    revoked_at BIGINT,
    CONSTRAINT invitations_token_key UNIQUE (token_hash)
);
CREATE INDEX invitations_org ON invitations (org_id, created_at);

CREATE TABLE role_requests (
    id TEXT PRIMARY KEY NOT NULL,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    project_id TEXT REFERENCES projects (id),
    app_id TEXT REFERENCES apps (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    role TEXT NOT NULL,
    reason TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    decided_at BIGINT,
    decided_by TEXT REFERENCES users (id),
    granted BIGINT
);
CREATE INDEX role_requests_org ON role_requests (org_id, created_at);
CREATE UNIQUE INDEX role_requests_once ON role_requests (
    org_id, COALESCE(project_id, ''), COALESCE(app_id, ''), user_id, role
) WHERE decided_at IS NULL;

-- The group of a sign-in provider whose members are put into the group at sign-in.
ALTER TABLE groups ADD COLUMN claim TEXT;
-- 1: put there by a provider's claim, and taken out by it.
ALTER TABLE group_members ADD COLUMN by_claim BIGINT NOT NULL DEFAULT 0;

-- The secret is sealed. Without totp_confirmed_at it waits for its first code; totp_step is the last step that was
-- used, so that no code works twice.
ALTER TABLE users ADD COLUMN totp_secret TEXT;
ALTER TABLE users ADD COLUMN totp_confirmed_at BIGINT;
ALTER TABLE users ADD COLUMN totp_step BIGINT;

CREATE TABLE recovery_codes (
    user_id TEXT NOT NULL REFERENCES users (id),
    code_hash TEXT NOT NULL,
    used_at BIGINT,
    PRIMARY KEY (user_id, code_hash)
);

CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX identities_user ON identities (user_id);
CREATE INDEX role_bindings_org ON role_bindings (org_id);
