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
