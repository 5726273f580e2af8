-- Rows of people, found and deleted, in words that every dialect has.
-- In braces: names, values and lists of them, quoted by the caller.

-- name: like
SELECT DISTINCT {column} FROM {table} WHERE {column} LIKE {pattern};

-- name: with_values
SELECT {id} FROM {table} WHERE {column} IN ({values});

-- name: with_values_and_no_user
SELECT {id} FROM {table} WHERE {column} IN ({values}) AND {user_id} IS NULL;

-- name: count_values
SELECT count(*) FROM {table} WHERE {column} IN ({values});

-- name: delete_values
DELETE FROM {table} WHERE {column} IN ({values});
