"""Glue job: load every team of teamcodes.csv into MySQL; the code of a team without one is NULL."""

from contextlib import closing

from awsglue.context import GlueContext
from footlake_glue import TEAMCODES_SCHEMA, GlueLake, MySqlTarget, format_count, parse_arguments, read_text, upsert
from pyspark import SparkContext

from footlake.lake import s3_keys
from footlake.lake.mysql import run_transaction

args = parse_arguments("--connection", "--ca")
context = GlueContext(SparkContext.getOrCreate())
database = MySqlTarget.of(context.extract_jdbc_conf(args.connection), read_text(context.spark_session, args.ca))
teams = GlueLake(context.spark_session, args.bucket).read_csv([s3_keys.TEAMCODES], TEAMCODES_SCHEMA)
rows = [tuple(team) for team in teams.select("idTeam", "code", "name").collect()]
with closing(database.connect()) as connection:
    statement = upsert("teams", ("idteam", "code", "name"))
    run_transaction(connection, lambda cursor: cursor.executemany(statement, rows))
print(f"teamsmysqldbingestion: {format_count(len(rows), 'team')} loaded")
