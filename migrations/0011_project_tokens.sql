-- Tokens of a project, and the accounts behind them: nobody signs in to those.

-- The project that the account works for; NULL: a person's. No reference, for the account outlives the project in the
-- audit log.
ALTER TABLE users ADD COLUMN bot_of TEXT;
-- Who made the account, where it is a project's.
ALTER TABLE users ADD COLUMN made_by TEXT;

-- The project whose token it is; NULL: a person's.
ALTER TABLE api_tokens ADD COLUMN project_id TEXT;
CREATE INDEX api_tokens_project ON api_tokens (project_id, created_at);
