"""Read runs on AWS since a time, and their cost: functions, Glue jobs, crawls, transforms and trainings.

The amounts are those that AWS reports for each run, with its minimums; footlake.deploy.prices has the prices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Literal

from botocore.exceptions import BotoCoreError, ClientError

from footlake.aws import AwsContext
from footlake.aws_errors import get_or_none, is_denied, is_unknown_operation
from footlake.deploy import costs
from footlake.deploy.catalogue import catalogue
from footlake.deploy.prices import (
    AS_OF,
    HOURS_PER_MONTH,
    PRICES,
    CostLine,
    cost_line,
    crawl_dpu_hours,
    format_range,
    job_dpu_hours,
)
from footlake.resources.glue import GlueCrawler, GlueJob
from footlake.resources.lambdas import LambdaFunction

HOUR = 3600
NO_JOB = "the job does not exist, and Glue deletes the runs of a job with it"
NO_CRAWLER = "the crawler does not exist, and Glue deletes its crawls with it"
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
    """The runs of one function, job, crawler or kind of job: durations in seconds, cost in USD (None: no known price).

    `kind` is what AWS runs: functions, Glue jobs, crawls, transforms or training. `cost` is the sum of `lines`.
    """

    what: str
    kind: str
    runs: int
    failed: int
    average: float | None
    longest: float | None
    cost: float | None
    lines: list[CostLine]


@dataclass(frozen=True)
class UnknownMetric:
    """A function, job or kind of job whose runs cannot be read, and the reason."""

    what: str
    reason: str


@dataclass(frozen=True)
class Metrics:
    """All runs since a time and their price in USD, without standing costs and `unknown`.

    Runs before `bootstrapped`, the time of the first bootstrap of the lake, are not counted, because they belong to a
    lake of the same name that was deleted. It is None if the lake does not exist.
    """

    since: datetime
    runs: list[Metric]
    cost: float
    as_of: str
    unknown: list[UnknownMetric]
    bootstrapped: datetime | None


@dataclass(frozen=True)
class RunCost:
    """What a run has cost, in USD. AWS reports the amounts, so `low` and `high` are equal. `parts` is by kind."""

    low: float
    high: float
    as_of: str
    parts: dict[str, float]
    lines: list[CostLine]


@dataclass(frozen=True)
class MonthCost:
    """The cost of the lake since the beginning of the month or of the lake, in USD, by its own records.

    `standing` is the share of the resources, `runs` that of what ran. Without `unknown`, which could not be read.
    """

    since: datetime
    cost: float
    standing: float
    runs: float
    as_of: str
    unknown: list[UnknownMetric]
    source: Literal["records"] = "records"


def metrics(aws: AwsContext, since: datetime, now: datetime, training: bool = True) -> Metrics:
    """Read the runs of functions from CloudWatch, those of jobs and crawlers from Glue and SageMaker."""
    bootstrapped = find_bootstrap_time(aws)
    since = max(since, bootstrapped or since)
    resources = catalogue(aws.config)
    functions = [resource for resource in resources if isinstance(resource, LambdaFunction)]
    jobs = [resource.name for resource in resources if isinstance(resource, GlueJob)]
    crawlers = [resource.name for resource in resources if isinstance(resource, GlueCrawler)]
    rows: list[Metric] = []
    unknown: list[UnknownMetric] = []

    def collect(names: Sequence[str], read: Callable[[], Iterable[Metric]], absent: str = "") -> None:
        """Add what `read` returns. If it leaves out a name, the reason is `absent`."""
        try:
            found = list(read())
        except ClientError as error:
            if not (is_denied(error) or is_unknown_operation(error)):
                raise
            reason = f"AWS does not {'allow' if is_denied(error) else 'know'} {error.operation_name}"
            unknown.extend(UnknownMetric(name, reason) for name in names)
            return
        rows.extend(found)
        if absent:
            missing = set(names) - {row.what for row in found}
            unknown.extend(UnknownMetric(name, absent) for name in names if name in missing)

    collect([function.name for function in functions], partial(_functions, aws, functions, since, now))
    for job in jobs:
        collect([job], partial(_job, aws, job, since), NO_JOB)
    for crawler in crawlers:
        collect([crawler], partial(_crawls, aws, crawler, since), NO_CRAWLER)
    collect(["transform"], lambda: [_transforms(aws, since)])
    if training:
        collect(["training"], lambda: [_trainings(aws, since)])
    return Metrics(since, rows, sum(row.cost or 0 for row in rows), AS_OF, unknown, bootstrapped)


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
    created: datetime | None = answer["Role"].get("CreateDate") if answer else None
    return created


def cost_of_run(aws: AwsContext, started: datetime, training: bool = False) -> RunCost | None:
    """Return what has run since `started` and what it costs, or None if that cannot be read.

    A run that AWS has not finished yet counts until now.
    """
    try:
        result = metrics(aws, started, datetime.now(UTC), training)
    except (ClientError, BotoCoreError):  # the run has succeeded even if its cost cannot be read
        return None
    if result.unknown or any(row.cost is None for row in result.runs):
        return None
    lines = [line for row in result.runs for line in row.lines if line.quantity]
    parts: dict[str, float] = {}
    for row in result.runs:
        if row.runs:
            parts[row.kind] = parts.get(row.kind, 0.0) + (row.cost or 0.0)
    return RunCost(result.cost, result.cost, result.as_of, parts, lines)


def format_cost(cost: RunCost | None) -> str:
    """Return what a run has cost, by kind of work, or that it is not known."""
    if cost is None:
        return "unknown: AWS does not let footlake read everything that ran"
    parts = ", ".join(f"{amount:.2f} {kind}" for kind, amount in cost.parts.items())
    return f"about {format_range(cost.low, cost.high)} USD on AWS{parts and f': {parts}'} ({cost.as_of})"


def month_to_date(aws: AwsContext, now: datetime) -> MonthCost | None:
    """Return what the lake has cost since the beginning of the month, or None if there is no lake."""
    month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    result = metrics(aws, month, now)
    if result.bootstrapped is None:
        return None
    hours = max(0.0, (now - result.since).total_seconds() / HOUR)
    standing = costs.monthly_price(aws.config) * hours / HOURS_PER_MONTH
    return MonthCost(result.since, standing + result.cost, standing, result.cost, result.as_of, result.unknown)


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
        lines = [
            cost_line(f"{function.name}: requests", int(runs), "lambda-request"),
            cost_line(f"{function.name}: duration", seconds * function.memory / 1024, "lambda-memory"),
        ]
        yield Metric(
            function.name,
            "functions",
            int(runs),
            int(failed),
            seconds / count if count else None,
            max(longest) / 1000 if longest else None,
            sum(line.cost for line in lines),
            lines,
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
    yield _summary(name, "Glue jobs", seconds, failed, [(sum(map(job_dpu_hours, seconds, workers)), "glue-dpu")])


def _crawls(aws: AwsContext, name: str, since: datetime) -> Iterator[Metric]:
    """Yield the metric of a crawler; nothing if the crawler does not exist."""
    glue, crawls = aws.client("glue"), list[dict[str, Any]]()
    request = {"CrawlerName": name, "MaxResults": 1000}
    while page := get_or_none(glue.list_crawls, "EntityNotFoundException", **request):
        crawls += [crawl for crawl in page.get("Crawls", ()) if crawl.get("StartTime", since) >= since]
        if not page.get("NextToken"):
            break
        request["NextToken"] = page["NextToken"]
    else:
        return
    seconds = [_seconds(crawl, "StartTime", "EndTime") for crawl in crawls]
    hours = sum(crawl_dpu_hours(time, crawl.get("DPUHour", 0)) for time, crawl in zip(seconds, crawls, strict=True))
    failed = sum(crawl.get("State") == "FAILED" for crawl in crawls)
    yield _summary(name, "crawls", seconds, failed, [(hours, "glue-dpu")])


def _transforms(aws: AwsContext, since: datetime) -> Metric:
    """Return the metric of batch transforms. AWS bills from the start of the instance, not from the creation."""
    sagemaker = aws.client("sagemaker")
    jobs = _sagemaker_jobs(aws, "list_transform_jobs", "TransformJobSummaries", since)
    described = [sagemaker.describe_transform_job(TransformJobName=job["TransformJobName"]) for job in jobs]
    failed = sum(job["TransformJobStatus"] == "Failed" for job in jobs)
    seconds = [_seconds(job, "CreationTime", "TransformEndTime") for job in jobs]
    used = (
        (_instance_hours(job, "TransformStartTime", "TransformEndTime"), job["TransformResources"]) for job in described
    )
    return _summary("transform", "transforms", seconds, failed, _instance_quantities(used))


def _trainings(aws: AwsContext, since: datetime) -> Metric:
    """Return the metric of Autopilot jobs, billed by the processing and training jobs that they started."""
    jobs = _sagemaker_jobs(aws, "list_auto_ml_jobs", "AutoMLJobSummaries", since)
    seconds = [_seconds(job, "CreationTime", "EndTime") for job in jobs]
    failed = sum(job["AutoMLJobStatus"] == "Failed" for job in jobs)
    quantities = _instance_quantities(_parts_of_trainings(aws, since)) if jobs else []
    return _summary("training", "training", seconds, failed, quantities)


def _parts_of_trainings(aws: AwsContext, since: datetime) -> Iterator[tuple[float, Mapping[str, Any]]]:
    """Yield the hours and the instances of each job that Autopilot started. They are named after its job."""
    sagemaker = aws.client("sagemaker")
    for summary in _sagemaker_jobs(aws, "list_processing_jobs", "ProcessingJobSummaries", since):
        job = sagemaker.describe_processing_job(ProcessingJobName=summary["ProcessingJobName"])
        hours = _instance_hours(job, "ProcessingStartTime", "ProcessingEndTime")
        yield hours, job["ProcessingResources"]["ClusterConfig"]
    for summary in _sagemaker_jobs(aws, "list_training_jobs", "TrainingJobSummaries", since):
        job = sagemaker.describe_training_job(TrainingJobName=summary["TrainingJobName"])
        billable = job.get("BillableTimeInSeconds")
        started = _instance_hours(job, "TrainingStartTime", "TrainingEndTime")
        yield started if billable is None else billable / HOUR, job["ResourceConfig"]


def _instance_hours(job: Mapping[str, Any], start_member: str, end_member: str) -> float:
    """Return for how many hours a job has used its instances; none before they have started."""
    return _seconds(job, start_member, end_member) / HOUR if job.get(start_member) else 0.0


def _instance_quantities(used: Iterable[tuple[float, Mapping[str, Any]]]) -> list[tuple[float, str]]:
    """Return the hours by instance type. `used` are the hours of jobs with their InstanceType and InstanceCount."""
    hours: dict[str, float] = {}
    for time, instances in used:
        kind = instances["InstanceType"]
        hours[kind] = hours.get(kind, 0.0) + time * instances.get("InstanceCount", 1)
    return [(quantity, kind) for kind, quantity in hours.items()]


def _sagemaker_jobs(aws: AwsContext, operation: str, member: str, since: datetime) -> list[dict[str, Any]]:
    """Return the summaries of the lake's own jobs, which are named after its models."""
    pages = aws.client("sagemaker").get_paginator(operation)
    own = pages.paginate(NameContains=f"{aws.config.model}-", CreationTimeAfter=since)
    return [job for page in own for job in page[member]]


def _seconds(run: Mapping[str, Any], start_member: str, end_member: str) -> float:
    """Return the duration of a run; that of one in progress ends now."""
    end = run.get(end_member) or datetime.now(UTC)
    return max(0.0, float((end - run.get(start_member, end)).total_seconds()))


def _summary(
    what: str, kind: str, seconds: Sequence[float], failed: int, quantities: Sequence[tuple[float, str]]
) -> Metric:
    """Return the metric of runs that AWS bills by these quantities, each with the name of its price.

    Without a quantity, the cost of a run is not known.
    """
    average = sum(seconds) / len(seconds) if seconds else None
    priced = all(price in PRICES for quantity, price in quantities if quantity) and (bool(quantities) or not seconds)
    lines = [cost_line(what, quantity, price) for quantity, price in quantities if price in PRICES]
    cost = sum(line.cost for line in lines) if priced else None
    return Metric(what, kind, len(seconds), failed, average, max(seconds, default=None), cost, lines)
