-- Webhooks that are sent: whom to, and what.

-- Without a project a subscriber is the organization's own and hears of all of it. secret, old_secret: sealed. kinds:
-- keys of kinds of events, with spaces between. off_reason: a text in both languages, JSON.
CREATE TABLE subscribers (
    id TEXT PRIMARY KEY NOT NULL,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    project_id TEXT REFERENCES projects (id),
    url TEXT NOT NULL,
    description TEXT NOT NULL,
    kinds TEXT NOT NULL,
    enabled BIGINT NOT NULL,
    off_reason TEXT,
    secret TEXT NOT NULL,
    old_secret TEXT,
    old_secret_until BIGINT,
    failing_since BIGINT,
    created_at BIGINT NOT NULL,
    version BIGINT NOT NULL
);
CREATE INDEX subscribers_org ON subscribers (org_id);

-- One row an event and subscriber. failures: in a row since it was sent for the first time or again; lease_until: a
-- worker tries it. headers: of the last try, JSON. trouble: a text in both languages, JSON.
CREATE TABLE messages (
    id TEXT PRIMARY KEY NOT NULL,
    subscriber_id TEXT NOT NULL REFERENCES subscribers (id),
    org_id TEXT NOT NULL REFERENCES organizations (id),
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    state TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    failures BIGINT NOT NULL,
    tried_at BIGINT,
    next_try_at BIGINT,
    lease_until BIGINT,
    status BIGINT,
    took_ms BIGINT,
    headers TEXT NOT NULL,
    answer TEXT NOT NULL,
    trouble TEXT
);
CREATE INDEX messages_subscriber ON messages (subscriber_id, id);
CREATE INDEX messages_waiting ON messages (subscriber_id, next_try_at) WHERE state = 'waiting';
CREATE INDEX messages_created_at ON messages (created_at);
