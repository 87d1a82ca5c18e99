-- Why GitLab could not make jobs of a run's file.
ALTER TABLE runs ADD COLUMN failure TEXT;
