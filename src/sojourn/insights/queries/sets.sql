-- Sets of sessions that a figure of a report stands for, as queries of session keys. `{{chosen}}`
-- is the selection that the report was asked about.

-- name: cohort
WITH chosen AS ({{chosen}}),
firsts AS (
    SELECT person, start_time AS first_time FROM chosen WHERE person_session_number = 1
),
members AS (
    SELECT person, timezone($zone, timezone('UTC', first_time)) AS first_local FROM firsts
    WHERE date_trunc($cohort_unit, timezone($zone, timezone('UTC', first_time))) = $cohort_start
)
SELECT s.session_key
FROM sessions AS s JOIN members AS m ON m.person = s.person
WHERE date_diff($cohort_unit, m.first_local, timezone($zone, timezone('UTC', s.start_time))) {{comparison}} $cohort_step
    AND s.start_time < $to
    AND ($cohort_event = '' OR s.session_key IN (
        SELECT e.session_key FROM session_events AS e WHERE e.name = $cohort_event OR e.node = $cohort_event
    ))
