-- What clusters have against what was applied to them.

-- drift: the last look, as JSON; none: nobody looked since what runs there came.
ALTER TABLE stops ADD COLUMN drift TEXT;

-- takes: JSON list of the changes that it settles, or that the deployment before adopted. warnings: JSON list of what the
-- cluster remarked on.
ALTER TABLE deployments ADD COLUMN takes TEXT NOT NULL DEFAULT '[]';
ALTER TABLE deployments ADD COLUMN warnings TEXT NOT NULL DEFAULT '[]';
