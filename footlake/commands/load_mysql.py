"""load-mysql: create the MySQL tables and fill them with Glue jobs."""

from __future__ import annotations

from dataclasses import dataclass

from footlake import database
from footlake.aws import AwsContext
from footlake.aws_jobs import format_count, run_glue_jobs
from footlake.cli_context import CliContext
from footlake.deploy.database_sleep import NOBODY, Operator, awake


@dataclass(frozen=True)
class LoadedTables:
    """The number of rows in the tables; `without_xgoals` counts the fixtures without expected goals."""

    fixtures: int
    teams: int
    without_xgoals: int


def load_mysql(aws: AwsContext, operator: Operator = NOBODY) -> LoadedTables:
    """Apply the schema, run the Glue jobs that load the lake into MySQL, and count the rows.

    A sleeping database is awake meanwhile, which `operator` has to know.
    """
    with awake(aws, operator) as server:
        with server.connect(aws) as connection:
            database.apply_schema(connection)
        # The Glue jobs take minutes, after which an idle connection may be closed. Open another one.
        run_glue_jobs(aws, "teamsmysqldbingestion", "mysqldbingestion")
        with server.connect(aws) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT (SELECT COUNT(*) FROM fixtures), (SELECT COUNT(*) FROM teams),"
                " (SELECT COUNT(*) FROM fixtures WHERE xgoalshometeam IS NULL OR xgoalsawayteam IS NULL)"
            )
            ((fixtures, teams, without),) = cursor.fetchall()
    return LoadedTables(fixtures, teams, without)


def run(cli: CliContext) -> None:
    """Load MySQL and print the numbers of rows."""
    aws = cli.connect()
    tables = load_mysql(aws, cli)
    cli.output.print_result(tables, [format_tables(tables)], football=cli.describe_data_source(aws))


def format_tables(tables: LoadedTables) -> str:
    """Return the line of the result."""
    without = f" ({tables.without_xgoals} without expected goals)" if tables.without_xgoals else ""
    return f"MySQL has {format_count(tables.fixtures, 'fixture')}{without} and {format_count(tables.teams, 'team')}"
