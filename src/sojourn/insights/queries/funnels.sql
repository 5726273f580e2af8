-- One attempt per session: from its first match of step 1, each further step at the earliest event
-- after the one before. Within n sessions of a person the order is (number of the session, event).
-- Attempts are walked in `session_paths`; `rid` is the row of the session there, `line` what an
-- attempt must stay in: the session, or its person. `reach` is repeated for every step after the first.

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
        rid, line, number, unnest(kinds) AS kind, first_ms + unnest(at_ms) AS at_ms,
        number * 1048576 + generate_subscripts(kinds, 1) AS place
    FROM pool
),
hits AS MATERIALIZED (
    SELECT e.rid, e.line, e.number, m.step, e.place, e.at_ms
    FROM events AS e JOIN matching AS m ON m.kind = e.kind
    WHERE e.at_ms >= epoch_ms($from)
),
reached_1 AS (
    SELECT rid, any_value(line) AS line, any_value(number) AS number, min(place) AS place,
        min(at_ms) AS began_ms, min(at_ms) AS moment_ms
    FROM hits WHERE step = 1 AND rid IN (SELECT rid FROM paths)
    GROUP BY rid
)

-- name: alone
pool AS NOT MATERIALIZED (
    SELECT rid, rid AS line, CAST(0 AS BIGINT) AS number, first_ms, kinds, at_ms FROM paths
)

-- name: of_person
places AS (
    SELECT p.rowid AS rid, CAST(s.person_session_number AS BIGINT) AS number,
        min(p.rowid) OVER (PARTITION BY s.person) AS line
    FROM sessions AS s JOIN session_paths AS p ON p.session_key = s.session_key
    WHERE s.person IN (SELECT person FROM chosen)
),
pool AS NOT MATERIALIZED (
    SELECT o.rid, o.line, o.number, p.first_ms, p.kinds, p.at_ms
    FROM places AS o JOIN session_paths AS p ON p.rowid = o.rid
)

-- name: reach
reached_{{k}} AS (
    SELECT r.rid, any_value(r.line) AS line, any_value(r.number) AS number, min(h.place) AS place,
        any_value(r.began_ms) AS began_ms, min(h.at_ms) AS moment_ms
    FROM reached_{{before}} AS r
    JOIN hits AS h
        ON h.line = r.line AND h.step = {{k}} AND h.place > r.place
        AND h.number < r.number + $funnel_within
    {{unbroken}}
    GROUP BY r.rid
)

-- name: unbroken
WHERE NOT EXISTS (
    SELECT 1 FROM solid AS x
    WHERE x.line = r.line AND x.place > r.place AND x.place < h.place
)

-- name: solid
-- What must not come between steps that follow each other strictly.
solid AS (
    SELECT line, place FROM events
    WHERE at_ms >= epoch_ms($from)
        AND kind IN (SELECT kind FROM path_kinds WHERE is_view OR type = 'track')
)

-- name: exclusion
-- Attempts that meet an exclusion step after their start and before their last step are void.
voided AS (
    SELECT DISTINCT r.rid
    FROM reached_1 AS r LEFT JOIN reached_{{last}} AS l ON l.rid = r.rid
    JOIN events AS e ON e.line = r.line AND e.number >= r.number AND e.number < r.number + $funnel_within
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
lasts AS (SELECT rid, max(depth) AS depth FROM depths GROUP BY rid),
stops AS (
    SELECT d.rid, d.depth, d.place % 1048576 AS event_index
    FROM depths AS d JOIN lasts AS l ON l.rid = d.rid AND l.depth = d.depth
    WHERE d.depth < $funnel_length
),
later AS (
    SELECT s.rid, unnest(p.kinds[s.event_index + 1:]) AS kind,
        generate_subscripts(p.kinds[s.event_index + 1:], 1) AS place
    FROM stops AS s JOIN paths AS p ON p.rid = s.rid
),
named AS (SELECT kind, coalesce(node, name) AS node FROM path_kinds WHERE coalesce(node, name) IS NOT NULL),
followers AS (
    SELECT l.rid, arg_min(l.kind, l.place) AS kind
    FROM later AS l JOIN named AS n ON n.kind = l.kind GROUP BY l.rid
),
following AS (
    SELECT s.depth, f.kind, count(*) AS sessions
    FROM stops AS s LEFT JOIN followers AS f ON f.rid = s.rid GROUP BY s.depth, f.kind
)
SELECT depth, NULL AS next_node, count(*) AS sessions,
    quantile_cont(took_ms, 0.5) / 1000.0 AS median_seconds, quantile_cont(took_ms, 0.9) / 1000.0 AS p90_seconds
FROM depths GROUP BY depth
UNION ALL
SELECT f.depth, coalesce(n.node, '(exit)') AS next_node, CAST(sum(f.sessions) AS BIGINT) AS sessions, NULL, NULL
FROM following AS f LEFT JOIN named AS n ON n.kind = f.kind
GROUP BY f.depth, coalesce(n.node, '(exit)')
QUALIFY row_number() OVER (PARTITION BY f.depth ORDER BY sum(f.sessions) DESC, coalesce(n.node, '(exit)')) <= 8
ORDER BY depth, sessions DESC, next_node

-- name: sessions
SELECT session_key FROM paths
WHERE rid IN (SELECT rid FROM depths WHERE depth = $funnel_reached)
    AND ($funnel_missed = 0 OR rid NOT IN (SELECT rid FROM depths WHERE depth = $funnel_missed))
