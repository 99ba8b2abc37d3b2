"""The lake's logs in CloudWatch: who wrote them, and what they say, in the order of time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from botocore.exceptions import ClientError

from footlake.aws import AwsContext
from footlake.deploy.catalogue import SAGEMAKER_LOGS, catalogue
from footlake.resources.base import error_code, get_or_none
from footlake.resources.glue import GlueCrawler, GlueJob
from footlake.resources.lambdas import LambdaFunction

_BAD = re.compile(
    r"\b(ERROR|CRITICAL|FATAL|Traceback|[A-Z]\w*(Error|Exception)|Task timed out|Runtime exited|Caused by)\b"
)


@dataclass(frozen=True)
class LogEvent:
    """One line, when it was written (UTC), and by which function, job or crawler."""

    time: datetime
    source: str
    message: str
    group: str
    stream: str
    id: str


@dataclass(frozen=True)
class LogSource:
    """A log group, who of the lake may write to it, and by a stream's name which of them did; None: somebody else."""

    name: str
    writers: frozenset[str]
    whose: Callable[[str], str | None]


def log_sources(aws: AwsContext) -> list[LogSource]:
    """Where the lake's functions, jobs and crawlers write. Glue's and SageMaker's groups are the whole account's."""
    resources = catalogue(aws.config)
    known = [
        LogSource(one.log_group.name, frozenset([one.name]), lambda stream, name=one.name: name)  # type: ignore[misc]
        for one in resources
        if isinstance(one, LambdaFunction)
    ]
    jobs = frozenset(one.name for one in resources if isinstance(one, GlueJob))
    runs = {run: job for job in jobs for run in _runs(aws, job)}

    def of_run(stream: str) -> str | None:
        """Executors' streams begin with the run's id, too."""
        return next((job for run, job in runs.items() if stream.startswith(run)), None)

    known += [LogSource(f"/aws-glue/jobs/{kind}", jobs, of_run) for kind in ("output", "error")]
    crawlers = frozenset(one.name for one in resources if isinstance(one, GlueCrawler))
    known.append(LogSource("/aws-glue/crawlers", crawlers, lambda stream: stream if stream in crawlers else None))
    ours = f"{aws.config.model}-".lower()
    for group in SAGEMAKER_LOGS:
        kind = group.name.rpartition("/")[2].removesuffix("Jobs").lower()

        def of_job(stream: str, kind: str = kind) -> str | None:
            return kind if stream.lower().startswith(ours) else None

        known.append(LogSource(group.name, frozenset([kind]), of_job))
    return known


def _runs(aws: AwsContext, job: str) -> list[str]:
    """The ids of a Glue job's newest runs."""
    answer = get_or_none(aws.client("glue").get_job_runs, "EntityNotFoundException", JobName=job, MaxResults=100)
    return [run["Id"] for run in answer["JobRuns"]] if answer else []


def read_events(aws: AwsContext, since: datetime, wanted: str | None = None) -> list[LogEvent]:
    """What was written since then, by all or by the `wanted` one, in the order of time."""
    lines = [
        line
        for group in log_sources(aws)
        if wanted is None or wanted in group.writers
        for line in _written(aws, group, since)
        if wanted in (None, line.source)
    ]
    return sorted(lines, key=lambda line: line.time)


def _written(aws: AwsContext, group: LogSource, since: datetime) -> Iterator[LogEvent]:
    pages = aws.client("logs").get_paginator("filter_log_events")
    try:
        for page in pages.paginate(logGroupName=group.name, startTime=int(since.timestamp() * 1000), interleaved=True):
            for event in page["events"]:
                stream = event["logStreamName"]
                if source := group.whose(stream):
                    time = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
                    for text in event["message"].rstrip().splitlines():
                        yield LogEvent(time, source, text, group.name, stream, event["eventId"])
    except ClientError as error:
        if error_code(error) != "ResourceNotFoundException":
            raise


def is_error(text: str) -> bool:
    """Whether a line tells of a failure."""
    return bool(_BAD.search(text))


def only_errors(lines: Iterable[LogEvent], stacks: dict[str, bool] | None = None) -> Iterator[LogEvent]:
    """The lines that tell of a failure, and the stack that follows one: indented lines, and the one that ends Python's.

    `stacks` has the streams that are in a stack, and whether it is Python's; given, it goes on with lines read later.
    """
    stacks = {} if stacks is None else stacks
    for line in lines:
        if line.stream in stacks and line.message[:1].isspace():
            yield line
        elif is_error(line.message):
            stacks[line.stream] = "Traceback (most recent call last)" in line.message
            yield line
        elif stacks.pop(line.stream, False):
            yield line
