-- Tokens of programs, and the answers that were given to requests with an idempotency key.

-- secret_hash: SHA-256 of the token, in hex. A token is 256 random bits, so that no slower hash is needed.
CREATE TABLE api_tokens (
    id TEXT PRIMARY KEY NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    secret_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    last_used_at BIGINT,
    revoked_at BIGINT,
    CONSTRAINT api_tokens_secret_hash_key UNIQUE (secret_hash)
);
CREATE INDEX api_tokens_user ON api_tokens (user_id, created_at);

-- One row a caller and key. Without a status the request is under way until lease_until.
CREATE TABLE api_replies (
    caller TEXT NOT NULL,
    reply_key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    lease_until BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    status BIGINT,
    headers TEXT,
    body TEXT,
    PRIMARY KEY (caller, reply_key)
);
CREATE INDEX api_replies_created_at ON api_replies (created_at);
