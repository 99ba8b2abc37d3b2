"""Glue job: load every team of teamcodes.csv into MySQL; the code of a team without one is NULL.

HTML entities in names, as earlier versions stored them, are decoded. A team without a name has no row: the views take
its name from the standings.
"""

import html
from contextlib import closing
from typing import Any

from awsglue.context import GlueContext
from footlake_glue import TEAMCODES_SCHEMA, GlueLake, MySqlTarget, format_count, parse_arguments, upsert
from pyspark import SparkContext

from footlake.lake import s3_keys
from footlake.lake.mysql import cut_texts, run_transaction

args = parse_arguments("--connection", "--ca")
context = GlueContext(SparkContext.getOrCreate())
lake = GlueLake(context.spark_session, args.bucket)
database = MySqlTarget.of(context.extract_jdbc_conf(args.connection), lake.read_text(args.ca))
teams = lake.read_csv([s3_keys.TEAMCODES], TEAMCODES_SCHEMA)
COLUMNS = ("idteam", "code", "name")
rows = [
    (team.idTeam, team.code, html.unescape(team.name))
    for team in teams.select("idTeam", "code", "name").collect()
    if team.name
]


def replace_rows(cursor: Any) -> None:
    """Insert the teams, or update those with the same id."""
    cursor.executemany(upsert("teams", COLUMNS), cut_texts(cursor, "teams", COLUMNS, rows))


with closing(database.connect()) as connection:
    run_transaction(connection, replace_rows)
print(f"teamsmysqldbingestion: {format_count(len(rows), 'team')} loaded")
