-- Signing in: what a session was begun with, second factors, identities elsewhere, addresses somebody had.

-- A session from before has started_at 0 and so ends at its next use.
ALTER TABLE sessions ADD COLUMN started_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN seen_at BIGINT NOT NULL DEFAULT 0;
-- When the person last proved in this session that it is them.
ALTER TABLE sessions ADD COLUMN proved_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN agent TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN address TEXT NOT NULL DEFAULT '';

-- When the secret was made: it waits for its first code only a while.
ALTER TABLE users ADD COLUMN totp_begun_at BIGINT;

-- The provider's name and what it calls the person, for people; when they last signed in with it.
ALTER TABLE identities ADD COLUMN provider TEXT NOT NULL DEFAULT '';
ALTER TABLE identities ADD COLUMN label TEXT NOT NULL DEFAULT '';
ALTER TABLE identities ADD COLUMN used_at BIGINT;

-- Commits of an address that somebody had once are still theirs.
CREATE TABLE former_emails (
    user_id TEXT NOT NULL REFERENCES users (id),
    email TEXT NOT NULL,
    PRIMARY KEY (user_id, email)
);
CREATE INDEX former_emails_email ON former_emails (email);

-- Each answer of a provider signs in once; the state itself is not kept.
CREATE TABLE used_states (
    state_hash TEXT PRIMARY KEY NOT NULL,
    used_at BIGINT NOT NULL
);
