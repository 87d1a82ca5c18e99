-- Places: archiving, renaming, feature switches, quotas, and what the last test of a connection told.

-- deleted_at: the organization is gone for people; its row stays, since its audit log does.
ALTER TABLE organizations ADD COLUMN archived_at BIGINT;
ALTER TABLE organizations ADD COLUMN deleted_at BIGINT;

-- features_off: JSON list of the features that are switched off.
-- first_slug: the slug before the first renaming. Names and labels in Kubernetes are made of it for good.
ALTER TABLE projects ADD COLUMN archived_at BIGINT;
ALTER TABLE projects ADD COLUMN features_off TEXT NOT NULL DEFAULT '[]';
ALTER TABLE projects ADD COLUMN first_slug TEXT;

ALTER TABLE apps ADD COLUMN archived_at BIGINT;
ALTER TABLE apps ADD COLUMN first_slug TEXT;

-- operator 1: from the operator's configuration, which may lead anywhere. report: how its last test went, JSON.
ALTER TABLE connections ADD COLUMN operator BIGINT NOT NULL DEFAULT 0;
ALTER TABLE connections ADD COLUMN report TEXT;
ALTER TABLE clusters ADD COLUMN report TEXT;

-- Where places were found before they were renamed. parent_id: the organization of a project, the project of an app,
-- empty for an organization.
CREATE TABLE old_slugs (
    kind TEXT NOT NULL,
    parent_id TEXT NOT NULL,
    slug TEXT NOT NULL,
    place_id TEXT NOT NULL,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    retired_at BIGINT NOT NULL,
    PRIMARY KEY (kind, parent_id, slug)
);
CREATE INDEX old_slugs_place ON old_slugs (place_id);

-- What the apps of an environment may ask for together; NULL: as much as they like.
CREATE TABLE quotas (
    environment_id TEXT PRIMARY KEY NOT NULL REFERENCES environments (id),
    org_id TEXT NOT NULL REFERENCES organizations (id),
    project_id TEXT NOT NULL REFERENCES projects (id),
    cpu_millis BIGINT,
    memory_mib BIGINT,
    pods BIGINT
);
CREATE INDEX quotas_project ON quotas (project_id);
