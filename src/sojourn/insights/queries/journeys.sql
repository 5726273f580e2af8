-- name: paths
-- Each session's nodes in their order (or against it), repeats in a row as one, from the anchor on.
-- An empty anchor is the entry (or the exit): then every session has a path.
chosen AS ({{chosen}}),
steps AS (
    SELECT e.session_key, list(e.node ORDER BY e.event_index {{order}}) AS path
    FROM session_events AS e
    WHERE e.session_key IN (SELECT session_key FROM chosen)
        AND e.node IS NOT NULL AND (e.is_view OR $journey_events = 'all') AND e.event_time >= $from
    GROUP BY e.session_key
),
walked AS (
    SELECT session_key, list_filter(path, lambda node, place: place = 1 OR node <> path[place - 1]) AS path
    FROM steps
),
whole AS (
    SELECT c.session_key, coalesce(w.path, []) AS path
    FROM chosen AS c LEFT JOIN walked AS w ON w.session_key = c.session_key
),
paths AS (
    SELECT
        session_key,
        CASE WHEN $journey_anchor = '' THEN path[1:$journey_depth]
            ELSE path[list_position(path, $journey_anchor) + 1:list_position(path, $journey_anchor) + $journey_depth]
        END AS path
    FROM whole
    WHERE $journey_anchor = '' OR list_contains(path, $journey_anchor)
)

-- name: columns
-- What stands in each column: the most frequent nodes (or those named, as `step node`), `(other)` for
-- the rest, the end once ended.
grouped AS MATERIALIZED (SELECT path, count(*) AS sessions FROM paths GROUP BY path),
cells AS (
    SELECT path, sessions, step, coalesce(path[step], $journey_end) AS node
    FROM grouped, (SELECT unnest(range(1, $journey_depth + 1)) AS step)
),
ranked AS (
    SELECT step, node, row_number() OVER (PARTITION BY step ORDER BY sum(sessions) DESC, node) AS place
    FROM cells WHERE node <> $journey_end GROUP BY step, node
),
columns_of_paths AS (
    SELECT c.path, c.sessions, c.step,
        CASE
            WHEN c.node = $journey_end THEN c.node
            WHEN len($journey_kept) = 0 AND r.place <= $journey_top THEN c.node
            WHEN list_contains(CAST($journey_kept AS VARCHAR[]), concat(c.step, ' ', c.node)) THEN c.node
            ELSE '(other)'
        END AS node
    FROM cells AS c LEFT JOIN ranked AS r ON r.step = c.step AND r.node = c.node
    UNION ALL
    SELECT path, sessions, 0 AS step, $journey_begin AS node FROM grouped
)

-- name: links
WITH {{paths}}, {{columns}}
SELECT a.step, a.node AS source, b.node AS target, CAST(sum(a.sessions) AS BIGINT) AS sessions
FROM columns_of_paths AS a
JOIN columns_of_paths AS b ON b.step = a.step + 1 AND b.path = a.path
GROUP BY ALL
ORDER BY a.step, sessions DESC, source, target

-- name: link_sessions
WITH {{paths}}, {{columns}}
SELECT p.session_key
FROM paths AS p
JOIN columns_of_paths AS a ON a.path = p.path AND a.step = $journey_step AND a.node = $journey_node
JOIN columns_of_paths AS b ON b.path = p.path AND b.step = $journey_step + 1 AND b.node = $journey_next

-- name: transitions
WITH chosen AS ({{chosen}}),
nodes AS (
    SELECT
        e.session_key, e.event_index, e.node,
        lag(e.node) OVER (PARTITION BY e.session_key ORDER BY e.event_index) AS earlier
    FROM session_events AS e JOIN chosen AS c ON c.session_key = e.session_key
    WHERE e.node IS NOT NULL AND (e.is_view OR $journey_events = 'all') AND e.event_time >= $from
),
steps AS (
    SELECT session_key, coalesce(earlier, '(entry)') AS source, node AS target, event_index
    FROM nodes WHERE node IS DISTINCT FROM earlier
),
lasts AS (
    SELECT session_key, max_by(target, event_index) AS source FROM steps GROUP BY session_key
),
pairs AS (
    SELECT session_key, source, target FROM steps
    UNION ALL
    SELECT c.session_key, coalesce(l.source, '(entry)') AS source, '(exit)' AS target
    FROM chosen AS c LEFT JOIN lasts AS l ON l.session_key = c.session_key
)
SELECT source, target, count(*) AS transitions, count(DISTINCT session_key) AS sessions,
    count(*) / sum(count(*)) OVER (PARTITION BY source) AS share
FROM pairs
GROUP BY source, target
ORDER BY transitions DESC, source, target

-- name: transition_sessions
WITH chosen AS ({{chosen}}),
nodes AS (
    SELECT
        e.session_key, e.event_index, e.node,
        lag(e.node) OVER (PARTITION BY e.session_key ORDER BY e.event_index) AS earlier
    FROM session_events AS e JOIN chosen AS c ON c.session_key = e.session_key
    WHERE e.node IS NOT NULL AND (e.is_view OR $transition_events = 'all') AND e.event_time >= $from
),
steps AS (
    SELECT session_key, coalesce(earlier, '(entry)') AS source, node AS target, event_index
    FROM nodes WHERE node IS DISTINCT FROM earlier
),
lasts AS (
    SELECT session_key, max_by(target, event_index) AS source FROM steps GROUP BY session_key
)
SELECT session_key FROM steps WHERE source = $transition_node AND target = $transition_next
UNION
SELECT c.session_key FROM chosen AS c LEFT JOIN lasts AS l ON l.session_key = c.session_key
WHERE $transition_next = '(exit)' AND coalesce(l.source, '(entry)') = $transition_node
