"""Start functions, jobs, crawlers and transforms on AWS, wait for them, and report why they failed."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from footlake.aws import AwsContext
from footlake.aws_errors import error_code, get_or_none
from footlake.errors import BOOTSTRAP_FIRST, FootlakeCommand, FootlakeError, Hint, NotReady, QuotaExceeded, StepFailed
from footlake.lake.s3_keys import Season, parse_raw_fixtures

SHOWN_LINES, SHOWN_IDS = 10, 5
# The script's stdout and stderr; the logs of Spark and of the system.
GLUE_OUTPUT, GLUE_ERROR = "/aws-glue/jobs/output", "/aws-glue/jobs/error"
# A record of log4j: its date and time in some format, then its level.
_ROUTINE = re.compile(r"\d\S*[ T]\d\S* +(TRACE|DEBUG|INFO|WARN)\b")
RUN_AGAIN = "Run the same command again to continue."
# Hints by the name of the exception class that a function raised, or by its AWS error code.
_HINTS = {
    "KeyRefused": Hint(
        "Set FOOTLAKE_API_KEY to a valid key, then run ",
        FootlakeCommand("bootstrap"),
        ", which stores it for the functions.",
    ),
    "PlanRefused": "Choose a season that the plan includes, or change the plan at API-Football.",
    "NoSource": "To use the simulated league instead: footlake local start --simulate",
    "BadParameter": "Check the league id (--league, FOOTLAKE_LEAGUE) and the season (--season, FOOTLAKE_SEASON).",
    "Unavailable": "Run the same command again later. Data fetched so far is kept.",
    "UnexpectedBody": Hint(
        "Run the same command again later. If the error persists, API-Football may have changed the form of its "
        "responses."
    ),
    "ResourceLimitExceeded": Hint(
        "Request a higher quota from AWS, or train a model that scores on this machine: ",
        FootlakeCommand("train-autopilot --on-this-machine"),
    ),
    "OutOfTime": RUN_AGAIN,
    "BadTable": "Correct or delete this object in the lake's bucket, then run the same command again.",
    "Sandbox.Timedout": RUN_AGAIN,
}


def invoke_function(aws: AwsContext, function: str, payload: dict[str, Any]) -> dict[str, Any]:
    """Invoke a Lambda function and return its result.

    Raises NotReady when the function or the key for API-Football does not exist, and StepFailed when it fails.
    """

    def invoke() -> Any:
        """Return the answer, or None while the functions of the account use up its concurrency."""
        return get_or_none(
            aws.client("lambda").invoke,
            "TooManyRequestsException",
            FunctionName=function,
            Payload=json.dumps(payload).encode(),
            LogType="Tail",
        )

    try:
        answer = invoke() or aws.wait_until("one of the account's concurrent Lambda invocations to end", invoke, 5, 300)
    except ClientError as error:
        if error_code(error) != "ResourceNotFoundException":
            raise
        raise NotReady(f"The Lambda function {function} does not exist.", BOOTSTRAP_FIRST) from None
    body = json.loads(answer["Payload"].read() or b"null")
    if "FunctionError" not in answer:
        result: dict[str, Any] = body
        return result
    kind, message = body.get("errorType", ""), body.get("errorMessage", "")
    if kind == "ParameterNotFound":
        raise NotReady(
            f"{function} cannot find the API-Football key in AWS Systems Manager.",
            Hint("Run ", FootlakeCommand("bootstrap"), ", which stores it there."),
        )
    if kind in _HINTS:
        raise StepFailed(f"{function}: {message}", _HINTS[kind])
    log = base64.b64decode(answer.get("LogResult", "")).decode(errors="replace").splitlines()
    frame = ("START ", "END ", "REPORT ", "INIT_START ")  # lines that Lambda adds to each invocation
    lines = [line for line in log if line.strip() and not line.startswith(frame)]
    raise StepFailed(f"{function} failed: {kind}: {message}", _more_log(function), lines[-SHOWN_LINES:])


def _more_log(source: str) -> Hint:
    return Hint("To see the whole log: ", FootlakeCommand(f"logs {source}"))


def format_count(number: int, noun: str, plural: str = "") -> str:
    """Return "1 fixture" or "2 fixtures"."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"


def format_fixture_ids(ids: Sequence[Any]) -> str:
    """Return the number of fixtures and the first few of their ids as text."""
    shown = ", ".join(str(fixture_id) for fixture_id in ids[:SHOWN_IDS])
    return f"{format_count(len(ids), 'fixture')} ({shown}{', …' if len(ids) > SHOWN_IDS else ''})"


