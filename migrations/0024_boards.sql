-- How boards are set up: workflows, columns, limits, switches, as one document a project. A project without a row has
-- what projects begin with.
CREATE TABLE boards (
    project_id TEXT PRIMARY KEY NOT NULL REFERENCES projects (id),
    org_id TEXT NOT NULL REFERENCES organizations (id),
    setup TEXT NOT NULL,
    version BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- Color and names of a state where they are not what projects begin with: every read of an item finds them in it.
ALTER TABLE items ADD COLUMN state_said TEXT NOT NULL DEFAULT '';
-- A column of the board may hold states of several categories: the board is read by rank alone.
DROP INDEX items_board;
CREATE INDEX items_board ON items (project_id, COALESCE(iteration_id, ''), item_rank, id);

-- What of a page is shown, under a name: a person's own, or everybody's in the project.
CREATE TABLE saved_views (
    id TEXT PRIMARY KEY NOT NULL,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    project_id TEXT NOT NULL REFERENCES projects (id),
    owner_id TEXT NOT NULL REFERENCES users (id),
    page TEXT NOT NULL,
    name TEXT NOT NULL,
    query TEXT NOT NULL,
    shared BIGINT NOT NULL,
    is_default BIGINT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX saved_views_page ON saved_views (project_id, page);

-- An item that is deleted stays for its history, and is seen nowhere else.
ALTER TABLE items ADD COLUMN deleted_at BIGINT;

-- What somebody was told last about the due day: soon:2026-11-21, or over:2026-11-21.
ALTER TABLE items ADD COLUMN due_told TEXT NOT NULL DEFAULT '';
CREATE INDEX items_due ON items (due_on) WHERE due_on IS NOT NULL;

-- What the description of a new item can begin with.
CREATE TABLE item_templates (
    id TEXT PRIMARY KEY NOT NULL,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    project_id TEXT NOT NULL REFERENCES projects (id),
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    body TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT item_templates_name UNIQUE (project_id, kind, name)
);
