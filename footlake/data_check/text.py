"""The check as text: a line for each finding, the lines of a fixture, and the line of run-week."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from footlake.aws_jobs import format_count
from footlake.data_check.checks import DataCheck
from footlake.data_check.pipeline import FixtureTrace, Issue, Level
from footlake.data_check.season import SeasonCheck
from footlake.data_check.tables import TableCheck
from footlake.errors import FootlakeCommand, Hint

AGREEMENT = "tables agree with the official ones"


class CheckLine(NamedTuple):
    """A line with a level, as `doctor` prints its findings."""

    level: Level
    what: str
    text: Hint


def season_lines(check: SeasonCheck) -> Iterator[CheckLine]:
    """Yield the lines of a season, problems and explanations with what happens next."""
    yield CheckLine("ok", "fetched", Hint(_describe_times(check)))
    levels = {finding.level for finding in check.findings}
    level: Level = "problem" if "problem" in levels else "explained" if levels else "ok"
    yield CheckLine(level, "data", Hint(_describe_counts(check)))
    for finding in check.findings:
        yield CheckLine(finding.level, finding.what, _with_next(finding.text, finding.next, finding.at))
    for table in check.tables:
        yield CheckLine(table.level, f"table {table.name}", Hint(f"{table.text}."))


def _describe_times(check: SeasonCheck) -> str:
    times = check.times
    fetched = {
        "fixtures": times.fixtures,
        "standings": times.standings,
        "statistics": times.statistics,
        "team rows": times.team_rows,
        "predictions": times.predictions,
    }
    texts = [f"{what} {_time(time) if time else 'never'}" for what, time in fetched.items()]
    next_run = f"next weekly run {_time(check.next_run)}" if check.next_run else "no weekly run is scheduled"
    return f"{', '.join(texts)} (UTC); {next_run}."


def _describe_counts(check: SeasonCheck) -> str:
    counts = check.counts
    planned = f", {counts.without_result} without a result" if counts.without_result else ""
    undecided = f" ({counts.undecided} with teams that are not known yet)" if counts.undecided else ""
    mysql = f", {counts.mysql} of {counts.finished} finished ones in MySQL" if counts.mysql is not None else ""
    return f"{counts.with_xg} of {counts.played} played fixtures with xG{mysql}{planned}{undecided}."


def fixture_lines(trace: FixtureTrace, detailed: bool) -> Iterator[Hint]:
    """Yield the lines of a fixture: one, or all steps if `detailed`, and its issues."""
    score = f" {trace.goals_home}:{trace.goals_away}" if trace.goals_home is not None else ""
    day = _time(trace.kickoff) if trace.kickoff else "no date"
    yield Hint(f"{day:<16}  {trace.label}{score}  [{trace.stage}]  {trace.idfixture}")
    if detailed:
        mysql = {None: "not read", True: "loaded", False: "not loaded"}[trace.mysql]
        yield Hint(f"  status      {trace.status}{f', {trace.round}' if trace.round else ''}")
        yield Hint(f"  statistics  {_describe_statistics(trace)}")
        yield Hint(f"  team rows   {trace.team_rows} of 2")
        yield Hint(f"  xG          {trace.xg} of 2")
        yield Hint(f"  MySQL       {mysql}")
    elif trace.issues and trace.requested:
        yield Hint(f"  statistics {_describe_statistics(trace)}")
    for issue in trace.issues:
        yield Hint(f"  {issue.level}: ", _describe_issue(issue))


def _describe_statistics(trace: FixtureTrace) -> str:
    if trace.requested is None:
        return "never requested"
    times = "once" if trace.requests == 1 else f"{trace.requests} times" if trace.requests else ""
    return f"{trace.statistics}, requested {f'{times}, ' if times else ''}last on {_time(trace.requested)} UTC"


def _describe_issue(issue: Issue) -> Hint:
    return _with_next(issue.reason, issue.next, issue.at)


def describe_data(check: DataCheck) -> Hint:
    """Return how complete the data of the seasons is, and whether the tables agree, in one line."""
    played, with_xg, with_statistics = (
        sum(getattr(season.counts, name) for season in check.seasons)
        for name in ("played", "with_xg", "with_statistics")
    )
    parts = [f"{with_xg} of {format_count(played, 'finished fixture')} with xG"]
    if without := played - with_statistics:
        parts.append(f"{without} without statistics")
    parts.append(_describe_tables([table for season in check.seasons for table in season.tables]))
    line = "; ".join(filter(None, parts))
    is_complete = with_xg == played and not check.problems
    return Hint(line) if is_complete else Hint(line, ", see ", FootlakeCommand("check"))


def _describe_tables(tables: Sequence[TableCheck]) -> str:
    official = [table for table in tables if table.official]
    if not official:
        return "no official tables" if tables else ""
    if wrong := [table.name for table in official if table.level == "problem"]:
        return f"{len(wrong)} of {format_count(len(official), 'table')} not explained ({wrong[0]})"
    stale = sum(table.reconciled == "stale" for table in official)
    return f"{stale} of {format_count(len(official), 'official table')} not updated yet" if stale else AGREEMENT


def _with_next(text: str, following: str, at: datetime | None) -> Hint:
    when = f" Next: {_time(at)} UTC." if at else ""
    return Hint(f"{text} " if following else text, Hint(following), when)


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
