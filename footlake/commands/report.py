"""report: the league table, real beside expected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import click

from footlake.app import SIMULATED, App
from footlake.commands.load_mysql import connect
from footlake.commands.options import league_option
from footlake.errors import NotReady
from footlake.lake import Lake
from footlake.report.matches import read_matches, read_teams
from footlake.report.show import as_dicts, render
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

    @property
    def document(self) -> dict[str, Any]:
        """The table for machines."""
        return {"league": self.league, "season": self.season, "table": as_dicts(self.rows)}


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

    simulated = f" ({SIMULATED})" if app.football == SIMULATED else ""
    app.line("")
    Console().print(render(done.rows, done.title + simulated))


@click.command("report")
@click.option("--season", type=click.IntRange(1800, 2200), help="By the year in which it begins. Default: the setting.")
@league_option
@click.pass_obj
def command(app: App, season: int | None, leagues: tuple[int, ...]) -> None:
    """The league table: real goals and points beside expected ones.

    As JSON it is one table, or, of several leagues, `{"reports": [...]}`.
    """
    lake = app.lake()
    reports = [report(lake, league, season or app.config.season) for league in leagues or app.config.leagues]
    if app.output == "json":
        several = {"reports": [one.document for one in reports]}
        app.show(reports[0].document if len(reports) == 1 else several, football=True)
        return
    for one in reports:
        print_report(app, one)
