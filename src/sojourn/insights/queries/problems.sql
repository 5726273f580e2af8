-- name: steps
-- The usual way of sessions that convert: nodes that at least 40 % of them have, in the order in
-- which they first come.
WITH chosen AS ({{chosen}}),
converted AS (SELECT session_key, events FROM chosen WHERE conversions > 0),
firsts AS (
    SELECT e.session_key, coalesce(e.node, e.name) AS node, min(e.event_index) / any_value(c.events) AS place
    FROM session_events AS e JOIN converted AS c ON c.session_key = e.session_key
    WHERE NOT e.is_conversion AND coalesce(e.node, e.name) IS NOT NULL AND e.event_time >= $from
    GROUP BY e.session_key, coalesce(e.node, e.name)
)
SELECT node
FROM firsts
GROUP BY node
HAVING count(*) >= 0.4 * (SELECT count(*) FROM converted) AND count(*) >= 20
ORDER BY avg(place), node
LIMIT 12

-- name: troubles
-- Nodes and events whose growing share is bad news by their name.
SELECT DISTINCT coalesce(e.node, e.name) AS node
FROM session_events AS e
WHERE e.session_key IN (SELECT session_key FROM ({{chosen}})) AND e.event_time >= $from
    AND (e.is_error OR regexp_matches(
        lower(coalesce(e.node, e.name)), 'error|fail|support|help|contact|chat|complain|refund|cancel'
    ))
ORDER BY node
LIMIT 20

-- name: counts
-- Sessions by step of time, value of the segment, and what they have (one bit each).
WITH bits AS (SELECT unnest($marks) AS mark, unnest(range(len($marks))) AS bit),
chosen AS ({{chosen}}),
had AS (
    SELECT e.session_key, bit_or(CAST(1 AS BIGINT) << b.bit) AS has
    FROM session_events AS e JOIN bits AS b ON b.mark = e.node OR b.mark = e.name
    WHERE e.session_key IN (SELECT session_key FROM chosen) AND e.event_time >= $from
    GROUP BY e.session_key
),
marked AS (
    SELECT
        c.*, (epoch_ms(c.start_time) - epoch_ms($from)) // $step_ms AS step,
        coalesce(h.has, 0)
            | (CASE WHEN c.conversions > 0 THEN CAST(1 AS BIGINT) << 60 ELSE 0 END)
            | (CASE WHEN c.state <> 'ok' THEN CAST(1 AS BIGINT) << 59 ELSE 0 END)
            | (CASE WHEN c.is_bounce THEN CAST(1 AS BIGINT) << 58 ELSE 0 END)
            | (CASE WHEN c.is_counted THEN CAST(1 AS BIGINT) << 57 ELSE 0 END) AS has
    FROM chosen AS c LEFT JOIN had AS h ON h.session_key = c.session_key
)
{{groups}}

-- name: group
SELECT '{{dimension}}' AS dimension, {{value}} AS value, step, has, count(*) AS sessions
FROM marked GROUP BY ALL

-- name: examples
SELECT session_key FROM ({{chosen}}) ORDER BY start_time DESC, session_key LIMIT 5
