-- What the steps leave, written to the tables of the model.

-- name: drop_touched
DELETE FROM sessions WHERE rowid IN (
    SELECT row_no FROM known WHERE session_key IN (SELECT session_key FROM touched_sessions)
);

-- name: look
-- How many sessions that are not made anew have other neighbours now, or another place among those
-- of their person; and how many sessions are made anew.
SELECT
    (
        SELECT count(*) FROM links AS l JOIN known AS k ON k.row_no = l.row_no
        WHERE k.session_number <> l.session_number OR k.person <> l.person
            OR k.start_reason <> l.start_reason OR k.end_reason <> l.end_reason
            OR k.previous_session_key IS DISTINCT FROM l.previous_session_key
    ),
    (SELECT count(*) FROM person_ranks WHERE person_session_number <> old_rank),
    (SELECT count(*) FROM renewed);

-- name: relink
UPDATE sessions SET
    session_number = l.session_number, previous_session_key = l.previous_session_key,
    is_new = l.session_number = 1, start_reason = l.start_reason, end_reason = l.end_reason,
    person = l.person
FROM links AS l
WHERE sessions.rowid = l.row_no AND (
    sessions.session_number <> l.session_number OR sessions.person <> l.person
    OR sessions.start_reason <> l.start_reason OR sessions.end_reason <> l.end_reason
    OR sessions.previous_session_key IS DISTINCT FROM l.previous_session_key
);

-- name: rerank
UPDATE sessions SET person_session_number = r.person_session_number
FROM person_ranks AS r
WHERE sessions.rowid = r.row_no AND r.person_session_number <> r.old_rank;

-- name: store_events
INSERT INTO session_events BY NAME
SELECT s.* EXCLUDE (rid), p.session_key, CAST(p.place AS INTEGER) AS event_index, p.gap
FROM staged AS s JOIN placed AS p ON p.rid = s.rid;

-- name: moved
-- How many of the stored events have another session, or another place in it, than before.
SELECT count(*)
FROM touched_events AS e JOIN placed AS p ON p.rid = e.rid
WHERE e.session_key IS DISTINCT FROM p.session_key
    OR e.event_index IS DISTINCT FROM p.place
    OR e.gap IS DISTINCT FROM p.gap;

-- name: move_events
UPDATE session_events SET session_key = p.session_key, event_index = p.place, gap = p.gap
FROM placed AS p
WHERE p.rid = session_events.rowid AND p.rid < 549755813888 AND (
    session_events.session_key IS DISTINCT FROM p.session_key
    OR session_events.event_index IS DISTINCT FROM p.place
    OR session_events.gap IS DISTINCT FROM p.gap
);

-- name: release
-- Temporary tables would stay in memory as long as the connection.
DROP TABLE IF EXISTS temp.staged;
DROP TABLE IF EXISTS temp.steps;
DROP TABLE IF EXISTS temp.merged;
DROP TABLE IF EXISTS temp.gap_breaks;
DROP TABLE IF EXISTS temp.user_parts;
DROP TABLE IF EXISTS temp.leaps;
DROP TABLE IF EXISTS temp.careful;
DROP TABLE IF EXISTS temp.pieces;
DROP TABLE IF EXISTS temp.renewed;
DROP TABLE IF EXISTS temp.known;
DROP TABLE IF EXISTS temp.links;
DROP TABLE IF EXISTS temp.person_ranks;
