-- What is in a DuckDB warehouse.

-- name: tables
SELECT schema_name || '.' || table_name AS name, estimated_size AS rows, column_count AS columns
FROM duckdb_tables() WHERE NOT internal AND NOT temporary ORDER BY name;

-- name: columns
SELECT schema_name || '.' || table_name AS "table", column_name AS "column", data_type AS type
FROM duckdb_columns() WHERE NOT internal AND schema_name <> 'information_schema'
ORDER BY schema_name, table_name, column_index;
