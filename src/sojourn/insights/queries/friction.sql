-- Friction signals from plain events; thresholds as in the metrics' definitions. `marks` has one
-- row per occurrence: session, signal, event, and the place (target or node) where it happened.
-- What follows from neighbours in a session is read from `session_paths`, where they stand side by
-- side; what is rare, errors and forms, from the events. A step of -1 is no node.

-- name: marks
WITH chosen AS ({{chosen}}),
paths AS NOT MATERIALIZED ({{walked}}),
kinds AS NOT MATERIALIZED (
    SELECT kind, coalesce(step, -1) AS step, node, coalesce(target, name) AS place FROM path_kinds
),
lines AS NOT MATERIALIZED (
    SELECT
        rid, first_ms, generate_subscripts(kinds, 1) AS event_index, unnest(kinds) AS kind,
        unnest(at_ms) AS at_ms, unnest(kinds[2:]) AS next_kind, unnest(at_ms[2:]) AS next_ms
    FROM paths
),
clicks AS MATERIALIZED (
    SELECT l.rid, l.event_index, l.at_ms, k.place, l.next_kind, l.next_ms - l.at_ms AS wait_ms
    FROM lines AS l JOIN kinds AS k ON k.kind = l.kind
    WHERE l.kind & 2 = 2 AND l.first_ms + l.at_ms >= epoch_ms($from)
),
rhythm AS (
    SELECT rid, event_index, place, at_ms - lag(at_ms) OVER (
        PARTITION BY rid, place ORDER BY event_index
    ) AS since_ms
    FROM clicks WHERE rid IN (SELECT rid FROM clicks GROUP BY rid HAVING count(*) >= 3)
),
bursts AS (
    SELECT *, sum(CASE WHEN since_ms <= 1000 THEN 0 ELSE 1 END) OVER (
        PARTITION BY rid, place ORDER BY event_index
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS burst
    FROM rhythm
),
-- Where a view may come back to where it was: others need no look at every view.
suspects AS (
    SELECT rid FROM (SELECT rid, unnest(views) AS view, unnest(views[3:]) AS later FROM paths)
    WHERE view = later
    UNION
    SELECT rid FROM paths WHERE len(list_filter(kinds, lambda kind: kind & 9 = 9)) - len(views) >= 2
),
looked AS (
    SELECT rowid AS rid, first_ms, generate_subscripts(kinds, 1) AS event_index, unnest(kinds) AS kind,
        unnest(at_ms) AS at_ms
    FROM session_paths WHERE rowid IN (SELECT rid FROM suspects)
),
seen AS (
    SELECT
        rid, event_index, k.step, lag(k.step) OVER line AS earlier,
        lag(k.step, 2) OVER line AS before_earlier, lag(k.step, 3) OVER line AS before_that,
        k.node, lag(k.node) OVER line AS earlier_node, at_ms - lag(at_ms) OVER line AS stayed_ms
    FROM looked AS l JOIN kinds AS k ON k.kind = l.kind
    WHERE l.kind & 9 = 9 AND l.first_ms + l.at_ms >= epoch_ms($from)
    WINDOW line AS (PARTITION BY rid ORDER BY event_index)
),
returns AS MATERIALIZED (
    SELECT * FROM seen WHERE step = before_earlier
),
lasts AS (
    SELECT
        p.rid, len(p.kinds) AS event_index, n.step, n.node, p.at_ms[-1] - p.at_ms[-2] AS gap_ms,
        CASE WHEN p.first_ms + p.at_ms[-2] >= epoch_ms($from) THEN b.step ELSE -1 END AS before_step
    FROM paths AS p
    JOIN kinds AS b ON b.kind = p.kinds[-2]
    JOIN kinds AS n ON n.kind = p.kinds[-1]
),
ends AS (
    SELECT DISTINCT before_step, step FROM lasts
),
moves AS (
    SELECT e.before_step, e.step, l.next_ms - l.at_ms AS gap_ms
    FROM lines AS l
    JOIN kinds AS b ON b.kind = l.kind
    JOIN kinds AS n ON n.kind = l.next_kind
    JOIN ends AS e ON e.before_step = b.step AND e.step = n.step
    WHERE l.first_ms + l.at_ms >= epoch_ms($from)
    UNION ALL
    -- The first event of the period where the session has earlier ones.
    SELECT e.before_step, e.step, l.next_ms - l.at_ms
    FROM (
        SELECT first_ms, unnest(at_ms) AS at_ms, unnest(kinds[2:]) AS next_kind, unnest(at_ms[2:]) AS next_ms
        FROM paths WHERE first_ms < epoch_ms($from)
    ) AS l
    JOIN kinds AS n ON n.kind = l.next_kind
    JOIN ends AS e ON e.before_step = -1 AND e.step = n.step
    WHERE l.first_ms + l.at_ms < epoch_ms($from) AND l.first_ms + l.next_ms >= epoch_ms($from)
),
paces AS (
    SELECT before_step, step, quantile_cont(gap_ms, 0.95) AS p95
    FROM moves GROUP BY before_step, step HAVING count(*) >= 20
),
forms AS (
    SELECT
        e.session_key, coalesce(e.target, e.node, e.name) AS place, min(e.event_index) AS event_index,
        bool_or(regexp_matches(lower(e.name), 'submit|complet|sent')) AS is_submitted,
        bool_or(regexp_matches(lower(e.name), 'start|focus|open|view')) AS is_started
    FROM session_events AS e SEMI JOIN chosen AS c ON c.session_key = e.session_key
    WHERE e.type = 'track' AND e.event_time >= $from AND e.name IN (
        SELECT name FROM path_kinds WHERE type = 'track' AND contains(lower(name), 'form')
    )
    GROUP BY e.session_key, coalesce(e.target, e.node, e.name)
),
walked AS (
    SELECT rid, 'rage_click' AS signal, min(event_index) AS event_index, place
    FROM bursts GROUP BY rid, place, burst HAVING count(*) >= 3
    UNION ALL
    SELECT rid, 'dead_click', event_index, place FROM clicks WHERE wait_ms > 7000
    UNION ALL
    SELECT rid, 'error_click', event_index + 1, place
    FROM clicks WHERE next_kind & 4 = 4 AND wait_ms <= 1000
    UNION ALL
    SELECT rid, 'quick_back', event_index, earlier_node
    FROM returns WHERE step <> earlier AND stayed_ms < 5000
    UNION ALL
    SELECT rid, 'retry_loop', event_index, node
    FROM returns WHERE step = earlier OR earlier = before_that
    UNION ALL
    SELECT l.rid, 'stall', l.event_index, l.node
    FROM lasts AS l JOIN paces AS p ON p.before_step = l.before_step AND p.step = l.step
    WHERE l.gap_ms > p.p95
),
marks AS (
    SELECT p.session_key, w.signal, w.event_index, w.place
    FROM walked AS w JOIN paths AS p ON p.rid = w.rid
    UNION ALL
    SELECT e.session_key, 'error_exit', e.event_index, coalesce(e.node, e.name)
    FROM session_events AS e JOIN chosen AS c ON c.session_key = e.session_key
    WHERE e.is_error AND e.event_time >= $from
        AND epoch_ms(c.end_time) - epoch_ms(e.event_time) <= 30000
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
