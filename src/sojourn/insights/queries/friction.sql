-- Friction signals from plain events; thresholds as in the metrics' definitions. `marks` has one
-- row per occurrence: session, signal, event, and the place (target or node) where it happened.

-- name: marks
WITH chosen AS ({{chosen}}),
events AS NOT MATERIALIZED (
    SELECT c.session_key, e.event_index, epoch_ms(e.event_time) AS event_ms, e.gap, e.type, e.name,
        e.node, e.target, coalesce(e.target, e.name) AS place, e.is_view, e.is_click, e.is_error,
        epoch_ms(c.end_time) AS end_ms, c.events AS session_events
    FROM session_events AS e JOIN chosen AS c ON c.session_key = e.session_key
    WHERE e.event_time >= $from
),
clicks AS MATERIALIZED (
    SELECT session_key, event_index, event_ms, place FROM events WHERE is_click
),
rhythm AS (
    SELECT *, event_ms - lag(event_ms) OVER (
        PARTITION BY session_key, place ORDER BY event_index
    ) AS since_ms
    FROM clicks
),
bursts AS (
    SELECT *, sum(CASE WHEN since_ms <= 1000 THEN 0 ELSE 1 END) OVER (
        PARTITION BY session_key, place ORDER BY event_index
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS burst
    FROM rhythm
),
after_clicks AS (
    SELECT e.session_key, e.event_index, e.gap, e.is_error, k.place
    FROM events AS e
    JOIN clicks AS k ON k.session_key = e.session_key AND k.event_index = e.event_index - 1
    WHERE e.gap > 7 OR (e.is_error AND e.gap <= 1)
),
views AS (
    SELECT
        session_key, event_index, node, lag(node) OVER line AS earlier,
        lag(node, 2) OVER line AS before_earlier, lag(node, 3) OVER line AS before_that,
        event_ms - lag(event_ms) OVER line AS stayed_ms
    FROM events WHERE is_view AND node IS NOT NULL
    WINDOW line AS (PARTITION BY session_key ORDER BY event_index)
),
returns AS MATERIALIZED (
    SELECT * FROM views WHERE node = before_earlier
),
flow AS MATERIALIZED (
    SELECT
        session_key, event_index, gap, node, event_index = session_events AS is_last,
        lag(node) OVER (PARTITION BY session_key ORDER BY event_index) AS before_node
    FROM events
),
paces AS (
    SELECT before_node, node, quantile_cont(gap, 0.95) AS p95
    FROM flow WHERE gap IS NOT NULL
    GROUP BY before_node, node HAVING count(*) >= 20
),
forms AS (
    SELECT
        session_key, coalesce(target, node, name) AS place, min(event_index) AS event_index,
        bool_or(regexp_matches(lower(name), 'submit|complet|sent')) AS is_submitted,
        bool_or(regexp_matches(lower(name), 'start|focus|open|view')) AS is_started
    FROM events WHERE type = 'track' AND contains(lower(name), 'form')
    GROUP BY session_key, coalesce(target, node, name)
),
marks AS MATERIALIZED (
    SELECT session_key, 'rage_click' AS signal, min(event_index) AS event_index, place
    FROM bursts GROUP BY session_key, place, burst HAVING count(*) >= 3
    UNION ALL
    SELECT session_key, 'dead_click', event_index - 1, place
    FROM after_clicks WHERE gap > 7
    UNION ALL
    SELECT session_key, 'error_click', event_index, place
    FROM after_clicks WHERE is_error AND gap <= 1
    UNION ALL
    SELECT session_key, 'quick_back', event_index, earlier
    FROM returns WHERE node <> earlier AND stayed_ms < 5000
    UNION ALL
    SELECT session_key, 'retry_loop', event_index, node
    FROM returns WHERE node = earlier OR earlier = before_that
    UNION ALL
    SELECT l.session_key, 'stall', l.event_index, l.node
    FROM flow AS l JOIN paces AS p
        ON p.before_node IS NOT DISTINCT FROM l.before_node AND p.node IS NOT DISTINCT FROM l.node
    WHERE l.is_last AND l.gap > p.p95
    UNION ALL
    SELECT session_key, 'error_exit', event_index, coalesce(node, name)
    FROM events WHERE is_error AND end_ms - event_ms <= 30000
    UNION ALL
    SELECT session_key, 'abandoned_form', event_index, place
    FROM forms WHERE is_started AND NOT is_submitted
)

-- name: sessions
SELECT session_key FROM marks WHERE signal = $friction_signal AND ($friction_place = '' OR place = $friction_place)

-- name: keep
CREATE OR REPLACE TEMP TABLE friction_marks AS
{{marks}}
SELECT * FROM marks

-- name: signals
WITH chosen AS ({{chosen}}),
whole AS (
    SELECT count(*) AS sessions, count(*) FILTER (WHERE conversions > 0) AS converted FROM chosen
)
SELECT
    m.signal, count(DISTINCT m.session_key) AS sessions, count(*) AS occurrences,
    count(DISTINCT m.session_key) / any_value(w.sessions) AS share,
    count(DISTINCT m.session_key) FILTER (WHERE c.conversions > 0) / count(DISTINCT m.session_key) AS conversion_rate,
    any_value(w.converted) / any_value(w.sessions) AS conversion_rate_of_all
FROM friction_marks AS m JOIN chosen AS c ON c.session_key = m.session_key, whole AS w
GROUP BY m.signal ORDER BY sessions DESC, m.signal

-- name: places
SELECT signal, place, count(DISTINCT session_key) AS sessions, count(*) AS occurrences
FROM friction_marks WHERE place IS NOT NULL GROUP BY signal, place
QUALIFY row_number() OVER (PARTITION BY signal ORDER BY count(DISTINCT session_key) DESC, place) <= $limit
ORDER BY signal, sessions DESC, place

-- name: of_session
SELECT event_index, signal, place FROM marks ORDER BY event_index, signal
