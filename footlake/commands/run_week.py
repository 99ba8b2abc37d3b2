"""run-week: the five weekly steps, in the document's order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import click

from footlake.app import App
from footlake.commands import ingest_fixtures, ingest_stats, transform_xgoals
from footlake.commands.ingest_fixtures import IngestedFixtures
from footlake.commands.ingest_stats import IngestedStatistics
from footlake.commands.load_mysql import Loaded, load_mysql
from footlake.commands.options import asked, day_option, league_option, max_requests_option, today
from footlake.commands.run_glue import RanGlue, run_glue
from footlake.lake import Lake
from footlake.scoring import Transformed


@dataclass(frozen=True)
class Week:
    """One weekly run."""

    date: date
    fixtures: IngestedFixtures
    statistics: IngestedStatistics
    glue: RanGlue
    xgoals: Transformed
    mysql: Loaded


def run_week(
    lake: Lake,
    leagues: tuple[int, ...],
    day: date,
    tell: Callable[[str], None] = lambda line: None,
    max_requests: int | None = None,
) -> Week:
    """The run of the Tuesday `day`: fixtures from seven days before to six days after it. `tell` hears of each step."""
    wanted = asked(leagues, lake.config.seasons, day, ())
    fixtures = ingest_fixtures.ingest_fixtures(lake, wanted, max_requests)
    for one in fixtures.seasons:
        tell(f"ingest-fixtures   {ingest_fixtures.line(one)}")
    left = None if max_requests is None else max_requests - fixtures.requests
    statistics = ingest_stats.ingest_stats(lake, wanted, left)
    for each in statistics.seasons:
        tell(f"ingest-stats      {ingest_stats.line(each)}")
    glue = run_glue(lake)
    tell(f"run-glue          {len(glue.runs)} jobs succeeded, {len(glue.tables)} tables in the catalog")
    xgoals = transform_xgoals.transform_xgoals(lake)
    tell(f"transform-xgoals  {transform_xgoals.line(xgoals)}")
    mysql = load_mysql(lake)
    tell(f"load-mysql        {mysql.fixtures} fixtures, {mysql.teams} teams")
    return Week(day, fixtures, statistics, glue, xgoals, mysql)


@click.command("run-week")
@day_option
@league_option
@max_requests_option
@click.pass_obj
def command(app: App, day: date | None, leagues: tuple[int, ...], max_requests: int | None) -> None:
    """One weekly run: fixtures, statistics, Glue, xGoals, MySQL.

    Running a week again changes nothing but what API-Football has changed.
    """
    week = run_week(app.lake(), leagues or app.config.leagues, day or today(), app.line, max_requests)
    app.show(week, football=True)
