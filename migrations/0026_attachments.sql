-- Files that are attached to work items. Their bytes are in a table of their own, so that lists never read them.
CREATE TABLE item_attachments (
    id TEXT PRIMARY KEY NOT NULL,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    project_id TEXT NOT NULL REFERENCES projects (id),
    item_id TEXT NOT NULL REFERENCES items (id),
    name TEXT NOT NULL,
    media_type TEXT NOT NULL,
    size BIGINT NOT NULL,
    author_id TEXT NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL
);
CREATE INDEX item_attachments_item ON item_attachments (item_id, created_at);

CREATE TABLE attachment_contents (
    attachment_id TEXT PRIMARY KEY NOT NULL REFERENCES item_attachments (id),
    org_id TEXT NOT NULL REFERENCES organizations (id),
    project_id TEXT NOT NULL REFERENCES projects (id),
    content BYTEA NOT NULL
);
