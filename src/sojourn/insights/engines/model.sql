-- The beginning and the end of a rebuild, which differ from those in the embedded DuckDB: events
-- are numbered here, and nothing is changed in place.

-- name: gathered
-- Any number will do that is below 2^40 and of one event only. Counting in 4,096 parts lets engines
-- work in parallel.
CREATE OR REPLACE TEMP TABLE gathered AS
SELECT
    (visitor_hash % 4096) * 268435456 + row_number() OVER (
        PARTITION BY visitor_hash % 4096 ORDER BY visitor_hash, message_hash, message_id
    ) AS rid,
    {columns}
FROM session_events;

-- name: policies
-- The rules in force: those of the sources that have their own, else the common ones.
CREATE OR REPLACE TEMP TABLE session_policies AS
SELECT
    source_id,
    CAST({timeout_ms} AS BIGINT) AS timeout_ms, CAST({max_length_ms} AS BIGINT) AS max_length_ms
FROM (SELECT DISTINCT source_id FROM gathered) AS sources;

-- name: event_sessions
-- Which session each event is in.
CREATE OR REPLACE TEMP TABLE event_sessions AS
SELECT
    g.source_id, g.message_id, g.visitor_hash, g.message_hash,
    p.session_key, CAST(p.place AS BIGINT) AS event_index, CAST(p.gap AS DOUBLE) AS gap
FROM placed AS p JOIN gathered AS g ON g.rid = p.rid;
