"""Glue job: every team of teamcodes.csv as a row of MySQL; a team without a code has NULL there."""

from collections.abc import Iterator
from contextlib import closing

from awsglue.context import GlueContext
from footlake_glue import TEAMCODES, TEAMCODES_SCHEMA, Database, Lake, arguments, on_executors, text, upsert
from pyspark import SparkContext
from pyspark.sql import Row

args = arguments("--connection", "--ca")
context = GlueContext(SparkContext.getOrCreate())
database = Database.of(context.extract_jdbc_conf(args.connection), text(context.spark_session, args.ca))
loaded = context.spark_session.sparkContext.accumulator(0)


def load(teams: Iterator[Row]) -> None:
    """Write one partition's teams in one transaction."""
    rows = [(team.idTeam, team.code, team.name) for team in teams]
    with closing(database.connect()) as connection, connection.cursor() as cursor:
        cursor.executemany(upsert("teams", ("idteam", "code", "name")), rows)
        connection.commit()
    loaded.add(len(rows))


teams = Lake(context.spark_session, args.bucket).csv([TEAMCODES], TEAMCODES_SCHEMA)
on_executors(teams.coalesce(4), load)
print(f"teamsmysqldbingestion: {loaded.value} rows")
