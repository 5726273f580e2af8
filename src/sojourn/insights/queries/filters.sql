-- Which sessions a figure counts: each filter is one condition on `sessions AS s`. Lists come as
-- text arrays; `(none)` stands for a missing value.

-- name: chosen
SELECT s.* FROM sessions AS s WHERE {{conditions}}

-- name: walked
-- Their rows of `session_paths`: it has what these conditions ask for.
SELECT s.rowid AS rid, s.* FROM session_paths AS s WHERE {{conditions}}

-- name: walked_of_chosen
SELECT p.rowid AS rid, p.* FROM session_paths AS p
WHERE p.session_key IN (SELECT chosen.session_key FROM ({{chosen}}) AS chosen)

-- name: everything
TRUE

-- name: from
s.start_time >= $from

-- name: to
s.start_time < $to

-- name: source
s.source_id IN (SELECT unnest($source))

-- name: traffic
s.traffic_class = $traffic

-- name: equal
coalesce(CAST(s.{{column}} AS VARCHAR), '(none)') IN (SELECT unnest(${{name}}))

-- name: yes
{{flag}}

-- name: no
NOT ({{flag}})

-- name: flag_engaged
s.is_counted AND s.is_engaged

-- name: flag_bounced
s.is_bounce

-- name: flag_classic_bounce
s.is_classic_bounce

-- name: flag_counted
s.is_counted

-- name: flag_converted
s.conversions > 0

-- name: flag_new
s.is_new

-- name: flag_errored
s.state <> 'ok'

-- name: flag_repaired
s.repairs IS NOT NULL

-- name: flag_late
s.late_events > 0

-- name: flag_viewed
s.views > 0

-- name: open
s.open_until >= $open AND s.start_time <= $open

-- name: people
s.person IN (SELECT p.person FROM sessions AS p WHERE p.session_key IN (SELECT unnest($people)))

-- name: session_list
s.session_key IN (SELECT unnest($session))

-- name: page
s.session_key IN (
    SELECT e.session_key FROM session_events AS e
    WHERE e.is_view AND e.node IN (SELECT unnest($page)) AND e.event_time >= $from
)

-- name: has
s.session_key IN (
    SELECT e.session_key FROM session_events AS e
    WHERE (e.node IN (SELECT unnest($has)) OR e.name IN (SELECT unnest($has))) AND e.event_time >= $from
)

-- name: lacks
s.session_key NOT IN (
    SELECT e.session_key FROM session_events AS e
    WHERE (e.node IN (SELECT unnest($lacks)) OR e.name IN (SELECT unnest($lacks))) AND e.event_time >= $from
)

-- name: repair
list_has_any(string_split(s.repairs, ','), $repair)

-- name: search
(
    contains(lower(s.session_key), $search) OR contains(lower(s.visitor_id), $search)
    OR contains(lower(s.person), $search) OR contains(lower(coalesce(s.entry_page, '')), $search)
)
