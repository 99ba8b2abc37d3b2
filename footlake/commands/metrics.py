"""metrics: print the number, failures, durations and costs of function, job, transform and training runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Any

import click
from botocore.exceptions import ClientError

from footlake.aws import AwsContext
from footlake.aws_errors import get_or_none, is_denied
from footlake.cli_context import CliContext
from footlake.commands.options import Since
from footlake.deploy import costs
from footlake.deploy.catalogue import catalogue
from footlake.resources.glue import GlueJob
from footlake.resources.lambdas import LambdaFunction

HOUR = 3600
NO_JOB = "the job does not exist, and Glue deletes the runs of a job with it"
# Metric name and statistic, as CloudWatch has them for AWS/Lambda; durations are in milliseconds.
LAMBDA_STATISTICS = (
    ("Invocations", "Sum"),
    ("Errors", "Sum"),
    ("Duration", "Sum"),
    ("Duration", "SampleCount"),
    ("Duration", "Maximum"),
)


@dataclass(frozen=True)
class Metric:
    """The runs of one function, job or kind of job: durations in seconds, cost in USD (None: no known price)."""

    what: str
    runs: int
    failed: int
    average: float | None
    longest: float | None
    cost: float | None


@dataclass(frozen=True)
class UnknownMetric:
    """A function, job or kind of job whose runs cannot be read, and the reason."""

    what: str
    reason: str


@dataclass(frozen=True)
class Metrics:
    """All runs since a time and their price in USD, without crawlers, standing costs and `unknown`.

    Runs before `bootstrapped`, the time of the first bootstrap of the lake, are not counted, because they belong to a
    lake of the same name that was deleted. It is None if the lake does not exist.
    """

    since: datetime
    runs: list[Metric]
    cost: float
    as_of: str
    unknown: list[UnknownMetric]
    bootstrapped: datetime | None


def metrics(aws: AwsContext, since: datetime, now: datetime) -> Metrics:
    """Read the runs of functions from CloudWatch, those of jobs from Glue and SageMaker."""
    bootstrapped = find_bootstrap_time(aws)
    since = max(since, bootstrapped or since)
    resources = catalogue(aws.config)
    functions = [resource for resource in resources if isinstance(resource, LambdaFunction)]
    jobs = [resource.name for resource in resources if isinstance(resource, GlueJob)]
    rows: list[Metric] = []
    unknown: list[UnknownMetric] = []

    def collect(names: Sequence[str], read: Callable[[], Iterable[Metric]]) -> None:
        try:
            rows.extend(read())
        except ClientError as error:
            if not is_denied(error):
                raise
            unknown.extend(UnknownMetric(name, f"AWS does not allow {error.operation_name}") for name in names)

    collect([function.name for function in functions], partial(_functions, aws, functions, since, now))
    for job in jobs:
        collect([job], partial(_job, aws, job, since))
    reported = {row.what for row in rows} | {metric.what for metric in unknown}
    unknown += [UnknownMetric(job, NO_JOB) for job in jobs if job not in reported]
    collect(["transform"], lambda: [_transforms(aws, since)])
    collect(["training"], lambda: [_trainings(aws, since)])
    return Metrics(since, rows, sum(row.cost or 0 for row in rows), costs.AS_OF, unknown, bootstrapped)


def find_bootstrap_time(aws: AwsContext) -> datetime | None:
    """Return when the lake was created, by the age of its role for SageMaker; None if that cannot be read.

    The date of a bucket is not suitable: AWS changes it with the policy of the bucket.
    """
    iam = aws.client("iam")
    try:
        answer = get_or_none(iam.get_role, "NoSuchEntity", RoleName=aws.config.sagemaker_role)
    except ClientError as error:
        if not is_denied(error):
            raise
        return None
    created: datetime | None = answer["Role"]["CreateDate"] if answer else None
    return created


def _functions(
    aws: AwsContext, functions: Sequence[LambdaFunction], since: datetime, now: datetime
) -> Iterator[Metric]:
    names = [(function.name, *statistic) for function in functions for statistic in LAMBDA_STATISTICS]
    ids = {f"q{number}": name for number, name in enumerate(names)}
    values: dict[tuple[str, str, str], list[float]] = {name: [] for name in names}
    pages = aws.client("cloudwatch").get_paginator("get_metric_data")
    period = _period(now - since)
    queries = [_metric_query(query_id, *name, period) for query_id, name in ids.items()]
    # The end is in the future so that it includes the current minute.
    for page in pages.paginate(MetricDataQueries=queries, StartTime=since, EndTime=now + timedelta(minutes=1)):
        for result in page["MetricDataResults"]:
            values[ids[result["Id"]]] += result.get("Values", [])
    for function in functions:
        runs, failed, milliseconds, count = (
            sum(values[function.name, name, statistic]) for name, statistic in LAMBDA_STATISTICS[:4]
        )
        seconds = milliseconds / 1000
        longest = values[function.name, "Duration", "Maximum"]
        yield Metric(
            function.name,
            int(runs),
            int(failed),
            seconds / count if count else None,
            max(longest) / 1000 if longest else None,
            costs.invocations_price(int(runs), seconds, function.memory),
        )


def _period(duration: timedelta) -> int:
    """Return the length in seconds of CloudWatch's intervals. A shorter one starts closer to the requested time.

    CloudWatch keeps values by the minute for 15 days, by 5 minutes for 63 days.
    """
    if duration <= timedelta(days=1):
        return 60
    return 300 if duration <= timedelta(days=15) else HOUR


def _metric_query(query_id: str, function: str, metric: str, statistic: str, period: int) -> dict[str, Any]:
    """Return a query of CloudWatch's GetMetricData for one statistic of a function."""
    dimensions = [{"Name": "FunctionName", "Value": function}]
    metric_name = {"Namespace": "AWS/Lambda", "MetricName": metric, "Dimensions": dimensions}
    return {"Id": query_id, "MetricStat": {"Metric": metric_name, "Period": period, "Stat": statistic}}


