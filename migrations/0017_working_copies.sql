-- The pipeline of an app as it is being edited, one an app, and who edits it.

-- base, base_commit: the file on the branch as it was taken, and the last commit that changed it; none: there was no file.
CREATE TABLE pipeline_working_copies (
    app_id TEXT PRIMARY KEY NOT NULL REFERENCES apps (id),
    org_id TEXT NOT NULL REFERENCES organizations (id),
    branch TEXT NOT NULL,
    base TEXT NOT NULL,
    base_commit TEXT,
    content TEXT NOT NULL,
    version BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT REFERENCES users (id)
);

CREATE TABLE pipeline_editors (
    app_id TEXT NOT NULL REFERENCES apps (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    org_id TEXT NOT NULL REFERENCES organizations (id),
    seen_at BIGINT NOT NULL,
    PRIMARY KEY (app_id, user_id)
);
