-- What Redshift says in its own way. The rest is in merging.sql.

-- name: create_table
CREATE TABLE IF NOT EXISTS {table} ({columns})
DISTSTYLE KEY DISTKEY ({first_key}) SORTKEY ({sort});

-- name: add_column
ALTER TABLE {table} ADD COLUMN {column};

-- name: widen
ALTER TABLE {table} ALTER COLUMN {column} TYPE {type};

-- name: delete_older
-- The target of a DELETE has no alias here.
DELETE FROM {table} WHERE ({key}) IN (
    SELECT {key_of_t} FROM {table} AS t JOIN {staged} AS s ON {same_key}
    WHERE t.{received_at} < s.{received_at}
        OR (t.{received_at} = s.{received_at} AND {content_of_t} < {content_of_s})
);

-- name: copy
COPY {table} ({columns}) FROM '{file}' IAM_ROLE '{role}'
FORMAT AS CSV GZIP EMPTYASNULL TIMEFORMAT 'auto' TRUNCATECOLUMNS;
