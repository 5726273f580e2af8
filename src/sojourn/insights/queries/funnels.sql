-- One attempt per session: from its first match of step 1, each further step at the earliest event
-- after the one before. Within n sessions of a person the order is (number of the session, event).
-- Attempts are walked in `session_paths`; `rid` is the row of the session there (of an attempt: of the
-- session that it starts in). `reach` is repeated for every step after the first.

-- name: hits
chosen AS ({{chosen}}),
paths AS NOT MATERIALIZED ({{walked}}),
steps AS (SELECT unnest($funnel_steps) AS pattern, unnest(range(1, len($funnel_steps) + 1)) AS step),
matching AS (
    SELECT DISTINCT k.kind, s.step
    FROM path_kinds AS k JOIN steps AS s
        ON coalesce(k.node, '') = s.pattern OR coalesce(k.name, '') = s.pattern
        OR (contains(s.pattern, '*') AND (coalesce(k.node, '') GLOB s.pattern OR coalesce(k.name, '') GLOB s.pattern))
    WHERE coalesce(k.node, k.name) IS NOT NULL
),
{{pool}},
events AS NOT MATERIALIZED (
    SELECT
        rid, unnest(kinds) AS kind, first_ms + unnest(at_ms) AS at_ms,
        number * 1048576 + generate_subscripts(kinds, 1) AS place
    FROM pool
),
hits AS MATERIALIZED (
    SELECT e.rid, m.step, e.place, e.at_ms
    FROM events AS e JOIN matching AS m ON m.kind = e.kind
    WHERE e.at_ms >= epoch_ms($from)
),
reached_1 AS (
    SELECT rid, min(place) AS place, min(at_ms) AS began_ms, min(at_ms) AS moment_ms
    FROM hits WHERE step = 1 AND {{own}}
    GROUP BY rid
)

-- name: alone
pool AS NOT MATERIALIZED (
    SELECT rid, CAST(0 AS BIGINT) AS number, first_ms, kinds, at_ms FROM paths
)

-- name: alone_own
TRUE

-- name: alone_span
{{what}} AS e ON e.rid = r.rid

-- name: persons
-- `spans`: the sessions that the attempt of a session may go on in, itself among them.
places AS MATERIALIZED (
    SELECT p.rowid AS rid, CAST(s.person_session_number AS BIGINT) AS number,
        min(p.rowid) OVER (PARTITION BY s.person) AS line
    FROM sessions AS s JOIN session_paths AS p ON p.session_key = s.session_key
    WHERE s.person IN (SELECT person FROM chosen)
),
pool AS NOT MATERIALIZED (
    SELECT o.rid, o.number, p.first_ms, p.kinds, p.at_ms
    FROM places AS o JOIN session_paths AS p ON p.rowid = o.rid
),
spans AS NOT MATERIALIZED (
    SELECT o.rid, l.rid AS later
    FROM places AS o JOIN places AS l
        ON l.line = o.line AND l.number >= o.number AND l.number < o.number + $funnel_within
)

-- name: persons_own
rid IN (SELECT rid FROM paths)

-- name: persons_span
spans AS w ON w.rid = r.rid JOIN {{what}} AS e ON e.rid = w.later

-- name: reach
reached_{{k}} AS (
    SELECT r.rid, min(e.place) AS place, any_value(r.began_ms) AS began_ms, min(e.at_ms) AS moment_ms
    FROM reached_{{before}} AS r
    JOIN {{hits_of_attempt}}
    WHERE e.step = {{k}} AND e.place > r.place {{unbroken}}
    GROUP BY r.rid
)

-- name: unbroken
AND NOT EXISTS (
    SELECT 1 FROM solid AS x
    WHERE x.rid = r.rid AND x.place > r.place AND x.place < e.place
)

-- name: solid
-- What must not come between steps that follow each other strictly, by attempt.
solid AS (
    SELECT r.rid, e.place
    FROM reached_1 AS r
    JOIN {{events_of_attempt}}
    WHERE e.at_ms >= epoch_ms($from)
        AND e.kind IN (SELECT kind FROM path_kinds WHERE is_view OR type = 'track')
)

-- name: exclusion
-- Attempts that meet an exclusion step after their start and before their last step are void.
voided AS (
    SELECT DISTINCT r.rid
    FROM reached_1 AS r LEFT JOIN reached_{{last}} AS l ON l.rid = r.rid
    JOIN {{events_of_attempt}}
    WHERE e.kind IN (
        SELECT kind FROM path_kinds
        WHERE node IN (SELECT unnest($funnel_exclude)) OR name IN (SELECT unnest($funnel_exclude))
    )
        AND e.place > r.place AND (l.place IS NULL OR e.place < l.place)
)

-- name: no_exclusion
voided AS (SELECT rid FROM reached_1 WHERE FALSE)

-- name: depth
SELECT {{k}} AS depth, rid, place, moment_ms - began_ms AS took_ms
FROM reached_{{k}} WHERE rid NOT IN (SELECT rid FROM voided)

-- name: report
-- Per depth its sessions and times (`next_node` is NULL), and what the sessions that stopped there
-- did next: the node after their last step.
stops AS (
    SELECT rid, max(depth) AS depth, arg_max(place, depth) % 1048576 AS event_index
    FROM depths GROUP BY rid HAVING max(depth) < $funnel_length
),
ahead AS (
    SELECT s.rid, s.depth, p.kinds[s.event_index + 1:] AS kinds
    FROM stops AS s JOIN paths AS p ON p.rid = s.rid
),
silent AS (SELECT kind FROM path_kinds WHERE coalesce(node, name) IS NULL),
followers AS (
    SELECT depth, kinds[1] AS kind FROM ahead WHERE len(kinds) = 0 OR kinds[1] NOT IN (SELECT kind FROM silent)
    UNION ALL
    SELECT any_value(depth), arg_min(kind, place) FILTER (WHERE kind NOT IN (SELECT kind FROM silent))
    FROM (
        SELECT rid, depth, unnest(kinds) AS kind, generate_subscripts(kinds, 1) AS place
        FROM ahead WHERE kinds[1] IN (SELECT kind FROM silent)
    )
    GROUP BY rid
),
following AS (
    SELECT f.depth, coalesce(k.node, k.name, '(exit)') AS node, sum(f.sessions) AS sessions
    FROM (SELECT depth, kind, count(*) AS sessions FROM followers GROUP BY depth, kind) AS f
    LEFT JOIN path_kinds AS k ON k.kind = f.kind
    GROUP BY f.depth, coalesce(k.node, k.name, '(exit)')
)
SELECT depth, NULL AS next_node, sessions, took[1] / 1000.0 AS median_seconds, took[2] / 1000.0 AS p90_seconds
FROM (
    SELECT depth, count(*) AS sessions, quantile_cont(took_ms, [0.5, 0.9]) AS took
    FROM depths GROUP BY depth
)
UNION ALL
SELECT depth, node, CAST(sessions AS BIGINT), NULL, NULL FROM following
QUALIFY row_number() OVER (PARTITION BY depth ORDER BY sessions DESC, node) <= 8
ORDER BY depth, sessions DESC, next_node

-- name: sessions
SELECT session_key FROM paths
WHERE rid IN (SELECT rid FROM depths WHERE depth = $funnel_reached)
    AND ($funnel_missed = 0 OR rid NOT IN (SELECT rid FROM depths WHERE depth = $funnel_missed))
