-- GitLab connections that get in by OAuth 2 instead of by a token. Secrets are sealed; empty: there is none.
CREATE TABLE oauth_grants (
    connection_id TEXT PRIMARY KEY NOT NULL REFERENCES connections (id),
    org_id TEXT NOT NULL REFERENCES organizations (id),
    application_id TEXT NOT NULL,
    application_secret TEXT NOT NULL,
    access_token TEXT NOT NULL DEFAULT '',
    refresh_token TEXT NOT NULL DEFAULT '',
    -- When the access token is to be renewed, and when it ends; NULL where GitLab did not say.
    renew_at BIGINT,
    ends_at BIGINT,
    username TEXT,
    authorized_by TEXT REFERENCES users (id),
    authorized_at BIGINT,
    -- Another one whenever the application or the tokens are; a renewal is written only over the one it began from.
    version BIGINT NOT NULL DEFAULT 1,
    -- Who renews it now and until when nobody else does: GitLab takes a refresh token once.
    renewer TEXT,
    renewer_until BIGINT,
    -- After a failure: not to be tried before, and why.
    retry_at BIGINT,
    failure TEXT
);

-- Who is at GitLab to authorize which connection, in which session; the state itself is not kept.
CREATE TABLE oauth_trips (
    state_hash TEXT PRIMARY KEY NOT NULL,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    connection_id TEXT NOT NULL REFERENCES connections (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    session_key TEXT NOT NULL,
    verifier TEXT NOT NULL,
    begun_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX oauth_trips_begun_at ON oauth_trips (begun_at);

-- Tokens that are to be taken back at GitLab. They outlive their connection, and its organization.
CREATE TABLE oauth_revocations (
    id TEXT PRIMARY KEY NOT NULL,
    base_url TEXT NOT NULL,
    application_id TEXT NOT NULL,
    sealed TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
