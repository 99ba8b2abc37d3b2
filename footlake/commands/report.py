"""report: the league table, real beside expected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import click

from footlake.app import App
from footlake.commands.load_mysql import connect
from footlake.commands.options import league_option
from footlake.errors import NotReady
from footlake.lake import Lake
from footlake.report.matches import read_matches, read_teams
from footlake.report.table import Row, league_table


@dataclass(frozen=True)
class Report:
    """A league's season."""

    league: int
    season: int
    rows: list[Row]

    @property
    def title(self) -> str:
        """What the table is of."""
        return f"League {self.league}, season {self.season}/{(self.season + 1) % 100:02d}"


def report(lake: Lake, league: int, season: int) -> Report:
    """The table of a league's season, from MySQL. NotReady where it has no fixtures."""
    with connect(lake) as connection:
        matches = read_matches(connection, league, season)
        teams = read_teams(connection)
    if not matches:
        raise NotReady(
            f"MySQL has no fixtures of league {league}, season {season}.", "Run footlake run-week or load-mysql first."
        )
    return Report(league, season, league_table(matches, teams))


def print_report(app: App, done: Report) -> None:
    """The table for people, as wide as the terminal."""
    from rich.console import Console

    from footlake.report.show import render

    app.line("")
    Console().print(render(done.rows, done.title))


def as_document(done: Report) -> dict[str, Any]:
    """The table for machines."""
    from footlake.report.show import as_dicts

    return {"league": done.league, "season": done.season, "table": as_dicts(done.rows)}


@click.command("report")
@click.option("--season", type=click.IntRange(1800, 2200), help="The season, by the year in which it begins.")
@league_option
@click.pass_obj
def command(app: App, season: int | None, leagues: tuple[int, ...]) -> None:
    """The league table: real goals and points beside expected ones."""
    for league in leagues or app.config.leagues:
        done = report(app.lake(), league, season or app.config.season)
        if app.output == "json":
            app.show(as_document(done))
        else:
            print_report(app, done)
