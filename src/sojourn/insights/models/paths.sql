-- The index that reports walk: what each session did, in order, as lists of numbers. It follows from
-- `session_events` and `sessions` and is kept in the embedded DuckDB only. Numbers are hashes, not
-- running ones, so that the order of arrival does not matter.

-- name: create_session_paths
CREATE TABLE IF NOT EXISTS session_paths (
    session_key   VARCHAR   NOT NULL, -- one row per row of `sessions`; these five are as there
    visitor_hash  BIGINT    NOT NULL,
    source_id     VARCHAR   NOT NULL,
    traffic_class VARCHAR   NOT NULL,
    start_time    TIMESTAMP NOT NULL,
    first_ms      BIGINT    NOT NULL, -- time of the first event, epoch ms
    kinds         BIGINT[]  NOT NULL, -- per event, by event_index: path_kinds.kind
    at_ms         BIGINT[]  NOT NULL, -- per event, by event_index: ms since the first event
    steps         BIGINT[]  NOT NULL, -- path_kinds.step of events with a node, repeats in a row as one
    views         BIGINT[]  NOT NULL  -- the same of views with a node
);

-- name: create_path_kinds
-- The kinds of events that there are: one row for all events that are alike in these columns.
CREATE TABLE IF NOT EXISTS path_kinds (
    kind     BIGINT  NOT NULL, -- hash of the rest; lowest bits: 1 a view, 2 a click, 4 an error, 8 has a node
    type     VARCHAR NOT NULL, -- these are as in session_events
    name     VARCHAR,
    node     VARCHAR,
    target   VARCHAR,
    is_view  BOOLEAN NOT NULL,
    is_click BOOLEAN NOT NULL,
    is_error BOOLEAN NOT NULL,
    step     BIGINT            -- hash of the node; NULL without
);

-- name: columns
SELECT column_name FROM duckdb_columns()
WHERE database_name = current_database() AND schema_name = 'main'
    AND table_name IN ('session_paths', 'path_kinds')
ORDER BY table_name DESC, column_index;

-- name: drop_session_paths
DROP TABLE IF EXISTS session_paths;

-- name: drop_path_kinds
DROP TABLE IF EXISTS path_kinds;

-- name: is_foreign
-- Whether the numbers are of another version of DuckDB, whose hashes may be others.
SELECT count(*) FROM (SELECT * FROM path_kinds LIMIT 1) WHERE kind <> {kind};

-- name: kind
((CAST(hash(type, name, node, target) >> 1 AS BIGINT) & -16)
    | CAST(is_view AS BIGINT) | (CAST(is_click AS BIGINT) << 1) | (CAST(is_error AS BIGINT) << 2)
    | (CAST(node IS NOT NULL AS BIGINT) << 3))

-- name: code
CAST(hash({node}) >> 1 AS BIGINT)

-- name: step
CASE WHEN node IS NOT NULL THEN {code} END

-- name: rows
-- Rows of sessions from `lines`: a session's key and its events in order, each its kind, its time
-- (epoch ms) and its step.
lists AS (
    SELECT
        session_key, line[1].ms AS first_ms,
        list_transform(line, lambda e: e.kind) AS kinds,
        list_transform(line, lambda e: e.ms - line[1].ms) AS at_ms,
        list_transform(list_filter(line, lambda e: e.step IS NOT NULL), lambda e: e.step) AS steps,
        list_transform(list_filter(line, lambda e: e.kind & 9 = 9), lambda e: e.step) AS views
    FROM lines
)
SELECT
    s.session_key, s.visitor_hash, s.source_id, s.traffic_class, s.start_time,
    l.first_ms, l.kinds, l.at_ms,
    list_filter(l.steps, lambda step, place: place = 1 OR step <> l.steps[place - 1]) AS steps,
    list_filter(l.views, lambda step, place: place = 1 OR step <> l.views[place - 1]) AS views
FROM lists AS l JOIN {sessions} AS s ON s.session_key = l.session_key

-- name: fill
-- A share of the visitors of some sources, from the stored events.
INSERT INTO session_paths BY NAME
WITH lines AS (
    SELECT
        session_key,
        list(struct_pack(kind := {kind}, ms := epoch_ms(event_time), step := {step}) ORDER BY event_index) AS line
    FROM session_events
    WHERE session_key IS NOT NULL AND source_id IN (SELECT unnest($source_ids))
        AND visitor_hash % $shares = $share
    GROUP BY session_key
),
{rows};

-- name: drop_sources
DELETE FROM session_paths WHERE source_id IN (SELECT unnest($source_ids));

-- name: fill_kinds
INSERT INTO path_kinds BY NAME
SELECT DISTINCT
    {kind} AS kind, type, name, node, target, is_view, is_click, is_error, {step} AS step
FROM {events}
WHERE {kind} NOT IN (SELECT kind FROM path_kinds);

-- name: drop_kinds
-- Those that no event is of any more.
DELETE FROM path_kinds
WHERE kind NOT IN (SELECT DISTINCT unnest(kinds) FROM session_paths);

-- name: sources
SELECT source_id, count(*) FROM session_events GROUP BY source_id;

-- name: count_gaps
-- How many sessions have no row, or not all their events in it, and rows without a session.
SELECT count(*)
FROM sessions AS s FULL JOIN session_paths AS p ON p.session_key = s.session_key
WHERE s.session_key IS NULL OR p.session_key IS NULL OR len(p.kinds) <> s.events;

-- name: drop_touched
DELETE FROM session_paths
WHERE visitor_hash IN (SELECT visitor_hash FROM concerned)
    AND session_key IN (SELECT session_key FROM touched_sessions);

-- name: renew
-- The sessions made anew.
INSERT INTO session_paths BY NAME
WITH made AS (
    SELECT
        session_key, visitor_hash, source_id, traffic_class, session_no, part,
        make_timestamp_ms(begin_ms) AS start_time
    FROM renewed
),
facts AS (
    SELECT rid, {kind} AS kind, epoch_ms(event_time) AS ms, {step} AS step FROM gathered
),
lines AS (
    SELECT
        r.session_key,
        list(struct_pack(kind := f.kind, ms := f.ms, step := f.step) ORDER BY n.place) AS line
    FROM numbered AS n
    JOIN made AS r ON r.visitor_hash = n.visitor_hash AND r.session_no = n.session_no AND r.part = n.part
    JOIN facts AS f ON f.rid = n.rid
    GROUP BY r.session_key
),
{rows};

-- name: replaced
-- Whether stored events gave way to copies of another kind.
SELECT count(*) FROM losers WHERE rid < 549755813888;
