-- name: retention
WITH chosen AS ({{chosen}}),
firsts AS (
    SELECT
        person,
        timezone($zone, timezone('UTC', start_time)) AS first_local,
        date_trunc($unit, timezone($zone, timezone('UTC', start_time))) AS cohort
    FROM chosen WHERE person_session_number = 1
),
sizes AS (SELECT cohort, count(*) AS people FROM firsts GROUP BY cohort),
visits AS (
    SELECT
        f.cohort, f.person, s.session_key,
        date_diff($unit, f.first_local, timezone($zone, timezone('UTC', s.start_time))) AS step
    FROM firsts AS f JOIN sessions AS s ON s.person = f.person
    WHERE s.start_time < $to AND ($cohort_event = '' OR s.session_key IN (
        SELECT e.session_key FROM session_events AS e WHERE e.name = $cohort_event OR e.node = $cohort_event
    ))
),
steps AS (
    SELECT z.cohort, z.people, g.step
    FROM sizes AS z, (SELECT unnest(range(0, $steps + 1)) AS step) AS g
    WHERE z.cohort + g.step * CAST('1 ' || $unit AS INTERVAL) <= timezone($zone, timezone('UTC', $to))
)
SELECT
    g.cohort, g.people, g.step, count(DISTINCT v.person) AS retained,
    count(DISTINCT v.person) / g.people AS rate, count(v.session_key) AS sessions
FROM steps AS g LEFT JOIN visits AS v
    ON v.cohort = g.cohort AND v.step {{comparison}} g.step
GROUP BY g.cohort, g.people, g.step ORDER BY g.cohort, g.step
