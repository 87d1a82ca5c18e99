-- Boards: iterations, work items and their history.

CREATE TABLE iterations (
    id TEXT PRIMARY KEY NOT NULL,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    project_id TEXT NOT NULL REFERENCES projects (id),
    number BIGINT NOT NULL,
    name TEXT NOT NULL,
    goal TEXT NOT NULL,
    starts_on TEXT NOT NULL,
    ends_on TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    closed_at BIGINT,
    CONSTRAINT iterations_number_key UNIQUE (project_id, number)
);
-- One iteration runs at a time.
CREATE UNIQUE INDEX iterations_running ON iterations (project_id) WHERE closed_at IS NULL;

CREATE TABLE item_numbers (
    project_id TEXT PRIMARY KEY NOT NULL REFERENCES projects (id),
    last_number BIGINT NOT NULL
);

CREATE TABLE items (
    id TEXT PRIMARY KEY NOT NULL,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    project_id TEXT NOT NULL REFERENCES projects (id),
    number BIGINT NOT NULL,
    kind TEXT NOT NULL,
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    state TEXT NOT NULL,
    category TEXT NOT NULL,
    priority TEXT NOT NULL,
    severity TEXT,
    assignee_id TEXT REFERENCES users (id),
    reporter_id TEXT NOT NULL REFERENCES users (id),
    iteration_id TEXT REFERENCES iterations (id),
    points BIGINT,
    item_rank TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CONSTRAINT items_number_key UNIQUE (project_id, number)
);
CREATE INDEX items_board ON items (project_id, iteration_id, category, item_rank);
CREATE INDEX items_kind ON items (project_id, kind, category);

CREATE TABLE item_events (
    id TEXT PRIMARY KEY NOT NULL,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    item_id TEXT NOT NULL REFERENCES items (id),
    at BIGINT NOT NULL,
    actor_id TEXT REFERENCES users (id),
    field TEXT NOT NULL,
    value_before TEXT NOT NULL,
    value_after TEXT NOT NULL
);
CREATE INDEX item_events_item ON item_events (item_id, at);
