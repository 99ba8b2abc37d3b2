"""demo: everything, from nothing to the table, on the local AWS."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from footlake.cli_context import CliContext
from footlake.commands import ingest_fixtures, ingest_stats
from footlake.commands.bootstrap import bootstrap
from footlake.commands.load_mysql import load_mysql
from footlake.commands.report import print_report, report
from footlake.commands.run_glue import run_glue
from footlake.commands.train_autopilot import line as training_line
from footlake.commands.train_autopilot import train_autopilot
from footlake.commands.transform_xgoals import line as transform_line
from footlake.commands.transform_xgoals import transform_xgoals
from footlake.lake.s3_keys import Season
from footlake.report.terminal import report_as_dict

T = TypeVar("T")


def following(footlake: str, leagues: Sequence[int], season: int) -> Iterator[str]:
    """What one may do next. Of several leagues the demo has played the first alone."""
    report = f"report{f' --league {leagues[0]}' * (len(leagues) > 1)}"
    told = {
        f"--local {report} --season {season - 1}": "the season before",
        f"--local --output json {report}": "the same table for machines",
        "local status": "where the local AWS and its MySQL answer",
        "--local teardown": "remove the lake",
        "local stop": "stop the local AWS, everything kept",
    }
    yield ""
    yield "Next:"
    for command, what in told.items():
        yield f"  {footlake} {command:<{max(map(len, told))}}  {what}"


@click.command("demo")
@click.pass_obj
def command(cli: CliContext) -> None:
    """From nothing to the league table, on the local AWS: two seasons of the first league, a trained model, MySQL.

    Every step is the command of that name, and takes the same calls that it would take on AWS.
    """
    cli.local = True
    aws = cli.connect()
    league, season = cli.config.leagues[0], cli.config.season
    wanted = [(Season(league, year), None) for year in (season - 1, season)]

    seconds: dict[str, float] = {}

    def step(name: str, work: Callable[[], T], told: Callable[[T], Any]) -> None:
        cli.notify(f"{name} …")
        started = time.monotonic()
        result = work()
        seconds[name] = round(time.monotonic() - started, 1)
        cli.print_line(f"{name:<17} {told(result)}  [{seconds[name]:.1f} s]")

    cli.print_line(f"{'football':<17} {cli.source}")
    step("bootstrap", lambda: bootstrap(aws), lambda done: f"{len(done.resources)} resources")
    step(
        "ingest-fixtures",
        lambda: ingest_fixtures.ingest_fixtures(aws, wanted),
        lambda done: f"{sum(one.fixtures for one in done.seasons)} fixtures of {len(done.seasons)} seasons",
    )
    step(
        "ingest-stats",
        lambda: ingest_stats.ingest_stats(aws, wanted),
        lambda done: f"statistics of {sum(one.played - len(one.without) for one in done.seasons)} fixtures",
    )
    step("run-glue", lambda: run_glue(aws), lambda done: f"{len(done.tables)} tables in the catalog")
    step(
        "train-autopilot",
        lambda: train_autopilot(aws),
        lambda done: training_line(done.record),
    )
    step("transform-xgoals", lambda: transform_xgoals(aws), transform_line)
    step("load-mysql", lambda: load_mysql(aws), lambda done: f"{done.fixtures} fixtures, {done.teams} teams")
    done = report(aws, league, season)
    if cli.output == "json":
        cli.print_result({"seconds": seconds, **report_as_dict(done)}, football=True)
        return
    print_report(cli, done)
    for line in following(_called(), cli.config.leagues, season):
        cli.print_line(line)


def _called() -> str:
    """How this program can be called again from here."""
    program = Path(sys.argv[0])
    if program.name == "__main__.py":
        return "python -m footlake"
    return program.name if shutil.which(program.name) else os.path.relpath(program)
