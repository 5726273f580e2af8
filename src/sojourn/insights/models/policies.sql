-- The rules that sessions are made with, per source.

-- name: policy
SELECT platform, timeout_ms FROM session_policies WHERE source_id = ?;

-- name: add_policy
INSERT INTO session_policies VALUES (?, ?, ?, ?);
