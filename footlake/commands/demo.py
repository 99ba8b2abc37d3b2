"""demo: run the whole pipeline on the local AWS and print the league table."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from footlake.aws import AwsContext
from footlake.aws_jobs import format_count
from footlake.cli_context import CliContext
from footlake.cli_output import SIMULATED, Output
from footlake.commands.bootstrap import bootstrap
from footlake.commands.ingest_fixtures import ingest_fixtures
from footlake.commands.ingest_stats import ingest_stats
from footlake.commands.load_mysql import format_tables, load_mysql
from footlake.commands.report import open_source, print_report, report
from footlake.commands.run_glue import run_glue
from footlake.commands.train_autopilot import format_model_summary
from footlake.commands.transform_xgoals import format_scoring, transform_xgoals
from footlake.lake.s3_keys import Season
from footlake.model.training import import_in_background, train_model
from footlake.report.terminal import report_as_dict

T = TypeVar("T")
PURPOSES = {
    "bootstrap": "create the lake's resources on the local AWS",
    "ingest-fixtures": "fetch the fixtures of two seasons",
    "ingest-stats": "fetch the statistics of played fixtures",
    "run-glue": "write one row per team and fixture with Spark",
    "train-autopilot": "train the expected-goals model on the first season, and test it on the second",
    "transform-xgoals": "compute expected goals with this model",
    "load-mysql": "load fixtures and expected goals into MySQL",
}


class StepTimer:
    """Runs the steps of the demo, prints a line for each, and keeps their `seconds` by name."""

    def __init__(self, output: Output, steps: Sequence[str]) -> None:
        self._output = output
        self._steps = steps
        self.seconds: dict[str, float] = {}

    def run(self, name: str, work: Callable[[], T], summarise: Callable[[T], str]) -> None:
        """Run a step and print the summary of its result with the time that it took."""
        number = self._steps.index(name) + 1
        self._output.notify(f"Step {number} of {len(self._steps)}, {name}: {PURPOSES[name]}")
        started = time.monotonic()
        result = work()
        self.seconds[name] = round(time.monotonic() - started, 1)
        self._output.print_line(f"{name:<17} {summarise(result)}  [{self.seconds[name]:.1f} s]")


def run_pipeline(aws: AwsContext, output: Output, league: int, season: int) -> dict[str, float]:
    """Run every step for a season and the one before, which the model is trained on. Return the seconds by step."""
    seasons = [(Season(league, year), None) for year in (season - 1, season)]
    has_database = aws.config.database != "none"
    timer = StepTimer(output, [step for step in PURPOSES if has_database or step != "load-mysql"])
    timer.run("bootstrap", lambda: bootstrap(aws), lambda result: format_count(len(result.resources), "resource"))
    import_in_background()  # while the functions are at work
    timer.run(
        "ingest-fixtures",
        lambda: ingest_fixtures(aws, seasons),
        lambda result: f"{sum(s.fixtures for s in result.seasons)} fixtures of {len(result.seasons)} seasons",
    )
    timer.run(
        "ingest-stats",
        lambda: ingest_stats(aws, seasons),
        lambda result: f"statistics of {sum(s.played - len(s.without) for s in result.seasons)} fixtures",
    )
    timer.run("run-glue", lambda: run_glue(aws), lambda result: f"the Glue catalog has {len(result.tables)} tables")
    timer.run("train-autopilot", lambda: train_model(aws), lambda result: format_model_summary(result.record))
    timer.run("transform-xgoals", lambda: transform_xgoals(aws), format_scoring)
    if has_database:
        timer.run("load-mysql", lambda: load_mysql(aws), format_tables)
    return timer.seconds


def next_commands(program: str, leagues: Sequence[int], season: int) -> Iterator[str]:
    """Return lines that suggest commands to try next. Of several leagues, the demo uses only the first."""
    report_command = f"report{f' --league {leagues[0]}' * (len(leagues) > 1)}"
    suggestions = {
        f"--local {report_command} --season {season - 1}": "show the table of the season before",
        f"--local --output json {report_command}": "print the same table as JSON",
        "local status": "show the addresses of the local AWS and its MySQL database",
        "--local teardown": "delete the lake from the local AWS",
        "local stop": "stop the local AWS and keep its data",
    }
    yield ""
    yield "Next, try:"
    for arguments, purpose in suggestions.items():
        yield f"  {program} {arguments:<{max(map(len, suggestions))}}  {purpose}"


def run(cli: CliContext) -> None:
    """Run the pipeline on the local AWS and print the league table."""
    aws = cli.connect()
    cli.start_local().start_engines()  # while bootstrap creates the resources
    league, season = cli.config.leagues[0], cli.config.season
    source = "" if cli.football_source == SIMULATED else f", with {cli.football_source}"
    cli.output.notify(f"Seasons {season - 1} and {season} of league {league} on the local AWS{source}.")
    seconds = run_pipeline(aws, cli.output, league, season)
    with open_source(aws) as lake:
        season_report = report(lake, aws.config, league, season)
    football = cli.describe_data_source(aws)
    if cli.output.format == "json":
        cli.output.print_result({"seconds": seconds, **report_as_dict(season_report)}, football=football)
        return
    print_report(cli.output, season_report, football)
    for line in next_commands(_program_name(), cli.config.leagues, season):
        cli.output.print_line(line)


def _program_name() -> str:
    """Return how the user can call this program again from the current directory."""
    program = Path(sys.argv[0])
    if program.name == "__main__.py":
        return "python -m footlake"
    return program.name if shutil.which(program.name) else os.path.relpath(program)
