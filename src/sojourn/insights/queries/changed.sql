-- Sessions that destinations want to hear of. Times are milliseconds since the Unix epoch.

-- name: changed
-- Made anew by what was received since :received, or come to be over in (:seen, :now].
SELECT
    session_key, source_id, coalesce(anonymous_id, '') AS anonymous_id, user_id,
    CASE WHEN sdk_session_id IS NULL THEN NULL ELSE session_id END AS session_id,
    epoch_ms(start_time) AS start, epoch_ms(end_time) AS end,
    epoch_ms(open_until) AS open_until, duration, events, views,
    entry_page AS entry, exit_page AS exit, start_reason, end_reason
FROM sessions
WHERE received_until >= epoch_ms($received)
   OR (open_until > epoch_ms($seen) AND open_until <= epoch_ms($now))
ORDER BY start_time, session_key;

-- name: received
SELECT coalesce(epoch_ms(max(received_until)), 0) AS received FROM sessions;
