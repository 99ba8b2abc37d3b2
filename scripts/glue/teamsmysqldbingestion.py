"""Glue job: every team of teamcodes.csv as a row of MySQL; a team without a code has NULL there."""

from contextlib import closing

from awsglue.context import GlueContext
from footlake_glue import TEAMCODES, TEAMCODES_SCHEMA, GlueLake, MySqlTarget, arguments, text, upsert
from pyspark import SparkContext

args = arguments("--connection", "--ca")
context = GlueContext(SparkContext.getOrCreate())
database = MySqlTarget.of(context.extract_jdbc_conf(args.connection), text(context.spark_session, args.ca))
teams = GlueLake(context.spark_session, args.bucket).csv([TEAMCODES], TEAMCODES_SCHEMA)
rows = [tuple(team) for team in teams.select("idTeam", "code", "name").collect()]
with closing(database.connect()) as connection, connection.cursor() as cursor:
    cursor.executemany(upsert("teams", ("idteam", "code", "name")), rows)
    connection.commit()
print(f"teamsmysqldbingestion: {len(rows)} rows")
