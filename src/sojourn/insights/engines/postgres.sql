-- PostgreSQL. In braces: what the renderer fills in. Texts are compared as bytes (`text`), whatever
-- the order of the database's language, since ids break ties.

-- name: to_ms
CAST(ROUND(EXTRACT(EPOCH FROM value) * 1000) AS BIGINT)

-- name: from_ms
TO_TIMESTAMP(CAST(value AS DOUBLE PRECISION) / 1000)

-- name: text
value COLLATE "C"

-- name: define_table
CREATE TEMPORARY TABLE {name} ON COMMIT DROP AS
{query};
ANALYZE {name};

-- name: define_view
CREATE TEMPORARY VIEW {name} AS
{query};

-- name: begin
BEGIN;

-- name: store
CREATE TABLE IF NOT EXISTS {sessions} AS SELECT * FROM new_sessions WITH NO DATA;
DELETE FROM {sessions};
INSERT INTO {sessions} ({columns})
SELECT {columns} FROM new_sessions;
UPDATE {events} AS e SET session_key = n.session_key, event_index = n.event_index, gap = n.gap
FROM event_sessions AS n
WHERE n.visitor_hash = e.visitor_hash AND n.message_hash = e.message_hash
    AND n.message_id = e.message_id AND n.source_id = e.source_id AND (
        e.session_key IS DISTINCT FROM n.session_key
        OR e.event_index IS DISTINCT FROM n.event_index
        OR e.gap IS DISTINCT FROM n.gap
    );

-- name: commit
COMMIT;
