"""report: print the league table, the weeks or matches of a team, and the luckiest and unluckiest matches."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import click

from footlake.aws import AwsContext
from footlake.cli_context import CliContext
from footlake.cli_output import SIMULATED, Output
from footlake.commands.options import write_file
from footlake.config import Config
from footlake.deploy.database_sleep import NOBODY, Operator, awake, require_database
from footlake.errors import FootlakeCommand, FootlakeError, Hint, NotReady
from footlake.football.names import fold
from footlake.model.registry import lake_store
from footlake.report import lake_reader, mysql_reader
from footlake.report.matches import Team
from footlake.report.page import render_page
from footlake.report.season import SeasonReport, build_report
from footlake.report.season_records import ReportRecords
from footlake.report.terminal import (
    luck_table,
    report_as_dict,
    report_notes,
    standings_table,
    table_csv,
    weeks_csv,
    weeks_table,
)


class ReportSource(NamedTuple):
    """Where reports are read from; `name` can begin a sentence."""

    name: str
    list_seasons: Callable[[int], list[int]]
    read_season: Callable[[int, int, Sequence[int]], ReportRecords]


@contextmanager
def open_source(aws: AwsContext, choice: str | None = None, operator: Operator = NOBODY) -> Iterator[ReportSource]:
    """Return the source with this name, lake or mysql. The default is MySQL if the lake has it and it is awake.

    MySQL is awake for the duration of the block if it is chosen.
    """
    if (choice or default_source(aws)) == "lake":
        store = lake_store(aws)
        yield ReportSource(
            "The lake", partial(lake_reader.list_seasons, store), partial(lake_reader.read_season, store)
        )
        return
    with awake(aws, operator) as server, server.connect(aws) as connection:
        yield ReportSource(
            "MySQL",
            partial(mysql_reader.read_seasons, connection),
            lambda league, season, _: mysql_reader.read_season(connection, league, season),
        )


def default_source(aws: AwsContext) -> str:
    """Return "mysql", or "lake" if there is no database or it sleeps."""
    if aws.config.database == "none":
        return "lake"
    return "lake" if require_database(aws.config).status(aws) in ("stopped", "stopping", "starting") else "mysql"


def report(source: ReportSource, config: Config, league: int, season: int | None = None) -> SeasonReport:
    """Build the report of a league's season. Raise NotReady if the source has no match of it.

    The default is the latest of the configured seasons that the source has for this league: leagues with different
    calendars can be in different seasons on the same day.
    """
    seasons = source.list_seasons(league)
    season = season or max(set(seasons) & set(config.seasons), default=config.season)
    records = source.read_season(league, season, seasons)
    if not records.matches:
        hint = loading_hint(source.name, league, season, seasons, config.leagues)
        raise NotReady(f"{source.name} has no fixtures of league {league}, season {season}.", hint)
    return build_report(records)


def report_configured(
    source: ReportSource, config: Config, season: int | None, notify: Callable[[str], None]
) -> list[SeasonReport]:
    """Build the reports of the configured leagues, and `notify` of those without a match, such as before their season.

    Raise NotReady if the source has no match of any of them.
    """
    reports: list[SeasonReport] = []
    without: list[NotReady] = []
    for league in config.leagues:
        try:
            reports.append(report(source, config, league, season))
        except NotReady as error:
            without.append(error)
    if not reports:
        raise without[0]
    for missing in without:
        notify(missing.message)
    return reports


def loading_hint(source: str, league: int, season: int, loaded: Sequence[int], configured: Sequence[int]) -> Hint:
    """Return the commands that load a season which the source with this name does not have.

    `loaded` are the seasons of the league in it, `configured` the leagues in the settings.
    """
    parts: list[str | FootlakeCommand] = []
    if loaded:
        parts = [f"{source} has {_format_seasons(loaded)} of this league. To load {season}, run "]
    elif league in configured:
        parts = ["To load the season, run "]
    else:
        leagues = ",".join(map(str, (*configured, league)))
        purpose = ", so that the weekly runs include the league. Then run "
        parts = [f"Set FOOTLAKE_LEAGUE={leagues} and run ", FootlakeCommand("bootstrap"), purpose]
    commands = [
        f"ingest-fixtures --league {league} --season {season}",
        f"ingest-stats --league {league} --season {season}",
        *("run-glue", "transform-xgoals"),
        *(["load-mysql"] if source == "MySQL" else []),
    ]
    last = commands.pop()
    for command in commands:
        parts += [FootlakeCommand(command), ", "]
    return Hint(*parts[:-1], " and ", FootlakeCommand(last), ".")


def _format_seasons(seasons: Sequence[int]) -> str:
    return f"season{'s' * (len(seasons) > 1)} {', '.join(map(str, seasons))}"


def print_report(output: Output, report: SeasonReport, football: str) -> None:
    """Print the tables and the luckiest and unluckiest matches, as wide as the terminal."""
    from rich.console import Console

    console = Console()
    for table in report.tables:
        output.print_line("")
        console.print(standings_table(table, report.table_title(table) + _warning(football)))
    if not report.tables:
        output.print_line(f"{report.title}: no current table{_warning(football)}")
    console.print(report_notes(report))
    if report.lucky_matches:
        console.print("")
        console.print(luck_table("Luckiest and unluckiest matches", report.lucky_matches))


def print_weeks(output: Output, report: SeasonReport, football: str) -> None:
    """Print one table for each team and table that it is in: its matches, with the running totals of each week."""
    from rich.console import Console

    console = Console()
    tables = {table.number: table for table in report.tables}
    for team, number in dict.fromkeys((week.team, week.table_number) for week in report.weeks):
        output.print_line("")
        weeks = [week for week in report.weeks if (week.team, week.table_number) == (team, number)]
        title = f"{team.name}, {report.table_title(tables[number])}{_warning(football)}"
        console.print(weeks_table(title, weeks, report.teams))


def _warning(football: str) -> str:
    return " (not real results)" if football == SIMULATED else ""


def select_team(reports: Sequence[SeasonReport], team: str) -> list[SeasonReport]:
    """Return the reports that contain this team, each with only the weeks of that team.

    `team` is a name, a code, or a part of a name if no team has exactly that name or code. Case, accents and
    punctuation do not matter. Raise FootlakeError if no report contains the team.
    """
    text = fold(team)
    exact = [_with_weeks_of(one, lambda t: text in (fold(t.name), fold(t.code or ""))) for one in reports]
    partial = [_with_weeks_of(one, lambda t: text in fold(t.name)) for one in reports]
    for candidates in (exact, partial) if text else ():
        if selected := [candidate for candidate in candidates if candidate.weeks]:
            return selected
    names = ", ".join(dict.fromkeys(row.team.name for one in reports for row in one.rows))
    raise FootlakeError(
        f"Team {team} does not play in {'; '.join(one.title for one in reports)}.", f"The teams are: {names}."
    )


def _with_weeks_of(report: SeasonReport, matches: Callable[[Team], bool]) -> SeasonReport:
    return replace(report, weeks=[week for week in report.weeks if matches(week.team)])


def write_page(reports: list[SeasonReport], path: Path, football: str) -> None:
    """Write the HTML page of the reports to one file."""
    write_file(path, render_page(reports, "Simulated league, not real results" if football == SIMULATED else ""))


def run(
    cli: CliContext,
    season: int | None,
    leagues: tuple[int, ...],
    weeks: bool,
    team: str | None,
    source: str | None,
    html: Path | None,
    output: str | None,
) -> None:
    """Print the report, or write it to a file."""
    operator, cli = cli, cli.with_output_format(output) if output else cli
    aws = cli.connect()
    with open_source(aws, source, operator) as opened:
        if leagues:
            reports = [report(opened, cli.config, league, season) for league in leagues]
        else:
            reports = report_configured(opened, cli.config, season, cli.output.notify)
    if season is None:
        for one in reports:
            _mention_other_seasons(cli.output, opened.name, one)
    football = cli.describe_data_source(aws)
    if html:
        write_page(reports, html, football)
    if team:
        reports = select_team(reports, team)
    if cli.output.format == "json":
        documents = [report_as_dict(one) for one in reports]
        result = documents[0] if len(leagues or cli.config.leagues) == 1 else {"reports": documents}
        cli.output.print_result(result, football=football)
    elif cli.output.format == "csv":
        _print_csv(reports, by_week=weeks or bool(team))
    elif html:
        cli.output.print_line(f"wrote {html}")
    else:
        for one in reports:
            (print_weeks if weeks or team else print_report)(cli.output, one, football)


def _mention_other_seasons(output: Output, source: str, report: SeasonReport) -> None:
    if others := [year for year in report.seasons if year != report.season]:
        output.notify(f"{report.title}. {source} also has {_format_seasons(others)}: add --season {others[-1]}")


def _print_csv(reports: Sequence[SeasonReport], by_week: bool) -> None:
    text = weeks_csv(reports) if by_week else table_csv(reports)
    text.encode(sys.stdout.encoding)  # fail on a name that the encoding lacks instead of printing "?"
    click.echo(text, nl=False)
