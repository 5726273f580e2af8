-- The rules that sessions are made with, per source.

-- name: policy
SELECT platform, timeout_ms FROM session_policies WHERE source_id = ?;

-- name: add_policy
INSERT INTO session_policies VALUES (?, ?, ?, ?);

-- name: policies
SELECT source_id, timeout_ms, max_length_ms FROM session_policies ORDER BY source_id;

-- name: change_policy
UPDATE session_policies SET timeout_ms = ?, max_length_ms = ? WHERE source_id = ?;
