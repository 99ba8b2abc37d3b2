"""ingest-stats: invoke etlGetStatistics until it has the statistics of every fixture that was played."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from footlake.aws import AwsContext
from footlake.aws_errors import get_or_none
from footlake.aws_jobs import (
    format_count,
    format_fixture_ids,
    format_season,
    invoke_function,
    lake_missing,
    quota_exceeded,
)
from footlake.cli_context import CliContext
from footlake.commands.options import (
    SeasonSelection,
    select_seasons,
)
from footlake.errors import FootlakeCommand, Hint, NotReady, StepFailed
from footlake.lake import s3_keys


@dataclass(frozen=True)
class FetchedStatistics:
    """One season, or one week of it.

    `without` are the fixtures for which the API has no complete statistics, `doubtful` those whose statistics are
    inconsistent.
    """

    key: str
    played: int
    fetched: int
    without: list[int]
    doubtful: list[int]


@dataclass(frozen=True)
class IngestedStatistics:
    """The fetched seasons, and the number of requests to the football API."""

    seasons: list[FetchedStatistics]
    requests: int


@dataclass
class FileProgress:
    """The sum of several invocations for one raw fixtures file; `file` is the report of the last one."""

    fetched: int = 0
    requests: int = 0
    remaining: int = 0
    stopped: str = ""
    failed: dict[str, str] = field(default_factory=dict)
    file: dict[str, Any] = field(default_factory=dict)

    def add(self, answer: dict[str, Any]) -> None:
        """Add the answer of an invocation."""
        self.file = answer["files"][0]
        self.requests += answer["requests"]
        self.fetched += self.file["fetched"]
        self.remaining = self.file["remaining"]
        # A fixture that failed in an earlier invocation may have succeeded in this one.
        without = set(map(str, self.file["without"]))
        still_failed = {fixture: reason for fixture, reason in self.failed.items() if fixture in without}
        self.failed = still_failed | self.file["failed"]


def ingest_stats(
    aws: AwsContext,
    selection: SeasonSelection,
    max_requests: int | None = None,
    since: datetime | None = None,
    refresh: datetime | None = None,
) -> IngestedStatistics:
    """Fetch the statistics of these seasons or weeks, whose fixtures must be in the lake.

    Incomplete statistics are fetched again after 12 hours, but not if they were fetched after `since`, by default the
    time at which the fixtures were written. With `refresh`, everything that was last fetched before that time is
    fetched again.

    Raise NotReady if the fixtures are missing, QuotaExceeded if the requests are used up, StepFailed for a failure.
    """
    _require_fixtures(aws, selection)
    times = {name: time.isoformat() for name, time in (("since", since), ("refresh", refresh)) if time}
    progress: list[FileProgress] = []
    requests = 0
    for selected in selection:
        limit = {} if max_requests is None else {"max_requests": max(0, max_requests - requests)}
        progress.append(_fetch_file(aws, {"keys": [s3_keys.raw_fixtures(*selected)], **times, **limit}))
        requests += progress[-1].requests
    _raise_if_incomplete(progress, refresh)
    seasons = [
        FetchedStatistics(
            s3_keys.raw_fixtures(*selected), one.file["played"], one.fetched, one.file["without"], one.file["doubtful"]
        )
        for selected, one in zip(selection, progress, strict=True)
    ]
    return IngestedStatistics(seasons, requests)


def _require_fixtures(aws: AwsContext, selection: SeasonSelection) -> None:
    """Raise NotReady if the lake lacks the fixtures of a season or week."""
    where = {"Bucket": aws.config.bucket, "ExpectedBucketOwner": aws.config.account}
    for season, window in selection:
        key = s3_keys.raw_fixtures(season, window)
        if get_or_none(aws.client("s3").head_object, "404", "NoSuchBucket", Key=key, **where) is None:
            raise NotReady(
                f"The fixtures of league {season.league}, {window or f'season {season.year}'}, are not in the lake.",
                Hint("Run ", FootlakeCommand("ingest-fixtures"), " with the same options first."),
            )


def _raise_if_incomplete(progress: Sequence[FileProgress], refresh: datetime | None) -> None:
    """Raise QuotaExceeded or StepFailed if fixtures are left without the statistics that were requested."""
    remaining = sum(one.remaining for one in progress)
    if stopped := next((one.stopped for one in progress if one.stopped), ""):
        again = f"Run it again with --refresh {refresh:%Y-%m-%dT%H:%M:%SZ}" if refresh else "Run the same command again"
        raise quota_exceeded(
            stopped, f"the statistics of {format_count(remaining, 'fixture')} are still missing", again
        )
    failed = {fixture: reason for one in progress for fixture, reason in one.failed.items()}
    if failed:
        rest = (
            f" Not requested yet: {format_count(remaining - len(failed), 'fixture')}."
            if remaining > len(failed)
            else ""
        )
        raise StepFailed(
            f"Cannot fetch the statistics of {format_fixture_ids(list(failed))}: {next(iter(failed.values()))}{rest}",
            "Run the same command again later to continue. Data fetched so far is kept.",
        )


def _fetch_file(aws: AwsContext, event: dict[str, Any]) -> FileProgress:
    """Invoke etlGetStatistics for one file until it is complete, the quota is used up, or statistics fail.

    One invocation may not have time for a whole season. Waits while another invocation works on the file.
    """
    progress, budget = FileProgress(), event.get("max_requests")

    def attempt() -> dict[str, Any] | None:
        limit = {} if budget is None else {"max_requests": max(0, budget - progress.requests)}
        answer = invoke_function(aws, "etlGetStatistics", event | limit)
        return None if answer["files"][0]["stopped"] == "Busy" else answer

    while True:
        progress.add(aws.wait_until("another invocation of etlGetStatistics to end", attempt, 5, 300))
        stopped = progress.file["stopped"]
        if stopped == "OutOfTime" and progress.file["progress"]:
            continue
        if stopped in ("QuotaSpent", "BudgetSpent"):
            progress.stopped = stopped
        elif stopped and not progress.failed:
            raise StepFailed(
                "etlGetStatistics stopped without progress; the statistics of"
                f" {format_count(progress.remaining, 'fixture')} are still missing.",
                "Run the same command again later to continue.",
            )
        return progress


def format_statistics(fetched: FetchedStatistics) -> str:
    """Return the line of a season or week."""
    season, complete = format_season(fetched.key), fetched.played - len(fetched.without)
    if not fetched.played:
        return f"{season}: no fixture was played yet"
    share = "all" if complete == fetched.played else str(complete or "none")
    text = f"{season}: {format_count(fetched.played, 'played fixture')}, {share} with statistics"
    text += _describe_origin(fetched.fetched, complete)
    text += f"; without statistics: {format_fixture_ids(fetched.without)}" if fetched.without else ""
    return text + (f"; inconsistent statistics: {format_fixture_ids(fetched.doubtful)}" if fetched.doubtful else "")


def _describe_origin(fetched: int, complete: int) -> str:
    """Return when the statistics were fetched. An event mostly fetches them before this command is run."""
    if not complete:
        return ""
    if not fetched:
        return " (already fetched when the fixtures arrived or earlier)"
    return " (fetched now)" if fetched >= complete else f" ({fetched} fetched now, {complete - fetched} before)"


def run(
    cli: CliContext,
    day: date | None,
    seasons: tuple[int, ...],
    leagues: tuple[int, ...],
    max_requests: int | None,
    refresh: datetime | None,
) -> None:
    """Fetch the statistics of the selected seasons and print the result."""
    selection = select_seasons(leagues or cli.config.leagues, cli.config.seasons, day, seasons)
    aws = cli.connect()
    now = _s3_time(aws)
    result = ingest_stats(aws, selection, max_requests, now, min(refresh, now) if refresh else None)
    cli.output.print_result(result, map(format_statistics, result.seasons), football=cli.describe_data_source(aws))


def _s3_time(aws: AwsContext) -> datetime:
    """Return the current time by the clock of S3, which also dates the objects. Raise NotReady without a lake."""
    where = {"Bucket": aws.config.bucket, "ExpectedBucketOwner": aws.config.account}
    answer = get_or_none(aws.client("s3").head_bucket, "404", "NoSuchBucket", **where)
    if answer is None:
        raise lake_missing(aws)
    return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
