-- Whose sessions changed, kept beside them in the embedded DuckDB.

-- name: create_schema
CREATE SCHEMA IF NOT EXISTS sojourn;

-- name: create_numbers
CREATE SEQUENCE IF NOT EXISTS sojourn.session_change_numbers;

-- name: create_changes
CREATE TABLE IF NOT EXISTS sojourn.session_changes (change BIGINT, visitor_hash BIGINT);

-- name: create_followers
CREATE TABLE IF NOT EXISTS sojourn.session_followers (name VARCHAR PRIMARY KEY, change BIGINT);

-- name: next_number
SELECT nextval('sojourn.session_change_numbers');

-- name: create_persons
-- Which persons the visitors' sessions belonged to when they were last noted.
CREATE TABLE IF NOT EXISTS sojourn.visitor_persons AS
SELECT DISTINCT visitor_hash, person FROM sessions;

-- name: note
-- `concerned`, which the session model leaves, has the visitors whose sessions were made anew or
-- got new neighbours. Sessions are numbered by person, so all visitors of their persons, now and
-- before, are concerned as well.
INSERT INTO sojourn.session_changes
WITH persons AS (
    SELECT person FROM sessions WHERE visitor_hash IN (SELECT visitor_hash FROM concerned)
    UNION
    SELECT person FROM sojourn.visitor_persons
    WHERE visitor_hash IN (SELECT visitor_hash FROM concerned)
)
SELECT $change, visitor_hash FROM concerned
UNION
SELECT $change, visitor_hash FROM sessions WHERE person IN (SELECT person FROM persons);

-- name: forget_persons
DELETE FROM sojourn.visitor_persons WHERE visitor_hash IN (SELECT visitor_hash FROM concerned);

-- name: remember_persons
INSERT INTO sojourn.visitor_persons
SELECT DISTINCT visitor_hash, person FROM sessions
WHERE visitor_hash IN (SELECT visitor_hash FROM concerned);

-- name: forget_all_persons
DELETE FROM sojourn.visitor_persons;

-- name: remember_all_persons
INSERT INTO sojourn.visitor_persons SELECT DISTINCT visitor_hash, person FROM sessions;

-- name: note_all
INSERT INTO sojourn.session_changes
SELECT $change, visitor_hash FROM session_events
UNION
SELECT $change, visitor_hash FROM sojourn.visitor_persons;

-- name: position
SELECT change FROM sojourn.session_followers WHERE name = $name;

-- name: last_change
SELECT coalesce(max(change), 0) FROM sojourn.session_changes;

-- name: changed
SELECT DISTINCT visitor_hash FROM sojourn.session_changes
WHERE change > $after AND change <= $last ORDER BY visitor_hash;

-- name: all_visitors
SELECT DISTINCT visitor_hash FROM session_events ORDER BY visitor_hash;

-- name: sessions
SELECT * FROM sessions WHERE visitor_hash IN (SELECT unnest($visitors));

-- name: session_events
SELECT * FROM session_events WHERE visitor_hash IN (SELECT unnest($visitors));

-- name: move
INSERT OR REPLACE INTO sojourn.session_followers VALUES ($name, $last);

-- name: forget_followed
DELETE FROM sojourn.session_changes
WHERE change <= (SELECT min(change) FROM sojourn.session_followers);