def _job(aws: AwsContext, name: str, since: datetime) -> Iterator[Metric]:
    """Yield the metric of a Glue job; nothing if the job does not exist."""
    glue = aws.client("glue")
    if get_or_none(glue.get_job, "EntityNotFoundException", JobName=name) is None:
        return
    runs: list[dict[str, Any]] = []
    for page in glue.get_paginator("get_job_runs").paginate(JobName=name):  # the newest come first
        recent = [run for run in page["JobRuns"] if "StartedOn" not in run or run["StartedOn"] >= since]
        runs += recent
        if len(recent) < len(page["JobRuns"]):
            break
    seconds = [float(run.get("ExecutionTime", 0)) for run in runs]
    failed = sum(run["JobRunState"] in ("FAILED", "TIMEOUT", "ERROR") for run in runs)
    workers = [int(run.get("NumberOfWorkers", 2)) for run in runs]
    yield _summary(name, seconds, failed, sum(map(costs.job_run_price, seconds, workers)))


def _transforms(aws: AwsContext, since: datetime) -> Metric:
    jobs = _sagemaker_jobs(aws, "list_transform_jobs", "TransformJobSummaries", since)
    seconds = [_seconds(job, "TransformEndTime") for job in jobs]
    failed = sum(job["TransformJobStatus"] == "Failed" for job in jobs)
    return _summary("transform", seconds, failed, costs.transforms_price(sum(seconds), aws.config.transform_instance))


def _trainings(aws: AwsContext, since: datetime) -> Metric:
    jobs = _sagemaker_jobs(aws, "list_auto_ml_jobs", "AutoMLJobSummaries", since)
    seconds = [_seconds(job, "EndTime") for job in jobs]
    failed = sum(job["AutoMLJobStatus"] == "Failed" for job in jobs)
    cost = sum(costs.autopilot_price(aws.config.max_candidates, int(duration))[0] for duration in seconds)
    return _summary("training", seconds, failed, cost)


def _sagemaker_jobs(aws: AwsContext, operation: str, member: str, since: datetime) -> list[dict[str, Any]]:
    """Return the summaries of the lake's own jobs, which are named after its models."""
    pages = aws.client("sagemaker").get_paginator(operation)
    own = pages.paginate(NameContains=f"{aws.config.model}-", CreationTimeAfter=since)
    return [job for page in own for job in page[member]]


def _seconds(job: dict[str, Any], end_member: str) -> float:
    """Return the duration of a SageMaker job; that of a running one ends now."""
    end = job.get(end_member) or datetime.now(UTC)
    return max(0.0, float((end - job["CreationTime"]).total_seconds()))


def _summary(what: str, seconds: Sequence[float], failed: int, cost: float | None) -> Metric:
    average = sum(seconds) / len(seconds) if seconds else None
    return Metric(what, len(seconds), failed, average, max(seconds, default=None), cost)


def format_metrics(result: Metrics, style: Callable[[str, str], str] = lambda text, colour: text) -> Iterator[str]:
    """Yield the lines of the metrics; `style` colours the numbers of failures."""
    yield f"{'':<22}{'runs':>6}{'failed':>8}{'average':>10}{'longest':>10}{'USD':>9}"
    for row in result.runs:
        durations = (row.average, row.longest)
        times = "".join(f"{'' if seconds is None else f'{seconds:.1f} s':>10}" for seconds in durations)
        failed = f"{row.failed or '':>8}"
        cost = "?" if row.cost is None else f"{row.cost:.4f}"
        yield f"{row.what:<22}{row.runs:>6}{style(failed, 'red') if row.failed else failed}{times}{cost:>9}"
    start = "bootstrap on " if result.since == result.bootstrapped else ""
    yield f"Since {start}{result.since:%Y-%m-%d %H:%M} UTC: about {result.cost:.2f} USD on AWS, without crawlers and"
    yield f"standing resources. Prices: {result.as_of}."
    for reason, group in groupby(result.unknown, lambda metric: metric.reason):
        yield f"Not included: {', '.join(metric.what for metric in group)}: {reason}."


@click.command("metrics")
@click.option(
    "--since",
    type=Since(past=True),
    default="7d",
    show_default=True,
    help="Start: a duration such as 2h, 3d or 1w, or a time (UTC).",
)
@click.pass_obj
def command(cli: CliContext, since: datetime) -> None:
    """Show the number, failures, duration and cost of runs of functions, Glue jobs, batch transforms and trainings.

    Runs before the latest bootstrap are not counted. Costs are estimates from a dated price table, without the free
    tier.
    """
    result = metrics(cli.connect(), since, datetime.now(UTC))
    cli.output.print_result(result, format_metrics(result, cli.output.style))
