-- Who wants a mail a morning, and for which day each organization's was sent to them last.
CREATE TABLE digests (
    user_id TEXT PRIMARY KEY NOT NULL REFERENCES users (id),
    zone TEXT NOT NULL,
    since BIGINT
);

CREATE TABLE digests_sent (
    user_id TEXT NOT NULL REFERENCES users (id),
    org_id TEXT NOT NULL REFERENCES organizations (id),
    sent_on TEXT NOT NULL,
    CONSTRAINT digests_sent_key PRIMARY KEY (user_id, org_id)
);
CREATE INDEX items_due_to ON items (assignee_id, due_on) WHERE due_on IS NOT NULL;
