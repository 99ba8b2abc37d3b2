"""Read the logs of the lake's functions, jobs and crawlers from CloudWatch."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from botocore.exceptions import ClientError

from footlake.aws import AwsContext
from footlake.aws_errors import error_code, get_or_none
from footlake.aws_jobs import GLUE_ERROR, GLUE_OUTPUT, is_routine
from footlake.deploy.catalogue import SAGEMAKER_LOGS, catalogue
from footlake.resources.glue import GlueCrawler, GlueJob
from footlake.resources.lambdas import LambdaFunction
from footlake.resources.logs import LogGroup

_ERROR = re.compile(
    r"\b(ERROR|CRITICAL|FATAL|Traceback|[A-Z]\w*(Error|Exception)|Task timed out|Runtime exited|Caused by)\b"
)


@dataclass(frozen=True)
class LogEvent:
    """One line of a log, with its time (UTC) and the function, job or crawler that wrote it."""

    time: datetime
    source: str
    message: str
    group: str
    stream: str
    id: str


@dataclass(frozen=True)
class LogSource:
    """A log group and the names of its writers.

    `writer_of` returns the writer of a stream from the name of the stream, or None if it is not part of the lake.
    """

    name: str
    writers: frozenset[str]
    writer_of: Callable[[str], str | None]


def log_sources(aws: AwsContext) -> list[LogSource]:
    """Return the log groups of the lake. All of the account shares the groups of Glue and SageMaker."""
    resources = catalogue(aws.config)
    functions = [resource for resource in resources if isinstance(resource, LambdaFunction)]
    jobs = frozenset(resource.name for resource in resources if isinstance(resource, GlueJob))
    crawlers = frozenset(resource.name for resource in resources if isinstance(resource, GlueCrawler))
    job_of = _writer_by_prefix({run: job for job in jobs for run in _run_ids(aws, job)})
    return [
        *(_single_writer(function.log_group.name, function.name, "") for function in functions),
        *(LogSource(group, jobs, job_of) for group in (GLUE_OUTPUT, GLUE_ERROR)),
        LogSource("/aws-glue/crawlers", crawlers, lambda stream: stream if stream in crawlers else None),
        *(_single_writer(group.name, _job_type(group), f"{aws.config.model}-") for group in SAGEMAKER_LOGS),
    ]


def _job_type(group: LogGroup) -> str:
    """Return `training` for the log group /aws/sagemaker/TrainingJobs."""
    return group.name.rpartition("/")[2].removesuffix("Jobs").lower()


def _single_writer(group: str, writer: str, prefix: str) -> LogSource:
    """Return a log group in which the streams with `prefix`, in any case, are those of `writer`."""
    return LogSource(group, frozenset([writer]), _writer_by_prefix({prefix: writer}))


def _writer_by_prefix(writers: Mapping[str, str]) -> Callable[[str], str | None]:
    """Return a function from the name of a stream to the writer whose key it begins with, in any case."""

    def writer_of(stream: str) -> str | None:
        matches = (writer for prefix, writer in writers.items() if stream.lower().startswith(prefix.lower()))
        return next(matches, None)

    return writer_of


def _run_ids(aws: AwsContext, job: str) -> list[str]:
    """Return the ids of the latest 100 runs of a Glue job."""
    answer = get_or_none(aws.client("glue").get_job_runs, "EntityNotFoundException", JobName=job, MaxResults=100)
    return [run["Id"] for run in answer["JobRuns"]] if answer else []


def read_events(aws: AwsContext, since: datetime, writer: str | None = None) -> list[LogEvent]:
    """Return the lines since a time, from all writers or one, ordered by time."""
    lines = [
        line
        for group in log_sources(aws)
        if writer is None or writer in group.writers
        for line in _read_group(aws, group, since)
        if writer in (None, line.source)
    ]
    return sorted(lines, key=lambda line: line.time)


def _read_group(aws: AwsContext, group: LogSource, since: datetime) -> Iterator[LogEvent]:
    pages = aws.client("logs").get_paginator("filter_log_events")
    try:
        for page in pages.paginate(logGroupName=group.name, startTime=int(since.timestamp() * 1000), interleaved=True):
            for event in page["events"]:
                if group.name == GLUE_ERROR and is_routine(event.get("message", "")):
                    continue  # thousands of lines of Spark for each run
                stream = event.get("logStreamName", "")
                if source := group.writer_of(stream):
                    time = datetime.fromtimestamp(event.get("timestamp", 0) / 1000, UTC)
                    event_id = event.get("eventId") or f"{stream} {time} {event.get('message')}"
                    for text in event.get("message", "").rstrip().splitlines():
                        yield LogEvent(time, source, text, group.name, stream, event_id)
    except ClientError as error:
        if error_code(error) != "ResourceNotFoundException":
            raise


def is_error(text: str) -> bool:
    """Whether a line reports a failure."""
    return bool(_ERROR.search(text))


def only_errors(lines: Iterable[LogEvent], stacks: dict[str, bool] | None = None) -> Iterator[LogEvent]:
    """Yield the lines that report a failure and their stack traces.

    A stack trace is the indented lines that follow, and for Python also the first line after them. `stacks` maps each
    stream inside a stack trace to whether that is Python's; pass the same mapping to continue with later lines.
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
