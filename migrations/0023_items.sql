-- Work items with everything people write into them, their comments, links and watchers, and a history that alone
-- tells what an item held at any time.

-- An app that is deleted, and its releases, leave their ids behind: they read as nothing.
ALTER TABLE items ADD COLUMN app_id TEXT;
ALTER TABLE items ADD COLUMN parent_id TEXT REFERENCES items (id);
-- |a|b|: a label is found as |a|.
ALTER TABLE items ADD COLUMN labels TEXT NOT NULL DEFAULT '';
ALTER TABLE items ADD COLUMN due_on TEXT;
ALTER TABLE items ADD COLUMN found_release_id TEXT;
ALTER TABLE items ADD COLUMN found_environment_id TEXT;
ALTER TABLE items ADD COLUMN fixed_release_id TEXT;
ALTER TABLE items ADD COLUMN fixed_environment_id TEXT;
CREATE INDEX items_iteration ON items (iteration_id) WHERE iteration_id IS NOT NULL;
CREATE INDEX items_parent ON items (parent_id) WHERE parent_id IS NOT NULL;
-- The board reads one iteration, and what is planned for none.
DROP INDEX items_board;
CREATE INDEX items_board ON items (project_id, COALESCE(iteration_id, ''), category, item_rank);

-- What the values were called then, where they are ids or keys; the category that a state stood in; and the item's
-- version after the change, by which an edit is told from those that came in between.
ALTER TABLE item_events ADD COLUMN project_id TEXT NOT NULL DEFAULT '';
ALTER TABLE item_events ADD COLUMN said_before TEXT NOT NULL DEFAULT '';
ALTER TABLE item_events ADD COLUMN said_after TEXT NOT NULL DEFAULT '';
ALTER TABLE item_events ADD COLUMN category TEXT;
ALTER TABLE item_events ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
UPDATE item_events SET project_id = (SELECT items.project_id FROM items WHERE items.id = item_events.item_id);
UPDATE item_events SET category = 'todo' WHERE field = 'created';
UPDATE item_events SET category = CASE value_after
    WHEN 'in_progress' THEN 'in_progress'
    WHEN 'in_test' THEN 'in_test' WHEN 'resolved' THEN 'in_test'
    WHEN 'done' THEN 'done' WHEN 'closed' THEN 'done'
    WHEN 'wont_fix' THEN 'wont_do' WHEN 'duplicate' THEN 'wont_do'
    ELSE 'todo' END
WHERE field = 'state';
-- Before this, an item's iteration and estimate never changed: it had them from the start.
INSERT INTO item_events (id, org_id, project_id, item_id, at, actor_id, field, value_before, value_after, said_after)
SELECT items.id || ':iteration', items.org_id, items.project_id, items.id, items.created_at, items.reporter_id,
    'iteration', '', items.iteration_id, iterations.name
FROM items JOIN iterations ON iterations.id = items.iteration_id;
INSERT INTO item_events (id, org_id, project_id, item_id, at, actor_id, field, value_before, value_after, said_after)
SELECT items.id || ':points', items.org_id, items.project_id, items.id, items.created_at, items.reporter_id,
    'points', '', CAST(items.points AS TEXT), CAST(items.points AS TEXT)
FROM items WHERE items.points IS NOT NULL;
-- What charts are counted from, as one text: number, at, version, field, value, kind. The whole log is read as one value.
ALTER TABLE item_events ADD COLUMN step TEXT;
UPDATE item_events SET step = (
    SELECT items.number || ' ' || item_events.at || ' ' || item_events.version || ' ' || item_events.field || ' '
    || COALESCE(item_events.category, item_events.value_after) || ' ' || items.kind
    FROM items WHERE items.id = item_events.item_id
) WHERE field IN ('created', 'state', 'iteration', 'points');
CREATE INDEX item_events_steps ON item_events (org_id, project_id, at, step) WHERE step IS NOT NULL;
CREATE INDEX item_events_iteration ON item_events (value_after) WHERE field = 'iteration';

CREATE TABLE item_comments (
    id TEXT PRIMARY KEY NOT NULL,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    project_id TEXT NOT NULL REFERENCES projects (id),
    item_id TEXT NOT NULL REFERENCES items (id),
    author_id TEXT NOT NULL REFERENCES users (id),
    body TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    edited_at BIGINT
);
CREATE INDEX item_comments_item ON item_comments (item_id, created_at);

-- One row a link: blocked_by and duplicated_by are blocks and duplicates from the other end.
CREATE TABLE item_links (
    org_id TEXT NOT NULL REFERENCES organizations (id),
    project_id TEXT NOT NULL REFERENCES projects (id),
    item_id TEXT NOT NULL REFERENCES items (id),
    relation TEXT NOT NULL,
    other_id TEXT NOT NULL REFERENCES items (id),
    created_at BIGINT NOT NULL,
    CONSTRAINT item_links_key PRIMARY KEY (item_id, relation, other_id)
);
CREATE INDEX item_links_other ON item_links (other_id);

CREATE TABLE item_watchers (
    org_id TEXT NOT NULL REFERENCES organizations (id),
    project_id TEXT NOT NULL REFERENCES projects (id),
    item_id TEXT NOT NULL REFERENCES items (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    CONSTRAINT item_watchers_key PRIMARY KEY (item_id, user_id)
);

-- Iterations are planned before they are started; one of a project runs at a time. Of a planned one, started_at is when
-- it was planned.
ALTER TABLE iterations ADD COLUMN state TEXT NOT NULL DEFAULT 'running';
UPDATE iterations SET state = 'closed' WHERE closed_at IS NOT NULL;
DROP INDEX iterations_running;
CREATE UNIQUE INDEX iterations_running ON iterations (project_id) WHERE state = 'running';
-- The backlog: what is planned for no iteration and is not over, by rank.
CREATE INDEX items_backlog ON items (project_id, item_rank, number)
WHERE iteration_id IS NULL AND category <> 'done' AND category <> 'wont_do';
-- Ranks had capital letters, which a PostgreSQL of another collation than C sorts between the small ones. All get new
-- ones, in the order in which people saw them.
UPDATE items SET item_rank = CAST(1000000000 + ranked.place AS TEXT) || 'i'
FROM (SELECT id AS ranked_id, ROW_NUMBER() OVER (ORDER BY item_rank, id) AS place FROM items) AS ranked
WHERE ranked.ranked_id = items.id;
