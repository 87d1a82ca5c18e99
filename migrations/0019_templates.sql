-- Templates that organizations and projects write, their versions, which app uses which, and bulk upgrades.

-- The values that a proposed pipeline's form was filled in with, by parameter; none: it was not made of a form.
ALTER TABLE proposals ADD COLUMN params TEXT;

-- place_id: the project, else the organization, so that a slug is taken once a place. content: the document that is
-- being written. notice: why it is deprecated or withdrawn, JSON.
CREATE TABLE templates (
    id TEXT PRIMARY KEY NOT NULL,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    project_id TEXT REFERENCES projects (id),
    place_id TEXT NOT NULL,
    slug TEXT NOT NULL,
    content TEXT NOT NULL,
    version BIGINT NOT NULL,
    standing TEXT NOT NULL,
    notice TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT REFERENCES users (id),
    CONSTRAINT templates_slug_key UNIQUE (place_id, slug)
);
CREATE INDEX templates_org ON templates (org_id);

-- A published version never changes. changelog: in both languages, JSON.
CREATE TABLE template_versions (
    template_id TEXT NOT NULL REFERENCES templates (id),
    version TEXT NOT NULL,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    content TEXT NOT NULL,
    changelog TEXT NOT NULL,
    published_at BIGINT NOT NULL,
    published_by TEXT REFERENCES users (id),
    PRIMARY KEY (template_id, version)
);

-- What an app's file on its default branch says that it was made of; empty: of no template. commit_sha: the newest
-- commit of the branch that the file was looked at in; empty: Slipway merged it itself.
CREATE TABLE template_uses (
    app_id TEXT PRIMARY KEY NOT NULL REFERENCES apps (id),
    org_id TEXT NOT NULL REFERENCES organizations (id),
    template TEXT NOT NULL,
    version TEXT NOT NULL,
    commit_sha TEXT NOT NULL,
    seen_at BIGINT NOT NULL
);
CREATE INDEX template_uses_template ON template_uses (org_id, template);

-- Bulk upgrades. template: its key. reason: why it stopped, in both languages, JSON.
CREATE TABLE template_upgrades (
    id TEXT PRIMARY KEY NOT NULL,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    project_id TEXT REFERENCES projects (id),
    template TEXT NOT NULL,
    to_version TEXT NOT NULL,
    state TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id),
    reason TEXT,
    created_at BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE INDEX template_upgrades_template ON template_upgrades (org_id, template, created_at);

CREATE TABLE template_upgrade_steps (
    upgrade_id TEXT NOT NULL REFERENCES template_upgrades (id),
    app_id TEXT NOT NULL REFERENCES apps (id),
    org_id TEXT NOT NULL REFERENCES organizations (id),
    from_version TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    proposal_id TEXT,
    tries BIGINT NOT NULL,
    ended_at BIGINT,
    PRIMARY KEY (upgrade_id, app_id)
);
