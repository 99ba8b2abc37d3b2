"""The check as text: a line for each finding, the lines of a fixture, and the line of run-week."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from footlake.data_check.pipeline import FixtureTrace, Issue, Level
from footlake.data_check.season import SeasonCheck
from footlake.errors import FootlakeCommand, Hint


class CheckLine(NamedTuple):
    """A line with a level, as `doctor` prints its findings."""

    level: Level
    what: str
    text: Hint


def season_lines(check: SeasonCheck) -> Iterator[CheckLine]:
    """Yield the lines of a season, problems and explanations with what happens next."""
    yield CheckLine("ok", "fetched", Hint(_describe_times(check)))
    complete = not any(finding.level == "problem" for finding in check.findings)
    yield CheckLine("ok" if complete else "problem", "data", Hint(_describe_counts(check)))
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


def describe_data(checks: Sequence[SeasonCheck]) -> Hint:
    """Return the line that run-week prints: how complete the data is, and whether the tables agree."""
    played, with_xg = (sum(getattr(check.counts, name) for check in checks) for name in ("played", "with_xg"))
    parts = [f"{with_xg} of {played} finished fixtures with xG"]
    parts += _describe_missing(checks)
    parts.append(_describe_agreement(checks))
    problems = sum(check.problems for check in checks)
    line = "; ".join(part for part in parts if part)
    return Hint(line, ", see ", FootlakeCommand("check")) if problems or with_xg < played else Hint(line)


def _describe_missing(checks: Iterable[SeasonCheck]) -> list[str]:
    without = {
        "statistics": sum(check.counts.played - check.counts.with_statistics for check in checks),
    }
    return [f"{number} without {what}" for what, number in without.items() if number]


def _describe_agreement(checks: Sequence[SeasonCheck]) -> str:
    tables = [table for check in checks for table in check.tables]
    official = [table for table in tables if table.official]
    if not official:
        return "no official tables" if tables else ""
    wrong = [table.name for table in official if table.level == "problem"]
    if wrong:
        return f"{len(wrong)} of {len(official)} tables not explained ({wrong[0]})"
    return "tables agree with the official ones"


def _with_next(text: str, following: str, at: datetime | None) -> Hint:
    when = f" Next: {_time(at)} UTC." if at else ""
    return Hint(f"{text} " if following else text, Hint(following), when)


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
