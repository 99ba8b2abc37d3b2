"""load-mysql: the tables, and the Glue jobs that fill them."""

from __future__ import annotations

from dataclasses import dataclass

import click

from footlake import database
from footlake.aws import AwsContext
from footlake.aws_jobs import run_glue_jobs
from footlake.cli_context import CliContext
from footlake.deploy.catalogue import mysql_instance


@dataclass(frozen=True)
class Loaded:
    """How many rows the tables have now; `without_xgoals` fixtures have no expected goals."""

    fixtures: int
    teams: int
    without_xgoals: int


def load_mysql(aws: AwsContext) -> Loaded:
    """Bring MySQL up to date with the lake."""
    with mysql_instance(aws.config).connect(aws) as connection:
        database.apply_schema(connection)
    # Glue takes minutes: a connection that was idle for so long may be gone.
    run_glue_jobs(aws, "teamsmysqldbingestion", "mysqldbingestion")
    with mysql_instance(aws.config).connect(aws) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT COUNT(*) FROM fixtures), (SELECT COUNT(*) FROM teams),"
            " (SELECT COUNT(*) FROM fixtures WHERE xgoalshometeam IS NULL OR xgoalsawayteam IS NULL)"
        )
        ((fixtures, teams, without),) = cursor.fetchall()
    return Loaded(fixtures, teams, without)


@click.command("load-mysql")
@click.pass_obj
def command(cli: CliContext) -> None:
    """Load fixtures, expected goals and teams into MySQL.

    A fixture that changed replaces its row.
    """
    done = load_mysql(cli.connect())
    without = f" ({done.without_xgoals} without expected goals)" if done.without_xgoals else ""
    cli.print_result(done, [f"mysql: {done.fixtures} fixtures{without}, {done.teams} teams"], football=True)
