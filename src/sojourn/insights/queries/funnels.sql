-- One attempt per session: from its first match of step 1, each further step at the earliest event
-- after the one before. Within n sessions of a person the order is (number of the session, event).
-- `reach` is repeated for every step after the first.

-- name: hits
chosen AS ({{chosen}}),
steps AS (SELECT unnest($funnel_steps) AS pattern, unnest(range(1, len($funnel_steps) + 1)) AS step),
names AS (
    SELECT DISTINCT e.node, e.name FROM session_events AS e
    WHERE e.event_time >= $from AND coalesce(e.node, e.name) IS NOT NULL
),
matching AS (
    SELECT DISTINCT n.node, n.name, s.step
    FROM names AS n JOIN steps AS s
        ON coalesce(n.node, '') = s.pattern OR coalesce(n.name, '') = s.pattern
        OR (contains(s.pattern, '*') AND (coalesce(n.node, '') GLOB s.pattern OR coalesce(n.name, '') GLOB s.pattern))
),
pool AS (
    SELECT session_key, person, person_session_number FROM chosen
    UNION
    SELECT s.session_key, s.person, s.person_session_number
    FROM sessions AS s WHERE $funnel_within > 1 AND s.person IN (SELECT person FROM chosen)
),
hits AS (
    SELECT
        p.person, p.session_key, p.person_session_number AS number, m.step,
        p.person_session_number * 1048576 + e.event_index AS place, e.event_time
    FROM session_events AS e
    JOIN matching AS m
        ON m.node IS NOT DISTINCT FROM e.node AND m.name IS NOT DISTINCT FROM e.name
    JOIN pool AS p ON p.session_key = e.session_key
    WHERE e.event_time >= $from
),
everything AS (
    SELECT p.person, p.person_session_number * 1048576 + e.event_index AS place
    FROM session_events AS e JOIN pool AS p ON p.session_key = e.session_key
    WHERE $funnel_strict AND e.event_time >= $from AND (e.is_view OR e.type = 'track')
),
reached_1 AS (
    SELECT h.session_key, h.person, min(h.number) AS number, min(h.place) AS place,
        min(h.event_time) AS began, min(h.event_time) AS moment
    FROM hits AS h JOIN chosen AS c ON c.session_key = h.session_key
    WHERE h.step = 1
    GROUP BY h.session_key, h.person
)

-- name: reach
reached_{{k}} AS (
    SELECT r.session_key, r.person, r.number, min(h.place) AS place, any_value(r.began) AS began,
        min(h.event_time) AS moment
    FROM reached_{{before}} AS r
    JOIN hits AS h
        ON h.person = r.person AND h.step = {{k}} AND h.place > r.place
        AND h.number < r.number + $funnel_within
    WHERE NOT $funnel_strict OR NOT EXISTS (
        SELECT 1 FROM everything AS x
        WHERE x.person = r.person AND x.place > r.place AND x.place < h.place
    )
    GROUP BY r.session_key, r.person, r.number
)

-- name: exclusion
-- Attempts that meet an exclusion step after their start and before their last step are void.
voided AS (
    SELECT DISTINCT r.session_key
    FROM reached_1 AS r LEFT JOIN reached_{{last}} AS l ON l.session_key = r.session_key
    JOIN pool AS p ON p.person = r.person AND p.person_session_number >= r.number
        AND p.person_session_number < r.number + $funnel_within
    JOIN session_events AS e ON e.session_key = p.session_key
    WHERE (e.node IN (SELECT unnest($funnel_exclude)) OR e.name IN (SELECT unnest($funnel_exclude)))
        AND p.person_session_number * 1048576 + e.event_index > r.place
        AND (l.place IS NULL OR p.person_session_number * 1048576 + e.event_index < l.place)
)

-- name: depth
SELECT {{k}} AS depth, session_key, place, epoch_ms(moment) - epoch_ms(began) AS took_ms
FROM reached_{{k}} WHERE session_key NOT IN (SELECT session_key FROM voided)

-- name: keep
CREATE OR REPLACE TEMP TABLE funnel_depths AS
{{depths}}
SELECT * FROM depths

-- name: steps
SELECT depth, count(*) AS sessions,
    quantile_cont(took_ms, 0.5) / 1000.0 AS median_seconds, quantile_cont(took_ms, 0.9) / 1000.0 AS p90_seconds
FROM funnel_depths GROUP BY depth ORDER BY depth

-- name: next
-- What the sessions that stopped at a step did next: the node after their last step.
WITH lasts AS (SELECT session_key, max(depth) AS depth FROM funnel_depths GROUP BY session_key),
stops AS (
    SELECT d.session_key, d.depth, d.place % 1048576 AS event_index
    FROM funnel_depths AS d JOIN lasts AS l ON l.session_key = d.session_key AND l.depth = d.depth
    WHERE d.depth < $funnel_length
),
followers AS (
    SELECT s.session_key, s.depth, coalesce(min_by(coalesce(e.node, e.name), e.event_index), '(exit)') AS next_node
    FROM stops AS s LEFT JOIN session_events AS e
        ON e.session_key = s.session_key AND e.event_index > s.event_index AND coalesce(e.node, e.name) IS NOT NULL
    GROUP BY s.session_key, s.depth
)
SELECT depth, next_node, count(*) AS sessions
FROM followers GROUP BY depth, next_node
QUALIFY row_number() OVER (PARTITION BY depth ORDER BY count(*) DESC, next_node) <= 8
ORDER BY depth, sessions DESC, next_node

-- name: sessions
SELECT session_key FROM depths WHERE depth = $funnel_reached
    AND ($funnel_missed = 0 OR session_key NOT IN (SELECT session_key FROM depths WHERE depth = $funnel_missed))
