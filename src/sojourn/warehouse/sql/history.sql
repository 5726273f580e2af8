-- Reading the tables that RudderStack wrote, in PostgreSQL and DuckDB. In braces: names and
-- literals, quoted by the caller.

-- name: columns
SELECT c.table_schema, c.table_name, c.column_name, lower(c.data_type), c.numeric_scale
FROM information_schema.columns AS c
JOIN information_schema.tables AS t
    ON t.table_catalog = c.table_catalog AND t.table_schema = c.table_schema AND t.table_name = c.table_name
WHERE c.table_catalog = current_database() AND t.table_type = 'BASE TABLE'
    AND c.table_schema NOT IN ('information_schema', 'pg_catalog')
ORDER BY c.table_schema, c.table_name, c.ordinal_position;

-- name: count
-- Rows that can be read, the first and last receipt among them, and rows that cannot be read.
SELECT count(*) FILTER (WHERE {usable}), {first}, {last}, count(*) FILTER (WHERE NOT ({usable}))
FROM {table} WHERE {bounds};

-- name: usable
{received_at} IS NOT NULL AND {id} IS NOT NULL

-- name: rows
SELECT {received}, CAST({id} AS TEXT), {columns}
FROM {table} WHERE {usable} AND {bounds}
ORDER BY CAST({received_at} AS TIMESTAMPTZ), CAST({id} AS TEXT){collation};

-- name: users
SELECT {received}, CAST({id} AS TEXT), {columns} FROM {table} WHERE {usable} AND {bounds};

-- name: bytes_order
 COLLATE "C"

-- name: after
(CAST({received_at} AS TIMESTAMPTZ), CAST({id} AS TEXT){collation}) > (CAST({received} AS TIMESTAMPTZ), {last_id})

-- name: since
CAST({received_at} AS TIMESTAMPTZ) >= CAST({time} AS TIMESTAMPTZ)

-- name: until
CAST({received_at} AS TIMESTAMPTZ) < CAST({time} AS TIMESTAMPTZ)

-- name: postgres_time
to_char(CAST({column} AS TIMESTAMPTZ) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')

-- name: postgres_moment
to_char(CAST({column} AS TIMESTAMPTZ) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')

-- name: duckdb_time
strftime(CAST({column} AS TIMESTAMPTZ) AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%gZ')

-- name: duckdb_moment
strftime(CAST({column} AS TIMESTAMPTZ) AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ')

-- name: integer
{column}

-- name: number
CAST({column} AS DOUBLE PRECISION)

-- name: text
CAST({column} AS TEXT)

-- name: postgres_session
-- All rows are wanted, in their order; sorting them and waiting for the loads takes its time.
SET TIME ZONE 'UTC'; SET cursor_tuple_fraction = 1.0; SET extra_float_digits = 1;
SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0

-- name: postgres_snapshot
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY

-- name: duckdb_session
SET GLOBAL TimeZone = 'UTC'

-- name: users_there
SELECT * FROM {table} WHERE id IN (SELECT unnest($ids));

-- name: has_users
SELECT 1 FROM duckdb_tables() WHERE schema_name = $namespace AND table_name = 'users';
