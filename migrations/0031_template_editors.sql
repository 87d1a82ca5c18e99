-- Whose editor of a template's document was open, and when it said so last.
CREATE TABLE template_editors (
    template_id TEXT NOT NULL REFERENCES templates (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    org_id TEXT NOT NULL REFERENCES organizations (id),
    seen_at BIGINT NOT NULL,
    PRIMARY KEY (template_id, user_id)
);
