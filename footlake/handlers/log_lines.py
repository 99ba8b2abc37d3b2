"""The lines that the Lambda functions write to their log: one for each outcome."""

from __future__ import annotations

from typing import Any

from footlake.lake.s3_keys import INCONSISTENT, MISSING

STOP_REASONS = {
    "Busy": "another invocation is working on this season",
    "QuotaSpent": "the daily request quota of API-Football is used up",
    "BudgetSpent": "the limit of requests of this call is reached",
    "OutOfTime": "the time of this invocation is used up",
    "Unavailable": "API-Football is not available",
}


def fixtures_line(result: dict[str, Any]) -> str:
    """Return the line for a result of `fetch_fixtures`."""
    if result["stopped"]:
        return f"{result['key']}: not fetched: {_stop_reason(result)}"
    changed = f"{_count(result['changed'], 'object')} changed" if result["changed"] else "none changed"
    counts = f"{_count(result['fixtures'], 'fixture')}, {result['played']} played, {changed}"
    broken = f", {len(result['broken'])} cannot be read: {result['broken'][0]}" if result["broken"] else ""
    return f"{result['key']}: {counts}{broken}"


def statistics_line(result: dict[str, Any]) -> str:
    """Return the line for a result of `ingest_statistics`."""
    fetched = f"statistics of {result['fetched']} fetched" if result["fetched"] else "no statistics fetched"
    if not (result["fetched"] or result["progress"] or result["stopped"]):
        fetched = "no statistics to fetch"
    counts = f"{_count(result['played'], 'played fixture')}, {fetched}"
    lists = {"without statistics": MISSING, "inconsistent": INCONSISTENT, "not fetched": "failed"}
    problems = [f", {len(result[name])} {label}" for label, name in lists.items() if result[name]]
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


def rejected_line(rows: int) -> str:
    """Return the line for predictions that are not numbers."""
    return f"The transform predicted no number for {_count(rows, 'team row')}: without xG until scored again"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _stop_reason(result: dict[str, Any]) -> str:
    reason = STOP_REASONS.get(result["stopped"], result["stopped"])
    return f"{reason} ({result['reason']})" if result["stopped"] == "Unavailable" and "reason" in result else reason
