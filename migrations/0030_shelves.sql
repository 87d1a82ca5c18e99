-- Files of items may lie outside of the database: `object_key` says under which key; NULL: in attachment_contents.
ALTER TABLE item_attachments ADD COLUMN object_key TEXT;

-- Objects that are there without a file that names them: those on their way in, written down before they are sent, and
-- those on their way out, written down in the transaction that forgets their file.
CREATE TABLE shelf_objects (
    object_key TEXT PRIMARY KEY NOT NULL,
    leaving BIGINT NOT NULL,
    since BIGINT NOT NULL
);
CREATE INDEX shelf_objects_leaving ON shelf_objects (leaving, since);

-- What the table of items sorts by, word for word as crates/store/src/table.rs has it, and then the number: a page is
-- read from where the one before ended. By key, the numbers have an index already.
CREATE INDEX items_sorted_by_title ON items (project_id, (LOWER(title)), number) WHERE deleted_at IS NULL;
CREATE INDEX items_sorted_by_kind ON items (project_id, (CASE kind WHEN 'epic' THEN '0' WHEN 'requirement' THEN '1' WHEN 'task' THEN '2' ELSE '3' END), number) WHERE deleted_at IS NULL;
CREATE INDEX items_sorted_by_state ON items (project_id, (CASE category WHEN 'todo' THEN '0' WHEN 'in_progress' THEN '1' WHEN 'in_test' THEN '2' WHEN 'done' THEN '3' ELSE '4' END || state), number) WHERE deleted_at IS NULL;
CREATE INDEX items_sorted_by_priority ON items (project_id, (CASE priority WHEN 'urgent' THEN '0' WHEN 'high' THEN '1' WHEN 'normal' THEN '2' ELSE '3' END), number) WHERE deleted_at IS NULL;
CREATE INDEX items_sorted_by_severity ON items (project_id, (CASE severity WHEN 'fatal' THEN '0' WHEN 'serious' THEN '1' WHEN 'normal' THEN '2' WHEN 'minor' THEN '3' WHEN 'suggestion' THEN '4' ELSE '5' END), number) WHERE deleted_at IS NULL;
CREATE INDEX items_sorted_by_points ON items (project_id, (CAST(1000 + COALESCE(points, -1) AS TEXT)), number) WHERE deleted_at IS NULL;
CREATE INDEX items_sorted_by_due ON items (project_id, (COALESCE(due_on, '9999-12-31')), number) WHERE deleted_at IS NULL;
CREATE INDEX items_sorted_by_created ON items (project_id, (CAST(created_at AS TEXT)), number) WHERE deleted_at IS NULL;
CREATE INDEX items_sorted_by_updated ON items (project_id, (CAST(updated_at AS TEXT)), number) WHERE deleted_at IS NULL;

-- The day an item begins, YYYY-MM-DD.
ALTER TABLE items ADD COLUMN begins_on TEXT;
