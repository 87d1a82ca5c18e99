-- Mail: the server of an organization, whose password is sealed (empty: none), what was sent lately by whom, and where
-- the link of an invitation was mailed to.
CREATE TABLE mail_servers (
    org_id TEXT PRIMARY KEY NOT NULL REFERENCES organizations (id),
    host TEXT NOT NULL,
    port BIGINT NOT NULL,
    security TEXT NOT NULL,
    username TEXT NOT NULL,
    password TEXT NOT NULL,
    sender_name TEXT NOT NULL,
    sender_address TEXT NOT NULL
);

-- Only the last hour of each person is kept.
CREATE TABLE mails_sent (
    id TEXT PRIMARY KEY NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id),
    at BIGINT NOT NULL
);
CREATE INDEX mails_sent_user ON mails_sent (user_id, at);

-- mailed_at: when the mail server took it.
ALTER TABLE invitations ADD COLUMN email TEXT;
ALTER TABLE invitations ADD COLUMN mailed_at BIGINT;
