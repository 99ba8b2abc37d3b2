"""report: the league table, real beside expected, by week, and the matches with the most luck."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from footlake.aws import AwsContext
from footlake.cli_context import SIMULATED, CliContext
from footlake.commands.options import NewFile, league_option, write
from footlake.deploy.catalogue import mysql_instance
from footlake.errors import FootlakeError, NotReady
from footlake.report.matches import Team, read_matches, read_seasons, read_teams
from footlake.report.page import render_page
from footlake.report.season import SeasonReport, build_report
from footlake.report.terminal import LeagueTable, luck_table, report_as_dict, table_csv, weeks_csv, weeks_table


def report(aws: AwsContext, league: int, season: int | None = None) -> SeasonReport:
    """What MySQL has of a league's season, by default of the latest of the settings' that it has. NotReady if nothing.

    Leagues of different calendars are in different seasons on the same day.
    """
    with mysql_instance(aws.config).connect(aws) as connection:
        seasons = read_seasons(connection, league)
        season = season or max(set(seasons) & set(aws.config.seasons), default=aws.config.season)
        matches = read_matches(connection, league, season)
        teams = read_teams(connection)
    if not matches:
        there = f"It has {_years(seasons)} of this league." if seasons else "Run footlake run-week or load-mysql first."
        raise NotReady(f"MySQL has no fixtures of league {league}, season {season}.", there)
    return build_report(league, season, matches, teams, seasons)


def _years(seasons: Sequence[int]) -> str:
    return f"season{'s' * (len(seasons) > 1)} {', '.join(map(str, seasons))}"


def print_report(cli: CliContext, done: SeasonReport) -> None:
    """The table, and the matches with the most luck, as wide as the terminal."""
    from rich.console import Console

    console = Console()
    cli.print_line("")
    console.print(LeagueTable(done.rows, done.title + _warning(cli), done.exclusion_note))
    for title, luck in (("Luckiest matches", done.luckiest), ("Unluckiest matches", done.unluckiest)):
        if luck:
            console.print("")
            console.print(luck_table(title, luck))


def print_weeks(cli: CliContext, done: SeasonReport) -> None:
    """Each team's weeks."""
    from rich.console import Console

    console = Console()
    for team in dict.fromkeys(week.team for week in done.weeks):
        cli.print_line("")
        weeks = [week for week in done.weeks if week.team == team]
        console.print(weeks_table(f"{team.name}, {done.title}{_warning(cli)}", weeks))


def only(reports: Sequence[SeasonReport], team: str) -> list[SeasonReport]:
    """The reports that have this team, with its weeks alone: its code, its name or a part of it. FootlakeError if none.

    A part of a name counts only where no team is called so.
    """
    text = team.casefold()
    exact = [_weeks(done, lambda one: text in (one.name.casefold(), (one.code or "").casefold())) for done in reports]
    part = [_weeks(done, lambda one: text in one.name.casefold()) for done in reports]
    for chosen in (exact, part):
        if found := [done for done in chosen if done.weeks]:
            return found
    known = ", ".join(row.team.name for done in reports for row in done.rows)
    raise FootlakeError(
        f"There is no team {team} in {'; '.join(done.title for done in reports)}.", f"There are: {known}."
    )


def _weeks(done: SeasonReport, wanted: Callable[[Team], bool]) -> SeasonReport:
    return replace(done, weeks=[week for week in done.weeks if wanted(week.team)])


def _warning(cli: CliContext) -> str:
    return f" ({SIMULATED})" if cli.football == SIMULATED else ""


def write_page(cli: CliContext, reports: list[SeasonReport], path: Path) -> None:
    """The page, as one file."""
    note = "Simulated league, not real results" if cli.football == SIMULATED else ""
    write(path, render_page(reports, note))


def team_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The names and codes of the teams that footlake knows by itself, for the shell to complete."""
    with (files("footlake") / "data" / "teamcodes.csv").open() as file:
        names = [name for _, *names in list(csv.reader(file))[1:] for name in names]
    return [CompletionItem(name) for name in names if name.lower().startswith(incomplete.lower())]


@click.command("report")
@click.option(
    "--season",
    type=click.IntRange(1800, 2200),
    metavar="YEAR",
    help="By the year in which it begins. Default: the latest of the settings' that MySQL has.",
)
@league_option
@click.option("--weeks", is_flag=True, help="Week by week, with the running differences, instead of the table.")
@click.option(
    "--team",
    metavar="NAME",
    shell_complete=team_names,
    help="The weeks of this team only: its name, a part of it, or its code.",
)
@click.option("--html", type=NewFile(), help="Write a page with charts to this file.")
@click.option("--output", type=click.Choice(["text", "json", "csv"]), help="csv: the table, or with --weeks the weeks.")
@click.pass_obj
def command(
    cli: CliContext,
    season: int | None,
    leagues: tuple[int, ...],
    weeks: bool,
    team: str | None,
    html: Path | None,
    output: str | None,
) -> None:
    """The league table: real goals and points beside expected ones.

    As JSON it is one report (table, weeks, luckiest and unluckiest matches), or, of several leagues,
    `{"reports": [...]}`. As CSV it has the columns of the SQL views expected_table and team_weeks. The page is one file
    that needs no network.
    """
    cli.output = output or cli.output
    aws, leagues = cli.connect(), leagues or cli.config.leagues
    reports = [report(aws, league, season) for league in leagues]
    for one in reports:
        if others := [year for year in one.seasons if year != one.season and season is None]:
            cli.notify(f"{one.title}. MySQL has {_years(others)}, too: --season {others[-1]}")
    if html:
        write_page(cli, reports, html)
    if team:
        reports = only(reports, team)
    if cli.output == "json":
        several = {"reports": [report_as_dict(one) for one in reports]}
        cli.print_result(report_as_dict(reports[0]) if len(leagues) == 1 else several, football=True)
    elif cli.output == "csv":
        text = weeks_csv(reports) if weeks or team else table_csv(reports)
        text.encode(sys.stdout.encoding)  # names go into a file as they are, or not at all
        click.echo(text, nl=False)
    elif html:
        cli.print_line(f"wrote {html}")
    elif weeks or team:
        for one in reports:
            print_weeks(cli, one)
    else:
        for one in reports:
            print_report(cli, one)
