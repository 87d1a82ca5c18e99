-- What stands in the way of a deployment beside approvals: freeze windows, what environments ask for, soak, holds,
-- breaking glass; and who approves in whose place.

-- gating: allowed hours, soak time, the queue, as JSON. removed_at: the environment is gone; its history stays.
ALTER TABLE environments ADD COLUMN gating TEXT NOT NULL DEFAULT '{}';
ALTER TABLE environments ADD COLUMN removed_at BIGINT;

-- pauses: JSON list of the times in which approvals did not grow old. on_behalf_of: the person behind a bot or a branch
-- rule, who counts as the requester.
ALTER TABLE promotions ADD COLUMN pauses TEXT NOT NULL DEFAULT '[]';
ALTER TABLE promotions ADD COLUMN on_behalf_of TEXT REFERENCES users (id);

-- named_as: why the rule named them at the decision.
ALTER TABLE decisions ADD COLUMN represents TEXT REFERENCES users (id);
ALTER TABLE decisions ADD COLUMN delegation_id TEXT;
ALTER TABLE decisions ADD COLUMN named_as TEXT;

-- A window holds in its organization, or in its project alone, or in its app alone. span: zone, start, end and recurrence,
-- as JSON. tiers: JSON list; none is all.
CREATE TABLE freezes (
    id TEXT PRIMARY KEY NOT NULL,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    project_id TEXT REFERENCES projects (id),
    app_id TEXT REFERENCES apps (id),
    name TEXT NOT NULL,
    reason TEXT NOT NULL,
    effect TEXT NOT NULL,
    span TEXT NOT NULL,
    tiers TEXT NOT NULL,
    made_by TEXT REFERENCES users (id),
    created_at BIGINT NOT NULL
);
CREATE INDEX freezes_org ON freezes (org_id, project_id, app_id);

-- How long a release has been healthy at a stop, in µs. seen_at: when it was last seen healthy there, where the time from
-- then on may still count.
CREATE TABLE soaks (
    app_id TEXT NOT NULL REFERENCES apps (id),
    environment_id TEXT NOT NULL REFERENCES environments (id),
    release_id TEXT NOT NULL REFERENCES releases (id),
    org_id TEXT NOT NULL REFERENCES organizations (id),
    healthy_for BIGINT NOT NULL,
    seen_at BIGINT,
    PRIMARY KEY (app_id, environment_id, release_id)
);

CREATE TABLE holds (
    id TEXT PRIMARY KEY NOT NULL,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    project_id TEXT NOT NULL REFERENCES projects (id),
    app_id TEXT NOT NULL REFERENCES apps (id),
    environment_id TEXT NOT NULL REFERENCES environments (id),
    held TEXT NOT NULL,
    owner_id TEXT NOT NULL REFERENCES users (id),
    reason TEXT NOT NULL,
    at BIGINT NOT NULL,
    lifted_at BIGINT,
    lifted_by TEXT REFERENCES users (id)
);
-- One hold of a kind on a stop at a time.
CREATE UNIQUE INDEX holds_one ON holds (app_id, environment_id, held) WHERE lifted_at IS NULL;

CREATE TABLE break_glasses (
    id TEXT PRIMARY KEY NOT NULL,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    app_id TEXT NOT NULL REFERENCES apps (id),
    promotion_id TEXT NOT NULL REFERENCES promotions (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    reason TEXT NOT NULL,
    incident TEXT NOT NULL,
    gates TEXT NOT NULL,
    at BIGINT NOT NULL,
    second_id TEXT REFERENCES users (id),
    second_at BIGINT,
    used_at BIGINT,
    reviewed_by TEXT REFERENCES users (id),
    reviewed_at BIGINT,
    review TEXT
);
CREATE INDEX break_glasses_promotion ON break_glasses (promotion_id, at);

CREATE TABLE delegations (
    id TEXT PRIMARY KEY NOT NULL,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    project_id TEXT NOT NULL REFERENCES projects (id),
    environment_id TEXT REFERENCES environments (id),
    from_id TEXT NOT NULL REFERENCES users (id),
    to_id TEXT NOT NULL REFERENCES users (id),
    reason TEXT NOT NULL,
    starts_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    revoked_at BIGINT,
    created_at BIGINT NOT NULL
);
CREATE INDEX delegations_project ON delegations (org_id, project_id, ends_at);
CREATE INDEX delegations_from ON delegations (from_id);
CREATE INDEX delegations_to ON delegations (to_id);
