"""ingest-fixtures: invoke etlGetFixtures for a week or for whole seasons."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, date, datetime
from typing import Any

from footlake.aws import AwsContext
from footlake.aws_jobs import (
    format_count,
    format_season,
    invoke_function,
    quota_exceeded,
    season_unknown,
)
from footlake.cli_context import CliContext
from footlake.commands.options import (
    SeasonSelection,
    select_seasons,
)
from footlake.errors import StepFailed
from footlake.handlers.log_lines import describe_problems
from footlake.lake.s3_keys import RAW_FIXTURES, Season, Window, raw_fixtures
from footlake.model.registry import lake_store


@dataclass(frozen=True)
class FetchedFixtures:
    """One season, or one week of it, as etlGetFixtures reports it.

    `broken` describes fixtures that could not be parsed. `missing` are fixtures in the lake that the API's season no
    longer contains; those of them that are `withdrawn` are no longer in the lake. `undecided` fixtures have teams that
    are not known yet. `duplicates` are second ids of other matches, `unknown_statuses` count fixtures by status.
    `tables` is the number of tables, which are `official` or computed, and `tables_changed` that of their changed
    objects. `unreconciled` describes tables that do not agree with the fixtures; `standings_problem` says why there are
    no new standings. `caught_up` counts finished matches before the week that the lake had without a result, and
    `caught_up_since` is the day of the first one (empty without any).
    """

    league: int
    season: int
    key: str
    fixtures: int
    played: int
    changed: int
    broken: list[str]
    missing: list[int]
    withdrawn: list[int] = field(default_factory=list)
    undecided: int = 0
    duplicates: list[int] = field(default_factory=list)
    unknown_statuses: dict[str, int] = field(default_factory=dict)
    tables: int = 0
    tables_changed: int = 0
    official: bool = False
    unreconciled: list[str] = field(default_factory=list)
    standings_problem: str = ""
    caught_up: int = 0
    caught_up_since: str = ""


@dataclass(frozen=True)
class IngestedFixtures:
    """The fetched seasons, and the number of requests to the football API."""

    seasons: list[FetchedFixtures]
    requests: int


def ingest_fixtures(aws: AwsContext, selection: SeasonSelection, max_requests: int | None = None) -> IngestedFixtures:
    """Fetch each season or week of the selection into the lake.

    Raise FootlakeError for a season that the API does not have, QuotaExceeded if the day's requests or `max_requests`
    are used up, StepFailed for any other failure.
    """
    if max_requests is not None:
        selection = _least_recent_first(aws, selection)
    fetched: list[FetchedFixtures] = []
    requests = 0
    for season, window in selection:
        allowed = None if max_requests is None else max_requests - requests
        answer, requests_made = _fetch(aws, season, window, allowed)
        requests += requests_made
        if answer["stopped"] in ("QuotaSpent", "BudgetSpent"):
            left = len(selection) - len(fetched)
            verb = "is" if left == 1 else "are"
            raise quota_exceeded(
                answer["stopped"], f"{left} of {format_count(len(selection), 'season')} {verb} still to be fetched"
            )
        if answer["stopped"]:
            raise StepFailed(
                f"Cannot fetch the fixtures of league {season.league}, season {season.year}: {answer['reason']}",
                "Run the same command again later. Data fetched so far is kept.",
            )
        if window is None and answer["fixtures"] + answer.get("undecided", 0) == 0:
            raise season_unknown(season)
        reported = {one.name: answer[one.name] for one in fields(FetchedFixtures) if one.name in answer}
        fetched.append(FetchedFixtures(season.league, season.year, **reported))
    return IngestedFixtures(fetched, requests)


def _least_recent_first(aws: AwsContext, selection: SeasonSelection) -> SeasonSelection:
    """Sort the selection by the last fetch, so that a command that is run again continues with the seasons left."""
    fetched_at = lake_store(aws).list_objects(RAW_FIXTURES)
    never = datetime.min.replace(tzinfo=UTC)
    return sorted(selection, key=lambda selected: fetched_at.get(raw_fixtures(*selected), never))


def _fetch(aws: AwsContext, season: Season, window: Window | None, allowed: int | None) -> tuple[dict[str, Any], int]:
    """Fetch one season or week with at most `allowed` requests. Return its report and the requests made.

    Waits while another invocation works on the season, and until the API's limit per minute allows more requests. If
    that limit allowed the fixtures but not the standings, both are requested a second time.
    """
    days = {"first": str(window.first), "last": str(window.last)} if window else {}
    requests, not_before, retried = 0, 0.0, False

    def attempt() -> dict[str, Any] | None:
        nonlocal requests, not_before, retried
        if time.monotonic() < not_before:
            return None
        limit = {} if allowed is None else {"max_requests": max(0, allowed - requests)}
        payload = {"league": season.league, "season": season.year, **days, **limit}
        answer = invoke_function(aws, "etlGetFixtures", payload)
        requests += answer["requests"]
        report: dict[str, Any] = answer["seasons"][0]
        not_before = time.monotonic() + report.get("pause", 0.0)
        if report.get("standings_stopped") == "OutOfTime" and not retried:
            retried = True
            return None
        return None if report["stopped"] in ("Busy", "OutOfTime") else report

    return aws.wait_until("etlGetFixtures to fetch from API-Football", attempt, every=10, limit=180), requests


def format_fixtures(fetched: FetchedFixtures) -> str:
    """Return the line of a season or week."""
    season = format_season(fetched.key)
    if fetched.fixtures == 0 and not fetched.undecided:
        counts = f"{season}: no fixtures; to fetch other ones, change --date or FOOTLAKE_SEASON"
        return "; ".join((counts, *describe_problems(asdict(fetched))))
    counts = f"{format_count(fetched.fixtures, 'fixture')}, {fetched.played} played"
    changed = f"{format_count(fetched.changed, 'object')} changed" if fetched.changed else "none changed"
    broken = f"; {len(fetched.broken)} cannot be read: {fetched.broken[0]}" if fetched.broken else ""
    return "; ".join((f"{season}: {counts} ({changed}){broken}", *describe_problems(asdict(fetched))))


def run(
    cli: CliContext, day: date | None, seasons: tuple[int, ...], leagues: tuple[int, ...], max_requests: int | None
) -> None:
    """Fetch the fixtures of the selected seasons and print the result."""
    selection = select_seasons(leagues or cli.config.leagues, cli.config.seasons, day, seasons)
    aws = cli.connect()
    result = ingest_fixtures(aws, selection, max_requests)
    cli.output.print_result(result, map(format_fixtures, result.seasons), football=cli.describe_data_source(aws))
