-- What GitLab said last of something that Slipway does not follow by itself, as the page shows it: the last known state
-- while GitLab is away. Never values of variables.

-- kind: schedules, variables, reports, artifacts. subject: the run or the job that it is of; empty: the repository.
CREATE TABLE forge_snapshots (
    app_id TEXT NOT NULL REFERENCES apps (id),
    org_id TEXT NOT NULL REFERENCES organizations (id),
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    content TEXT NOT NULL,
    seen_at BIGINT NOT NULL,
    PRIMARY KEY (app_id, kind, subject)
);
