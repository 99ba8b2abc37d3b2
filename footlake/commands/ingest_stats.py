"""ingest-stats: etlGetStatistics, until it has the statistics of every fixture that was played."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import click

from footlake.aws import AwsContext
from footlake.aws_jobs import format_fixture_ids, invoke_function, lake_missing, quota_exceeded
from footlake.cli_context import CliContext
from footlake.commands.options import (
    Asked,
    Since,
    asked,
    day_option,
    league_option,
    max_requests_option,
    seasons_option,
)
from footlake.errors import NotReady, StepFailed
from footlake.lake import s3_keys
from footlake.resources.base import get_or_none

EVERYTHING = datetime.max.replace(tzinfo=UTC)  # that was asked for before it


@dataclass(frozen=True)
class FetchedStatistics:
    """One season, or one week of it.

    `without` are the fixtures of which the API has no full statistics, `doubtful` those whose do not add up.
    """

    key: str
    played: int
    fetched: int
    without: list[int]
    doubtful: list[int]


@dataclass(frozen=True)
class IngestedStatistics:
    """What ingest-stats brought; `requests` to the football API."""

    seasons: list[FetchedStatistics]
    requests: int


@dataclass
class Progress:
    """What came of several invocations about one file."""

    fetched: int = 0
    requests: int = 0
    remaining: int = 0
    stopped: str = ""
    failed: dict[str, str] = field(default_factory=dict)
    file: dict[str, Any] = field(default_factory=dict)


def ingest_stats(
    aws: AwsContext,
    wanted: Asked,
    max_requests: int | None = None,
    since: datetime | None = None,
    refresh: datetime | None = None,
) -> IngestedStatistics:
    """Let the statistics of these seasons or weeks follow their fixtures; NotReady where those are not there.

    What was not whole is asked for again unless it was since the time `since`, by default since the fixtures came;
    and everything that was last asked for before `refresh`. QuotaExceeded for a quota, StepFailed for a failure.
    """
    keys = [(season, window, s3_keys.raw_fixtures(season, window)) for season, window in wanted]
    for season, window, key in keys:
        if not _there(aws, key):
            raise NotReady(
                f"The fixtures of league {season.league}, {window or f'season {season.year}'}, are not in the lake.",
                "Run footlake ingest-fixtures with the same options first.",
            )
    times = {name: one.isoformat() for name, one in (("since", since), ("refresh", refresh)) if one}
    done: list[FetchedStatistics] = []
    requests = remaining = 0
    stopped, failed = "", dict[str, str]()
    for _, _, key in keys:
        left = {} if max_requests is None else {"max_requests": max(0, max_requests - requests)}
        one = _until_complete(aws, {"keys": [key], **times, **left})
        requests += one.requests
        remaining += one.remaining
        stopped = stopped or one.stopped
        failed |= one.failed
        done.append(FetchedStatistics(key, one.file["played"], one.fetched, one.file["without"], one.file["doubtful"]))
    if stopped:
        again = f"Run it again with --refresh {refresh:%Y-%m-%dT%H:%M:%SZ}" if refresh else "Run the same command again"
        raise quota_exceeded(stopped, f"{remaining} fixtures are still to fetch", again)
    if failed:
        rest = f" {remaining - len(failed)} more were not asked for." if remaining > len(failed) else ""
        raise StepFailed(
            f"The statistics of {format_fixture_ids(list(failed))} did not come: {next(iter(failed.values()))}{rest}",
            "Run the same command again later: what was good is kept, and it goes on where it stopped.",
        )
    return IngestedStatistics(done, requests)


def _there(aws: AwsContext, key: str) -> bool:
    head = aws.client("s3").head_object
    owner = aws.config.account
    return (
        get_or_none(head, "404", "NoSuchBucket", Bucket=aws.config.bucket, Key=key, ExpectedBucketOwner=owner)
        is not None
    )


def _until_complete(aws: AwsContext, event: dict[str, Any]) -> Progress:
    """Invoke again while a season is being worked on by another invocation, or is more than fits in one."""
    so_far, budget = Progress(), event.get("max_requests")

    def attempt() -> dict[str, Any] | None:
        left = {} if budget is None else {"max_requests": max(0, budget - so_far.requests)}
        answer = invoke_function(aws, "etlGetStatistics", event | left)
        return None if answer["files"][0]["stopped"] == "Busy" else answer

    while True:
        answer = aws.wait_until("another invocation of etlGetStatistics", attempt, 5, 300)
        so_far.requests += answer["requests"]
        so_far.file = file = answer["files"][0]
        so_far.fetched += file["fetched"]
        so_far.remaining = file["remaining"]
        # One that failed before and has come since is none any more.
        still = {id: reason for id, reason in so_far.failed.items() if int(id) in file["without"]}
        so_far.failed = still | file["failed"]
        if file["stopped"] == "OutOfTime" and file["progress"]:
            continue
        if file["stopped"] in ("QuotaSpent", "BudgetSpent"):
            so_far.stopped = file["stopped"]
        elif file["stopped"] and not so_far.failed:
            raise StepFailed(
                f"etlGetStatistics got no further: {file['remaining']} fixtures are still to fetch.",
                "Run the same command again later: it goes on where it stopped.",
            )
        return so_far


def line(one: FetchedStatistics) -> str:
    """One season for people."""
    complete = one.played - len(one.without)
    text = (
        f"{one.key.rsplit('/', 1)[-1]}: {one.played} played, {complete} of them with statistics ({one.fetched} fetched)"
    )
    text += f"; without: {format_fixture_ids(one.without)}" if one.without else ""
    return text + (f"; do not add up: {format_fixture_ids(one.doubtful)}" if one.doubtful else "")


@click.command("ingest-stats")
@day_option
@seasons_option
@league_option
@max_requests_option
@click.option(
    "--refresh",
    type=Since(),
    is_flag=False,
    flag_value=EVERYTHING,
    metavar="[TIME]",
    help="Ask again for everything; or for what was last asked for before TIME, to go on with such a run.",
)
@click.pass_obj
def command(
    cli: CliContext,
    day: date | None,
    seasons: tuple[int, ...],
    leagues: tuple[int, ...],
    max_requests: int | None,
    refresh: datetime | None,
) -> None:
    """Fetch the statistics of the fixtures that were played: of the week of --date (default today), or whole seasons.

    The arrival of new fixtures in the lake starts the same work by itself; this waits for it and completes it. Asked
    for are the fixtures that the lake has no statistics of; again, those that finished less than 8 days before their
    fixtures were last fetched, and, five times at most, those whose statistics were empty or did not add up.
    """
    wanted = asked(leagues or cli.config.leagues, cli.config.seasons, day, seasons)
    aws = cli.connect()
    now = _s3_time(aws)
    done = ingest_stats(aws, wanted, max_requests, now, min(refresh, now) if refresh else None)
    cli.print_result(done, map(line, done.seasons), football=True)


def _s3_time(aws: AwsContext) -> datetime:
    """Now, by the clock that tells when objects were written."""
    answer = get_or_none(
        aws.client("s3").head_bucket,
        "404",
        "NoSuchBucket",
        Bucket=aws.config.bucket,
        ExpectedBucketOwner=aws.config.account,
    )
    if answer is None:
        raise lake_missing(aws)
    return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
