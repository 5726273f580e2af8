-- What only the embedded DuckDB needs when people are erased.

-- name: columns
SELECT table_name, column_name FROM duckdb_columns()
WHERE database_name = current_database() AND NOT internal AND schema_name = $namespace;

-- name: namespaces
SELECT DISTINCT schema_name FROM duckdb_tables()
WHERE database_name = current_database() AND NOT internal AND schema_name NOT IN ('main', 'sojourn');

-- name: forget_ids
DELETE FROM sojourn.known_ids
WHERE hash IN (SELECT md5_number_lower($namespace || chr(31) || unnest($ids)));

-- name: attach
ATTACH {file} AS {name};

-- name: copy
COPY FROM DATABASE old TO fresh;

-- name: checkpoint
CHECKPOINT fresh;

-- name: detach_fresh
DETACH fresh;

-- name: detach_old
DETACH old;
