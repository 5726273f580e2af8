"""Makes all sessions anew on Spark, from the events that Sojourn wrote as Parquet or Delta.

    sojourn warehouse models lake > sessions.sql
    spark-submit make_sessions.py sessions.sql s3a://events/lake s3a://events/made

Needs Spark 4.1 or later, and nothing of Sojourn's but the printed statements.
"""

import argparse
from pathlib import Path

from pyspark.sql import SparkSession

parser = argparse.ArgumentParser(description="Make sessions of Sojourn's events.")
parser.add_argument("models", type=Path, help="what `sojourn warehouse models` printed")
parser.add_argument("lake", help="folder of the warehouse, its `url` in sojourn.toml")
parser.add_argument("into", help="folder for the tables `sessions` and `event_sessions`")
parser.add_argument("--format", default="parquet", help="parquet (the default) or delta")
given = parser.parse_args()

spark = SparkSession.builder.appName("sessions").getOrCreate()
events = spark.read.format(given.format).load(f"{given.lake}/sojourn/session_events")
events.createOrReplaceTempView("session_events")
for statement in given.models.read_text("utf-8").split(";\n"):
    if statement.strip():
        spark.sql(statement)
for table in ("sessions", "event_sessions"):
    made = spark.table(table)
    made.write.format(given.format).mode("overwrite").save(f"{given.into}/{table}")
    print(f"{table}: {made.count()} rows")
spark.stop()
