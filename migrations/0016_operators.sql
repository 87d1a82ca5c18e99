-- Operators, who stand for the whole server; its own audit chain; the providers of sign-in that they set up.

-- Since when somebody is an operator; NULL: they are none. It is no role of an organization.
ALTER TABLE users ADD COLUMN operator_since BIGINT;

-- One row: the end of the server's own audit chain, and the lock of whoever changes what concerns the whole server.
CREATE TABLE server (
    id TEXT PRIMARY KEY NOT NULL,
    audit_seq BIGINT NOT NULL DEFAULT 0,
    audit_hash TEXT NOT NULL DEFAULT ''
);
INSERT INTO server (id) VALUES ('server');

-- As audit_log, of no organization.
CREATE TABLE server_audit_log (
    id TEXT PRIMARY KEY NOT NULL,
    seq BIGINT NOT NULL,
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
    CONSTRAINT server_audit_log_seq_key UNIQUE (seq)
);

-- provider_key: the last part of its address, and the first of the groups that it fills; it never changes.
-- client_secret: sealed. scopes and allowed_domains: with spaces between. off_since: nobody signs in with it since then.
-- report: how its last test went, JSON.
CREATE TABLE sign_in_providers (
    id TEXT PRIMARY KEY NOT NULL,
    provider_key TEXT NOT NULL,
    name TEXT NOT NULL,
    issuer TEXT NOT NULL,
    client_id TEXT NOT NULL,
    client_secret TEXT NOT NULL,
    scopes TEXT NOT NULL,
    groups_claim TEXT,
    allowed_domains TEXT NOT NULL,
    off_since BIGINT,
    report TEXT,
    created_at BIGINT NOT NULL,
    version BIGINT NOT NULL DEFAULT 0,
    CONSTRAINT sign_in_providers_provider_key_key UNIQUE (provider_key)
);
