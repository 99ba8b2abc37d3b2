"""Glue job: load every team of teamcodes.csv into MySQL; the code of a team without one is NULL."""

from contextlib import closing

from awsglue.context import GlueContext
from footlake_glue import TEAMCODES_SCHEMA, GlueLake, MySqlTarget, format_count, parse_arguments, read_text, upsert
from pyspark import SparkContext

from footlake.lake import s3_keys

args = parse_arguments("--connection", "--ca")
context = GlueContext(SparkContext.getOrCreate())
database = MySqlTarget.of(context.extract_jdbc_conf(args.connection), read_text(context.spark_session, args.ca))
teams = GlueLake(context.spark_session, args.bucket).read_csv([s3_keys.TEAMCODES], TEAMCODES_SCHEMA)
rows = [tuple(team) for team in teams.select("idTeam", "code", "name").collect()]
with closing(database.connect()) as connection, connection.cursor() as cursor:
    cursor.executemany(upsert("teams", ("idteam", "code", "name")), rows)
    connection.commit()
print(f"teamsmysqldbingestion: {format_count(len(rows), 'team')} loaded")
