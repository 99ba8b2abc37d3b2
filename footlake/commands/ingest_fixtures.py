"""ingest-fixtures: etlGetFixtures, for a week or for whole seasons."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import click

from footlake.aws import AwsContext
from footlake.aws_jobs import format_fixture_ids, invoke_function, quota_exceeded, season_unknown
from footlake.cli_context import CliContext
from footlake.commands.options import (
    Asked,
    asked,
    day_option,
    league_option,
    max_requests_option,
    seasons_option,
)
from footlake.errors import StepFailed
from footlake.lake.s3_keys import RAW_FIXTURES, Season, Window, raw_fixtures
from footlake.model.registry import lake_store


@dataclass(frozen=True)
class FetchedFixtures:
    """One season, or one week of it. `missing` are those of the lake that the whole season does not have (any more)."""

    league: int
    season: int
    key: str
    fixtures: int
    played: int
    changed: int
    broken: list[str]
    missing: list[int]


@dataclass(frozen=True)
class IngestedFixtures:
    """What ingest-fixtures brought; `requests` to the football API."""

    seasons: list[FetchedFixtures]
    requests: int


def ingest_fixtures(aws: AwsContext, wanted: Asked, max_requests: int | None = None) -> IngestedFixtures:
    """Ask for each season or week. FootlakeError for a season that the API does not know, QuotaExceeded for a quota."""
    done: list[FetchedFixtures] = []
    requests = 0
    if max_requests is not None:  # the same command again goes on with those that were not asked for, or long ago
        asked_last = lake_store(aws).list_objects(RAW_FIXTURES)
        never = datetime.min.replace(tzinfo=UTC)
        wanted = sorted(wanted, key=lambda one: asked_last.get(raw_fixtures(*one), never))
    for season, window in wanted:
        one, asked_for = _fetch(aws, season, window, None if max_requests is None else max_requests - requests)
        requests += asked_for
        if one["stopped"] in ("QuotaSpent", "BudgetSpent"):
            raise quota_exceeded(
                one["stopped"], f"{len(wanted) - len(done)} of {len(wanted)} seasons are still to fetch"
            )
        if one["stopped"]:
            raise StepFailed(
                f"The fixtures of league {season.league}, season {season.year}, did not come: {one['reason']}",
                "Try again later; what was fetched is kept.",
            )
        if window is None and one["fixtures"] == 0:
            raise season_unknown(season)
        names = ("key", "fixtures", "played", "changed", "broken", "missing")
        done.append(FetchedFixtures(season.league, season.year, *(one[name] for name in names)))
    return IngestedFixtures(done, requests)


def _fetch(aws: AwsContext, season: Season, window: Window | None, allowed: int | None) -> tuple[dict[str, Any], int]:
    """One season's answer and the requests that it took, once the API's minute and other invocations allow it."""
    days = {"first": str(window.first), "last": str(window.last)} if window else {}
    requests, not_before = 0, 0.0

    def attempt() -> dict[str, Any] | None:
        nonlocal requests, not_before
        if time.monotonic() < not_before:
            return None
        left = {} if allowed is None else {"max_requests": max(0, allowed - requests)}
        answer = invoke_function(
            aws, "etlGetFixtures", {"league": season.league, "season": season.year, **days, **left}
        )
        requests += answer["requests"]
        one: dict[str, Any] = answer["seasons"][0]
        not_before = time.monotonic() + one.get("pause", 0.0)
        return None if one["stopped"] in ("Busy", "OutOfTime") else one

    return aws.wait_until("API-Football", attempt, every=10, limit=180), requests


def line(one: FetchedFixtures) -> str:
    """One season for people."""
    if one.fixtures == 0:
        return f"league {one.league} season {one.season}: no fixtures in these weeks (FOOTLAKE_SEASON is the season)"
    broken = f"; {len(one.broken)} not understood: {one.broken[0]}" if one.broken else ""
    missing = f"; no longer among them: {format_fixture_ids(one.missing)}" if one.missing else ""
    return (
        f"league {one.league} season {one.season}: {one.fixtures} fixtures, {one.played} played; "
        f"{one.changed} objects changed{broken}{missing}"
    )


@click.command("ingest-fixtures")
@day_option
@seasons_option
@league_option
@max_requests_option
@click.pass_obj
def command(
    cli: CliContext, day: date | None, seasons: tuple[int, ...], leagues: tuple[int, ...], max_requests: int | None
) -> None:
    """Fetch fixtures into the lake: the week of --date (default today), or whole seasons.

    Their arrival starts etlGetStatistics; with --max-requests it does not, so that ingest-stats can count, too.
    """
    wanted = asked(leagues or cli.config.leagues, cli.config.seasons, day, seasons)
    done = ingest_fixtures(cli.connect(), wanted, max_requests)
    cli.print_result(done, map(line, done.seasons), football=True)
