"""load-mysql: the tables, and the Glue jobs that fill them."""

from __future__ import annotations

from dataclasses import dataclass

import click

from footlake import database
from footlake.aws import Lake
from footlake.aws_jobs import run_jobs
from footlake.cli_context import App
from footlake.deploy.catalogue import mysql


@dataclass(frozen=True)
class Loaded:
    """How many rows the tables have now; `without_xgoals` fixtures have no expected goals."""

    fixtures: int
    teams: int
    without_xgoals: int


def load_mysql(lake: Lake) -> Loaded:
    """Bring MySQL up to date with the lake."""
    with mysql(lake.config).connect(lake) as connection:
        database.apply_schema(connection)
    # Glue takes minutes: a connection that was idle for so long may be gone.
    run_jobs(lake, "teamsmysqldbingestion", "mysqldbingestion")
    with mysql(lake.config).connect(lake) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT COUNT(*) FROM fixtures), (SELECT COUNT(*) FROM teams),"
            " (SELECT COUNT(*) FROM fixtures WHERE xgoalshometeam IS NULL OR xgoalsawayteam IS NULL)"
        )
        ((fixtures, teams, without),) = cursor.fetchall()
    return Loaded(fixtures, teams, without)


@click.command("load-mysql")
@click.pass_obj
def command(app: App) -> None:
    """Load fixtures, expected goals and teams into MySQL.

    A fixture that changed replaces its row.
    """
    done = load_mysql(app.lake())
    without = f" ({done.without_xgoals} without expected goals)" if done.without_xgoals else ""
    app.show(done, [f"mysql: {done.fixtures} fixtures{without}, {done.teams} teams"], football=True)
