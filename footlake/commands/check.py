"""check: show how complete the data is, why a match is missing, and whether the tables agree with the official ones."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import click

from footlake.aws_jobs import format_count
from footlake.cli_context import CliContext
from footlake.data_check.checks import DatabaseState, LakeData, read_data, select_lake_seasons
from footlake.data_check.pipeline import FixtureTrace
from footlake.data_check.season import SeasonCheck
from footlake.data_check.selection import Selection, by_id, by_team, by_week
from footlake.data_check.text import CheckLine, fixture_lines, season_lines
from footlake.errors import FootlakeCommand, FootlakeError, Hint

COLOURS = {"ok": "green", "explained": "yellow", "problem": "red"}


def select_fixtures(data: LakeData, fixture_id: int | None, team: str | None, day: date | None) -> Selection | None:
    """Return the selection of fixtures that the options give, or None to check whole seasons.

    Raise FootlakeError if the lake does not have the fixture or the team.
    """
    if fixture_id is not None:
        _require_fixture(data, fixture_id)
        return by_id(fixture_id)
    in_week = by_week(day) if day else None
    if team is None:
        return in_week
    of_team = by_team(team, data.fixtures)
    if of_team is None:
        names = {one.name for fixture in data.fixtures for one in (fixture.home, fixture.away) if one}
        seasons = "; ".join(str(tracer.records.season) for tracer in data.tracers)
        raise FootlakeError(
            f"No team {team} plays in the checked seasons ({seasons}).",
            f"The teams are: {', '.join(sorted(names))}." if names else "The lake has no fixtures of them.",
        )
    return (lambda fixture: of_team(fixture) and in_week(fixture)) if in_week else of_team


def _require_fixture(data: LakeData, fixture_id: int) -> None:
    """Raise FootlakeError if no checked season has the fixture, with the reason if it was withdrawn."""
    if any(fixture.id == fixture_id for fixture in data.fixtures):
        return
    findings = (row for tracer in data.tracers for row in tracer.records.findings)
    withdrawn = [row["text"] for row in findings if row["idFixture"] == str(fixture_id)]
    raise FootlakeError(
        withdrawn[0] if withdrawn else f"The lake has no fixture {fixture_id}.",
        Hint("To see which fixtures there are, run ", FootlakeCommand("check --week DATE"), "."),
    )


def _season_text(cli: CliContext, check: SeasonCheck) -> Iterator[str]:
    yield check.title
    for line in season_lines(check):
        yield _format_line(cli, line)


def _fixture_text(cli: CliContext, traces: list[FixtureTrace]) -> Iterator[str]:
    if not traces:
        yield "No fixtures."
    for trace in traces:
        yield from map(cli.format_hint, fixture_lines(trace, detailed=len(traces) == 1))


def _database_text(cli: CliContext, database: DatabaseState) -> Iterator[str]:
    if not database.read:
        yield _format_line(cli, CheckLine("explained", "MySQL", Hint(f"not checked. {database.problem}")))


def _format_line(cli: CliContext, line: CheckLine) -> str:
    return f"{cli.output.style(f'{line.level:<10}', COLOURS[line.level])} {line.what}: {cli.format_hint(line.text)}"


def run(
    cli: CliContext,
    leagues: tuple[int, ...],
    seasons: tuple[int, ...],
    fixture_id: int | None,
    team: str | None,
    day: date | None,
) -> None:
    """Check the selected fixtures or seasons and print the result. Raise FootlakeError if something is missing."""
    if fixture_id is not None and (team or day):
        raise click.UsageError("Use either --fixture, or --team and --week.")
    aws = cli.connect(read_only=True)
    data = read_data(aws, select_lake_seasons(aws, leagues, seasons, fixture_id), datetime.now(UTC))
    selection = select_fixtures(data, fixture_id, team, day)
    football = cli.describe_data_source(aws)
    if selection is None:
        result = data.check_seasons()
        lines = [line for check in result.seasons for line in (*_season_text(cli, check), "")]
        cli.output.print_result(result, [*lines[:-1], *_database_text(cli, result.database)], football)
        _fail_if(result.problems, "problem", "that nothing explains")
        return
    fixtures = data.check_fixtures(selection)
    lines = [*_fixture_text(cli, fixtures.fixtures), *_database_text(cli, fixtures.database)]
    cli.output.print_result(fixtures, lines, football)
    _fail_if(fixtures.problems, "fixture", "with a problem")


def _fail_if(number: int, noun: str, description: str) -> None:
    """Raise FootlakeError if there are such problems."""
    if number:
        raise FootlakeError(
            f"The data is not complete: {format_count(number, noun)} {description}.",
            "The lines marked as problems say what to do.",
        )
