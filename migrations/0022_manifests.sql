-- What was rendered of a release for each environment when it was made.

-- objects: the objects in the order they are applied, as a JSON list, without the namespace: the environment says it when
-- they are applied. hash: SHA-256 of their YAML, in hex.
CREATE TABLE release_manifests (
    release_id TEXT NOT NULL REFERENCES releases (id),
    env_key TEXT NOT NULL,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    app_id TEXT NOT NULL REFERENCES apps (id),
    objects TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (release_id, env_key)
);
CREATE INDEX release_manifests_app ON release_manifests (app_id);
