-- Redshift.

-- name: to_ms
DATEDIFF(MILLISECOND, CAST('1970-01-01' AS TIMESTAMP), value)

-- name: from_ms
CAST('1970-01-01' AS TIMESTAMP) + value / 1000.0 * INTERVAL '1 second'

-- name: begin
BEGIN;

-- name: define_table
CREATE TEMP TABLE {name} AS
{query};

-- name: store
CREATE TABLE IF NOT EXISTS {sessions} AS SELECT * FROM new_sessions WHERE FALSE;
DELETE FROM {sessions};
INSERT INTO {sessions} ({columns})
SELECT {columns} FROM new_sessions;
UPDATE {events} SET session_key = n.session_key, event_index = n.event_index, gap = n.gap
FROM event_sessions AS n
WHERE n.visitor_hash = {events}.visitor_hash AND n.message_hash = {events}.message_hash
    AND n.message_id = {events}.message_id AND n.source_id = {events}.source_id;

-- name: commit
COMMIT;
