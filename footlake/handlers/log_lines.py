"""The lines that the Lambda functions write to their log: one for each outcome."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from footlake.lake.s3_keys import INCONSISTENT, MISSING

SHOWN_IDS = 5
STOP_REASONS = {
    "Busy": "another invocation is working on this season",
    "QuotaSpent": "the daily request quota of API-Football is used up",
    "BudgetSpent": "the limit of requests of this call is reached",
    "OutOfTime": "the time of this invocation is used up",
    "Unavailable": "API-Football is not available",
}


# Members that the result of an earlier version of etlGetFixtures does not have.
NO_PROBLEMS: dict[str, Any] = {
    **dict.fromkeys(("missing", "withdrawn", "duplicates", "unreconciled"), ()),
    **{"undecided": 0, "unknown_statuses": {}, "tables": 0, "official": False, "standings_problem": ""},
    **{"caught_up": 0, "caught_up_since": ""},
}


def fixtures_line(result: dict[str, Any]) -> str:
    """Return the line for a result of `fetch_fixtures`."""
    if result["stopped"]:
        return f"{result['key']}: not fetched: {_stop_reason(result)}"
    changed = f"{_count(result['changed'], 'object')} changed" if result["changed"] else "none changed"
    counts = f"{_count(result['fixtures'], 'fixture')}, {result['played']} played, {changed}"
    broken = f", {len(result['broken'])} cannot be read: {result['broken'][0]}" if result["broken"] else ""
    return "; ".join((f"{result['key']}: {counts}{broken}", *describe_problems(result)))


def describe_problems(result: dict[str, Any]) -> Iterator[str]:
    """Yield what to know of a result of `fetch_fixtures` besides its counts: fixtures and tables that do not fit."""
    result = NO_PROBLEMS | result
    withdrawn = result["withdrawn"]
    kept = [fixture_id for fixture_id in result["missing"] if fixture_id not in withdrawn]
    if result["caught_up"]:
        matches = _count(result["caught_up"], "earlier match", "earlier matches")
        yield f"{matches} caught up, since {result['caught_up_since']}"
    if result["undecided"]:
        yield f"{_count(result['undecided'], 'fixture')} with teams that are not known yet"
    if withdrawn:
        yield f"withdrawn, as API-Football no longer has them: {_ids(withdrawn)}"
    if kept:
        yield f"not in the response, which is incomplete, and kept: {_ids(kept)}"
    if result["duplicates"]:
        yield f"second ids of other matches: {_ids(result['duplicates'])}"
    if result["unknown_statuses"]:
        statuses = ", ".join(f"{count} {status}" for status, count in sorted(result["unknown_statuses"].items()))
        yield f"unknown statuses: {statuses}"
    if result["tables"]:
        yield _describe_tables(result)
    if result["standings_problem"]:
        yield f"no new standings: {result['standings_problem']}"


def _describe_tables(result: Mapping[str, Any]) -> str:
    if not result["official"]:
        return f"{_count(result['tables'], 'unofficial table')}"
    count, wrong = _count(result["tables"], "official table"), result["unreconciled"]
    if not wrong:
        return f"{count}, consistent with the fixtures"
    return f"{count}, {len(wrong)} not consistent with the fixtures: {wrong[0]}"


def _ids(ids: Sequence[int]) -> str:
    return f"{_count(len(ids), 'fixture')} ({_first(ids)})"


def _first(ids: Iterable[Any]) -> str:
    """Return the first ids, and how many more there are."""
    texts = [str(fixture_id) for fixture_id in ids]
    more = f" and {len(texts) - SHOWN_IDS} more" if len(texts) > SHOWN_IDS else ""
    return f"{', '.join(texts[:SHOWN_IDS])}{more}"


def postponed_line(file: str, stopped: str, after: datetime, tries: int) -> str:
    """Return the line for pending work that is tried again; `tries` counts those without progress."""
    reason = STOP_REASONS.get(stopped, stopped)
    without_progress = f", after {_count(tries, 'try', 'tries')} without progress" if tries else ""
    return f"{file}: continues at {after:%Y-%m-%d %H:%M} UTC or later{without_progress}: {reason}"


def idle_line(event: Mapping[str, Any]) -> str:
    """Return the line for an event that brings no work."""
    if "Records" in event:
        return "No work: statistics do not follow the new file"
    return "No work: nothing is pending or due"


def statistics_line(result: dict[str, Any]) -> str:
    """Return the line for a result of `ingest_statistics`."""
    fetched = f"statistics of {result['fetched']} fetched" if result["fetched"] else "no statistics fetched"
    if not (result["fetched"] or result["progress"] or result["stopped"]):
        fetched = "no statistics to fetch"
    counts = f"{_count(result['played'], 'played fixture')}, {fetched}"
    lists = {"without statistics": MISSING, "inconsistent": INCONSISTENT, "not fetched": "failed"}
    problems = [
        f", {len(result[name])} {label} ({_first(result[name])})" for label, name in lists.items() if result[name]
    ]
    first = f": {next(iter(result['failed'].values()))}" if result["failed"] else ""
    stopped = f"; stopped with {result['remaining']} left: {_stop_reason(result)}" if result["stopped"] else ""
    return f"{result['key']}: {counts}{''.join(problems)}{first}{stopped}"


def scoring_line(result: dict[str, Any]) -> str:
    """Return the line for a result of etlGetXGoals."""
    if "skipped" in result:
        return f"No transform started: {result['skipped']}"
    if "running" in result:
        return f"No transform started: {result['running']} is in progress, and its end invokes this function again"
    if "busy" in result:
        return "No transform started: another invocation is at work and continues with the rows of this one"
    if result["job"] is None:
        return f"No transform started: every team row is scored by {result['model']}"
    counts = f"{_count(result['rows'], 'team row')} in {_count(result['files'], 'object')}"
    return f"Started transform {result['job']}: {counts}"


def finished_line(job: str, status: str, used: int, objects: int) -> str:
    """Return the line for a transform that ended: how many of its `objects` have predictions for their current rows."""
    because = " (the transform failed, or rows or model changed)" if used < objects else ""
    return f"Transform {job} ended ({status}): predictions for {used} of {_count(objects, 'object')}{because}"


def rejected_line(rows: int) -> str:
    """Return the line for predictions that are not numbers."""
    return f"The transform predicted no number for {_count(rows, 'team row')}: without xG until scored again"


def _count(number: int, noun: str, plural: str = "") -> str:
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"


def _stop_reason(result: dict[str, Any]) -> str:
    reason = STOP_REASONS.get(result["stopped"], result["stopped"])
    return f"{reason} ({result['reason']})" if result["stopped"] == "Unavailable" and "reason" in result else reason
