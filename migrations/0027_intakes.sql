-- Imports of work items from a file. content: the file as text, until the import has ended.
CREATE TABLE item_intakes (
    id TEXT PRIMARY KEY NOT NULL,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    project_id TEXT NOT NULL REFERENCES projects (id),
    source TEXT NOT NULL,
    name TEXT NOT NULL,
    content TEXT NOT NULL,
    mapping TEXT NOT NULL,
    state TEXT NOT NULL,
    progress TEXT NOT NULL,
    errors TEXT NOT NULL,
    author_id TEXT NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    version BIGINT NOT NULL
);
CREATE INDEX item_intakes_project ON item_intakes (project_id, created_at);

-- Which item a row of a file became: a second import knows it.
CREATE TABLE item_external_keys (
    org_id TEXT NOT NULL REFERENCES organizations (id),
    project_id TEXT NOT NULL REFERENCES projects (id),
    source TEXT NOT NULL,
    external_key TEXT NOT NULL,
    item_id TEXT NOT NULL REFERENCES items (id),
    CONSTRAINT item_external_keys_key PRIMARY KEY (project_id, source, external_key)
);
CREATE INDEX item_external_keys_item ON item_external_keys (item_id);
