-- What in the repositories names a work item, which releases brought it, and what moves items by itself.

-- A branch, a merge request or a commit, as GitLab had it last. reference: a name, a number, or a hash.
CREATE TABLE item_marks (
    org_id TEXT NOT NULL REFERENCES organizations (id),
    project_id TEXT NOT NULL REFERENCES projects (id),
    item_id TEXT NOT NULL REFERENCES items (id),
    app_id TEXT NOT NULL REFERENCES apps (id),
    kind TEXT NOT NULL,
    reference TEXT NOT NULL,
    title TEXT NOT NULL,
    state TEXT NOT NULL,
    web_url TEXT NOT NULL,
    author TEXT NOT NULL,
    sha TEXT NOT NULL,
    at BIGINT NOT NULL,
    merged_at BIGINT,
    CONSTRAINT item_marks_key PRIMARY KEY (item_id, app_id, kind, reference)
);
CREATE INDEX item_marks_app ON item_marks (app_id, kind, reference);

-- The commits that belong to an item: its own, and what its merge requests became on their target.
CREATE TABLE item_commits (
    org_id TEXT NOT NULL REFERENCES organizations (id),
    app_id TEXT NOT NULL REFERENCES apps (id),
    sha TEXT NOT NULL,
    item_id TEXT NOT NULL REFERENCES items (id),
    CONSTRAINT item_commits_key PRIMARY KEY (app_id, sha, item_id)
);
CREATE INDEX item_commits_item ON item_commits (item_id);

CREATE INDEX runs_sha ON runs (app_id, sha);

CREATE TABLE item_releases (
    org_id TEXT NOT NULL REFERENCES organizations (id),
    project_id TEXT NOT NULL REFERENCES projects (id),
    app_id TEXT NOT NULL REFERENCES apps (id),
    item_id TEXT NOT NULL REFERENCES items (id),
    release_id TEXT NOT NULL REFERENCES releases (id),
    CONSTRAINT item_releases_key PRIMARY KEY (item_id, release_id)
);
CREATE INDEX item_releases_release ON item_releases (release_id);

-- How far an app's repository was read. heads: the newest commit of every branch, JSON.
CREATE TABLE trail_states (
    app_id TEXT PRIMARY KEY NOT NULL REFERENCES apps (id),
    org_id TEXT NOT NULL REFERENCES organizations (id),
    requests_until BIGINT,
    heads TEXT NOT NULL
);

-- Since when each part is on.
CREATE TABLE item_automations (
    project_id TEXT PRIMARY KEY NOT NULL REFERENCES projects (id),
    org_id TEXT NOT NULL REFERENCES organizations (id),
    linked_since BIGINT,
    merged_since BIGINT,
    deployed_since BIGINT,
    environment_id TEXT REFERENCES environments (id),
    version BIGINT NOT NULL
);

-- What happened to an item and was acted upon, or was seen and left alone: once.
CREATE TABLE item_triggers (
    org_id TEXT NOT NULL REFERENCES organizations (id),
    project_id TEXT NOT NULL REFERENCES projects (id),
    item_id TEXT NOT NULL REFERENCES items (id),
    cause TEXT NOT NULL,
    at BIGINT NOT NULL,
    CONSTRAINT item_triggers_key PRIMARY KEY (item_id, cause)
);

-- Why an item was moved without anybody doing it, JSON.
ALTER TABLE item_events ADD COLUMN cause TEXT;
