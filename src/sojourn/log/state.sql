-- name: schema
CREATE TABLE IF NOT EXISTS state (
    space TEXT NOT NULL,
    key BLOB NOT NULL,
    value BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (space, key)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS state_expiry ON state (expires_at) WHERE expires_at > 0;

-- name: get
SELECT key, value FROM state
WHERE space = ?1 AND key IN carray(?2) AND (expires_at = 0 OR expires_at > ?3);

-- name: put
-- All keys of one value in one statement, in the order of the table.
INSERT INTO state (space, key, value, expires_at)
SELECT ?1, value, ?3, ?4 FROM carray(?2) WHERE true ORDER BY value
ON CONFLICT (space, key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at;

-- name: delete
DELETE FROM state WHERE space = ?1 AND key IN carray(?2);

-- name: expire
DELETE FROM state WHERE (space, key) IN (
    SELECT space, key FROM state WHERE expires_at > 0 AND expires_at <= ?1 LIMIT ?2
);

-- name: compact
VACUUM;

-- name: empty_wal
PRAGMA wal_checkpoint(TRUNCATE);