def format_season(key: str) -> str:
    """Return the league and season of a raw fixtures key, and the days if it is a week of the season."""
    parsed = parse_raw_fixtures(key)
    if parsed is None:
        return key.rsplit("/", 1)[-1]
    season, window = parsed
    days = f", {window.first} to {window.last}" if window else ""
    return f"league {season.league} season {season.year}{days}"


def lake_missing(aws: AwsContext) -> NotReady:
    """Return the error for a lake that does not exist."""
    return NotReady(f"Data lake {aws.config.bucket} does not exist.", BOOTSTRAP_FIRST)


def season_unknown(season: Season) -> FootlakeError:
    """Return the error for a season that API-Football does not have."""
    return FootlakeError(
        f"API-Football has no fixtures of league {season.league} in season {season.year}.",
        "Check --league and --season. A season is named by the year in which it begins: 2020 for 2020/21.",
    )


def api_hint(error: Exception) -> str:
    """Return what to do about an exception of footlake.football.api, or nothing."""
    return _HINTS.get(type(error).__name__, "")


def quota_exceeded(stopped: str, left: str, again: str = "Run the same command again") -> QuotaExceeded:
    """Return the error that ends a command when its requests to API-Football are used up.

    `stopped` is the name of the exception that stopped it, `left` describes the remaining work, `again` how to resume.
    """
    if stopped == "BudgetSpent":
        return QuotaExceeded(f"The limit set with --max-requests is reached; {left}.", f"{again} to continue.")
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    return QuotaExceeded(
        f"The daily request quota of API-Football is used up; {left}.",
        f"{again} after {tomorrow} 00:00 UTC to continue.",
    )


def run_glue_jobs(aws: AwsContext, *names: str, arguments: dict[str, str] | None = None) -> list[str]:
    """Run these Glue jobs in parallel, wait for all of them, and return the ids of the runs.

    Raises StepFailed for the first one that failed, and NotReady for a job that does not exist.
    """
    glue = aws.client("glue")
    runs = {name: _start_job(aws, name, arguments or {}) for name in names}
    for name, run in runs.items():

        def ended(name: str = name, run: str = run) -> dict[str, Any] | None:
            state: dict[str, Any] = glue.get_job_run(JobName=name, RunId=run)["JobRun"]
            return None if state["JobRunState"] in ("STARTING", "RUNNING", "STOPPING", "WAITING") else state

        result = aws.wait_until(f"Glue job {name}", ended, every=10, limit=3600)
        if result["JobRunState"] != "SUCCEEDED":
            reason = _failure_summary(result.get("ErrorMessage") or result["JobRunState"].lower())
            raise StepFailed(
                f"The Glue job {name} ended with status {result['JobRunState']}: {reason}",
                _more_log(name),
                _glue_failure_lines(aws, run),
            )
    return list(runs.values())


def _glue_failure_lines(aws: AwsContext, run: str) -> list[str]:
    """Return the traceback of a failed Glue run, or else the last lines of its output, or of the system's log.

    Glue writes stdout and stderr of a script to the group `output`, and the logs of Spark to the group `error`:
    https://docs.aws.amazon.com/glue/latest/dg/monitor-continuous-logging.html
    """
    output = read_log_lines(aws, run, GLUE_OUTPUT)
    if traceback := last_traceback(output):
        return traceback[-SHOWN_LINES:]
    system = [line for line in read_log_lines(aws, run, GLUE_ERROR) if not is_routine(line)]
    return (output or system)[-SHOWN_LINES:]


def last_traceback(lines: Sequence[str]) -> list[str]:
    """Return the last Python traceback, from its first line to the line with the exception; empty without one."""
    starts = [index for index, line in enumerate(lines) if line.startswith("Traceback (most recent call last)")]
    if not starts:
        return []
    start = starts[-1]
    end = next((index for index in range(start + 1, len(lines)) if not lines[index][:1].isspace()), len(lines))
    return list(lines[start : end + 1])


def is_routine(text: str) -> bool:
    """Return whether a line of Glue's system log is below the level ERROR."""
    return bool(_ROUTINE.match(text))


def last_log_lines(
    aws: AwsContext, stream: str, *groups: str, since: datetime | None = None, containing: str = ""
) -> list[str]:
    """Return the last lines that `read_log_lines` returns."""
    return read_log_lines(aws, stream, *groups, since=since, containing=containing)[-SHOWN_LINES:]


def read_log_lines(
    aws: AwsContext, stream: str, *groups: str, since: datetime | None = None, containing: str = ""
) -> list[str]:
    """Return the lines of the streams that begin with `stream`, without those that cannot be read.

    `since` and `containing` leave out the events of other runs that wrote to the same streams.
    """
    start = {"startTime": int(since.timestamp() * 1000)} if since else {}
    pages = aws.client("logs").get_paginator("filter_log_events")
    events: list[dict[str, Any]] = []
    for group in groups:
        with suppress(ClientError, BotoCoreError):  # the failure itself is more important than its log
            for page in pages.paginate(logGroupName=group, logStreamNamePrefix=stream, **start):
                events += [
                    event
                    for event in page["events"]
                    # Not every emulator applies the prefix.
                    if event.get("logStreamName", stream).startswith(stream) and containing in event.get("message", "")
                ]
    events.sort(key=lambda event: int(event.get("timestamp", 0)))
    return [line for event in events for line in event.get("message", "").splitlines() if line.strip()]


