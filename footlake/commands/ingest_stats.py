"""ingest-stats: etlGetStatistics, until it has the statistics of every fixture that was played."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import click

from footlake import layout
from footlake.app import App
from footlake.commands.options import Asked, asked, day_option, league_option, seasons_option
from footlake.errors import GoOnLater, NotReady, StepFailed
from footlake.lake import Lake
from footlake.resources.base import found
from footlake.steps import invoke


@dataclass(frozen=True)
class Fetched:
    """One season, or one week of it: `without` are the fixtures of which the API has no full statistics."""

    key: str
    played: int
    fetched: int
    without: list[int]


@dataclass(frozen=True)
class IngestedStatistics:
    """What ingest-stats brought; `requests` to the football API."""

    seasons: list[Fetched]
    requests: int


def ingest_stats(lake: Lake, wanted: Asked) -> IngestedStatistics:
    """Fetch the statistics that are missing for these seasons or weeks. NotReady where their fixtures are not there."""
    done: list[Fetched] = []
    requests = 0
    for season, window in wanted:
        key = layout.raw_fixtures(season, window)
        if not _there(lake, key):
            raise NotReady(
                f"The fixtures of league {season.league}, {window or f'season {season.year}'}, are not in the lake.",
                "Run footlake ingest-fixtures with the same options first.",
            )
        one, asked_for = _until_complete(lake, key)
        done.append(one)
        requests += asked_for
    return IngestedStatistics(done, requests)


def _there(lake: Lake, key: str) -> bool:
    head = lake.client("s3").head_object
    owner = lake.config.account
    return found(head, "404", "NoSuchBucket", Bucket=lake.config.bucket, Key=key, ExpectedBucketOwner=owner) is not None


def _until_complete(lake: Lake, key: str) -> tuple[Fetched, int]:
    """Invoke again while a file is being worked on by the S3 event's invocation, or was more than fits in one."""
    fetched = requests = 0
    empty: set[int] = set()
    while True:
        answer = lake.wait_until("another invocation of etlGetStatistics", lambda: _attempt(lake, key), 5, 300)
        requests += answer["requests"]
        file = answer["files"][0]
        fetched += file["fetched"]
        if file["stopped"] == "QuotaSpent":
            raise GoOnLater(
                f"The day's requests to API-Football are used up; {file['remaining']} fixtures are still to fetch.",
                "Run the same command again tomorrow: it goes on where it stopped.",
            )
        if file["remaining"] == 0:
            return Fetched(key, file["played"], fetched, file["without"]), requests
        if file["fetched"] == 0 and empty.issuperset(file["without"]):
            raise StepFailed(
                f"etlGetStatistics got no further: {file['remaining']} fixtures are still to fetch.",
                "Run the same command again later: it goes on where it stopped.",
            )
        empty.update(file["without"])


def _attempt(lake: Lake, key: str) -> dict[str, Any] | None:
    answer = invoke(lake, "etlGetStatistics", {"keys": [key]})
    return None if any(file.get("busy") for file in answer["files"]) else answer


def line(one: Fetched) -> str:
    """One season for people."""
    complete = one.played - len(one.without)
    return f"{one.key.rsplit('/', 1)[-1]}: {one.played} played, {complete} of them with statistics ({one.fetched} new)"


@click.command("ingest-stats")
@day_option
@seasons_option
@league_option
@click.pass_obj
def command(app: App, day: date | None, seasons: tuple[int, ...], leagues: tuple[int, ...]) -> None:
    """Fetch the statistics of the fixtures that were played: of the week of --date (default today), or whole seasons.

    The arrival of new fixtures in the lake starts the same work by itself; this waits for it and completes it.
    """
    wanted = asked(leagues or app.config.leagues, app.config.season, day, seasons)
    done = ingest_stats(app.lake(), wanted)
    app.show(done, map(line, done.seasons), football=True)
