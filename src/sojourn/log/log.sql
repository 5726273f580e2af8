-- name: schema
CREATE TABLE IF NOT EXISTS streams (
    stream TEXT PRIMARY KEY,
    partitions INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS positions (
    stream TEXT NOT NULL,
    reader TEXT NOT NULL,
    partition INTEGER NOT NULL,
    position INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (stream, reader, partition)
) WITHOUT ROWID;

-- name: add_partition
-- One table per partition: its row id is the offset.
CREATE TABLE IF NOT EXISTS {table} (
    offset INTEGER PRIMARY KEY,
    appended_at INTEGER NOT NULL,
    value BLOB NOT NULL
);

-- name: streams
SELECT stream, partitions FROM streams;

-- name: set_partitions
INSERT INTO streams (stream, partitions) VALUES (?1, ?2)
ON CONFLICT (stream) DO UPDATE SET partitions = max(partitions, excluded.partitions);

-- name: append
-- One statement for any number of values: each step of a statement gives up and takes the
-- interpreter lock once.
INSERT INTO {table} (appended_at, value) SELECT ?1, value FROM carray(?2);

-- name: last_time
SELECT appended_at FROM {table} ORDER BY offset DESC LIMIT 1;

-- name: read
SELECT offset, appended_at, value FROM {table} WHERE offset > ?1 ORDER BY offset;

-- name: bounds
SELECT ifnull(min(offset), 1), ifnull(max(offset), 0) FROM {table};

-- name: first_from
SELECT offset, appended_at FROM {table} WHERE offset >= ?1 ORDER BY offset LIMIT 1;

-- name: positions
SELECT partition, position FROM positions WHERE stream = ?1 AND reader = ?2;

-- name: set_position
INSERT INTO positions (stream, reader, partition, position, seen_at)
VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (stream, reader, partition) DO UPDATE
SET position = max(position, excluded.position), seen_at = excluded.seen_at;

-- name: slowest
-- Where the slowest reader that still counts is; null without one.
SELECT min(position) FROM positions WHERE stream = ?1 AND partition = ?2 AND seen_at >= ?3;

-- name: pages
SELECT (SELECT page_count FROM pragma_page_count()) - (SELECT freelist_count FROM pragma_freelist_count()),
       (SELECT page_size FROM pragma_page_size());

-- name: chunk_end
-- The last of at most ?2 entries and about ?3 bytes from the start, up to offset ?1.
SELECT max(offset) FROM (
    SELECT offset, sum(size) OVER (ORDER BY offset) - size AS bytes_before
    FROM (SELECT offset, length(value) AS size FROM {table} WHERE offset <= ?1 ORDER BY offset LIMIT ?2)
) WHERE bytes_before < ?3;

-- name: trim
DELETE FROM {table} WHERE offset <= ?1;

-- name: replace
UPDATE {table} SET value = ?1 WHERE offset = ?2;

-- name: filling
CREATE TABLE IF NOT EXISTS filling (zeros BLOB NOT NULL);

-- name: free_pages
SELECT (SELECT freelist_count FROM pragma_freelist_count()), (SELECT page_size FROM pragma_page_size());

-- name: fill
INSERT INTO filling (zeros) VALUES (zeroblob(?1));

-- name: drop_filling
DROP TABLE filling;

-- name: empty_wal
PRAGMA wal_checkpoint(TRUNCATE);
