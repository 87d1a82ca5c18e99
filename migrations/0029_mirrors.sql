-- Work items that mirror GitLab issues.

-- How an app's issues are mirrored. since: since when; NULL: it is off. bot_id: in whose name GitLab's changes are
-- written. since_iid: the newest issue when it was switched on. cursor_at: how far changes were read, by GitLab's clock.
-- taking: the next page of the issues from before; 0: none of them is taken over, -1: all were.
CREATE TABLE mirrors (
    app_id TEXT PRIMARY KEY NOT NULL REFERENCES apps (id),
    org_id TEXT NOT NULL REFERENCES organizations (id),
    project_id TEXT NOT NULL REFERENCES projects (id),
    since BIGINT,
    rules TEXT NOT NULL,
    bot_id TEXT NOT NULL REFERENCES users (id),
    connection_id TEXT NOT NULL,
    repository_id BIGINT NOT NULL,
    since_iid BIGINT NOT NULL,
    cursor_at BIGINT,
    reconciled_at BIGINT,
    taking BIGINT NOT NULL,
    taken_pages BIGINT NOT NULL,
    taken_items BIGINT NOT NULL,
    trouble TEXT,
    version BIGINT NOT NULL
);

-- An item and its issue. base: what both sides held when they last agreed; written: what was about to be written in
-- GitLab, by who holds the lease. iid is NULL while the issue is being made. item_version: the item's when they met.
CREATE TABLE mirror_links (
    item_id TEXT PRIMARY KEY NOT NULL REFERENCES items (id),
    org_id TEXT NOT NULL REFERENCES organizations (id),
    project_id TEXT NOT NULL REFERENCES projects (id),
    app_id TEXT NOT NULL REFERENCES apps (id),
    connection_id TEXT NOT NULL,
    repository_id BIGINT NOT NULL,
    iid BIGINT,
    made_here BIGINT NOT NULL,
    web_url TEXT NOT NULL,
    author TEXT NOT NULL,
    state TEXT NOT NULL,
    base TEXT NOT NULL,
    written TEXT NOT NULL,
    lease_until BIGINT,
    conflicts TEXT NOT NULL,
    conflict_count BIGINT NOT NULL,
    remark TEXT,
    trouble TEXT,
    item_version BIGINT NOT NULL,
    seen_at BIGINT,
    synced_at BIGINT,
    version BIGINT NOT NULL,
    CONSTRAINT mirror_links_issue UNIQUE (connection_id, repository_id, iid)
);
CREATE INDEX mirror_links_app ON mirror_links (app_id, conflict_count);

-- A comment and its note. note_id is NULL while the note is being made. The comment may be deleted: its row stays, so
-- that the note does not come back.
CREATE TABLE mirror_notes (
    comment_id TEXT PRIMARY KEY NOT NULL,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    app_id TEXT NOT NULL REFERENCES apps (id),
    item_id TEXT NOT NULL REFERENCES items (id),
    note_id BIGINT,
    base TEXT NOT NULL,
    CONSTRAINT mirror_notes_note UNIQUE (item_id, note_id)
);

-- Who said it in GitLab, by name, where nobody here is known to be that person.
ALTER TABLE item_comments ADD COLUMN said_by TEXT;
