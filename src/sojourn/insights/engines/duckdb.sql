-- DuckDB, for a database that other programs keep: the embedded one needs no script.

-- name: to_ms
EPOCH_MS(CAST(value AS TIMESTAMP))

-- name: from_ms
MAKE_TIMESTAMP_MS(value)

-- name: define_table
CREATE OR REPLACE TEMP TABLE {name} AS
{query};

-- name: define_view
CREATE OR REPLACE TEMP VIEW {name} AS
{query};

-- name: begin
BEGIN;

-- name: store
CREATE TABLE IF NOT EXISTS {sessions} AS SELECT * FROM new_sessions LIMIT 0;
DELETE FROM {sessions};
INSERT INTO {sessions} ({columns})
SELECT {columns} FROM new_sessions;
UPDATE {events} AS e SET session_key = n.session_key, event_index = n.event_index, gap = n.gap
FROM event_sessions AS n
WHERE n.message_hash = e.message_hash AND n.message_id = e.message_id AND n.source_id = e.source_id
    AND (
        e.session_key IS DISTINCT FROM n.session_key
        OR e.event_index IS DISTINCT FROM n.event_index
        OR e.gap IS DISTINCT FROM n.gap
    );

-- name: commit
COMMIT;