def _failure_summary(text: str) -> str:
    """Return the first line of a failure and the last cause in its stack trace."""
    lines = [line.strip() for line in text.strip().splitlines()]
    causes = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")]
    return " ".join([lines[0], *causes[-1:]]) if lines else "no reason given"


def _start_job(aws: AwsContext, name: str, arguments: dict[str, str]) -> str:
    """Start a job once no other run of it is in progress, and return the id of the new run.

    A run in progress can have read the lake before the latest data arrived.
    """
    glue = aws.client("glue")

    def start() -> str | None:
        try:
            return str(glue.start_job_run(JobName=name, Arguments=arguments)["JobRunId"])
        except glue.exceptions.ConcurrentRunsExceededException:
            return None

    try:
        return aws.wait_until(f"another run of Glue job {name}", start, every=10, limit=3600)
    except glue.exceptions.EntityNotFoundException:
        raise NotReady(f"The Glue job {name} does not exist.", BOOTSTRAP_FIRST) from None


def run_crawler(aws: AwsContext, name: str) -> dict[str, Any]:
    """Run a crawler, wait for it, and return its LastCrawl.

    A crawl in progress, which its schedule may have started, can have read the lake before the latest data arrived, so
    another follows. Raises StepFailed when the crawl failed, and NotReady when the crawler
    does not exist.
    """
    glue = aws.client("glue")

    def start() -> dict[str, Any] | None:
        """Start a crawl unless one is in progress, and return the LastCrawl before it."""
        previous: dict[str, Any] = glue.get_crawler(Name=name)["Crawler"].get("LastCrawl", {})
        try:
            glue.start_crawler(Name=name)
        except glue.exceptions.CrawlerRunningException:
            return None
        return previous

    try:
        previous = aws.wait_until(f"another run of Glue crawler {name}", start, every=10, limit=1800)
    except glue.exceptions.EntityNotFoundException:
        raise NotReady(f"The Glue crawler {name} does not exist.", BOOTSTRAP_FIRST) from None

    def ended() -> dict[str, Any] | None:
        crawler = glue.get_crawler(Name=name)["Crawler"]
        last: dict[str, Any] = crawler.get("LastCrawl", {})
        # The crawler may still be READY shortly after the start. Only the end of a crawl changes LastCrawl.
        return last if crawler["State"] == "READY" and (last != previous or not last) else None

    last = aws.wait_until(f"Glue crawler {name}", ended, every=10, limit=1800)
    if last.get("Status") not in ("SUCCEEDED", None):
        raise StepFailed(
            f"The Glue crawler {name} ended with status {last['Status']}: {last.get('ErrorMessage', 'no reason')}",
            _more_log(name),
            _crawl_log(aws, name, last),
        )
    return last


def _crawl_log(aws: AwsContext, crawler: str, crawl: dict[str, Any]) -> list[str]:
    """Return the last lines of a crawl. All crawls of a crawler write to one stream, each line with the crawl's id.

    https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-crawler-crawling.html#aws-glue-api-crawler-crawling-LastCrawlInfo
    """
    return last_log_lines(
        aws,
        crawl.get("LogStream") or crawler,
        crawl.get("LogGroup") or "/aws-glue/crawlers",
        since=crawl.get("StartTime"),
        containing=crawl.get("MessagePrefix", ""),
    )


def wait_for_transform(aws: AwsContext, job: str) -> dict[str, Any]:
    """Wait for a batch transform and return its description. Raises StepFailed with the reason from SageMaker."""
    sagemaker = aws.client("sagemaker")

    def ended() -> dict[str, Any] | None:
        state: dict[str, Any] = sagemaker.describe_transform_job(TransformJobName=job)
        return None if state["TransformJobStatus"] in ("InProgress", "Stopping") else state

    result = aws.wait_until(f"transform job {job}", ended, every=15, limit=3600)
    if result["TransformJobStatus"] != "Completed":
        reason = _failure_summary(result.get("FailureReason") or result["TransformJobStatus"].lower())
        raise StepFailed(
            f"The transform job {job} ended with status {result['TransformJobStatus']}: {reason}",
            _more_log("transform"),
            last_log_lines(aws, f"{job}/", "/aws/sagemaker/TransformJobs"),
        )
    return result
